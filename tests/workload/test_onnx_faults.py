"""Bad ONNX files: one ``InputError`` that tells everything that is wrong, and where."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from onnx import TensorProto, helper

from mcmscope.errors import InputError
from mcmscope.workload import load_network
from tests.workload.onnx_graphs import DATA, node, save, tensor, weight

REAL = DATA / "resnet18_ts17_dynbatch.onnx"


def faults(path: Path | str, *, allow_unknown: bool = False) -> tuple[str, ...]:
    with pytest.raises(InputError) as caught:
        load_network(path, allow_unknown=allow_unknown)
    assert all(str(path) in fault for fault in caught.value.faults)
    return caught.value.faults


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"\x00\xff" * 50, "not an ONNX model"),
        (b"just some text, no model at all\n", "not an ONNX model"),
        (REAL.read_bytes()[:-200], "not an ONNX model"),
        (REAL.read_bytes()[:100], "not an ONNX model"),
        (b"\x08\x08", "no graph"),
    ],
)
def test_not_a_model(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    (fault,) = faults(path)
    assert words in fault


def test_missing_folder_pipe_extension(tmp_path: Path) -> None:
    assert "no such file" in faults(tmp_path / "none.onnx")[0]
    folder = tmp_path / "folder.onnx"
    folder.mkdir()
    assert "is a folder" in faults(folder)[0]
    pipe = tmp_path / "pipe.onnx"
    os.mkfifo(pipe)
    assert "not a regular file" in faults(pipe)[0]
    other = tmp_path / "model.pt"
    other.write_bytes(b"x")
    assert ".onnx or .json" in faults(other)[0]
    assert "not a network file" in faults(tmp_path)[0]


def test_too_large(tmp_path: Path) -> None:
    path = tmp_path / "large.onnx"
    with path.open("wb") as file:
        file.truncate((2 << 30) + 1)
    assert "at most 2 GB" in faults(path)[0]


def test_unreadable_name_too_long() -> None:
    with pytest.raises(InputError):
        load_network("x" * 5000 + ".onnx")


def test_symbolic_sizes_all_named(tmp_path: Path) -> None:
    nodes = [node("Conv", ["x", "w"], ["c"]), node("Add", ["c", "z"], ["y"])]
    inputs = [tensor("x", ("N", 3, "H", "W")), tensor("z", ("N", 4, "rows", 8))]
    told = faults(save(tmp_path, nodes, inputs, ["y"], [weight("w", 4, 3, 1, 1)]))
    assert len(told) == 3
    for fault, (name, axis, symbol) in zip(
        told, [("x", 2, "H"), ("x", 3, "W"), ("z", 2, "rows")], strict=True
    ):
        assert f"input {name!r}, axis {axis}" in fault
        assert repr(symbol) in fault


def test_different_batches(tmp_path: Path) -> None:
    nodes = [node("MatMul", ["x", "w"], ["c"]), node("Add", ["c", "z"], ["y"])]
    inputs = [tensor("x", (4, 3)), tensor("z", (2, 5))]
    (fault,) = faults(save(tmp_path, nodes, inputs, ["y"], [weight("w", 3, 5)]))
    assert "'x': 4" in fault
    assert "'z': 2" in fault


def test_no_layers(tmp_path: Path) -> None:
    (fault,) = faults(save(tmp_path, [node("Relu", ["x"], ["y"])], [tensor("x", (1, 3))], ["y"]))
    assert "no layers" in fault


def unknown_net(folder: Path) -> Path:
    nodes = [
        node("Conv", ["x", "w"], ["c"]),
        node("DeformConv", ["c", "t", "o"], ["d"], name="up one"),
        node("Fancy", ["d"], ["e"], name="fancy", domain="my.own"),
        node("DeformConv", ["e", "t", "o"], ["f"], name="up two"),
        node("Conv", ["f", "u"], ["y"]),
    ]
    constants = [weight("w", 4, 3, 1, 1), weight("t", 4, 4, 1, 1), weight("u", 2, 4, 1, 1)]
    constants.append(weight("o", 1, 2, 8, 8))
    return save(folder, nodes, [tensor("x", (1, 3, 8, 8))], ["y"], constants, domains=["my.own"], opset=19)


def test_unknown_operators_all_named(tmp_path: Path) -> None:
    told = faults(unknown_net(tmp_path))
    assert len(told) == 2
    assert "'DeformConv'" in told[0]
    assert "'up one', 'up two'" in told[0]
    assert "'my.own.Fancy'" in told[1]
    assert all("--allow-unknown" in fault for fault in told)


def test_unknown_operators_allowed(tmp_path: Path) -> None:
    network = load_network(unknown_net(tmp_path), allow_unknown=True)
    assert len(network.warnings) == 3
    assert "'fancy'" in network.warnings[1]
    assert "keep its input's shape" in network.warnings[1]
    assert "without its 144 constants" in network.warnings[0]
    assert [layer.op for layer in network.layers] == ["conv", "conv"]
    assert network.layers[0].fused == ("up one", "fancy", "up two")
    assert network.layers[0].vector_elements == 3 * 2 * 4 * 64


def test_unknown_constant_is_no_fault(tmp_path: Path) -> None:
    nodes = [
        node("Fancy", ["w"], ["v"], domain="my.own"),
        node("Conv", ["x", "u"], ["c"]),
        node("Add", ["c", "v"], ["y"]),
    ]
    constants = [weight("w", 4, 1, 1), weight("u", 4, 3, 1, 1)]
    network = load_network(
        save(tmp_path, nodes, [tensor("x", (1, 3, 8, 8))], ["y"], constants, domains=["my.own"]),
        allow_unknown=True,
    )
    assert len(network) == 1
    assert network.warnings == ()


def test_computed_kernel_is_not_understood(tmp_path: Path) -> None:
    nodes = [node("Conv", ["x", "k"], ["c"], name="dynamic kernel"), node("Conv", ["c", "u"], ["y"])]
    inputs = [tensor("x", (1, 3, 8, 8)), tensor("k", (1, 3, 1, 1))]
    (fault,) = faults(save(tmp_path, nodes, inputs, ["y"], [weight("u", 4, 1, 1, 1)]))
    assert "'dynamic kernel'" in fault


def test_no_shapes(tmp_path: Path) -> None:
    nodes = [node("Conv", ["x", "w"], ["c"]), node("NonZero", ["c"], ["i"]), node("Cast", ["i"], ["f"], to=1)]
    nodes += [node("Slice", ["f", "a", "b"], ["s"]), node("MatMul", ["s", "u"], ["y"])]
    info = [
        helper.make_tensor("a", TensorProto.INT64, [1], [0]),
        helper.make_tensor("b", TensorProto.INT64, [1], [2]),
    ]
    constants = [weight("w", 4, 3, 1, 1), weight("u", 7, 2), *info]
    told = faults(save(tmp_path, nodes, [tensor("x", (1, 3, 8, 8))], ["y"], constants), allow_unknown=True)
    assert any("shape" in fault for fault in told)


def test_contradicting_shapes(tmp_path: Path) -> None:
    nodes = [node("MatMul", ["x", "w"], ["y"], name="bad product")]
    told = faults(save(tmp_path, nodes, [tensor("x", (1, 3))], ["y"], [weight("w", 5, 2)]))
    assert "MatMul" in told[0] or "bad product" in told[0]


def test_values_out_of_order(tmp_path: Path) -> None:
    nodes = [node("Relu", ["c"], ["r"]), node("Conv", ["x", "w"], ["c"]), node("Conv", ["r", "u"], ["y"])]
    constants = [weight("w", 4, 3, 1, 1), weight("u", 4, 4, 1, 1)]
    told = faults(save(tmp_path, nodes, [tensor("x", (1, 3, 8, 8))], ["y"], constants))
    assert any("before it is made" in fault or "shape" in fault for fault in told)


def test_input_without_shape(tmp_path: Path) -> None:
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, None)
    (fault,) = faults(
        save(tmp_path, [node("Conv", ["x", "w"], ["y"])], [x], ["y"], [weight("w", 4, 3, 1, 1)])
    )
    assert "input 'x' has no shape" in fault


def test_external_data_is_never_opened(tmp_path: Path) -> None:
    secret = weight("w", 4, 3, 1, 1)
    secret.ClearField("raw_data")
    secret.data_location = TensorProto.EXTERNAL
    entry = secret.external_data.add()
    entry.key, entry.value = "location", "../../../../etc/passwd"
    path = save(tmp_path, [node("Conv", ["x", "w"], ["y"])], [tensor("x", (1, 3, 8, 8))], ["y"], [secret])
    assert load_network(path).macs == 4 * 3 * 64


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((1, 5, 8, 8), "weights [4, 3, 3, 3] want 3 input channels, the input [1, 5, 8, 8] has 5"),
        ((1, 3, 2, 2), "the kernel [3, 3] is larger than the padded input [1, 3, 2, 2]"),
    ],
)
def test_an_impossible_convolution_tells_its_sizes(
    tmp_path: Path, shape: tuple[int, ...], words: str
) -> None:
    path = save(
        tmp_path, [node("Conv", ["x", "w"], ["y"])], [tensor("x", shape)], ["y"], [weight("w", 4, 3, 3, 3)]
    )
    for allow_unknown in (False, True):
        (fault,) = faults(path, allow_unknown=allow_unknown)
        assert fault == f"{path}: node 'n_y' (Conv): {words}"


def test_an_output_that_nothing_makes(tmp_path: Path) -> None:
    nodes = [node("Conv", ["x", "w"], ["y"])]
    path = save(tmp_path, nodes, [tensor("x", (1, 3, 8, 8))], ["y", "z"], [weight("w", 4, 3, 1, 1)])
    assert faults(path) == (f"{path}: output 'z' is made by no operator",)
