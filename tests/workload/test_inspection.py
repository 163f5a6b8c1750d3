"""What is understood of a network: every operator has one fate, and what is alive is what is read later."""

from __future__ import annotations

from pathlib import Path

import pytest
from jsonschema import validate

from mcmscope.errors import InputError
from mcmscope.report.inspection import inspection_lines, inspection_to_dict
from mcmscope.schemas import schema
from mcmscope.workload import load_network
from mcmscope.workload.graph import live
from mcmscope.workload.inspection import Fate, inspect
from mcmscope.workload.json_format import write_network
from mcmscope.workload.load import load_graph
from tests.workload.onnx_graphs import DATA, node, save, tensor, weight

NAMES = ["resnet50", "swin_t", "gpt2@kv9", *sorted(DATA.glob("*.onnx"))]


@pytest.mark.parametrize("name", NAMES, ids=str)
def test_every_operator_has_one_fate(name: str | Path) -> None:
    found = inspect(name)
    network = found.network
    assert network == load_network(name)
    assert found.operators is not None
    assert list(found.operators) == list(Fate)
    counted = sum(sum(kinds.values()) for kinds in found.operators.values())
    assert counted == len(live(load_graph(name)).nodes)
    assert sum(found.operators[Fate.LAYER].values()) == len(network)
    assert not found.operators[Fate.UNKNOWN]
    validate(inspection_to_dict(found), schema("inspection"))


def test_what_is_alive_behind_each_layer() -> None:
    found = inspect("googlenet")
    network = found.network
    for b, tensors in enumerate(found.alive_tensors):
        read_later = {o.source for layer in network.layers[b:] for o in layer.operands}
        assert set(tensors) == {t for t in read_later if 0 <= t < b}
        assert found.alive[b] == sum(network.layers[t].output_elements for t in tensors)


def test_norms_fold_into_convolutions_but_not_before_them() -> None:
    folded = {name: inspect(name).operators for name in ("resnet50", "densenet121")}
    assert folded["resnet50"] is not None
    assert folded["densenet121"] is not None
    assert folded["resnet50"][Fate.FOLDED] == {"batch-norm": 53}
    assert folded["densenet121"][Fate.FOLDED] == {"batch-norm": 59}
    assert folded["densenet121"][Fate.FUSED]["batch-norm"] == 62


def test_shifted_windows_move_data() -> None:
    operators = inspect("swin-t").operators
    assert operators is not None
    assert operators[Fate.MOVED]["roll"] == 10


def test_shape_arithmetic_is_worked_out_beforehand() -> None:
    found = inspect(DATA / "llama7b_2layer_s512_dynamo.onnx")
    assert found.worked_out == 427 - 122
    lines = inspection_lines(found)
    assert any("305  worked out beforehand" in line for line in lines)
    assert any("131 MB of tables that stay outside" in line for line in lines)


def test_an_operator_that_is_not_understood_is_told_not_refused(tmp_path: Path) -> None:
    nodes = [
        node("MatMul", ["x", "w"], ["a"]),
        node("Mystery", ["a"], ["b"], domain="some.where"),
        node("MatMul", ["b", "w"], ["y"]),
    ]
    path = save(tmp_path, nodes, [tensor("x", (1, 4, 8))], ["y"], [weight("w", 8, 8)], name="odd.onnx")
    with pytest.raises(InputError):
        load_network(path)
    found = inspect(path)
    assert found.operators is not None
    assert found.operators[Fate.UNKNOWN] == {"some.where.Mystery": 1}
    assert "1  not understood, counted as data movement: 1 some.where.Mystery" in "\n".join(
        inspection_lines(found)
    )


def test_a_network_file_has_layers_only(tmp_path: Path) -> None:
    path = tmp_path / "net.json"
    write_network(load_network("bert-base"), path)
    found = inspect(path)
    assert found.operators is None
    assert found.network == load_network("bert-base")
    validate(inspection_to_dict(found), schema("inspection"))
    assert "a network file holds layers only" in "\n".join(inspection_lines(found))
