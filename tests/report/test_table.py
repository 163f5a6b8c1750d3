from __future__ import annotations

from dataclasses import replace

import pytest
from rich.console import Console

from mcmscope import Result, evaluate
from mcmscope.report.sentences import sentences
from mcmscope.report.table import energy_line, scheme_table
from mcmscope.result import Certificate, SchemeResult
from mcmscope.schedule import Objective, Scheme
from mcmscope.schedule_file import SavedSchedule


@pytest.fixture(scope="module")
def result(saved: SavedSchedule) -> Result:
    priced = evaluate(saved)
    best = SchemeResult(
        scheme=Scheme.MERGED_PIPELINE,
        search="linear",
        certificate=Certificate("heuristic", 0.5, 10**20, 7),
        feasible=True,
        reason=None,
        search_s=1.5,
        energy_profile=saved.package.energy.name,
        schedule=saved.schedule,
        evaluation=priced,
        speedup_over_segmented=1.5,
    )
    slower = replace(
        priced,
        throughput_per_s=priced.throughput_per_s / 1.5,
        flow_line_throughput_per_s=priced.flow_line_throughput_per_s / 1.6,
        batch_ps=priced.batch_ps * 3 // 2,
        energy_fj=priced.energy_fj * 2,
    )
    base = replace(
        best, scheme=Scheme.SEGMENTED_PIPELINE, evaluation=slower, speedup_over_segmented=1.0, search_s=0.25
    )
    none = replace(
        best,
        scheme=Scheme.FULL_PIPELINE,
        feasible=False,
        reason="its weights do not fit",
        schedule=None,
        evaluation=None,
        speedup_over_segmented=None,
    )
    return Result(saved.network, saved.package, saved.batch, Objective.THROUGHPUT, (none, base, best))


def table_text(result: Result, width: int = 120) -> str:
    console = Console(width=width, markup=False, highlight=False)
    with console.capture() as capture:
        console.print(scheme_table(result, width))
    return capture.get()


def test_the_table_has_a_row_per_scheme_and_fits_a_terminal(result: Result) -> None:
    text = table_text(result)
    rows = {line.split()[0]: line.split()[1:] for line in text.splitlines() if "pipeline" in line}
    assert rows["full-pipeline"][:7] == ["-"] * 7
    assert "1.50x" in rows["merged-pipeline"]
    assert "1.00x" in rows["segmented-pipeline"]
    assert rows["segmented-pipeline"][-2:] == ["250", "ms"]
    assert max(len(line) for line in text.splitlines()) <= 90
    narrow = table_text(result, 80)
    assert "…" not in narrow
    assert narrow.replace("─", "").split() == text.replace("─", "").split()
    assert max(len(line) for line in narrow.splitlines()) <= 80


def test_the_speed_up_is_of_throughput_and_other_objectives_go_without(result: Result) -> None:
    text = table_text(replace(result, objective=Objective.ENERGY))
    assert "1.50x" in table_text(result)
    assert "1.50x" not in text
    assert "speed-" not in text
    assert "search" in text


def test_the_headline_is_the_smaller_ratio(result: Result) -> None:
    text = sentences(result)[0]
    assert text == (
        "Best throughput: merged-pipeline, 1.50x the throughput of segmented-pipeline "
        "(the smaller of 1.50x in step and 1.60x as a flow line)."
    )


def test_the_merged_pipeline_is_compared_even_when_it_is_not_best(result: Result) -> None:
    none, base, best = result.schemes
    outsider = replace(best, scheme=Scheme.DATA_PARALLEL)
    merged = replace(base, scheme=Scheme.MERGED_PIPELINE)
    lines = sentences(replace(result, schemes=(none, base, merged, outsider)))
    assert lines[0].startswith("Best throughput: data-parallel, 1.50x the throughput of segmented-pipeline")
    assert lines[1].startswith("merged-pipeline: 1.00x the throughput of segmented-pipeline")


def test_what_is_proven_is_told(result: Result) -> None:
    none, base, best = result.schemes
    proven = replace(base, certificate=Certificate("optimal", 0.0, 9, 1))
    bounded = replace(best, certificate=Certificate("bounded", 0.02, 9, 1))
    lines = sentences(replace(result, schemes=(none, proven, bounded)))
    assert "Proven the best of their schemes, among the micro-batches tried: segmented-pipeline." in lines
    told = "merged-pipeline is at most 2.0% from the best of its scheme, among the micro-batches tried."
    assert told in lines


def test_where_nothing_is_proven_that_is_told(result: Result) -> None:
    assert not [line for line in sentences(result) if "roven" in line]
    assert "Nothing is proven for this objective." in sentences(replace(result, objective=Objective.EDP))
    fetching = replace(result, package=replace(result.package, prefetch=True))
    assert "Nothing is proven with prefetch." in sentences(fetching)


def test_latency_speaks_of_one_batch(result: Result) -> None:
    best = result.schemes[-1]
    assert best.schedule is not None
    segments = tuple(replace(segment, micro_batch=1) for segment in best.schedule.segments)
    alone = replace(best, schedule=replace(best.schedule, segments=segments))
    lines = sentences(replace(result, objective=Objective.LATENCY, schemes=(alone,)))
    (binds,) = [line for line in lines if line.startswith("What binds ")]
    (bound,) = [line for line in lines if line.startswith("No schedule beats ")]
    assert "at batch 1," in binds
    assert "at batch 1 " in bound


def test_other_objectives_are_compared_by_themselves(result: Result) -> None:
    assert sentences(replace(result, objective=Objective.ENERGY))[0] == (
        "Best energy: merged-pipeline, 0.50x the energy of segmented-pipeline."
    )
    assert "energy-delay product" in sentences(replace(result, objective=Objective.EDP))[0]
    assert sentences(replace(result, objective=Objective.LATENCY))[0].startswith("Best latency: ")


def test_what_does_not_fit_says_why(result: Result) -> None:
    assert sentences(result)[-1] == "full-pipeline does not fit: its weights do not fit."
    alone = replace(result, schemes=result.schemes[:1])
    assert sentences(alone) == ["No scheme fits.", "full-pipeline does not fit: its weights do not fit."]
    assert energy_line(alone.best) == []


def test_the_energy_profile_is_named(result: Result) -> None:
    (line,) = energy_line(result.best)
    assert line.startswith("Energy (profile simba-16nm): ")
