"""A run that is killed loses the cases in hand, and ends with the same bytes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mcmscope.cli.app import INTERRUPTED
from mcmscope.report.reproduction.save import DATA, REPORT, TIMINGS
from mcmscope.reproduce.run import CASES

EXPERIMENTS = "simulated,energy,sensitivity"


def begin(directory: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "mcmscope", "reproduce", str(directory), "--quick", "--jobs", "2"]
    return subprocess.Popen(
        [*command, "--experiment", EXPERIMENTS], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def finish(directory: Path) -> None:
    process = begin(directory)
    _, error = process.communicate(timeout=600)
    assert process.returncode in (0, 1), error


def data_of(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (directory / DATA).iterdir()}


def cases_of(directory: Path) -> set[Path]:
    return set((directory / CASES).rglob("*.json"))


def until_more_are_done(directory: Path, process: subprocess.Popen[str], more: int) -> set[Path]:
    end = time.monotonic() + 300
    begun = len(cases_of(directory))
    while len(found := cases_of(directory)) < begun + more:
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.05)
    return found


def children(pid: int) -> list[int]:
    found: list[int] = []
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            text = status.read_text(encoding="utf-8")
        except OSError:  # it has just ended
            continue
        if f"\nPPid:\t{pid}\n" in text:
            found.append(int(status.parent.name))
    return found


def gone(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status")
    return not status.exists() or "State:\tZ" in status.read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").exists(), reason="looks for processes in /proc")
def test_killed_and_broken_off_in_the_middle_and_started_again(tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    finish(whole)
    times: dict[Path, int] = {}
    for how in (signal.SIGKILL, signal.SIGINT):
        process = begin(broken)
        done = until_more_are_done(broken, process, 2)
        workers = children(process.pid)
        assert workers
        times = {path: path.stat().st_mtime_ns for path in done} | times
        os.kill(process.pid, how)
        _, error = process.communicate(timeout=60)
        if how is signal.SIGINT:
            assert process.returncode == INTERRUPTED
            assert error.splitlines()[-1] == "interrupted"
            assert "Traceback" not in error
        end = time.monotonic() + 20
        while not all(gone(pid) for pid in workers):
            assert time.monotonic() < end, "processes are left behind"
            time.sleep(0.1)
        assert not (broken / DATA).exists()
    finish(broken)
    assert {path: path.stat().st_mtime_ns for path in times} == times, "finished cases were run again"
    assert data_of(broken) == data_of(whole)
    assert {path.name for path in cases_of(broken)} == {path.name for path in cases_of(whole)}
    assert (broken / REPORT).exists()
    assert (broken / TIMINGS).exists()
