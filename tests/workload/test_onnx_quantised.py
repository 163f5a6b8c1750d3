"""Quantised graphs: the same layers as in floating point, and weights as wide as they are stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from onnx import NodeProto, TensorProto, helper, numpy_helper

from mcmscope.errors import InputError
from mcmscope.workload import Layer, Network, load_network
from tests.workload.onnx_graphs import node, save, tensor, weight

MS = "com.microsoft"


def integer(name: str, *shape: int, kind: int = TensorProto.INT8) -> TensorProto:
    """A constant of zeros of an integer type, packed if it is narrower than a byte."""
    count = int(np.prod(shape, dtype=int))
    return helper.make_tensor(name, kind, list(shape), [0] * count)


SCALES = [
    weight("s"),
    integer("z"),
    integer("zu", kind=TensorProto.UINT8),
    integer("z4", kind=TensorProto.INT4),
]


def load(
    folder: Path,
    nodes: Sequence[NodeProto],
    constants: Sequence[TensorProto],
    *,
    shape: Sequence[int] = (1, 3, 8, 8),
    name: str = "model.onnx",
    opset: int = 21,
    weight_bits: int | None = None,
) -> Network:
    path = save(
        folder,
        nodes,
        [tensor("x", shape)],
        [nodes[-1].output[0]],
        [*SCALES, *constants],
        name=name,
        opset=opset,
        domains=[MS],
    )
    return load_network(path, weight_bits=weight_bits)


def bare(network: Network) -> list[Layer]:
    return [replace(layer, name="", fused=()) for layer in network.layers]


def quantised(name: str, source: str, zero: str = "zu") -> list[NodeProto]:
    return [
        node("QuantizeLinear", [source, "s", zero], [f"{name}_q"]),
        node("DequantizeLinear", [f"{name}_q", "s", zero], [name]),
    ]


FLOAT = [
    node("Conv", ["x", "w", "b"], ["c"]),
    node("Relu", ["c"], ["r"]),
    node("Conv", ["r", "v"], ["d"]),
    node("Add", ["d", "r"], ["y"]),
]
FLOAT_WEIGHTS = [weight("w", 4, 3, 1, 1), weight("v", 4, 4, 1, 1), weight("b", 4)]


@pytest.mark.parametrize(("kind", "zero", "bits"), [(TensorProto.INT8, "z", 8), (TensorProto.INT4, "z4", 4)])
def test_quantise_dequantise_pairs_are_formats(tmp_path: Path, kind: int, zero: str, bits: int) -> None:
    nodes = [
        *quantised("x1", "x"),
        node("DequantizeLinear", ["wq", "s", zero], ["w"]),
        node("DequantizeLinear", ["vq", "s", zero], ["v"]),
        node("Conv", ["x1", "w", "b"], ["c"]),
        node("Relu", ["c"], ["r"]),
        *quantised("r1", "r"),
        node("Conv", ["r1", "v"], ["d"]),
        *quantised("d1", "d"),
        node("Add", ["d1", "r1"], ["a"]),
        *quantised("y", "a"),
    ]
    weights = [integer("wq", 4, 3, 1, 1, kind=kind), integer("vq", 4, 4, 1, 1, kind=kind), weight("b", 4)]
    network = load(tmp_path, nodes, weights)
    assert bare(network) == bare(load(tmp_path, FLOAT, FLOAT_WEIGHTS))
    assert network.weight_bits == bits
    assert load(tmp_path, nodes, weights, weight_bits=6).weight_bits == 6
    assert network.warnings == ()


def test_weights_that_are_quantised_in_the_graph(tmp_path: Path) -> None:
    nodes = [*quantised("w4", "w", "z4"), node("Conv", ["x", "w4"], ["y"])]
    assert load(tmp_path, nodes, [weight("w", 4, 3, 1, 1)]).weight_bits == 4


def test_integer_operators_equal_the_float_ones(tmp_path: Path) -> None:
    by_pair = [
        node("QuantizeLinear", ["x", "s", "zu"], ["q"]),
        node("QLinearConv", ["q", "s", "zu", "wq", "s", "z", "s", "zu"], ["c"]),
        node("QLinearMatMul", ["c", "s", "zu", "vq", "s", "z", "s", "zu"], ["d"]),
        node("DequantizeLinear", ["d", "s", "zu"], ["y"]),
    ]
    by_integers = [
        node("DynamicQuantizeLinear", ["x"], ["q", "qs", "qz"]),
        node("ConvInteger", ["q", "wq", "qz"], ["ci"]),
        node("Cast", ["ci"], ["cf"], to=TensorProto.FLOAT),
        node("Mul", ["cf", "qs"], ["c"]),
        node("DynamicQuantizeLinear", ["c"], ["e", "es", "ez"]),
        node("MatMulInteger", ["e", "vq", "ez"], ["y"]),
    ]
    weights = [integer("wq", 4, 3, 1, 1), integer("vq", 8, 6)]
    plain = [node("Conv", ["x", "w"], ["c"]), node("MatMul", ["c", "v"], ["y"])]
    expected = load(tmp_path, plain, [weight("w", 4, 3, 1, 1), weight("v", 8, 6)])
    assert bare(load(tmp_path, by_pair, weights)) == bare(expected)
    dynamic = load(tmp_path, by_integers, weights)
    assert [layer.macs for layer in dynamic.layers] == [layer.macs for layer in expected.layers]
    # The range of what comes in, a scaling, the range of what comes next.
    assert dynamic.layers[0].vector_elements == 3 * 64 + 2 * 4 * 64
    assert [len(layer.operands) for layer in dynamic.layers] == [1, 1]
    assert dynamic.weight_bits == 8


def test_packed_weights_have_the_width_of_their_attribute(tmp_path: Path) -> None:
    nodes = [
        node("MatMulNBits", ["x", "p", "ps"], ["a"], K=64, N=32, bits=4, block_size=32, domain=MS),
        node("FastGelu", ["a"], ["g"], domain=MS),
        node("MatMulNBits", ["g", "p2", "ps"], ["y"], K=32, N=8, bits=4, block_size=32, domain=MS),
    ]
    packed = [integer(n, 32, 2, 16, kind=TensorProto.UINT8) for n in ("p", "p2")]
    network = load(tmp_path, nodes, [*packed, weight("ps", 64)], shape=(1, 5, 64))
    assert [layer.macs for layer in network.layers] == [5 * 64 * 32, 5 * 32 * 8]
    assert [layer.weights for layer in network.layers] == [64 * 32, 32 * 8]
    assert (network.weight_bits, network.weight_bytes) == (4, (64 * 32 + 32 * 8) // 2)
    assert network.layers[0].vector_elements == 5 * 32


def test_mixed_widths_are_told_and_taken_at_their_mean(tmp_path: Path) -> None:
    nodes = [
        node("MatMulNBits", ["x", "p", "ps"], ["a"], K=64, N=64, bits=4, block_size=32, domain=MS),
        node("MatMul", ["a", "head"], ["y"]),
    ]
    constants = [integer("p", 64, 2, 16, kind=TensorProto.UINT8), weight("ps", 64), weight("head", 64, 16)]
    network = load(tmp_path, nodes, constants, shape=(1, 5, 64))
    # 4096 weights of 4 bits and 1024 of 8: 4.8 bits each.
    assert network.weight_bits == 5
    (warning,) = network.warnings
    assert "4,096 of 4 bits and 1,024 of 8" in warning
    assert "their mean, 5 bits" in warning


def test_rows_of_a_packed_table(tmp_path: Path) -> None:
    nodes = [
        node("GatherBlockQuantized", ["t", "x", "ts"], ["e"], bits=4, block_size=32, domain=MS),
        node("MatMul", ["e", "w"], ["y"]),
    ]
    constants = [integer("t", 100, 32, kind=TensorProto.UINT8), weight("ts", 100, 2), weight("w", 64, 4)]
    network = load(tmp_path, nodes, constants, shape=(1, 5))
    assert network.table_elements == 6400
    assert network.inputs[0].elements == 5 * 64


def test_quantised_gemm_and_elementwise_operators(tmp_path: Path) -> None:
    q = ["s", "zu"]
    nodes = [
        node("QuantizeLinear", ["x", *q], ["a"]),
        node("QLinearGlobalAveragePool", ["a", *q, *q], ["g"], domain=MS),
        node("Reshape", ["g", "flat"], ["f"]),
        node("QGemm", ["f", *q, "wq", "s", "z", "", *q], ["m"], transB=1, domain=MS),
        node("QLinearSigmoid", ["m", *q, *q], ["n"], domain=MS),
        node("QLinearAdd", ["n", *q, "m", *q, *q], ["y"], domain=MS),
    ]
    constants = [integer("wq", 6, 3), numpy_helper.from_array(np.array([1, 3]), "flat")]
    (layer,) = load(tmp_path, nodes, constants).layers
    assert layer.macs == layer.weights == 18
    assert layer.vector_elements == 3 * 64 + 6 + 6


def test_products_with_sizes_that_do_not_fit_are_told(tmp_path: Path) -> None:
    nodes = [node("MatMulNBits", ["x", "p", "ps"], ["y"], K=63, N=32, bits=4, block_size=32, domain=MS)]
    with pytest.raises(InputError, match=r"MatMulNBits' is not understood .*: weights of 63 inputs"):
        load(tmp_path, nodes, [integer("p", 32, 2, 16), weight("ps", 64)], shape=(1, 5, 64))
