"""Every command and snippet of the README and the docs runs as it stands there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.snippets import PAGES, ROOT, Snippet, snippets

MODEL = ROOT / "tests" / "data" / "resnet18_ts17_dynbatch.onnx"


def told(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def test_fences_are_found_with_what_is_said_of_them() -> None:
    page = "a\n\n<!-- not run: long -->\n```sh\nx\n```\n```text\ny\n```\n"
    page += "<!-- after: z -->\n```python\np\nq\n```\n"
    assert snippets(page) == [
        Snippet("sh", "x\n", 4, "long", None),
        Snippet("python", "p\nq\n", 11, None, "z"),
    ]


def test_what_is_not_run_says_why() -> None:
    every = [snippet for page in PAGES for snippet in snippets(page.read_text(encoding="utf-8"))]
    assert every
    assert all(snippet.not_run is None or len(snippet.not_run) > 8 for snippet in every)


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=told)
def test_snippets_run(page: Path, tmp_path: Path) -> None:
    """In one directory, in order, with an ONNX file as ``model.onnx``, and the examples of the docs."""
    shutil.copy(MODEL, tmp_path / "model.onnx")
    shutil.copytree(ROOT / "docs" / "examples", tmp_path / "docs" / "examples")
    commands = tmp_path / ".bin"
    commands.mkdir()
    script = commands / "mcmscope"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m mcmscope "$@"\n', encoding="utf-8")
    script.chmod(0o755)
    path = os.pathsep.join((str(commands), str(Path(sys.executable).parent), os.environ["PATH"]))
    environment = os.environ | {"PATH": path, "PYTHONPATH": str(ROOT / "src")}
    for snippet in snippets(page.read_text(encoding="utf-8")):
        if snippet.not_run is not None:
            continue
        if snippet.after is not None:
            run(["bash", "-euc", snippet.after], tmp_path, environment, f"what {told(page)} takes for given")
        shell = ["bash", "-euo", "pipefail", "-c", snippet.code]
        command = shell if snippet.language == "sh" else [sys.executable, "-c", snippet.code]
        run(command, tmp_path, environment, f"{told(page)}:{snippet.line}")


def run(command: list[str], where: Path, environment: dict[str, str], what: str) -> None:
    done = subprocess.run(command, cwd=where, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{what}: {command[-1]}\n{done.stdout}\n{done.stderr}"
