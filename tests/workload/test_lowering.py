"""The fusion rule on small graphs."""

from __future__ import annotations

import pytest

from mcmscope.errors import InputError
from mcmscope.workload import Network, Op, Role
from mcmscope.workload.builder import GraphBuilder
from mcmscope.workload.graph import (
    Concat,
    Graph,
    Linear,
    MatMul,
    Move,
    Node,
    Reduce,
    Reshape,
    Slice,
    Transpose,
    Vector,
)
from mcmscope.workload.lower import lower


def sources(network: Network, layer: int) -> list[tuple[int, Role]]:
    return [(operand.source, operand.role) for operand in network.layers[layer].operands]


def image() -> tuple[GraphBuilder, str]:
    g = GraphBuilder("net")
    return g, g.input(4, 8, 8)


def test_residual_runs_with_the_latest_layer() -> None:
    g, x = image()
    a = g.conv_relu("a", x, 4, 3)
    b = g.conv("b", a, 4, 3)
    g.relu(g.vector("add", "add", b, a))
    network = lower(g.graph())
    assert sources(network, 1) == [(0, Role.DATA), (0, Role.RESIDUAL)]
    assert network.layers[1].fused == ("add", "add.relu")
    assert network.layers[1].vector_elements == 2 * 256
    assert network.layers[0].vector_elements == 256
    assert network.outputs == (1,)


def test_residual_of_the_input() -> None:
    g, x = image()
    g.vector("add", "add", x, g.conv("a", x, 4, 3))
    network = lower(g.graph())
    assert sources(network, 0) == [(-1, Role.DATA), (-1, Role.RESIDUAL)]


def test_add_whose_latest_layer_is_shared_goes_to_the_readers() -> None:
    g, x = image()
    a = g.conv("a", x, 4, 1)
    b = g.conv("b", x, 4, 1)
    g.conv("c", g.vector("add", "add", a, b), 4, 1)
    g.conv("d", b, 4, 1)
    network = lower(g.graph("c", "d"))
    # b is read by d, too: its tensor must stay as it is, so c reads both and adds them.
    assert sources(network, 2) == [(0, Role.DATA), (1, Role.DATA)]
    assert network.layers[2].vector_elements == 256
    assert network.layers[1].vector_elements == 0
    assert network.outputs == (2, 3)


def test_activation_of_a_shared_value_runs_in_every_reader() -> None:
    g, x = image()
    a = g.conv("a", x, 4, 1)
    r = g.relu(a)
    b, c = g.conv("b", r, 4, 1), g.conv("c", r, 4, 1)
    d = g.conv("d", a, 4, 1)
    network = lower(g.graph(b, c, d))
    assert [layer.vector_elements for layer in network.layers] == [0, 256, 256, 0]
    assert network.layers[1].fused == ("a.relu",)


def test_value_that_is_also_an_output_stays_as_it_is() -> None:
    g, x = image()
    a = g.conv("a", x, 4, 1)
    b = g.conv("b", g.relu(a), 4, 1)
    network = lower(g.graph(a, b))
    assert network.outputs == (0, 1)
    assert [layer.vector_elements for layer in network.layers] == [0, 256]


def test_shared_pooling_widens_the_windows_of_its_readers() -> None:
    g, x = image()
    a = g.conv("a", x, 4, 1)
    p = g.pool("pool", a, 3, 2, padding=1)
    b = g.conv("b", p, 4, 3)
    c = g.conv("c", p, 4, 1, stride=2, padding=0)
    d = g.conv("d", a, 4, 1)
    network = lower(g.graph(b, c, d))
    # A 3x3 on pooled rows needs (3 - 1) * 2 + 3 = 7 rows, two further on for the next position.
    assert network.layers[1].operands[0].window == (7, 7)
    assert network.layers[1].operands[0].stride == (2, 2)
    assert network.layers[2].operands[0].window == (3, 3)
    assert network.layers[2].operands[0].stride == (4, 4)
    assert network.layers[1].operands[0].height == 8
    assert network.layers[1].vector_elements == 4 * 4 * 4 * 9
    assert network.layers[0].output_elements == 256


