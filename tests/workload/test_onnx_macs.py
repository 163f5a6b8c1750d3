"""MACs by class against a counter that shares no code with the reader."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

import pytest

from mcmscope.workload import Network, Op, load_network
from tests.workload.mac_counter import count_macs
from tests.workload.onnx_graphs import DATA, node, save, tensor, weight

FIGURES = cast("dict[str, dict[str, int]]", json.loads((DATA / "macs.json").read_text()))
CLASSES = {"conv": Op.CONV, "linear": Op.LINEAR, "attention": Op.MATMUL}


def by_class(network: Network) -> dict[str, int]:
    return {
        name: sum(layer.macs for layer in network.layers if layer.op is op) for name, op in CLASSES.items()
    }


@pytest.mark.parametrize("name", FIGURES)
def test_exports(name: str) -> None:
    path = DATA / f"{name}.onnx"
    counted = count_macs(path)
    assert counted == {key: FIGURES[name][key] for key in CLASSES}
    assert by_class(load_network(path)) == counted


def test_odd_products(tmp_path: Path) -> None:
    nodes = [
        node("Conv", ["x", "c1"], ["a"], group=4, dilations=[2, 2], pads=[2, 2, 2, 2]),
        node(
            "ConvTranspose", ["a", "c2"], ["b"], strides=[2, 2], group=2, output_padding=[1, 1], pads=[1] * 4
        ),
        node("Reshape", ["b", "rows"], ["r"]),
        node("Gemm", ["g", "r"], ["s"], transA=1),
        node("Gemm", ["r", "w1"], ["t"], transA=1, transB=1),
        node("Einsum", ["s", "heads"], ["u"], equation="id,dhk->hik"),
        node("Einsum", ["u", "u"], ["v"], equation="hik,hjk->hij"),
        node("MatMul", ["left", "v"], ["y"]),
        node("MatMul", ["t", "column"], ["z"]),
    ]
    constants = [
        weight("c1", 8, 2, 3, 3),
        weight("c2", 8, 3, 3, 3),
        weight("g", 96, 5),
        weight("w1", 7, 96),
        weight("heads", 16, 2, 4),
        weight("left", 2, 9, 5),
        weight("column", 7),
    ]
    from tests.workload.onnx_graphs import integers

    path = save(
        tmp_path,
        nodes,
        [tensor("x", (1, 8, 8, 8))],
        ["y", "z"],
        [*constants, integers("rows", 96, 16)],
        opset=17,
    )
    counted = count_macs(path)
    assert counted["conv"] == 8 * 2 * 9 * 64 + 8 * 64 * 3 * 9
    assert counted["attention"] == 2 * 5 * 5 * 4
    assert by_class(load_network(path)) == counted
