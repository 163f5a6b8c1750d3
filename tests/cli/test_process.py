"""The process: its streams, its exit code, how it is broken off."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mcmscope.cli.app import BAD_INPUT, INTERRUPTED
from mcmscope.cli.output import CLOSED_PIPE

from .calls import RUN, cli, process


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


def test_the_present_directory_will_do(tmp_path: Path) -> None:
    run = process(*RUN, "--scheme", "sequential", "--out", ".", cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "report.html",
        "result.json",
        "schedule-sequential.json",
    ]


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