def test_poolings_in_a_row_compose_behind_the_layer() -> None:
    g, x = image()
    p = g.pool("p1", g.conv("a", x, 4, 3), 2, 2)
    g.pool("p2", p, 3, 1)
    layer = lower(g.graph()).layers[0]
    assert (layer.out_height, layer.output_height) == (8, 2)
    assert (layer.pool_window, layer.pool_stride) == ((6, 6), (2, 2))
    assert layer.vector_elements == 4 * (4 * 16 + 9 * 4)


def test_global_pool_and_flatten() -> None:
    g, x = image()
    a = g.conv("a", x, 4, 1)
    f = g.flatten("flat", a)
    y = g.linear("fc", f, 10)
    z = g.linear("gap", g.flatten("flat2", g.global_pool("mean", g.conv("b", a, 6, 1))), 10)
    network = lower(g.graph(y, z))
    flat, pooled = network.layers[1], network.layers[3]
    assert (flat.operands[0].height, flat.operands[0].window) == (8, (8, 8))
    assert network.layers[2].pool_window == (8, 8)
    assert (pooled.operands[0].elements, pooled.operands[0].window) == (6, (1, 1))


def test_concat_is_several_operands() -> None:
    g, x = image()
    a, b = g.conv("a", x, 4, 1), g.conv("b", x, 6, 1)
    g.conv("c", g.concat("cat", g.relu(a), b, x), 8, 3)
    network = lower(g.graph())
    layer = network.layers[2]
    assert layer.in_channels == 14
    assert [(o.source, o.elements, o.window) for o in layer.operands] == [
        (0, 256, (3, 3)),
        (1, 384, (3, 3)),
        (-1, 256, (3, 3)),
    ]
    assert layer.vector_elements == 0
    assert network.layers[0].vector_elements == 256


def test_preactivation_of_a_concat_runs_in_every_reader() -> None:
    g, x = image()
    a, b = g.conv("a", x, 4, 1), g.conv("b", x, 4, 1)
    n = g.relu(g.norm(g.concat("cat", a, b)))
    y, z = g.conv("y", n, 4, 1), g.conv("z", n, 4, 1)
    network = lower(g.graph(y, z))
    # The norm has no weights before it to vanish into: one pass per element, as the activation.
    assert [layer.vector_elements for layer in network.layers] == [0, 0, 2 * 512, 2 * 512]
    assert sources(network, 3) == [(0, Role.DATA), (1, Role.DATA)]


def test_norm_folds_only_right_behind_weights() -> None:
    g, x = image()
    g.norm(g.relu(g.norm(g.conv("a", g.norm(x), 4, 1))))
    layer = lower(g.graph()).layers[0]
    # Before the convolution 1, right behind it 0, activation 1, norm behind the activation 1.
    assert layer.vector_elements == 3 * 256


def test_outputs_without_a_layer_behind_are_not_lost() -> None:
    g, x = image()
    a, b = g.conv("a", x, 4, 1), g.conv("b", x, 4, 1)
    c = g.concat("cat", a, b)
    g.relu(c)
    network = lower(g.graph())
    assert network.outputs == (0, 1)
    assert sum(layer.vector_elements for layer in network.layers) == 512


def test_shared_sum_as_output() -> None:
    g, x = image()
    a = g.conv("a", x, 4, 1)
    b = g.conv("b", a, 4, 1)
    g.vector("add", "add", a, b)
    g.conv("c", b, 4, 1)
    network = lower(g.graph("add", "c"))
    assert network.outputs == (1, 2)
    assert (0, Role.RESIDUAL) in sources(network, 1)
    assert network.layers[1].vector_elements == 256


