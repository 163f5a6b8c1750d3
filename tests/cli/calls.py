"""The command line, called from tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from mcmscope.cli.app import BAD_INPUT, app

DATA = Path(__file__).parents[1] / "data"
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


def result_of(place: Path) -> dict[str, Any]:
    return json.loads((place / "result.json").read_text())


def process(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mcmscope", *arguments]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment}
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, cwd=cwd, env=env)
