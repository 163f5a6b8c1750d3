"""Files that are too large, too deep, too dense or reach outside their folder; and what once went wrong."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from onnx import FunctionProto, TensorProto, helper, numpy_helper

from mcmscope.errors import InputError
from mcmscope.workload import load_network, lower
from tests.workload.onnx_graphs import integers, node, save, tensor, weight


def external(name: str, shape: Sequence[int], location: str, offset: int | None = None) -> TensorProto:
    """A constant of 64-bit integers whose data is in another file."""
    constant = TensorProto(name=name, data_type=TensorProto.INT64, dims=list(shape))
    constant.data_location = TensorProto.EXTERNAL
    entries = {"location": location, "length": "16"} | ({} if offset is None else {"offset": str(offset)})
    for key, value in entries.items():
        constant.external_data.add(key=key, value=value)
    return constant


def reshaping(folder: Path, target: TensorProto) -> Path:
    nodes = [
        node("Conv", ["x", "w"], ["c"]),
        node("Reshape", ["c", "target"], ["f"]),
        node("MatMul", ["f", "v"], ["y"]),
    ]
    constants = [weight("w", 4, 3, 1, 1), weight("v", 256, 10), target]
    return save(folder, nodes, [tensor("x", (1, 3, 8, 8))], ["y"], constants)


def test_a_small_constant_beside_the_model_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "weights.bin").write_bytes(b"12345678" + np.array([1, 256], np.int64).tobytes())
    path = reshaping(folder, external("target", [2], "weights.bin", 8))
    assert load_network(path).layers[1].macs == 2560


@pytest.mark.parametrize(
    "location", ["../secret.bin", "/", "link.bin", "sub/../../secret.bin", "absolute", "\0"]
)
def test_nothing_outside_the_folder_is_read(tmp_path: Path, location: str) -> None:
    folder = tmp_path / "model"
    (folder / "sub").mkdir(parents=True)
    secret = tmp_path / "secret.bin"
    secret.write_bytes(np.array([1, 256], np.int64).tobytes())
    (folder / "link.bin").symlink_to(secret)
    target = external("target", [2], str(secret) if location == "absolute" else location)
    with pytest.raises(InputError, match="no shape is known"):
        load_network(reshaping(folder, target))


@pytest.mark.parametrize(("offset", "size"), [(8, 16), (0, 4), (-1, 16), (1 << 70, 16)])
def test_data_that_is_cut_short_is_no_data(tmp_path: Path, offset: int, size: int) -> None:
    (tmp_path / "weights.bin").write_bytes(b"\1" * size)
    with pytest.raises(InputError, match="no shape is known"):
        load_network(reshaping(tmp_path, external("target", [2], "weights.bin", offset)))


def functions(folder: Path, depth: int, *, closed: bool = False) -> Path:
    """Each of the model's functions calls the next one twice; ``closed``: the last calls the first."""
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("my", 1)]
    made: list[FunctionProto] = []
    for i in range(depth):
        last = i == depth - 1
        op, domain = ("f0", "my") if last and closed else ("Relu", "") if last else (f"f{i + 1}", "my")
        body = [node(op, ["a"], ["b"], domain=domain), node(op, ["b"], ["c"], domain=domain)]
        made.append(helper.make_function("my", f"f{i}", ["a"], ["c"], body, opsets))
    nodes = [node("Conv", ["x", "w"], ["v"]), node("f0", ["v"], ["y"], domain="my")]
    graph = helper.make_graph(
        nodes, "graph", [tensor("x", (1, 3, 8, 8))], [tensor("y", (1, 4, 8, 8))], [weight("w", 4, 3, 1, 1)]
    )
    path = folder / "functions.onnx"
    path.write_bytes(helper.make_model(graph, functions=made, opset_imports=opsets).SerializeToString())
    return path


def test_functions_that_double_at_every_step(tmp_path: Path) -> None:
    assert load_network(functions(tmp_path, 3)).layers[0].vector_elements == 8 * 256
    with pytest.raises(InputError, match="operators with the model's functions inlined; at most 100,000"):
        load_network(functions(tmp_path, 60))


def test_functions_that_call_themselves(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"the model's function 'f\d' calls itself"):
        load_network(functions(tmp_path, 3, closed=True))


def test_too_densely_connected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lower, "MAX_LINKS", 1000)
    nodes = [node("Conv", ["x", "w"], ["k0"])]
    constants = [weight("w", 1, 1, 1, 1)]
    for i in range(1, 60):
        nodes.append(node("Conv", [f"k{i - 1}", f"w{i}"], [f"c{i}"]))
        nodes.append(node("Concat", [f"k{i - 1}", f"c{i}"], [f"k{i}"], axis=1))
        wide = TensorProto(name=f"w{i}", data_type=TensorProto.FLOAT, dims=[1, i, 1, 1])
        constants.append(wide)
    path = save(tmp_path, nodes, [tensor("x", (1, 1, 2, 2))], ["k59"], constants)
    with pytest.raises(InputError, match="too densely connected: over 1,000 times"):
        load_network(path)