def test_output_of_no_layer_is_told() -> None:
    g, x = image()
    r = g.relu(x)
    a = g.conv("a", x, 4, 1)
    network = lower(g.graph(r, a))
    assert "made by no layer" in network.warnings[0]
    assert network.layers[0].vector_elements == 256


def test_dead_branches_are_left_out() -> None:
    g, x = image()
    a = g.conv("a", x, 4, 1)
    g.conv("dead", a, 4, 1)
    g.input(3, name="unused")
    network = lower(g.graph(a))
    assert len(network) == 1
    assert [item.name for item in network.inputs] == ["input"]


def test_no_layer_at_all() -> None:
    g, x = image()
    g.relu(x)
    with pytest.raises(InputError, match="no layers"):
        lower(g.graph())


def test_squeeze_and_excite_scale_goes_to_the_reader() -> None:
    g, x = image()
    a = g.conv("a", x, 4, 3)
    s = g.conv("s", g.global_pool("mean", a), 4, 1)
    scaled = g.add("scale", "mul", Vector(), (a, s), g.shapes[a])
    g.conv("b", scaled, 4, 1)
    network = lower(g.graph())
    assert network.layers[1].operands[0].window == (8, 8)
    assert network.layers[1].vector_elements == 256
    assert [(o.source, o.elements) for o in network.layers[2].operands] == [(0, 256), (1, 4)]
    assert network.layers[2].vector_elements == 256


def test_self_gated_activation_runs_with_its_layer() -> None:
    g, x = image()
    a = g.conv("a", x, 4, 3)
    gate = g.vector("sigmoid", "sigmoid", a)
    g.conv("b", g.vector("silu", "mul", a, gate), 4, 1)
    network = lower(g.graph())
    assert network.layers[0].fused == ("sigmoid", "silu")
    assert network.layers[0].vector_elements == 512
    assert network.layers[1].vector_elements == 0


def sequence(*nodes: Node, outputs: tuple[str, ...], shape: tuple[int, ...] = (1, 10, 16)) -> Graph:
    return Graph("seq", (("x", shape),), nodes, outputs)


def linear(name: str, x: str, shape: tuple[int, ...], reduced: int) -> Node:
    return Node(name, "Linear", Linear(shape[-1], reduced), (x,), name, shape)


def test_token_mixing_needs_all_rows() -> None:
    turned = Node("t", "Transpose", Transpose((0, 2, 1)), ("a",), "t", (1, 16, 10))
    network = lower(
        sequence(linear("a", "x", (1, 10, 16), 16), turned, linear("b", "t", (1, 16, 10), 10), outputs=("b",))
    )
    assert network.layers[0].operands[0].window == (1, 1)
    assert network.layers[1].operands[0].window == (10, 1)
    assert network.layers[1].vector_elements == 0
    assert network.layers[1].out_height == 16


def test_slices_read_less_and_sum_up() -> None:
    qkv = linear("qkv", "x", (1, 10, 48), 16)
    parts = [Node(n, "Split", Slice(), ("qkv",), n, (1, 10, 16)) for n in "qkv"]
    turned = Node("kt", "Transpose", Transpose((0, 2, 1)), ("k",), "kt", (1, 16, 10))
    scores = Node("s", "MatMul", MatMul(), ("q", "kt"), "s", (1, 10, 10))
    softmax = Node("p", "Softmax", Vector(4), ("s",), "p", (1, 10, 10))
    mixed = Node("o", "MatMul", MatMul(), ("p", "v"), "o", (1, 10, 16))
    network = lower(sequence(qkv, *parts, turned, scores, softmax, mixed, outputs=("o",)))
    assert [o.elements for o in network.layers[1].operands] == [160, 160]
    assert network.layers[1].op is Op.MATMUL
    assert network.layers[1].vector_elements == 400
    assert network.layers[2].operands[1].role is Role.SECOND
    assert network.layers[2].operands[1].window == (10, 1)
    # Two different thirds of a tensor in one role are two thirds, the same third twice is one third.
    both = Node("cat", "Concat", Concat(2), ("q", "v"), "cat", (1, 10, 32))
    twice = Node("sum", "Add", Vector(), ("q", "cat2"), "sum", (1, 10, 16))
    gate = Node("cat2", "Relu", Vector(), ("q",), "cat2", (1, 10, 16))
    network = lower(
        sequence(
            qkv,
            *parts,
            both,
            linear("y", "cat", (1, 10, 4), 32),
            gate,
            twice,
            linear("z", "sum", (1, 10, 4), 16),
            outputs=("y", "z"),
        )
    )
    assert network.layers[1].operands[0].elements == 320
    assert network.layers[2].operands[0].elements == 160


