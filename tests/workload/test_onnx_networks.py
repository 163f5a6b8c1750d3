"""Exported graphs: exact figures, the zoo layer by layer, dynamic and fixed batches."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from mcmscope.errors import InputError
from mcmscope.workload import Layer, Network, Op, Role, load_network
from tests.workload.onnx_graphs import DATA, integers, node, save, tensor, weight

FIGURES = cast("dict[str, dict[str, int]]", json.loads((DATA / "macs.json").read_text()))
TWINS = {
    "alexnet": "alexnet_ts17",
    "googlenet": "googlenet_ts17",
    "mobilenet_v2": "mobilenet_v2_dynamo",
    "resnet18": "resnet18_ts17_dynbatch",
    "resnet50": "resnet50_ts17",
    "resnet152": "resnet152_dynamo",
    "vgg16": "vgg16_ts17",
}
LAYERS = {
    "densenet121_ts17": 121,
    "vit_b_16_dynamo": 74,
    "bert_base_s128_ts17": 96,
    "llama7b_2layer_s512_dynamo": 19,
}


def bare(layer: Layer) -> Layer:
    return replace(layer, name="", fused=())


def macs_of(network: Network, op: Op) -> int:
    return sum(layer.macs for layer in network.layers if layer.op is op)


def without_names(network: Network) -> list[Layer]:
    return [bare(layer) for layer in network.layers]


@pytest.mark.parametrize("name", FIGURES)
def test_figures(name: str) -> None:
    network = load_network(DATA / f"{name}.onnx")
    figures = FIGURES[name]
    assert network.macs == figures["macs"]
    assert sum(layer.weights for layer in network.layers) == figures["weights"]
    assert macs_of(network, Op.CONV) == figures["conv"]
    assert macs_of(network, Op.LINEAR) == figures["linear"]
    assert macs_of(network, Op.MATMUL) == figures["attention"]
    assert len(network) == LAYERS.get(name, len(network))
    assert network.name == name
    assert len({layer.name for layer in network.layers}) == len(network)


@pytest.mark.parametrize("name", TWINS)
def test_zoo_equals_export(name: str) -> None:
    zoo, exported = load_network(name), load_network(DATA / f"{TWINS[name]}.onnx")
    assert without_names(zoo) == without_names(exported)
    assert zoo.outputs == exported.outputs
    assert [i.elements for i in zoo.inputs] == [i.elements for i in exported.inputs]


@pytest.mark.parametrize("name", FIGURES)
def test_every_tensor_is_used_and_sound(name: str) -> None:
    network = load_network(DATA / f"{name}.onnx")
    used = set(network.outputs)
    for index, layer in enumerate(network.layers):
        assert any(operand.role is Role.DATA for operand in layer.operands)
        assert any(operand.role is Role.SECOND for operand in layer.operands) == (layer.op is Op.MATMUL)
        assert layer.op is not Op.MATMUL or layer.weights == 0
        for operand in layer.operands:
            used.add(operand.source)
            assert -len(network.inputs) <= operand.source < index
            made = network.layers[operand.source].output_elements if operand.source >= 0 else None
            assert made is None or 0 < operand.elements <= made
            assert 1 <= operand.window[0] <= operand.height
            assert 1 <= operand.window[1] <= operand.width
    assert used >= set(range(len(network)))


def test_densenet_norms_run_with_their_readers() -> None:
    network = load_network(DATA / "densenet121_ts17.onnx")
    bottleneck = network.layers[3]
    # Two tensors side by side, norm and activation of both before the 1x1, activation behind it.
    assert [operand.source for operand in bottleneck.operands] == [0, 2]
    assert bottleneck.vector_elements == 2 * 96 * 56 * 56 + 128 * 56 * 56
    transition = network.layers[13]
    assert (transition.pool_window, transition.output_height) == ((2, 2), 28)
    head = network.layers[120]
    assert len(head.operands) == 17
    assert all(operand.window == (7, 7) for operand in head.operands)


def test_vit_attention() -> None:
    network = load_network(DATA / "vit_b_16_dynamo.onnx")
    patches, qkv, scores, mixed, projected = network.layers[:5]
    assert (patches.output_elements, patches.output_height, patches.output_width) == (197 * 768, 197, 1)
    assert (qkv.out_channels, qkv.out_height, qkv.vector_elements) == (2304, 197, 4 * 197 * 768)
    assert (scores.groups, scores.out_channels, scores.in_channels) == (12, 12 * 197, 64)
    assert [(o.role, o.source, o.elements) for o in scores.operands] == [
        (Role.DATA, 1, 197 * 768),
        (Role.SECOND, 1, 197 * 768),
    ]
    assert scores.operands[1].window == (197, 1)
    assert (mixed.out_channels, mixed.in_channels, mixed.out_height) == (768, 197, 197)
    assert [(o.role, o.source) for o in projected.operands] == [(Role.DATA, 3), (Role.RESIDUAL, 0)]
    head = network.layers[-1]
    assert (head.operands[0].elements, head.operands[0].height) == (768, 1)


def test_llama_gate_and_rotation_run_with_the_layers() -> None:
    network = load_network(DATA / "llama7b_2layer_s512_dynamo.onnx")
    gate, up, down = network.layers[6:9]
    assert gate.fused[-1] == "node_silu"
    assert [(o.role, o.source) for o in up.operands] == [(Role.DATA, 5), (Role.RESIDUAL, 6)]
    assert [o.source for o in down.operands] == [7, 5]
    assert "node_cat_2" in network.layers[0].fused
    assert network.inputs[0].elements == 512 * 4096
    assert "table" in network.warnings[0]


def test_bert_gelu_by_erf_runs_with_its_layer() -> None:
    network = load_network(DATA / "bert_base_s128_ts17.onnx")
    up, down = network.layers[6:8]
    assert up.vector_elements == 5 * 128 * 3072
    assert down.operands[0].elements == 128 * 3072
    assert down.operands[1].role is Role.RESIDUAL


def test_reading_is_deterministic() -> None:
    path = DATA / "googlenet_ts17.onnx"
    assert repr(load_network(path)) == repr(load_network(path))


def conv_net(folder: Path, batch: int | str, name: str) -> Path:
    nodes = [
        node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1]),
        node("Relu", ["c"], ["r"]),
        node("GlobalAveragePool", ["r"], ["g"]),
        node("Flatten", ["g"], ["f"]),
        node("Gemm", ["f", "v"], ["y"], transB=1),
    ]
    return save(
        folder,
        nodes,
        [tensor("x", (batch, 3, 8, 8))],
        ["y"],
        [weight("w", 4, 3, 3, 3), weight("v", 10, 4)],
        name=name,
    )


@pytest.mark.parametrize("batch", [4, 7, "N", "batch size"])
def test_batches_are_divided_out(tmp_path: Path, batch: int | str) -> None:
    single = load_network(conv_net(tmp_path, 1, "a.onnx"))
    batched = load_network(conv_net(tmp_path, batch, "b.onnx"))
    assert batched.layers == single.layers
    assert batched.inputs == single.inputs
    assert single.macs == 4 * 3 * 9 * 64 + 40
    assert [str(batch) in text for text in batched.warnings] == [True] * isinstance(batch, int)


def test_rows_that_mix_the_batch_are_an_error(tmp_path: Path) -> None:
    nodes = [node("Transpose", ["x"], ["t"], perm=[1, 0]), node("MatMul", ["x", "t"], ["y"])]
    with pytest.raises(InputError, match="mixes the 4 samples"):
        load_network(save(tmp_path, nodes, [tensor("x", (4, 6))], ["y"]))


def branching_net(folder: Path, *, known: bool) -> Path:
    """A convolution, one of two activations by a condition, a convolution."""
    shape = (1, 8, 4, 4)
    bodies = [
        helper.make_graph([node(op, ["c"], ["r"])], op, [], [tensor("r", shape)]) for op in ("Relu", "Neg")
    ]
    nodes = [
        node("Conv", ["x", "w"], ["c"]),
        node("If", ["cond"], ["i"], then_branch=bodies[0], else_branch=bodies[1]),
        node("Conv", ["i", "v"], ["y"]),
    ]
    constants = [weight("w", 8, 3, 1, 1), weight("v", 2, 8, 1, 1)]
    inputs = [tensor("x", (1, 3, 4, 4))]
    if known:
        constants.append(numpy_helper.from_array(np.array(True), "cond"))
    else:
        inputs.append(tensor("cond", (), TensorProto.BOOL))
    return save(folder, nodes, inputs, ["y"], constants)


def test_a_known_branch_is_taken(tmp_path: Path) -> None:
    network = load_network(branching_net(tmp_path, known=True))
    assert network.warnings == ()
    assert network.layers[0].fused == ("n_r",)
    assert network.layers[0].vector_elements == 128


def test_an_open_branch_is_one_unknown_operator(tmp_path: Path) -> None:
    path = branching_net(tmp_path, known=False)
    with pytest.raises(InputError, match=r"'If' is not understood.*which branch runs depends on the input"):
        load_network(path)
    network = load_network(path, allow_unknown=True)
    assert network.layers[0].vector_elements == 2 * 128
    assert network.layers[1].operands[0].source == 0


def test_local_functions_are_inlined(tmp_path: Path) -> None:
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("my", 1)]
    body = [node("Conv", ["a", "b"], ["m"]), node("Relu", ["m"], ["o"])]
    block = helper.make_function("my", "Block", ["a", "b"], ["o"], body, opsets[:1])
    graph = helper.make_graph(
        [node("Block", ["x", "w"], ["y"], domain="my")],
        "graph",
        [tensor("x", (1, 3, 8, 8))],
        [tensor("y", (1, 8, 8, 8))],
        [weight("w", 8, 3, 1, 1)],
    )
    path = tmp_path / "functions.onnx"
    path.write_bytes(helper.make_model(graph, functions=[block], opset_imports=opsets).SerializeToString())
    assert load_network(path).layers[0].vector_elements == 8 * 64


def attention_net(folder: Path, batch: int, name: str) -> Path:
    nodes = [
        node("MatMul", ["x", "w"], ["qkv"]),
        node("Split", ["qkv"], ["q", "k", "v"], axis=2),
        node("Reshape", ["q", "heads"], ["q1"]),
        node("Reshape", ["k", "heads"], ["k1"]),
        node("Reshape", ["v", "heads"], ["v1"]),
        node("Transpose", ["q1"], ["q2"], perm=[0, 2, 1, 3]),
        node("Transpose", ["k1"], ["k2"], perm=[0, 2, 3, 1]),
        node("Transpose", ["v1"], ["v2"], perm=[0, 2, 1, 3]),
        node("MatMul", ["q2", "k2"], ["s"]),
        node("Softmax", ["s"], ["p"]),
        node("MatMul", ["p", "v2"], ["o"]),
        node("Transpose", ["o"], ["o1"], perm=[0, 2, 1, 3]),
        node("Reshape", ["o1", "flat"], ["o2"]),
        node("MatMul", ["o2", "u"], ["y"]),
    ]
    constants = [
        weight("w", 32, 96),
        weight("u", 32, 32),
        integers("heads", batch, 10, 4, 8),
        integers("flat", batch, 10, 32),
    ]
    return save(folder, nodes, [tensor("x", (batch, 10, 32))], ["y"], constants, name=name)


def test_attention_slices_and_batches(tmp_path: Path) -> None:
    single = load_network(attention_net(tmp_path, 1, "a.onnx"))
    qkv, scores, mixed, out = single.layers
    assert [(o.role, o.source, o.elements) for o in scores.operands] == [
        (Role.DATA, 0, 320),
        (Role.SECOND, 0, 320),
    ]
    assert (scores.groups, scores.macs, mixed.macs) == (4, 4 * 10 * 10 * 8, 4 * 10 * 10 * 8)
    assert scores.vector_elements == 4 * 4 * 10 * 10
    assert [o.source for o in mixed.operands] == [1, 0]
    assert (qkv.vector_elements, out.vector_elements) == (0, 0)
    assert load_network(attention_net(tmp_path, 3, "b.onnx")).layers == single.layers


def test_dynamic_shape_arithmetic(tmp_path: Path) -> None:
    nodes = [
        node("Conv", ["x", "w"], ["c"]),
        node("Shape", ["c"], ["shape"]),
        node("Gather", ["shape", "zero"], ["n"]),
        node("Unsqueeze", ["n", "axis"], ["n1"]),
        node("Concat", ["n1", "rest"], ["target"], axis=0),
        node("Reshape", ["c", "target"], ["f"]),
        node("MatMul", ["f", "v"], ["y"]),
    ]
    zero = numpy_helper.from_array(np.array(0), "zero")
    constants = [
        weight("w", 4, 3, 1, 1),
        weight("v", 256, 10),
        integers("axis", 0),
        integers("rest", -1),
        zero,
    ]
    network = load_network(save(tmp_path, nodes, [tensor("x", ("N", 3, 8, 8))], ["y"], constants))
    assert network.macs == 4 * 3 * 64 + 2560
    assert network.layers[1].operands[0].window == (8, 8)


def test_odd_node_names_are_data(tmp_path: Path) -> None:
    odd = "[bold]/weird {name}\n\x1b[31m"
    nodes = [node("Conv", ["x", "w"], ["c"], name=odd), node("Conv", ["c", "u"], ["y"], name=odd)]
    network = load_network(
        save(
            tmp_path,
            nodes,
            [tensor("x", (1, 3, 4, 4))],
            ["y"],
            [weight("w", 2, 3, 1, 1), weight("u", 2, 2, 1, 1)],
        )
    )
    assert [layer.name for layer in network.layers] == [odd, f"{odd}#2"]


def test_dilation_padding_and_auto_pad(tmp_path: Path) -> None:
    nodes = [
        node("Conv", ["x", "w"], ["c"], dilations=[2, 2], pads=[2, 1, 2, 1]),
        node("Conv", ["c", "u"], ["y"], auto_pad="SAME_UPPER", strides=[2, 2]),
    ]
    constants = [weight("w", 4, 2, 3, 3), weight("u", 4, 4, 3, 3)]
    first, second = load_network(
        save(tmp_path, nodes, [tensor("x", (1, 2, 12, 12))], ["y"], constants)
    ).layers
    assert first.operands[0].window == (5, 5)
    assert first.padding == (2, 1, 2, 1)
    assert (second.out_height, second.out_width, second.padding) == (6, 5, (0, 0, 1, 1))


def test_conv_over_a_sequence(tmp_path: Path) -> None:
    nodes = [node("Conv", ["x", "w"], ["y"], strides=[2])]
    layer = load_network(
        save(tmp_path, nodes, [tensor("x", (1, 8, 20))], ["y"], [weight("w", 16, 8, 4)])
    ).layers[0]
    assert (layer.out_height, layer.out_width, layer.kernel, layer.stride) == (9, 1, (4, 1), (2, 1))
    assert (layer.operands[0].height, layer.operands[0].window) == (20, (4, 1))
