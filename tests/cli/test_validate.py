"""``mcmscope validate``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jsonschema import validate
from typer.testing import Result

from mcmscope.cli.app import BAD_INPUT
from mcmscope.schemas import schema

from . import calls


def cli(*arguments: str) -> Result:
    return calls.cli("validate", *arguments)


def data_of(*arguments: str) -> dict[str, Any]:
    result = cli(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_one_case_as_a_table() -> None:
    result = cli("--case", "simba")
    assert result.exit_code == 0, result.output
    assert "simba: Simba: 36 chiplets (NVIDIA); presets simba-36" in result.stdout
    assert "1. Simba, MICRO 2019" in result.stdout
    assert "Edge TPU" not in result.stdout


def test_json_and_file_are_the_same_and_follow_the_schema(tmp_path: Path) -> None:
    data = data_of("--case", "Simba", "--sensitivity", "--out", str(tmp_path))
    assert json.loads((tmp_path / "validation.json").read_text()) == data
    validate(data, schema("validation"))
    (case,) = data["cases"]
    assert case["figures"][0]["published"] == [1988, 1988]
    assert case["figures"][0]["simulated"] > 0
    assert len(case["sensitivity"]) == 14
    assert "sensitivity" not in data_of("--case", "simba")["cases"][0]


def test_sensitivity_is_printed() -> None:
    text = cli("--case", "simba", "--sensitivity").stdout
    assert "at half and twice each constant" in text
    assert "Not varied: dram.edges (a place, not a quantity)" in text


def test_bad_input_is_told(tmp_path: Path) -> None:
    unknown = cli("--case", "tpu")
    assert unknown.exit_code == BAD_INPUT
    assert unknown.stderr.startswith("error: unknown case 'tpu'")
    assert "all, simba, edge-tpu, edge-tpu-4, edge-tpu-call, hailo-8" in unknown.stderr
    file = tmp_path / "file"
    file.write_text("")
    for out, words in ((str(file), "is a file"), ("", "expected a directory")):
        result = cli("--case", "simba", "--out", out)
        assert result.exit_code == BAD_INPUT
        assert words in result.stderr
    both = cli("--case", "tpu", "--out", "")
    assert len(both.stderr.splitlines()) == 2
