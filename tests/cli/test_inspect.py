"""``inspect``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import validate

from mcmscope import load_network
from mcmscope.errors import InputError
from mcmscope.schemas import schema
from mcmscope.workload.inspection import inspect
from tests.workload.onnx_graphs import node, tensor, weight
from tests.workload.onnx_graphs import save as save_onnx

from .calls import ok, refused


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
