"""Sequences of values and bodies of branches are taken apart."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from onnx import NodeProto, TensorProto, helper, numpy_helper

from mcmscope.errors import InputError
from mcmscope.workload import Network, load_network
from tests.workload.onnx_graphs import integers, node, save, tensor, weight


def load(folder: Path, nodes: list[NodeProto], name: str = "model.onnx") -> Network:
    scalars = [numpy_helper.from_array(np.array(n), f"at{n}") for n in (0, 1, 2, 4)]
    constants = [
        *scalars,
        integers("sizes", 2, 6),
        integers("axis", 1),
        weight("w", 8, 3, 1, 1),
        weight("u", 2, 2, 1, 1),
        weight("v", 6, 6, 1, 1),
        weight("t", 8, 8, 1, 1),
    ]
    return load_network(save(folder, nodes, [tensor("x", (1, 3, 4, 4))], ["y"], constants, name=name))


def test_a_split_to_a_sequence_equals_a_split(tmp_path: Path) -> None:
    rest = [
        node("Conv", ["a", "u"], ["c"]),
        node("Conv", ["b", "v"], ["d"]),
        node("Concat", ["c", "d"], ["e"], axis=1),
        node("Conv", ["e", "t"], ["y"]),
    ]
    first = node("Conv", ["x", "w"], ["p"])
    by_split = load(tmp_path, [first, node("Split", ["p", "sizes"], ["a", "b"], axis=1), *rest])
    by_sequence = load(
        tmp_path,
        [
            first,
            node("SplitToSequence", ["p", "sizes"], ["s"], axis=1),
            node("SequenceAt", ["s", "at0"], ["a"]),
            node("SequenceAt", ["s", "at1"], ["b"]),
            *rest[:2],
            node("SequenceConstruct", ["c"], ["q0"]),
            node("SequenceInsert", ["q0", "d"], ["q"]),
            node("ConcatFromSequence", ["q"], ["e"], axis=1),
            rest[3],
        ],
    )
    assert [replace(x, fused=()) for x in by_sequence.layers] == [
        replace(x, fused=()) for x in by_split.layers
    ]


def test_even_parts_single_parts_and_a_new_axis(tmp_path: Path) -> None:
    nodes = [
        node("Conv", ["x", "w"], ["p"]),
        node("SplitToSequence", ["p", "at4"], ["s"], axis=1),
        node("SequenceLength", ["s"], ["n"]),
        node("Sub", ["n", "at1"], ["last"]),
        node("SequenceAt", ["s", "last"], ["half"]),
        node("SplitToSequence", ["half"], ["rows"], axis=2, keepdims=0),
        node("SequenceAt", ["rows", "at1"], ["row"]),
        node("SequenceConstruct", ["row", "row"], ["pair"]),
        node("ConcatFromSequence", ["pair"], ["y4"], axis=2, new_axis=1),
        node("Conv", ["y4", "w4"], ["y"]),
    ]
    path = save(
        tmp_path,
        nodes,
        [tensor("x", (1, 3, 4, 4))],
        ["y"],
        [
            weight("w", 8, 3, 1, 1),
            weight("w4", 5, 4, 1, 1),
            numpy_helper.from_array(np.array(4), "at4"),
            numpy_helper.from_array(np.array(1), "at1"),
        ],
    )
    last = load_network(path).layers[1]
    assert (last.in_channels, last.out_height, last.out_width) == (4, 2, 4)
    assert last.operands[0].elements == 16


def test_a_sequence_that_the_input_decides_is_refused(tmp_path: Path) -> None:
    nodes = [
        node("Conv", ["x", "w"], ["p"]),
        node("SplitToSequence", ["p", "sizes"], ["s"], axis=1),
        node("ArgMax", ["x"], ["m"], axis=0, keepdims=0),
        node("SequenceAt", ["s", "m"], ["a"]),
        node("Conv", ["a", "u"], ["y"]),
    ]
    with pytest.raises(InputError, match="'SequenceAt' is not understood"):
        load(tmp_path, nodes)


def test_branches_within_branches_keep_their_names_apart(tmp_path: Path) -> None:
    shape = (1, 8, 4, 4)

    def branch(op: str, *more: NodeProto) -> object:
        return helper.make_graph([node(op, ["p"], ["r"]), *more], op, [], [tensor("r", shape)])

    inner = node("If", ["yes"], ["i"], then_branch=branch("Relu"), else_branch=branch("Neg"), name="inner")
    outer_body = helper.make_graph(
        [inner, node("Add", ["i", "own"], ["r"])],
        "outer",
        [],
        [tensor("r", shape)],
        [weight("own", 1, 8, 1, 1)],
    )
    nodes = [
        node("Conv", ["x", "w"], ["p"]),
        node("If", ["no"], ["a"], then_branch=branch("Exp"), else_branch=outer_body),
        node("If", ["yes"], ["b"], then_branch=branch("Tanh"), else_branch=branch("Exp")),
        node("Add", ["a", "b"], ["y"]),
    ]
    flags = [numpy_helper.from_array(np.array(f), n) for n, f in (("yes", True), ("no", False))]
    path = save(tmp_path, nodes, [tensor("x", (1, 3, 4, 4))], ["y"], [weight("w", 8, 3, 1, 1), *flags])
    (layer,) = load_network(path).layers
    # Relu, a bias behind it, Tanh, and the sum.
    assert layer.vector_elements == 4 * 128


def test_constants_of_a_branch_are_used(tmp_path: Path) -> None:
    body = helper.make_graph(
        [node("Reshape", ["p", "flat"], ["r"])],
        "body",
        [],
        [helper.make_tensor_value_info("r", TensorProto.FLOAT, None)],
        [integers("flat", 1, 128)],
    )
    nodes = [
        node("Conv", ["x", "w"], ["p"]),
        node("If", ["yes"], ["f"], then_branch=body, else_branch=body),
        node("MatMul", ["f", "m"], ["y"]),
    ]
    constants = [
        weight("w", 8, 3, 1, 1),
        weight("m", 128, 4),
        numpy_helper.from_array(np.array(True), "yes"),
    ]
    network = load_network(save(tmp_path, nodes, [tensor("x", (1, 3, 4, 4))], ["y"], constants))
    assert network.layers[1].macs == 512


def test_a_sequence_as_output_is_its_values(tmp_path: Path) -> None:
    nodes = [
        node("Conv", ["x", "w"], ["a"]),
        node("Conv", ["a", "v"], ["b"]),
        node("SequenceConstruct", ["a", "b"], ["s"]),
    ]
    constants = [weight("w", 4, 3, 1, 1), weight("v", 2, 4, 1, 1)]
    network = load_network(save(tmp_path, nodes, [tensor("x", (1, 3, 4, 4))], ["s"], constants))
    assert network.outputs == (0, 1)
