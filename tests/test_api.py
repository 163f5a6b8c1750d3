from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import mcmscope
from mcmscope import InputError, Objective, Result, Scheme
from mcmscope.options import MAX_BATCH, read_options
from mcmscope.report.result_json import result_to_dict

BATCH = 4
HEAVY = {"numpy", "numba", "onnx", "pydantic", "rich", "typer", "yaml"}


@pytest.fixture(scope="module")
def result() -> Result:
    return mcmscope.run("alexnet", "simba-16", batch=BATCH)


def test_importing_loads_nothing_heavy() -> None:
    code = "import mcmscope, sys; print(*sorted(name.split('.')[0] for name in sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not HEAVY & set(loaded.split())


def test_help_loads_nothing_of_the_model() -> None:
    code = (
        "import sys\nfrom mcmscope.cli import app\n"
        "try: app(['run', '--help'])\nexcept SystemExit: pass\n"
        "print(*sorted(sys.modules), file=sys.stderr)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "NETWORK" in run.stdout
    assert not {"numpy", "numba", "onnx", "mcmscope.api", "mcmscope.hardware"} & set(run.stderr.split())


def test_every_public_name_is_there() -> None:
    for name in mcmscope.__all__:
        assert getattr(mcmscope, name) is not None
        assert name in dir(mcmscope)
    with pytest.raises(AttributeError, match="nothing"):
        mcmscope.nothing  # type: ignore[attr-defined]  # noqa: B018  # pyright: ignore


def test_a_run_has_a_row_for_every_scheme(result: Result) -> None:
    assert [row.scheme for row in result.schemes] == list(Scheme)
    for row in result.schemes:
        assert row.feasible == (row.schedule is not None) == (row.evaluation is not None)
        assert row.feasible == (row.reason is None)


def test_a_run_returns_what_evaluate_says_of_its_schedules(result: Result) -> None:
    for row in result.schemes:
        if row.schedule is not None:
            priced = mcmscope.evaluate(row.schedule, result.network, result.package, batch=BATCH)
            assert priced == row.evaluation
            assert priced == mcmscope.evaluate(row.schedule, "alexnet", "simba-16", BATCH)


def test_no_scheme_beats_the_bound_and_a_wider_space_is_never_worse(result: Result) -> None:
    rate = {row.scheme: row.throughput_per_s or 0.0 for row in result.schemes}
    for row in result.schemes:
        if row.bound_throughput_per_s is not None:
            assert rate[row.scheme] <= row.bound_throughput_per_s
    assert rate[Scheme.MERGED_PIPELINE] >= rate[Scheme.SEGMENTED_PIPELINE] >= rate[Scheme.SEQUENTIAL]
    assert rate[Scheme.MERGED_PIPELINE] >= rate[Scheme.SEQUENTIAL_FUSED] >= rate[Scheme.SEQUENTIAL]


def test_the_speedup_is_the_smaller_of_both_ratios(result: Result) -> None:
    base = result.scheme("segmented-pipeline").evaluation
    assert base is not None
    for row in result.schemes:
        if row.evaluation is None:
            assert row.speedup_over_segmented is None
            continue
        assert row.speedup_over_segmented == min(
            row.evaluation.throughput_per_s / base.throughput_per_s,
            row.evaluation.flow_line_throughput_per_s / base.flow_line_throughput_per_s,
        )
    assert result.scheme("segmented-pipeline").speedup_over_segmented == 1.0


def test_without_a_segmented_pipeline_there_is_no_speedup() -> None:
    alone = mcmscope.run("alexnet", "simba-16", BATCH, schemes=["sequential"])
    assert [row.speedup_over_segmented for row in alone.schemes] == [None]


def timeless(result: Result) -> str:
    data = result_to_dict(replace(result, schemes=tuple(replace(r, search_s=0.0) for r in result.schemes)))
    return json.dumps(data)


def test_the_same_input_gives_the_same_bytes(result: Result) -> None:
    network = mcmscope.load_network("alexnet", weight_bits=8, activation_bits=8)
    package = mcmscope.load_package("simba-16")
    again = mcmscope.run(network, package, batch=BATCH, schemes="all", search="linear")
    assert timeless(again) == timeless(result)


def test_the_order_and_repetition_of_schemes_do_not_matter(result: Result) -> None:
    some = mcmscope.run("alexnet", "simba-16", BATCH, schemes="segmented-pipeline, Sequential,sequential")
    assert [row.scheme for row in some.schemes] == [Scheme.SEQUENTIAL, Scheme.SEGMENTED_PIPELINE]
    for row in some.schemes:
        assert row.evaluation == result.scheme(row.scheme).evaluation


def test_a_saved_run_prices_to_the_same_figures(result: Result, tmp_path: Path) -> None:
    result.save(tmp_path)
    data = json.loads((tmp_path / "result.json").read_text())
    for entry in data["schemes"]:
        if not entry["feasible"]:
            continue
        saved = mcmscope.load_schedule(tmp_path / f"schedule-{entry['scheme']}.json")
        priced = mcmscope.evaluate(saved)
        assert priced == mcmscope.evaluate(saved, result.network, result.package, BATCH)
        for key in ("throughput_per_s", "latency_s", "energy_j_per_sample", "energy_breakdown_j"):
            assert entry[key] == getattr(priced, key)


def test_a_fixed_micro_batch_is_kept() -> None:
    result = mcmscope.run("alexnet", "simba-16", batch=4, schemes=["sequential"], micro_batch=2)
    schedule = result.schemes[0].schedule
    assert schedule is not None
    assert {segment.micro_batch for segment in schedule.segments} == {2}


@pytest.mark.parametrize("objective", list(Objective))
def test_every_objective_runs(objective: Objective) -> None:
    result = mcmscope.run("alexnet", "mesh-4x4", BATCH, objective, ["sequential", "merged-pipeline"])
    assert result.objective is objective
    assert result.best is not None


def test_progress_is_told_before_each_scheme() -> None:
    told: list[tuple[str, int, int]] = []
    mcmscope.run(
        "alexnet",
        "simba-16",
        BATCH,
        schemes="sequential,sequential-fused",
        progress=lambda scheme, index, total: told.append((scheme.value, index, total)),
    )
    assert told == [("sequential", 0, 2), ("sequential-fused", 1, 2)]


def test_faults_of_all_inputs_are_told_at_once() -> None:
    with pytest.raises(InputError) as caught:
        mcmscope.run("alexne", "simba-17", 0, "speed", "sequential,foo", "linar", -1)
    text = "\n".join(caught.value.faults)
    for part in (
        "unknown network 'alexne' (did you mean 'alexnet'?)",
        "unknown package 'simba-17' (did you mean 'simba-",
        "batch: expected a whole number from 1 to 65536, got '0'",
        "unknown objective 'speed'",
        "unknown scheme 'foo'",
        "unknown search 'linar' (did you mean 'linear'?)",
        "micro-batch: expected a whole number from 1 to 65536, got '-1'",
    ):
        assert part in text
    assert len(caught.value.faults) == 7


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch": 2.5}, "batch: expected a whole number from 1 to 65536, got '2.5'"),
        ({"batch": True}, "batch: expected a whole number"),
        ({"batch": None}, "batch: expected a whole number"),
        ({"batch": MAX_BATCH + 1}, "batch: expected a whole number"),
        ({"batch": "9" * 5000}, "batch: expected a whole number"),
        ({"batch": "1_0"}, "batch: expected a whole number"),
        ({"micro_batch": 8, "batch": 4}, "micro-batch: 8 is more than the batch of 4"),
        ({"micro_batch": "many"}, "micro-batch: expected a whole number"),
        ({"schemes": ""}, "unknown scheme ''"),
        ({"schemes": []}, "scheme: expected some of all, sequential"),
        ({"schemes": "merged"}, "unknown scheme 'merged' (did you mean 'merged-pipeline'?)"),
        ({"objective": "latncy"}, "(did you mean 'latency'?): expected one of throughput, latency"),
        ({"objective": ""}, "unknown objective ''"),
        ({"search": "x" * 500}, "unknown search 'xxx"),
    ],
)
def test_a_bad_option_is_told(arguments: dict[str, Any], message: str) -> None:
    options: dict[str, Any] = {
        "batch": 4,
        "objective": "throughput",
        "schemes": "all",
        "search": "linear",
        "micro_batch": None,
    }
    with pytest.raises(InputError) as caught:
        read_options(**(options | arguments))
    assert message in str(caught.value)
    assert len(str(caught.value)) < 400


def test_options_forgive_case_underscores_and_spaces() -> None:
    options = read_options(" 16 ", "Throughput", "Merged_Pipeline , all", "LINEAR", "auto")
    assert options.batch == 16
    assert options.schemes == tuple(Scheme)
    assert options.micro_batch is None


def test_evaluate_needs_to_know_what_for(result: Result) -> None:
    plan = result.schemes[0].schedule
    assert plan is not None
    with pytest.raises(TypeError, match="network"):
        mcmscope.evaluate(plan)
    with pytest.raises(InputError, match="segments: end at layer 8, the network has 21 layers"):
        mcmscope.evaluate(plan, "resnet18", "simba-16")
    with pytest.raises(InputError, match="batch: expected 1 or more"):
        mcmscope.evaluate(plan, "alexnet", "simba-16", 0)
