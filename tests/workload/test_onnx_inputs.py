"""Symbolic sizes: set by name, worked out from each other, and every missing one named."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto
from typer.testing import CliRunner

from mcmscope.cli.app import app
from mcmscope.errors import InputError
from mcmscope.workload import load_network
from mcmscope.workload.onnx_inputs import term_value
from tests.workload.onnx_graphs import node, save, tensor, weight


def decoder(folder: Path) -> Path:
    """A step behind a cache, as exporters name its sizes."""
    nodes = [
        node("MatMul", ["x", "w"], ["k"]),
        node("Concat", ["past", "k"], ["present"], axis=1),
        node("Transpose", ["present"], ["kt"], perm=[0, 2, 1]),
        node("MatMul", ["x", "kt"], ["s"]),
        node("Add", ["s", "mask"], ["m"]),
        node("MatMul", ["m", "present"], ["y"]),
    ]
    inputs = [
        tensor("x", ("batch", "seq", 8)),
        tensor("past", ("batch", "past", 8)),
        tensor("mask", ("batch", 1, "past + seq")),
    ]
    return save(folder, nodes, inputs, ["y", "present"], [weight("w", 8, 8)])


def test_sizes_by_name_and_by_terms(tmp_path: Path) -> None:
    network = load_network(decoder(tmp_path), dims={"seq": 3, "past": 5})
    assert [layer.macs for layer in network.layers] == [3 * 64, 3 * 8 * 8, 3 * 8 * 8]
    assert [(item.name, item.elements) for item in network.inputs] == [("x", 24), ("past", 40), ("mask", 8)]
    batched = load_network(decoder(tmp_path), dims={"seq": 3, "past": 5, "batch": 4})
    assert batched.layers == network.layers
    assert batched.warnings[0].startswith("the inputs' leading size 4")


def test_missing_and_unknown_sizes_are_all_named(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        load_network(decoder(tmp_path), dims={"seqlen": 3, "past": 0})
    told = "\n".join(caught.value.faults)
    assert "--dim seqlen: there is no such size; the symbolic sizes are batch, seq, past" in told
    assert "--dim past=0: expected a size from 1" in told
    assert "input 'x', axis 1: the size is symbolic ('seq'); set it with --dim seq=N" in told
    assert "input 'mask', axis 2: the size is symbolic ('past + seq')" in told


def test_a_size_without_a_name_is_set_by_input_and_axis(tmp_path: Path) -> None:
    x = tensor("x", (1, 3, 8, 8))
    x.type.tensor_type.shape.dim[2].ClearField("dim_value")
    path = save(tmp_path, [node("Conv", ["x", "w"], ["y"])], [x], ["y"], [weight("w", 4, 3, 1, 1)])
    with pytest.raises(InputError, match=r"--dim x\.2=N"):
        load_network(path)
    assert load_network(path, dims={"x.2": 6}).macs == 12 * 48


def test_an_input_of_one_sample_beside_tables_of_other_sizes(tmp_path: Path) -> None:
    nodes = [node("MatMul", ["x", "w"], ["a"]), node("Mul", ["a", "cosines"], ["y"])]
    inputs = [tensor("x", (1, 5, 8)), tensor("cosines", (5, 8))]
    network = load_network(save(tmp_path, nodes, inputs, ["y"], [weight("w", 8, 8)]))
    assert [item.elements for item in network.inputs] == [40, 40]
    assert network.warnings == ()


def test_sizes_are_for_onnx_files() -> None:
    with pytest.raises(InputError, match=r"--dim sets symbolic sizes of \.onnx files"):
        load_network("resnet18", dims={"seq": 3})


def test_sequences_and_maps_are_no_inputs(tmp_path: Path) -> None:
    x = tensor("x", (1, 3, 4, 4))
    other = tensor("s", ())
    other.type.ClearField("tensor_type")
    other.type.sequence_type.elem_type.tensor_type.elem_type = TensorProto.FLOAT
    path = save(tmp_path, [node("Conv", ["x", "w"], ["y"])], [x, other], ["y"], [weight("w", 4, 3, 1, 1)])
    with pytest.raises(InputError, match="input 's' has no shape"):
        load_network(path)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("seq", 3),
        ("past + seq", 8),
        ("2*past - seq", 7),
        ("past // 2", 2),
        ("(seq + 1) * 4", 16),
        ("seq / 0", None),
        ("other + 1", None),
        ("f(seq)", None),
        ("past +", None),
        ("seq ** 9999", None),
        ("(" * 150, None),
    ],
)
def test_terms(text: str, value: int | None) -> None:
    assert term_value(text, {"seq": 3, "past": 5}) == value


@given(st.text(max_size=300))
def test_any_text_is_a_term_or_none(text: str) -> None:
    assert isinstance(term_value(text, {"a": 1}), int | None)


def test_sizes_from_the_command_line(tmp_path: Path) -> None:
    path = str(decoder(tmp_path))
    shown = CliRunner().invoke(app, ["show", path, "--dim", "seq=3", "--dim", "past=5"])
    assert shown.exit_code == 0
    assert "3 layers" in shown.stdout
    wrong = CliRunner().invoke(app, ["show", path, "--dim", "seq", "--dim", "past=many", "--dim", "past=5"])
    assert wrong.exit_code == 2
    assert "expected NAME=N such as seq=512" in wrong.stderr
    assert "--dim past: expected a whole number" in wrong.stderr