def test_cut_token_has_one_row() -> None:
    token = Node("cls", "Gather", Slice(1), ("a",), "cls", (1, 16))
    network = lower(
        sequence(linear("a", "x", (1, 10, 16), 16), token, linear("b", "cls", (1, 5), 16), outputs=("b",))
    )
    operand = network.layers[1].operands[0]
    assert (operand.elements, operand.height, operand.window) == (16, 1, (1, 1))


def test_views_are_free_and_shuffles_are_not() -> None:
    g, x = image()
    a = g.conv("a", x, 8, 1)
    split = g.add("split", "Reshape", Reshape(), (a,), (1, 2, 4, 8, 8))
    mixed = g.add("mix", "Transpose", Transpose((0, 2, 1, 3, 4)), (split,), (1, 4, 2, 8, 8))
    joined = g.add("join", "Reshape", Reshape(), (mixed,), (1, 8, 8, 8))
    g.conv("b", joined, 8, 3)
    network = lower(g.graph())
    assert network.layers[0].vector_elements == 512
    assert network.layers[1].operands[0].window == (3, 3)
    g, x = image()
    a = g.conv("a", x, 8, 1)
    rows = g.add("rows", "Reshape", Reshape(), (a,), (1, 8, 64))
    last = g.add("last", "Transpose", Transpose((0, 2, 1)), (rows,), (1, 64, 8))
    g.linear("fc", last, 5)
    network = lower(g.graph())
    assert [layer.vector_elements for layer in network.layers] == [0, 0]
    assert network.layers[1].out_height == 64
    assert network.layers[1].operands[0].window == (1, 1)


def test_moves_count_what_they_move() -> None:
    g, x = image()
    a = g.conv("a", x, 4, 1)
    padded = g.add("pad", "Pad", Move(), (a,), (1, 4, 10, 10))
    g.conv("b", padded, 4, 3, padding=0)
    network = lower(g.graph())
    assert network.layers[0].vector_elements == 400
    assert (network.layers[0].output_elements, network.layers[0].output_height) == (400, 10)
    assert network.layers[1].out_height == 8


def test_mean_over_tokens_needs_all_of_them() -> None:
    a = linear("a", "x", (1, 10, 16), 16)
    mean = Node("m", "ReduceMean", Reduce((1,), keep=False), ("a",), "m", (1, 16))
    network = lower(sequence(a, mean, linear("b", "m", (1, 4), 16), outputs=("b",)))
    assert network.layers[0].pool_window == (10, 1)
    assert network.layers[0].output_elements == 16
    shared = lower(sequence(a, mean, linear("b", "m", (1, 4), 16), outputs=("a", "b")))
    assert shared.layers[1].operands[0].window == (10, 1)
    assert shared.layers[1].vector_elements == 160


def test_work_on_the_input_runs_in_its_readers() -> None:
    g, x = image()
    g.conv("a", g.relu(x), 4, 1)
    assert lower(g.graph()).layers[0].vector_elements == 256


def test_partial_batches_are_an_error() -> None:
    graph = Graph("n", (("x", (3, 15)),), (linear("a", "x", (3, 4), 15),), ("a",), batch=2)
    with pytest.raises(InputError, match="whole samples"):
        lower(graph)
