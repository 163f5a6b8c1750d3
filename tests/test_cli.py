from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import validate
from typer.testing import CliRunner, Result

from mcmscope import __version__, load_network, load_package
from mcmscope.cli.app import BAD_INPUT, INTERRUPTED, app
from mcmscope.cli.output import CLOSED_PIPE
from mcmscope.errors import InputError
from mcmscope.schedule import Scheme
from mcmscope.schemas import schema
from mcmscope.workload import Network
from mcmscope.workload.inspection import inspect
from tests.workload.onnx_graphs import node, tensor, weight
from tests.workload.onnx_graphs import save as save_onnx

DATA = Path(__file__).parent / "data"
RUN = ("run", "alexnet", "--package", "simba-16", "--batch", "4")


def cli(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def ok(*arguments: str) -> Result:
    result = cli(*arguments)
    assert result.exit_code == 0, result.output
    return result


def refused(*arguments: str) -> list[str]:
    """The faults that a command tells; it must print nothing else and no traceback."""
    result = cli(*arguments)
    assert result.exit_code == BAD_INPUT, result.output
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert lines
    assert all(line.startswith("error: ") for line in lines), lines
    return [line.removeprefix("error: ") for line in lines]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run's files."""
    place = tmp_path_factory.mktemp("out")
    ok(*RUN, "--out", str(place))
    return place


def result_of(place: Path) -> dict[str, Any]:
    return json.loads((place / "result.json").read_text())


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


def test_an_onnx_file_runs() -> None:
    path = str(DATA / "alexnet_ts17.onnx")
    assert "samples/s" in ok("run", path, "-p", "simba-16", "--batch", "2", "--scheme", "sequential").stdout


def network_file(tmp_path: Path, directory: Path, **changes: object) -> str:
    saved = json.loads((directory / "schedule-sequential.json").read_text())
    path = tmp_path / "net.json"
    path.write_text(json.dumps({**saved["network"], **changes}))
    return str(path)


def test_a_network_file_keeps_its_precision_and_warnings_are_seen(directory: Path, tmp_path: Path) -> None:
    path = network_file(tmp_path, directory, warnings=["op \x1b[31mFoo[/] taken for data movement"])
    result = ok("run", path, "-p", "simba-16", "--scheme", "sequential", "--weight-bits", "4", "--json")
    assert json.loads(result.stdout)["network"]["weight_bytes"] > 60_000_000
    assert "warning: op \\x1b[31mFoo[/] taken for data movement" in result.stderr
    assert "carries its own precision: weight_bits stays 8, not 4" in result.stderr


def test_names_from_files_are_data(directory: Path, tmp_path: Path) -> None:
    name = "[bold red]net[/] \x1b[2J\x07 \u202e"
    path = network_file(tmp_path, directory, name=name)
    out = ok(
        "run", path, "-p", "simba-16", "--batch", "2", "--scheme", "sequential", "-o", str(tmp_path / "o")
    )
    assert "[bold red]net[/] \\x1b[2J\\x07 \\u202e (8 layers" in out.stdout
    shown = ok("explain", str(tmp_path / "o" / "schedule-sequential.json")).stdout
    assert "[bold red]net[/] \\x1b[2J\\x07" in shown
    assert "\x1b[2J" not in shown
    assert json.loads((tmp_path / "o" / "result.json").read_text())["network"]["name"] == name


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


def test_the_present_directory_will_do(tmp_path: Path) -> None:
    run = process(*RUN, "--scheme", "sequential", "--out", ".", cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "report.html",
        "result.json",
        "schedule-sequential.json",
    ]


@pytest.mark.parametrize("below", ["", "/inside"])
def test_an_out_that_is_a_file_is_refused_before_the_search(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_text("mine")
    assert "is a file" in refused(*RUN, "--out", f"{tmp_path / 'file'}{below}")[0]
    assert (tmp_path / "file").read_text() == "mine"


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


def test_packages_and_networks_are_listed_and_shown() -> None:
    packages, networks = ok("packages").stdout, ok("networks").stdout
    assert "simba-36" in packages
    assert "Simba, 36 chiplets" in packages
    assert "resnet50" in networks
    assert "He et al." in networks
    assert "4 x 4 = 16 chiplets" in ok("show", "simba-16").stdout
    shown = ok("show", "ResNet-18").stdout
    assert "resnet18: 21 layers" in shown
    assert "layer4.1.conv2" in shown
    assert "alexnet" in ok("show", str(DATA / "alexnet_ts17.onnx")).stdout


def test_a_shown_package_file_loads_again(tmp_path: Path) -> None:
    text = ok("show", "simba-16", "--yaml").stdout
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    assert yaml.safe_load(text)["name"] == "simba-16"
    assert load_package(path) == load_package("simba-16")
    assert "simba-16" in ok("show", str(path)).stdout


def test_version_and_help() -> None:
    assert ok("--version").stdout == f"mcmscope {__version__}\n"
    for command in ("run", "evaluate", "explain", "packages", "networks", "show"):
        assert command in ok("--help").stdout
        assert "Usage" in ok(command, "--help").stdout
    assert cli().exit_code in (0, 2)


def test_an_interrupt_leaves_quietly(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mcmscope.api.run_options", interrupted)
    result = cli(*RUN, "--out", str(tmp_path / "out"))
    assert result.exit_code == INTERRUPTED
    assert "Traceback" not in result.output
    assert list(tmp_path.rglob("*.json")) == []


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("mcmscope.api.run_options", broken)
    assert isinstance(cli(*RUN).exception, ZeroDivisionError)


def process(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mcmscope", *arguments]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment}
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, cwd=cwd, env=env)


def test_the_process_itself(tmp_path: Path) -> None:
    run = process(*RUN, "--scheme", "sequential", "--out", "out", cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    assert "Wrote out/result.json, report.html and 1 schedule beside it." in run.stdout
    assert "…" not in run.stdout
    bad = process("run", "alexnet", "-p", "nope", cwd=tmp_path)
    assert bad.returncode == BAD_INPUT
    assert bad.stderr.startswith("error: unknown package 'nope'")
    assert "Traceback" not in bad.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize(
    "arguments", [("packages",), ("--version",), (*RUN, "--scheme", "sequential", "--json")]
)
def test_a_full_device_is_told(arguments: tuple[str, ...]) -> None:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "mcmscope", *arguments]
    with Path("/dev/full").open("wb") as full:
        run = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, env=env)
    assert run.returncode == BAD_INPUT
    assert run.stderr == "error: standard output cannot be written: No space left on device\n"


def test_a_reader_that_leaves_is_no_fault() -> None:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    reader, writer = os.pipe()
    os.close(reader)
    for arguments in (("packages",), (*RUN, "--scheme", "sequential")):
        command = [sys.executable, "-m", "mcmscope", *arguments]
        run = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False, env=env)
        assert run.returncode == CLOSED_PIPE
        assert run.stderr == ""
    os.close(writer)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc")
def test_an_out_that_cannot_be_made_is_told_before_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mcmscope.api.run_options", None)
    assert refused(*RUN, "--out", "/proc/foo")[0].startswith("/proc/foo: cannot be ")


def test_schedules_of_another_run_go(tmp_path: Path) -> None:
    other = tmp_path / "schedule-data-parallel.json"
    mine = tmp_path / "schedule-mine.json"
    for path in (other, mine):
        path.write_text("{}")
    ok(*RUN, "--scheme", "sequential", "--out", str(tmp_path))
    assert not other.exists()
    assert mine.exists()


def test_a_terminal_without_unicode_is_served(tmp_path: Path) -> None:
    (tmp_path / "Größe.yaml").write_text("extends: simba-16\nname: Größe\n", encoding="utf-8")
    run = process("show", "Größe.yaml", cwd=tmp_path, PYTHONIOENCODING="ascii")
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("Gr\\xf6\\xdfe")


def test_control_c_exits_with_130() -> None:
    code = (
        "import os, signal, time, mcmscope.api\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a parent may have it ignored
        "def wait(*_): print('searching', flush=True); time.sleep(60)\n"
        "mcmscope.api.run_options = wait\n"
        "from mcmscope.cli import main\nmain()\n"
    )
    command = [sys.executable, "-c", code, *RUN]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as started:
        assert started.stdout is not None
        assert started.stderr is not None
        assert started.stdout.readline() == "searching\n"
        time.sleep(0.1)
        started.send_signal(signal.SIGINT)
        assert started.wait(timeout=30) == INTERRUPTED
        assert "Traceback" not in started.stderr.read()


def test_inspect_tells_as_text_and_json_and_saves(tmp_path: Path) -> None:
    text = ok("inspect", "llama-7b", "--kv", "64").stdout
    assert "cache of keys and values: 16.8 MB a sample in 64 tensors" in text
    data = json.loads(ok("inspect", "llama-7b", "--kv", "64", "--json").stdout)
    validate(data, schema("inspection"))
    assert data["cache_bytes"] == 64 * 64 * 4096
    path = tmp_path / "mine.json"
    assert f"Wrote {path}." in ok("inspect", "gpt2", "--seq", "8", "--save", str(path)).stdout
    validate(json.loads(path.read_text()), schema("network"))
    again = json.loads(ok("inspect", str(path), "--json").stdout)
    assert (again["network"], again["operators"]) == ("gpt2@seq8", None)
    seq, save = refused("inspect", "gpt2", "--seq", "x", "--save", "mine.yaml")
    assert seq.startswith("--seq: expected a whole number")
    assert save.startswith("--save: expected a name that ends in .json")


def test_inspect_saves_no_unknown_operator_unasked(tmp_path: Path) -> None:
    nodes = [node("MatMul", ["x", "w"], ["a"]), node("Mystery", ["a"], ["y"], domain="some.where")]
    odd = str(
        save_onnx(tmp_path, nodes, [tensor("x", (1, 4, 8))], ["y"], [weight("w", 8, 8)], name="odd.onnx")
    )
    assert "1 some.where.Mystery" in ok("inspect", odd).stdout
    path = tmp_path / "odd.json"
    (fault,) = refused("inspect", odd, "--save", str(path))
    assert "Mystery" in fault
    assert fault.endswith("; --allow-unknown counts it as data movement")
    assert not path.exists()
    result = ok("inspect", odd, "--save", str(path), "--allow-unknown", "--weight-bits", "4")
    assert "warning: " in result.stderr
    saved = load_network(path)
    assert saved == load_network(odd, allow_unknown=True, weight_bits=4)
    again = ok("inspect", str(path), "--weight-bits", "8")
    assert "carries its own precision: weight_bits stays 4, not 8" in again.stderr


def test_inspect_takes_a_precision() -> None:
    narrow = json.loads(
        ok("inspect", "alexnet", "--weight-bits", "4", "--activation-bits", "16", "--json").stdout
    )
    wide = json.loads(ok("inspect", "alexnet", "--json").stdout)
    assert narrow["weight_bytes"] == wide["weight_bytes"] / 2
    assert narrow["activation_bytes"] == 2 * wide["activation_bytes"]
    bad = refused("inspect", "alexnet", "--weight-bits", "0", "--activation-bits", "99")
    assert [fault.split(":")[0] for fault in bad] == ["--weight-bits", "--activation-bits"]
    with pytest.raises(InputError, match="weight_bits"):
        inspect("alexnet", weight_bits=0)


def test_sizes_of_language_models_go_to_every_command(tmp_path: Path) -> None:
    small = ("gpt2", "--kv", "5", "--package", "simba-16", "--batch", "2", "--json")
    assert json.loads(ok("run", *small, "--scheme", "sequential").stdout)["network"]["name"] == "gpt2@kv5"
    quality = ok("quality", *small, "--samples", "20", "--search", "linear").stdout
    assert json.loads(quality)["network"]["name"] == "gpt2@kv5"
    assert "gpt2@seq9: 97 layers" in ok("show", "gpt2", "--seq", "9").stdout
    (both,) = refused("run", "gpt2", "--seq", "9", "--kv", "9", "--package", "simba-16")
    assert "give one of the two" in both
    out = str(tmp_path)
    ok("run", "gpt2@kv5", "--package", "simba-16", "--batch", "2", "--scheme", "sequential", "--out", out)
    assert "gpt2@kv5" in ok("evaluate", f"{out}/schedule-sequential.json").stdout


@pytest.mark.parametrize(
    ("command", "work"),
    [
        ("run", "mcmscope.api.run_options"),
        ("quality", "mcmscope.quality.quality"),
        ("pareto", "mcmscope.pareto.pareto"),
    ],
)
def test_precision_goes_to_every_command(monkeypatch: pytest.MonkeyPatch, command: str, work: str) -> None:
    seen: list[Network] = []

    def note(network: Network, *_: object) -> None:
        seen.append(network)
        raise KeyboardInterrupt

    monkeypatch.setattr(work, note)
    case = (command, "alexnet", "--package", "simba-16")
    for bits in ((), ("--weight-bits", "4", "--activation-bits", "16")):
        assert cli(*case, *bits).exit_code == INTERRUPTED
    assert [(network.weight_bits, network.activation_bits) for network in seen] == [(8, 8), (4, 16)]
    (fault,) = refused(*case, "--weight-bits", "0")
    assert fault == "--weight-bits: expected a whole number from 1 to 32, got '0'"
