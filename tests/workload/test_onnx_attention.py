"""Attention in one operator equals attention spelled out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from onnx import NodeProto, TensorProto, defs

from mcmscope.errors import InputError
from mcmscope.workload import Layer, Network, Op, Role, load_network
from tests.workload.onnx_graphs import integers, node, save, tensor, weight

ROWS, HEADS, SHARED, SIZE = 10, 8, 2, 4
WIDE = HEADS * SIZE
MS = "com.microsoft"
needs_attention = pytest.mark.skipif(defs.onnx_opset_version() < 23, reason="onnx has no Attention yet")


def constants() -> list[TensorProto]:
    return [
        weight("wq", WIDE, WIDE),
        weight("wk", WIDE, SHARED * SIZE),
        weight("wv", WIDE, SHARED * SIZE),
        weight("wo", WIDE, WIDE),
        weight("wqkv", WIDE, 3 * WIDE),
        weight("bqkv", 3 * WIDE),
        weight("gamma", WIDE),
        weight("cos", ROWS, SIZE // 2),
        weight("sin", ROWS, SIZE // 2),
        integers("lengths", ROWS - 1),
        integers("total", ROWS),
        integers("q4", 1, ROWS, HEADS, SIZE),
        integers("kv4", 1, ROWS, SHARED, SIZE),
        integers("kv5", 1, SHARED, 1, ROWS, SIZE),
        integers("shared", 1, SHARED, HEADS // SHARED, ROWS, SIZE),
        integers("all", 1, HEADS, ROWS, SIZE),
        integers("flat", 1, ROWS, WIDE),
    ]


def projections(kv: str = "") -> list[NodeProto]:
    wide = {"k": "wq", "v": "wq"} if kv == "wide" else {"k": "wk", "v": "wv"}
    return [
        node("MatMul", ["x", "wq"], ["q"]),
        node("MatMul", ["x", wide["k"]], ["k"]),
        node("MatMul", ["x", wide["v"]], ["v"]),
    ]


def load(
    folder: Path, nodes: list[NodeProto], name: str, outputs: tuple[str, ...] = ("y",), opset: int = 17
) -> Network:
    nodes = [*nodes, node("MatMul", ["a", "wo"], ["y"])]
    inputs = [tensor("x", (1, ROWS, WIDE))]
    if any("past" in name for n in nodes for name in n.input):
        inputs += [tensor(p, (1, SHARED, 6, SIZE)) for p in ("past_k", "past_v")]
    path = save(folder, nodes, inputs, outputs, constants(), name=name, opset=opset, domains=[MS])
    return load_network(path)


def spelled_out() -> list[NodeProto]:
    """Grouped-query attention as exporters write it: the shared heads are expanded."""
    nodes = projections()
    for x, shape in (("q", "q4"), ("k", "kv4"), ("v", "kv4")):
        nodes.append(node("Reshape", [x, shape], [f"{x}1"]))
        nodes.append(node("Transpose", [f"{x}1"], [f"{x}2"], perm=[0, 2, 1, 3]))
    for x in "kv":
        nodes.append(node("Reshape", [f"{x}2", "kv5"], [f"{x}3"]))
        nodes.append(node("Expand", [f"{x}3", "shared"], [f"{x}4"]))
        nodes.append(node("Reshape", [f"{x}4", "all"], [f"{x}5"]))
    return [
        *nodes,
        node("Transpose", ["k5"], ["kt"], perm=[0, 1, 3, 2]),
        node("MatMul", ["q2", "kt"], ["s"]),
        node("Mul", ["s", "half"], ["scaled"]),
        node("Add", ["scaled", "mask"], ["masked"]),
        node("Softmax", ["masked"], ["p"], axis=-1),
        node("MatMul", ["p", "v5"], ["m"]),
        node("Transpose", ["m"], ["mt"], perm=[0, 2, 1, 3]),
        node("Reshape", ["mt", "flat"], ["a"]),
    ]


def plain(network: Network) -> list[Layer]:
    """Layers without their names, and without how often they pass over the scores."""
    return [replace(layer, name="", fused=()) for layer in network.layers]


def expected(folder: Path) -> Network:
    extra = [weight("half"), weight("mask", ROWS, ROWS)]
    nodes = [*spelled_out(), node("MatMul", ["a", "wo"], ["y"])]
    return load_network(
        save(
            folder, nodes, [tensor("x", (1, ROWS, WIDE))], ["y"], [*constants(), *extra], name="expected.onnx"
        )
    )


def test_grouped_queries_read_the_shared_heads_once(tmp_path: Path) -> None:
    layers = expected(tmp_path).layers
    scores, mixed = (layer for layer in layers if layer.op is Op.MATMUL)
    value = [layer.name for layer in layers].index("n_v")
    assert (scores.op, scores.groups, scores.macs) == (Op.MATMUL, HEADS, HEADS * ROWS * ROWS * SIZE)
    assert [(o.role, o.elements) for o in scores.operands] == [
        (Role.DATA, ROWS * WIDE),
        (Role.SECOND, ROWS * SHARED * SIZE),
    ]
    assert scores.vector_elements == 6 * HEADS * ROWS * ROWS
    assert [(o.role, o.source, o.elements) for o in mixed.operands] == [
        (Role.DATA, 3, HEADS * ROWS * ROWS),
        (Role.SECOND, value, ROWS * SHARED * SIZE),
    ]
    assert scores.weights == mixed.weights == 0


@needs_attention
def test_the_attention_operator_equals_the_graph_spelled_out(tmp_path: Path) -> None:
    fused = node("Attention", ["q", "k", "v"], ["a"], q_num_heads=HEADS, kv_num_heads=SHARED, is_causal=1)
    network = load(tmp_path, [*projections(), fused], "fused.onnx", opset=23)
    assert plain(network) == plain(expected(tmp_path))


def test_group_query_attention_equals_the_graph_spelled_out(tmp_path: Path) -> None:
    fused = node(
        "GroupQueryAttention",
        ["q", "k", "v", "", "", "lengths", "total"],
        ["a", "", ""],
        num_heads=HEADS,
        kv_num_heads=SHARED,
        domain=MS,
    )
    network = load(tmp_path, [*projections(), fused], "fused.onnx")
    assert plain(network) == plain(expected(tmp_path))


def test_rotary_embedding_runs_with_the_projections(tmp_path: Path) -> None:
    inputs = ["q", "k", "v", "past_k", "past_v", "lengths", "total", "cos", "sin"]
    fused = node(
        "GroupQueryAttention",
        inputs,
        ["a", "new_k", "new_v"],
        num_heads=HEADS,
        kv_num_heads=SHARED,
        do_rotary=1,
        domain=MS,
    )
    network = load(tmp_path, [*projections(), fused], "fused.onnx", ("y", "new_k", "new_v"))
    work = {layer.name: layer.vector_elements for layer in network.layers[:3]}
    assert work == {"n_q": 4 * ROWS * WIDE, "n_k": 4 * ROWS * SHARED * SIZE, "n_v": 0}
    scores, mixed = network.layers[3:5]
    assert scores.macs == mixed.macs == HEADS * ROWS * (ROWS + 6) * SIZE
    # The keys of the cache and the new ones.
    assert [o.elements for o in scores.operands] == [ROWS * WIDE, 6 * SHARED * SIZE, ROWS * SHARED * SIZE]
    # What is appended to the cache leaves; the cache itself stays where it lies.
    assert {network.layers[i].name for i in network.outputs} == {"n_k", "n_v", "n_y"}
    assert [(item.name, item.cached) for item in network.inputs] == [
        ("x", False),
        ("past_k", True),
        ("past_v", True),
    ]
    assert network.cache_bytes == 2 * 6 * SHARED * SIZE
    key = next(layer for layer in network.layers if layer.name == "n_k")
    assert [o.source for o in key.operands] == [-1]


def test_multi_head_attention_and_attention_with_its_projections_inside(tmp_path: Path) -> None:
    apart = node("MultiHeadAttention", ["q", "k", "v"], ["a"], num_heads=HEADS, domain=MS)
    network = load(tmp_path, [*projections("wide"), apart], "apart.onnx")
    inside = node("Attention", ["x", "wqkv", "bqkv"], ["a"], num_heads=HEADS, domain=MS)
    joined = load(tmp_path, [inside], "inside.onnx")
    assert network.macs == joined.macs == 4 * ROWS * WIDE**2 + 2 * HEADS * ROWS**2 * SIZE
    assert [layer.op for layer in joined.layers] == [Op.LINEAR, Op.MATMUL, Op.MATMUL, Op.LINEAR]
    assert [o.elements for o in joined.layers[1].operands] == [ROWS * WIDE, ROWS * WIDE]
    assert joined.layers[1].vector_elements == 5 * HEADS * ROWS**2


def test_skipping_norms_are_a_sum_and_a_norm(tmp_path: Path) -> None:
    nodes = [
        node("MatMul", ["x", "wq"], ["b"]),
        node("SkipSimplifiedLayerNormalization", ["x", "b", "gamma"], ["a", "", "", "r"], domain=MS),
    ]
    network = load(tmp_path, nodes, "skip.onnx", ("y", "r"))
    first, last = network.layers
    assert [o.role for o in first.operands] == [Role.DATA, Role.RESIDUAL]
    assert (first.vector_elements, last.vector_elements) == (ROWS * WIDE, 4 * ROWS * WIDE)
    assert network.outputs == (0, 1)


def test_sizes_that_do_not_fit_are_told(tmp_path: Path) -> None:
    fused = node("GroupQueryAttention", ["q", "k", "v"], ["a"], num_heads=7, kv_num_heads=2, domain=MS)
    with pytest.raises(
        InputError, match=r"GroupQueryAttention' is not understood .*sizes of query, key and value"
    ):
        load(tmp_path, [*projections(), fused], "bad.onnx")


@needs_attention
def test_the_newest_norms_and_rotation(tmp_path: Path) -> None:
    nodes = [
        node("MatMul", ["x", "wq"], ["b"]),
        node("RMSNormalization", ["b", "gamma"], ["n"]),
        node("MatMul", ["n", "wq"], ["c"]),
        node("RotaryEmbedding", ["c", "cos3", "sin3"], ["a"], num_heads=HEADS),
    ]
    nodes = [*nodes, node("MatMul", ["a", "wo"], ["y"])]
    tables = [weight("cos3", 1, ROWS, SIZE // 2), weight("sin3", 1, ROWS, SIZE // 2)]
    path = save(tmp_path, nodes, [tensor("x", (1, ROWS, WIDE))], ["y"], [*constants(), *tables], opset=23)
    assert [layer.vector_elements for layer in load_network(path).layers] == [4 * ROWS * WIDE] * 2 + [0]
