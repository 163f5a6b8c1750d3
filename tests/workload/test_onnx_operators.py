"""What single operators and small blocks become, over opsets, with the figures worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from onnx import NodeProto, TensorProto, defs, helper, numpy_helper

from mcmscope.errors import InputError
from mcmscope.workload import Layer, Network, Op, Role, load_network
from tests.workload.onnx_graphs import integers, node, save, tensor, weight


def bare(network: Network) -> list[Layer]:
    return [replace(layer, name="", fused=()) for layer in network.layers]


@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "more", "size", "window"),
    [
        (2, 2, 0, 0, 16, 1),  # each input position makes its own 2 x 2 outputs
        (4, 2, 1, 0, 16, 3),
        (3, 2, 1, 1, 16, 2),
        (3, 1, 1, 0, 8, 3),  # as a convolution
    ],
)
def test_transposed_convolution(
    tmp_path: Path, kernel: int, stride: int, padding: int, more: int, size: int, window: int
) -> None:
    nodes = [
        node("Conv", ["x", "w"], ["c"]),
        node(
            "ConvTranspose",
            ["c", "t"],
            ["u"],
            strides=[stride] * 2,
            pads=[padding] * 4,
            output_padding=[more] * 2,
        ),
        node("Relu", ["u"], ["r"]),
        node("Conv", ["r", "v"], ["y"]),
    ]
    constants = [weight("w", 6, 3, 1, 1), weight("t", 6, 4, kernel, kernel), weight("v", 2, 4, 1, 1)]
    layer = load_network(save(tmp_path, nodes, [tensor("x", (1, 3, 8, 8))], ["y"], constants)).layers[1]
    assert layer.op is Op.CONV
    assert layer.macs == 6 * 4 * kernel**2 * 64
    assert layer.weights == 6 * 4 * kernel**2
    assert (layer.out_height, layer.output_height, layer.output_elements) == (8, size, 4 * size**2)
    assert layer.vector_elements == 4 * size**2
    assert layer.operands[0].window == (window, window)
    # By brute force: the inputs that reach the outputs from s * i to s * i + s - 1.
    reached = {
        (o + padding - k) // stride
        for o in range(4 * stride, 5 * stride)
        for k in range(kernel)
        if (o + padding - k) % stride == 0
    }
    assert window == max(reached) - min(reached) + 1


def test_a_pooling_behind_a_transposed_convolution_goes_to_its_readers(tmp_path: Path) -> None:
    nodes = [
        node("ConvTranspose", ["x", "t"], ["u"], strides=[2, 2]),
        node("MaxPool", ["u"], ["p"], kernel_shape=[2, 2], strides=[2, 2]),
        node("Conv", ["p", "v"], ["y"]),
    ]
    constants = [weight("t", 3, 4, 2, 2), weight("v", 2, 4, 1, 1)]
    up, last = load_network(save(tmp_path, nodes, [tensor("x", (1, 3, 8, 8))], ["y"], constants)).layers
    assert (up.output_height, up.pool_window) == (16, (1, 1))
    assert (last.operands[0].height, last.operands[0].window) == (16, (2, 2))
    assert last.vector_elements == 4 * 64 * 4


def test_channel_shuffle_moves_and_grouped_convolutions_count_their_groups(tmp_path: Path) -> None:
    nodes = [
        node("Conv", ["x", "w"], ["c"], group=4),
        node("Reshape", ["c", "split"], ["s"]),
        node("Transpose", ["s"], ["t"], perm=[0, 2, 1, 3, 4]),
        node("Reshape", ["t", "join"], ["j"]),
        node("Conv", ["j", "d"], ["y"], group=16, pads=[1] * 4),
    ]
    constants = [
        weight("w", 16, 2, 1, 1),
        weight("d", 16, 1, 3, 3),
        integers("split", 1, 4, 4, 6, 6),
        integers("join", 1, 16, 6, 6),
    ]
    shuffled, depthwise = load_network(
        save(tmp_path, nodes, [tensor("x", (1, 8, 6, 6))], ["y"], constants)
    ).layers
    assert (shuffled.macs, shuffled.vector_elements) == (16 * 2 * 36, 16 * 36)
    assert (depthwise.groups, depthwise.macs) == (16, 16 * 9 * 36)


def test_a_broadcast_is_read_as_what_it_repeats(tmp_path: Path) -> None:
    nodes = [
        node("Conv", ["x", "w"], ["c"]),
        node("GlobalAveragePool", ["c"], ["g"]),
        node("Conv", ["g", "v"], ["p"]),
        node("Expand", ["p", "size"], ["e"]),
        node("Relu", ["e"], ["r"]),
        node("Concat", ["c", "r"], ["cat"], axis=1),
        node("Conv", ["cat", "u"], ["y"]),
    ]
    constants = [
        weight("w", 4, 3, 1, 1),
        weight("v", 4, 4, 1, 1),
        weight("u", 2, 8, 1, 1),
        integers("size", 1, 4, 8, 8),
    ]
    network = load_network(save(tmp_path, nodes, [tensor("x", (1, 3, 8, 8))], ["y"], constants))
    assert network.layers[1].output_elements == 4
    assert [(o.source, o.elements, o.height) for o in network.layers[2].operands] == [(0, 256, 8), (1, 4, 1)]
    assert network.layers[2].vector_elements == 256


def table_net(folder: Path) -> Path:
    nodes = [
        node("Gather", ["words", "ids"], ["e"]),
        node("Gather", ["places", "range"], ["p"]),
        node("Add", ["e", "p"], ["s"]),
        node("MatMul", ["s", "w"], ["y"]),
    ]
    constants = [weight("words", 100, 16), weight("places", 10, 16), weight("w", 16, 8)]
    constants.append(integers("range", *range(10)))
    return save(folder, nodes, [tensor("ids", (1, 10), TensorProto.INT64)], ["y"], constants)


def test_embedding_tables_are_counted_apart(tmp_path: Path) -> None:
    network = load_network(table_net(tmp_path))
    assert (network.table_elements, network.weight_bytes) == (1600, 128)
    assert [(item.name, item.elements) for item in network.inputs] == [("e", 160)]
    assert network.warnings == (
        "node 'n_e': rows of the table 'words' [100, 16] are read as a network input",
    )


def test_shared_weights_are_counted_in_each_layer(tmp_path: Path) -> None:
    nodes = [
        node("Identity", ["w"], ["same"]),
        node("MatMul", ["x", "w"], ["a"]),
        node("MatMul", ["a", "same"], ["y"]),
    ]
    network = load_network(save(tmp_path, nodes, [tensor("x", (1, 4, 8))], ["y"], [weight("w", 8, 8)]))
    assert [layer.weights for layer in network.layers] == [64, 64]


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_recurrences_are_refused_with_the_reason(tmp_path: Path, kind: str) -> None:
    gates = {"LSTM": 4, "GRU": 3, "RNN": 1}[kind]
    nodes = [
        node(kind, ["x", "w", "r"], ["h1", ""], hidden_size=8, name="first"),
        node("Squeeze", ["h1", "one"], ["s1"]),
        node(kind, ["s1", "w", "r"], ["h2", ""], hidden_size=8, name="second"),
        node("Squeeze", ["h2", "one"], ["s2"]),
        node("MatMul", ["s2", "v"], ["y"]),
    ]
    constants = [
        weight("w", 1, gates * 8, 8),
        weight("r", 1, gates * 8, 8),
        weight("v", 8, 3),
        integers("one", 1),
    ]
    path = save(tmp_path, nodes, [tensor("x", (1, 5, 8))], ["y"], constants)
    with pytest.raises(InputError) as caught:
        load_network(path)
    (fault,) = caught.value.faults
    assert f"operator '{kind}' is not understood (node 'first', 'second'): a recurrence" in fault
    network = load_network(path, allow_unknown=True)
    assert f"without its {2 * gates * 64} constants" in network.warnings[0]


def test_a_loop_is_refused_with_the_mend(tmp_path: Path) -> None:
    body = helper.make_graph(
        [node("Identity", ["go"], ["on"]), node("Relu", ["v"], ["w"])],
        "body",
        [tensor("i", (), TensorProto.INT64), tensor("go", (), TensorProto.BOOL), tensor("v", (1, 4))],
        [tensor("on", (), TensorProto.BOOL), tensor("w", (1, 4))],
    )
    nodes = [node("Loop", ["", "go", "x"], ["l"], body=body), node("MatMul", ["l", "u"], ["y"])]
    constants = [numpy_helper.from_array(np.array(True), "go"), weight("u", 4, 2)]
    with pytest.raises(InputError, match=r"'Loop' is not understood .*: a loop: .*unrolled"):
        load_network(save(tmp_path, nodes, [tensor("x", (1, 4))], ["y"], constants))


def test_products_that_need_turning(tmp_path: Path) -> None:
    nodes = [
        node("MatMul", ["x", "heads"], ["h"]),  # weights per head, of data without heads
        node("MatMul", ["left", "h"], ["l"]),  # weights per head on the left
        node("MatMul", ["l", "vector"], ["y"]),
    ]
    constants = [weight("heads", 4, 16, 8), weight("left", 4, 3, 10), weight("vector", 8)]
    first, second, third = load_network(
        save(tmp_path, nodes, [tensor("x", (1, 10, 16))], ["y"], constants)
    ).layers
    assert (first.op, first.macs, first.weights, first.groups) == (Op.LINEAR, 4 * 10 * 16 * 8, 512, 1)
    assert (second.macs, second.weights, second.groups) == (4 * 3 * 10 * 8, 120, 4)
    assert (third.macs, third.weights, third.output_elements) == (4 * 3 * 8, 8, 12)


@pytest.mark.parametrize("turn_a", [0, 1])
@pytest.mark.parametrize("turn_b", [0, 1])
@pytest.mark.parametrize("constant", ["a", "b", ""])
def test_every_gemm(tmp_path: Path, turn_a: int, turn_b: int, constant: str) -> None:
    a, b = (6, 10) if turn_a else (10, 6), (4, 6) if turn_b else (6, 4)
    inputs = [tensor(n, (1, s[0] * s[1])) for n, s in (("a", a), ("b", b)) if n != constant]
    nodes = [node("Reshape", [n, f"{n}s"], [f"{n}2"]) for n in "ab" if n != constant]
    constants = [integers("as", *a), integers("bs", *b), weight("c", 4)]
    if constant:
        constants.append(weight(f"{constant}2", *(a if constant == "a" else b)))
    nodes.append(node("Gemm", ["a2", "b2", "c"], ["y"], transA=turn_a, transB=turn_b, alpha=0.5))
    (layer,) = load_network(save(tmp_path, nodes, inputs, ["y"], constants)).layers
    assert layer.macs == 10 * 6 * 4
    assert layer.op is (Op.LINEAR if constant else Op.MATMUL)
    assert layer.weights == {"a": 60, "b": 24, "": 0}[constant]
    assert (layer.output_elements, layer.name) == (40, "n_y")


def test_a_computed_c_of_a_gemm_is_added_behind_it(tmp_path: Path) -> None:
    nodes = [node("Gemm", ["x", "w", "z"], ["y"])]
    inputs = [tensor("x", (1, 6)), tensor("z", (1, 4))]
    (layer,) = load_network(save(tmp_path, nodes, inputs, ["y"], [weight("w", 6, 4)])).layers
    assert layer.vector_elements == 4
    assert [(o.source, o.role) for o in layer.operands] == [(-1, Role.DATA), (-2, Role.RESIDUAL)]


def block(opset: int) -> tuple[list[NodeProto], list[TensorProto]]:
    """A block whose operators changed their form over the opsets."""
    old_axes = opset < 13
    constants = [
        weight("w", 8, 3, 3, 3),
        weight("v", 8, 4),
        *(weight(name, 8) for name in ("scale", "bias", "mean", "var")),
        integers("pads", 0, 0, 1, 1, 0, 0, 1, 1),
        numpy_helper.from_array(np.array([1, 1, 2, 2], np.float32), "scales"),
        numpy_helper.from_array(np.array(0, np.float32), "low"),
        numpy_helper.from_array(np.array(6, np.float32), "high"),
    ]
    for name, values in (("axes", (2, 3)), ("two", (2,)), ("halves", (4, 4)), ("from", (0,)), ("to", (4,))):
        constants.append(integers(name, *values))
    nodes: list[NodeProto] = [
        node("Pad", ["x", "pads"], ["p"]),
        node("Conv", ["p", "w"], ["c"]),
        node("BatchNormalization", ["c", "scale", "bias", "mean", "var"], ["n"]),
        node("Clip", ["n", "low", "high"], ["k"]),
        node("Dropout", ["k"], ["d"]),
        node("Resize", ["d", "", "scales"], ["u"]),
        node("Slice", ["u", "from", "to", "two"], ["s"]),
    ]
    if old_axes:
        nodes += [
            node("ReduceSum", ["s"], ["m"], axes=[2, 3], keepdims=1),
            node("Squeeze", ["m"], ["q"], axes=[2, 3]),
            node("Split", ["q"], ["a", "b"], axis=1, split=[4, 4]),
            node("Unsqueeze", ["q"], ["e"], axes=[2]),
        ]
    else:
        nodes += [
            node("ReduceSum", ["s", "axes"], ["m"], keepdims=1),
            node("Squeeze", ["m", "axes"], ["q"]),
            node("Split", ["q", "halves"], ["a", "b"], axis=1),
            node("Unsqueeze", ["q", "two"], ["e"]),
        ]
    nodes += [
        node("Mul", ["a", "b"], ["ab"]),
        node("Squeeze", ["e"], ["f"], axes=[2]) if old_axes else node("Squeeze", ["e", "two"], ["f"]),
        node("MatMul", ["f", "v"], ["g"]),
        node("Add", ["g", "ab"], ["h"]),
        node("Softmax", ["h"], ["y"], axis=1),
    ]
    return nodes, constants


@pytest.mark.parametrize("opset", [11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23])
def test_opsets_say_the_same(tmp_path: Path, opset: int) -> None:
    if opset > defs.onnx_opset_version():
        pytest.skip("newer than the onnx that is installed")
    networks: list[Network] = []
    for version in (17, opset):
        nodes, constants = block(version)
        path = save(
            tmp_path,
            nodes,
            [tensor("x", (1, 3, 8, 8))],
            ["y"],
            constants,
            opset=version,
            name=f"{version}.onnx",
        )
        networks.append(load_network(path))
    assert bare(networks[0]) == bare(networks[1])
    assert [layer.macs for layer in networks[1].layers] == [8 * 27 * 64, 32]


def test_an_opset_of_the_future_still_loads(tmp_path: Path) -> None:
    nodes, constants = block(17)
    path = save(tmp_path, nodes, [tensor("x", (1, 3, 8, 8))], ["y"], constants, opset=999)
    assert len(load_network(path)) == 2


def test_squeeze_and_excitation_by_convolutions_or_by_products(tmp_path: Path) -> None:
    def scaled(middle: Sequence[NodeProto], name: str) -> Network:
        nodes = [
            node("Conv", ["x", "w"], ["c"]),
            node("ReduceMean", ["c"], ["g"], axes=[2, 3], keepdims=1),
            *middle,
            node("HardSigmoid", ["s"], ["h"]),
            node("Mul", ["c", "h"], ["m"]),
            node("Conv", ["m", "u"], ["y"]),
        ]
        constants = [weight("w", 8, 3, 1, 1), weight("u", 4, 8, 1, 1)]
        constants += [weight("v", 8, 8, 1, 1), weight("flat", 8, 8)]
        constants += [integers("two", 1, 8), integers("four", 1, 8, 1, 1)]
        return load_network(save(tmp_path, nodes, [tensor("x", (1, 3, 8, 8))], ["y"], constants, name=name))

    by_convolution = scaled([node("Conv", ["g", "v"], ["s"])], "a.onnx")
    by_product = scaled(
        [
            node("Reshape", ["g", "two"], ["g2"]),
            node("MatMul", ["g2", "flat"], ["s2"]),
            node("Reshape", ["s2", "four"], ["s"]),
        ],
        "b.onnx",
    )
    for network in (by_convolution, by_product):
        assert [layer.macs for layer in network.layers] == [24 * 64, 64, 32 * 64]
        assert [(o.source, o.elements) for o in network.layers[2].operands] == [(0, 512), (1, 8)]
        assert network.layers[1].operands[0].window == (8, 8)


@pytest.mark.parametrize(
    ("shape", "bias", "folds"),
    [
        ((1, 8, 8, 16), (16,), True),  # channels last
        ((1, 10, 16), (16,), True),
        ((1, 10, 16), (1, 1, 16), True),
        ((1, 10, 16), (10, 1), False),
        ((1, 10, 16), (10, 16), False),
        ((1, 10, 16), (), False),
    ],
)
def test_only_a_constant_per_channel_is_a_bias(
    tmp_path: Path, shape: tuple[int, ...], bias: tuple[int, ...], folds: bool
) -> None:
    nodes = [node("MatMul", ["x", "w"], ["m"]), node("Add", ["m", "b"], ["y"])]
    constants = [weight("w", 16, 16), weight("b", *bias)]
    (layer,) = load_network(save(tmp_path, nodes, [tensor("x", shape)], ["y"], constants)).layers
    assert layer.vector_elements == (0 if folds else np.prod(shape))


def test_a_split_whose_first_part_nobody_wants(tmp_path: Path) -> None:
    nodes = [
        node("Conv", ["x", "w"], ["c"]),
        node("Split", ["c"], ["", "b"], axis=1),
        node("Conv", ["b", "v"], ["y"]),
    ]
    constants = [weight("w", 4, 3, 1, 1), weight("v", 2, 2, 1, 1)]
    network = load_network(save(tmp_path, nodes, [tensor("x", (1, 3, 8, 8))], ["y"], constants))
    assert network.layers[1].operands[0].elements == 128
