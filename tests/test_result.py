from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from jsonschema import validate

from mcmscope import InputError, Network, Package, evaluate, load_network, load_package, load_schedule
from mcmscope.report.result_json import FIGURES, result_to_dict
from mcmscope.result import Certificate, Result, SchemeResult
from mcmscope.schedule import Cluster, Objective, Partition, Schedule, Scheme, Segment
from mcmscope.schemas import schema

BATCH = 8


def layer_by_layer(network: Network, chiplets: int, micro_batch: int) -> Schedule:
    return Schedule(
        tuple(
            Segment(
                (l, l + 1),
                micro_batch,
                (Cluster((l, l + 1), tuple(range(chiplets)), (1, 1, 1), (Partition.ISP,)),),
            )
            for l in range(len(network))
        )
    )


def row(scheme: Scheme, network: Network, package: Package, plan: Schedule | None) -> SchemeResult:
    return SchemeResult(
        scheme=scheme,
        search="linear",
        certificate=Certificate("heuristic", 0.25, 10**40, 12, "sequential")
        if plan
        else Certificate("infeasible", None, 10**40, 12),
        feasible=plan is not None,
        reason=None if plan else "8 layers do not fit on 4 chiplets",
        search_s=0.5,
        energy_profile=package.energy.name,
        schedule=plan,
        evaluation=evaluate(plan, network, package, BATCH) if plan else None,
        speedup_over_segmented=1.0 if plan else None,
    )


@pytest.fixture(scope="module")
def result() -> Result:
    network, package = load_network("alexnet"), load_package("mesh-4x4")
    return Result(
        network,
        package,
        BATCH,
        Objective.THROUGHPUT,
        (
            row(Scheme.SEQUENTIAL, network, package, layer_by_layer(network, 4, 1)),
            row(Scheme.FULL_PIPELINE, network, package, None),
            row(Scheme.SEGMENTED_PIPELINE, network, package, layer_by_layer(network, 16, 4)),
        ),
    )


def test_the_json_follows_its_schema(result: Result) -> None:
    validate(json.loads(json.dumps(result_to_dict(result))), schema("result"))


def test_attributes_bear_the_names_of_the_keys(result: Result) -> None:
    for entry, found in zip(result_to_dict(result)["schemes"], result.schemes, strict=True):
        for key, value in entry.items():
            if key not in ("certificate", "schedule"):
                assert getattr(found, key) == value, key
        assert int(entry["certificate"]["space_size"]) == found.certificate.space_size == 10**40


def test_figures_are_the_evaluations(result: Result) -> None:
    found = result.schemes[0]
    assert found.evaluation is not None
    for key in FIGURES:
        assert getattr(found, key) == getattr(found.evaluation, key)
    parts = found.energy_breakdown_j
    assert parts is not None
    assert sum(parts.values()) == pytest.approx(found.energy_j_per_sample)


def test_figures_of_an_infeasible_scheme_are_none(result: Result) -> None:
    found = result.scheme("full-pipeline")
    assert not found.feasible
    assert found.reason
    assert all(getattr(found, key) is None for key in (*FIGURES, "schedule", "speedup_over_segmented"))


def test_a_scheme_is_found_by_name(result: Result) -> None:
    assert result.scheme("sequential") is result.scheme(Scheme.SEQUENTIAL) is result.schemes[0]
    with pytest.raises(KeyError, match="the run searched sequential, full-pipeline, segmented-pipeline"):
        result.scheme("merged-pipeline")


def test_the_best_is_best_by_the_objective(result: Result) -> None:
    figures: dict[Objective, Callable[[SchemeResult], float]] = {
        Objective.THROUGHPUT: lambda r: -(r.throughput_per_s or 0.0),
        Objective.LATENCY: lambda r: r.latency_s or 0.0,
        Objective.ENERGY: lambda r: r.energy_j_per_sample or 0.0,
        Objective.EDP: lambda r: (r.energy_j_per_sample or 0.0) * (r.batch_latency_s or 0.0),
    }
    feasible = [entry for entry in result.schemes if entry.feasible]
    for objective, figure in figures.items():
        assert replace(result, objective=objective).best is min(feasible, key=figure)
    assert replace(result, schemes=result.schemes[1:2]).best is None


def test_save_writes_the_result_and_a_schedule_per_feasible_scheme(result: Result, tmp_path: Path) -> None:
    directory = tmp_path / "a" / "b"
    written = result.save(directory)
    names = ["report.html", "result.json", "schedule-segmented-pipeline.json", "schedule-sequential.json"]
    assert sorted(path.name for path in written) == names
    assert sorted(path.name for path in directory.iterdir()) == names
    assert json.loads((directory / "result.json").read_text()) == json.loads(
        json.dumps(result_to_dict(result))
    )
    for found in (result.schemes[0], result.schemes[2]):
        saved = load_schedule(directory / f"schedule-{found.scheme.value}.json")
        assert evaluate(saved) == found.evaluation
        assert (saved.schedule, saved.scheme, saved.batch) == (found.schedule, found.scheme, BATCH)


def test_files_have_the_usual_permissions(result: Result, tmp_path: Path) -> None:
    mask = os.umask(0o022)
    try:
        result.save(tmp_path)
    finally:
        os.umask(mask)
    assert (tmp_path / "result.json").stat().st_mode & 0o777 == 0o644


def test_save_replaces_what_is_there_and_removes_schedules_of_another_run(
    result: Result, tmp_path: Path
) -> None:
    (tmp_path / "result.json").write_text("old")
    (tmp_path / "schedule-full-pipeline.json").write_text("old")
    (tmp_path / "schedule-merged-pipeline.json").write_text("of another run")
    (tmp_path / "notes.txt").write_text("mine")
    result.save(tmp_path)
    assert (tmp_path / "result.json").read_text().startswith("{")
    assert not (tmp_path / "schedule-full-pipeline.json").exists()
    assert not (tmp_path / "schedule-merged-pipeline.json").exists()
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_file_in_the_way_is_an_input_error(result: Result, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="is a file, expected a directory"):
        result.save(tmp_path / "file")
    with pytest.raises(InputError, match="is a file"):
        result.save(tmp_path / "file" / "inside")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_json_has_no_paths_and_no_dates(result: Result, tmp_path: Path) -> None:
    result.save(tmp_path)
    text = (tmp_path / "result.json").read_text()
    assert str(tmp_path) not in text
    assert str(Path.cwd()) not in text
