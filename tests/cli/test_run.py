"""``run``, and what ``evaluate`` and ``explain`` say of what it wrote."""

from __future__ import annotations

import json
from pathlib import Path

from jsonschema import validate

from mcmscope.schedule import Scheme
from mcmscope.schemas import schema

from .calls import RUN, ok, result_of


def test_run_prints_a_row_per_scheme_and_plain_sentences() -> None:
    out = ok(*RUN).stdout
    for scheme in Scheme:
        assert any(line.startswith(scheme.value) for line in out.splitlines())
    for fact in (
        "alexnet (8 layers",
        "on simba-16 (4 x 4 chiplets), batch 4",
        "samples/s",
        "Best throughput: ",
    ):
        assert fact in out
    assert "What binds " in out
    assert "No schedule beats " in out
    assert "profile simba-16nm" in out


def test_an_infeasible_scheme_is_no_error_and_says_why() -> None:
    result = ok("run", "resnet18", "-p", "simba-16", "--batch", "2", "--scheme", "full-pipeline")
    assert "full-pipeline does not fit: " in result.stdout
    assert "No scheme fits." in result.stdout
    assert result.stderr == ""


def test_json_is_all_there_is_on_standard_output() -> None:
    data = json.loads(ok(*RUN, "--json").stdout)
    validate(data, schema("result"))
    assert [row["scheme"] for row in data["schemes"]] == list(Scheme)


def test_out_writes_the_result_and_schedules(directory: Path) -> None:
    data = result_of(directory)
    validate(data, schema("result"))
    feasible = [row["scheme"] for row in data["schemes"] if row["feasible"]]
    names = ["result.json", "report.html", *(f"schedule-{scheme}.json" for scheme in feasible)]
    assert sorted(path.name for path in directory.iterdir()) == sorted(names)
    for scheme in feasible:
        saved = json.loads((directory / f"schedule-{scheme}.json").read_text())
        validate(saved, schema("schedule"))
        validate(saved["network"], schema("network"))


def test_evaluate_prints_exactly_the_figures_of_the_run(directory: Path) -> None:
    for row in result_of(directory)["schemes"]:
        if not row["feasible"]:
            continue
        data = json.loads(ok("evaluate", str(directory / f"schedule-{row['scheme']}.json"), "--json").stdout)
        validate(data, schema("evaluation"))
        same = set(row) - {"search", "certificate", "search_s", "speedup_over_segmented"}
        assert {key: data[key] for key in same} == {key: row[key] for key in same}


def test_evaluate_prints_figures_with_units(directory: Path) -> None:
    out = ok("evaluate", str(directory / "schedule-sequential.json")).stdout
    for fact in (
        "as sequential",
        "throughput",
        "samples/s at batch 4",
        "latency of one sample",
        "mJ, profile",
    ):
        assert fact in out


def test_explain_says_what_binds_every_segment(directory: Path) -> None:
    row = next(row for row in result_of(directory)["schemes"] if row["scheme"] == "sequential")
    out = ok("explain", str(directory / "schedule-sequential.json")).stdout
    for number in range(1, len(row["schedule"]["segments"]) + 1):
        assert f"Segment {number}: " in out
    for fact in ("the beat is set by", "waits", "spills", "classifier.fc3", "is bound by"):
        assert fact in out


def test_two_runs_write_the_same_bytes_but_for_timings(directory: Path, tmp_path: Path) -> None:
    ok(*RUN, "--out", str(tmp_path))
    first, second = result_of(directory), result_of(tmp_path)
    for data in (first, second):
        for row in data["schemes"]:
            row["search_s"] = 0
    assert json.dumps(first) == json.dumps(second)
    for path in directory.glob("schedule-*.json"):
        assert path.read_bytes() == (tmp_path / path.name).read_bytes()


def test_options_reach_the_search(tmp_path: Path) -> None:
    ok(
        *("run", "alexnet", "--package", "mesh-4x4", "--batch", "4", "--scheme", "sequential"),
        *("--objective", "energy", "--micro-batch", "2", "--search", "linear", "--weight-bits", "4"),
        *("--activation-bits", "16", "--out", str(tmp_path)),
    )
    saved = json.loads((tmp_path / "schedule-sequential.json").read_text())
    assert saved["objective"] == "energy"
    assert saved["precision"] == {"weight_bits": 4, "activation_bits": 16, "partial_sum_bits": 24}
    assert {segment["micro_batch"] for segment in saved["schedule"]["segments"]} == {2}


def test_schedules_of_another_run_go(tmp_path: Path) -> None:
    other = tmp_path / "schedule-data-parallel.json"
    mine = tmp_path / "schedule-mine.json"
    for path in (other, mine):
        path.write_text("{}")
    ok(*RUN, "--scheme", "sequential", "--out", str(tmp_path))
    assert not other.exists()
    assert mine.exists()
