"""Bad input: every fault at once, no traceback, nothing written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .calls import RUN, refused, result_of

BAD_RUNS = [
    (("run", "alexne", "-p", "simba-16"), "unknown network 'alexne' (did you mean 'alexnet'?)"),
    (("run", "alexnet", "-p", "simba"), "unknown package 'simba' (did you mean 'simba-"),
    (("run", "none.onnx", "-p", "simba-16"), "none.onnx"),
    (("run", "none.json", "-p", "simba-16"), "none.json: no such file"),
    (("run", "alexnet", "-p", "none.yaml"), "none.yaml: no such file"),
    ((*RUN, "--batch", "0"), "batch: expected a whole number from 1 to 65536, got '0'"),
    ((*RUN, "--batch", "-1"), "batch: expected a whole number"),
    ((*RUN, "--batch", "many"), "batch: expected a whole number from 1 to 65536, got 'many'"),
    ((*RUN, "--batch", "4.5"), "batch: expected a whole number"),
    ((*RUN, "--micro-batch", "-2"), "micro-batch: expected a whole number"),
    ((*RUN, "--micro-batch", "5"), "micro-batch: 5 is more than the batch of 4"),
    ((*RUN, "--objective", "throughputs"), "unknown objective 'throughputs' (did you mean 'throughput'?)"),
    ((*RUN, "--scheme", "merged"), "unknown scheme 'merged' (did you mean 'merged-pipeline'?)"),
    ((*RUN, "--scheme", "sequential,,"), "unknown scheme ''"),
    ((*RUN, "--search", "exakt"), "unknown search 'exakt'"),
    ((*RUN, "--weight-bits", "0"), "--weight-bits: expected a whole number from 1 to 32, got '0'"),
    ((*RUN, "--activation-bits", "x"), "--activation-bits: expected a whole number from 1 to 32, got 'x'"),
    ((*RUN, "--out", ""), "--out: expected a directory, got ''"),
    (("evaluate", "none.json"), "none.json: no such file"),
    (("explain", "none.json"), "none.json: no such file"),
    (("show", "resnet5"), "unknown name 'resnet5' (did you mean 'resnet50'?)"),
    (("show", "alexnet", "--yaml"), "alexnet is a network; --yaml prints a package file"),
    (("show", "none.yaml"), "none.yaml: no such file"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD_RUNS, ids=[message for _, message in BAD_RUNS])
def test_bad_input_is_told_without_a_traceback(arguments: tuple[str, ...], message: str) -> None:
    assert any(message in line for line in refused(*arguments))


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    faults = refused(
        *("run", "alexne", "-p", "simb", "--batch", "x", "--objective", "y", "--scheme", "a,b"),
        *("--out", str(tmp_path / "file"), "--weight-bits", "99"),
    )
    assert len(faults) == 8


@pytest.mark.parametrize("below", ["", "/inside"])
def test_an_out_that_is_a_file_is_refused_before_the_search(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_text("mine")
    assert "is a file" in refused(*RUN, "--out", f"{tmp_path / 'file'}{below}")[0]
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc")
def test_an_out_that_cannot_be_made_is_told_before_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mcmscope.api.run_options", None)
    assert refused(*RUN, "--out", "/proc/foo")[0].startswith("/proc/foo: cannot be ")


def test_a_bad_schedule_file_tells_every_place(directory: Path, tmp_path: Path) -> None:
    saved = json.loads((directory / "schedule-sequential.json").read_text())
    saved["batch"] = "four"
    saved["schedule"]["segments"][2]["clusters"][0]["chiplets"] = [0, "\x1b[31m"]
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(saved))
    for command in ("evaluate", "explain"):
        faults = refused(command, str(path))
        assert any(": batch: " in fault for fault in faults)
        assert any("schedule.segments[2].clusters[0].chiplets[1]" in fault for fault in faults)


@pytest.mark.parametrize("command", ["evaluate", "explain", "simulate", "trace"])
def test_a_result_in_place_of_a_schedule_is_told_with_the_files_to_give(
    directory: Path, tmp_path: Path, command: str
) -> None:
    names = sorted(str(path) for path in directory.glob("schedule-*.json"))
    assert len(names) == len([row for row in result_of(directory)["schemes"] if row["feasible"]])
    given = directory / "result.json"
    extra = ("-o", str(tmp_path / "trace.json")) if command == "trace" else ()
    assert refused(command, str(given), *extra) == [
        f"{given}: is a result file, expected a schedule file: give {' or '.join(names)}"
    ]
    assert refused(command, str(directory), *extra) == [
        f"{directory}: is a directory, expected a schedule file: give {' or '.join(names)}"
    ]
    (tmp_path / "alone.json").write_text(given.read_text())
    (fault,) = refused(command, str(tmp_path / "alone.json"), *extra)
    assert fault.endswith("expected a schedule file: give a schedule-SCHEME.json of `mcmscope run --out`")


def test_thousands_of_faults_are_cut(directory: Path, tmp_path: Path) -> None:
    saved = json.loads((directory / "schedule-sequential.json").read_text())
    saved["schedule"]["segments"][0]["clusters"][0]["chiplets"] = ["x"] * 5000
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(saved))
    faults = refused("evaluate", str(path))
    assert len(faults) == 201
    assert faults[-1] == "... and 4800 more"
