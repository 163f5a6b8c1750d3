"""Networks as commands take them: files, sizes, precision, names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mcmscope.cli.app import INTERRUPTED
from mcmscope.workload import Network

from .calls import DATA, cli, ok, refused


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