@pytest.mark.slow
@pytest.mark.parametrize("alike", [False, True])
def test_ten_thousand_operators(tmp_path: Path, alike: bool) -> None:
    nodes = [node("Conv", ["x", "w"], ["v0"])]
    for i in range(5000):
        name = {"name": "same"} if alike else {}
        nodes.append(node("Relu", [f"v{i}"], [f"r{i}"], **name))
        nodes.append(node("Conv", [f"r{i}", "w"], [f"v{i + 1}"], **name))
    path = save(tmp_path, nodes, [tensor("x", (1, 4, 8, 8))], ["v5000"], [weight("w", 4, 4, 1, 1)])
    network = load_network(path)
    assert len(network) == 5001
    assert len({layer.name for layer in network.layers}) == 5001


def test_tables_of_impossible_size(tmp_path: Path) -> None:
    table = TensorProto(name="t", data_type=TensorProto.FLOAT, dims=[1 << 20, 1 << 30])
    nodes = [node("Gather", ["t", "ids"], ["e"]), node("MatMul", ["e", "w"], ["y"])]
    large = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1 << 30, 1 << 30])
    path = save(tmp_path, nodes, [tensor("ids", (1, 10), TensorProto.INT64)], ["y"], [table, large])
    with pytest.raises(InputError, match="too large"):
        load_network(path)
    table.dims[:] = [1 << 20, 1 << 21]
    large.dims[:] = [1 << 21, 8]
    path = save(tmp_path, nodes, [tensor("ids", (1, 10), TensorProto.INT64)], ["y"], [table, large])
    with pytest.raises(InputError, match="its tables have 2,199,023,255,552 elements"):
        load_network(path)
    ids = tensor("ids", (1 << 12, 1 << 20), TensorProto.INT64)
    with pytest.raises(InputError, match=r"has over 2\^40 elements"):
        load_network(save(tmp_path, nodes, [ids], ["y"], [table, large]))


@pytest.mark.parametrize("where", ["input", "output"])
def test_symbols_that_are_numbers_beyond_all_sizes(tmp_path: Path, where: str) -> None:
    x = tensor("x", (1, 3, 8, 8))
    out = tensor("y", (1, 4, 8, "9" * 30))
    if where == "input":
        x.type.tensor_type.shape.dim[3].dim_param = "9" * 30
    graph = helper.make_graph([node("Conv", ["x", "w"], ["y"])], "g", [x], [out], [weight("w", 4, 3, 1, 1)])
    path = tmp_path / "model.onnx"
    path.write_bytes(helper.make_model(graph).SerializeToString())
    if where == "output":
        assert load_network(path).macs == 12 * 64
    else:
        with pytest.raises(InputError, match="is not from 1 to 2\\^31"):
            load_network(path)


def test_strides_beyond_all_sizes(tmp_path: Path) -> None:
    nodes = [node("Conv", ["x", "w"], ["y"], strides=[1, 1 << 50])]
    with pytest.raises(InputError, match="'Conv' is not understood"):
        load_network(save(tmp_path, nodes, [tensor("x", (1, 3, 8, 8))], ["y"], [weight("w", 4, 3, 1, 1)]))


def test_operators_without_the_inputs_that_they_need(tmp_path: Path) -> None:
    nodes = [
        node("RegexFullMatch", [""], ["m"], pattern="a"),
        node("Conv", ["x", "w"], ["c"]),
        node("Reshape", ["c"], ["r"]),
        node("Resize", [], ["z"]),
        node("Gemm", ["r"], ["y"]),
    ]
    path = save(
        tmp_path, nodes, [tensor("x", (1, 3, 8, 8))], ["y", "m", "z"], [weight("w", 4, 3, 1, 1)], opset=20
    )
    for allow_unknown in (False, True):
        with pytest.raises(InputError):
            load_network(path, allow_unknown=allow_unknown)


def test_folding_stays_small(tmp_path: Path) -> None:
    nodes = [
        node("Range", ["zero", "huge", "one"], ["r"]),
        node("ConstantOfShape", ["shape"], ["o"]),
        node("Conv", ["x", "w"], ["c"]),
        node("Mul", ["c", "scalar"], ["y"]),
    ]
    scalars = [
        numpy_helper.from_array(np.array(n), k) for k, n in (("zero", 0), ("one", 1), ("huge", 1 << 40))
    ]
    constants = [weight("w", 4, 3, 1, 1), weight("scalar"), integers("shape", 1 << 20, 1 << 20), *scalars]
    assert load_network(save(tmp_path, nodes, [tensor("x", (1, 3, 8, 8))], ["y"], constants)).macs == 12 * 64


def test_what_follows_from_an_empty_value_is_constant(tmp_path: Path) -> None:
    nodes = [
        node("Conv", ["x", "w"], ["c"]),
        node("Slice", ["c", "at", "at", "axis"], ["none"]),  # an empty part
        node("ReduceSum", ["none"], ["sum"], keepdims=1),
        node("Mul", ["sum", "scale"], ["left"]),
        node("Reshape", ["left", "shape"], ["flat"]),
        node("MatMul", ["flat", "right"], ["a"]),
        node("Add", ["c", "a"], ["y"]),
    ]
    constants = [weight("w", 4, 3, 1, 1), weight("scale"), weight("right", 1, 8)]
    constants += [integers("at", 0), integers("axis", 1), integers("shape", 1, 1)]
    for allow_unknown in (False, True):
        path = save(tmp_path, nodes, [tensor("x", (1, 3, 8, 8))], ["y"], constants)
        assert len(load_network(path, allow_unknown=allow_unknown)) == 1
