"""Network files: exact both ways, every fault with its path."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import validate

from mcmscope.errors import InputError
from mcmscope.schemas import schema
from mcmscope.workload import Layer, Network, NetworkInput, Op, Operand, Role, load_network, zoo_names
from mcmscope.workload.builder import GraphBuilder
from mcmscope.workload.json_format import network_from_dict, network_to_dict, write_network
from mcmscope.workload.lower import lower
from tests.workload.onnx_graphs import DATA

SIZE = st.integers(1, 1 << 20)
SMALL = st.integers(1, 9)
PAIR = st.tuples(SMALL, SMALL)


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """Random networks that hold together."""
    inputs = tuple(
        NetworkInput(draw(st.text(max_size=5)), draw(SIZE), draw(st.booleans()))
        for _ in range(draw(st.integers(1, 2)))
    )
    layers: list[Layer] = []
    for index in range(draw(st.integers(1, 6))):
        op = draw(st.sampled_from(Op))
        roles = [Role.DATA, *([Role.SECOND] if op is Op.MATMUL else [])]
        roles += draw(st.lists(st.sampled_from([Role.DATA, Role.RESIDUAL]), max_size=2))
        operands: list[Operand] = []
        for role in roles:
            source = draw(st.integers(-len(inputs), index - 1))
            made = layers[source].output_elements if source >= 0 else inputs[-1 - source].elements
            height, width = draw(SMALL), draw(SMALL)
            window = draw(st.integers(1, height)), draw(st.integers(1, width))
            elements = draw(st.integers(1, made))
            operands.append(Operand(source, role, elements, height, width, window, draw(PAIR)))
        groups = draw(SMALL)
        layers.append(
            Layer(
                name=draw(st.text(max_size=8)),
                op=op,
                out_channels=groups * draw(SMALL),
                in_channels=draw(SIZE),
                groups=groups,
                out_height=draw(SIZE),
                out_width=draw(SIZE),
                operands=tuple(operands),
                weights=0 if op is Op.MATMUL else draw(SIZE),
                vector_elements=draw(st.integers(0, 1 << 40)),
                output_elements=draw(SIZE),
                output_height=draw(SIZE),
                output_width=draw(SIZE),
                kernel=draw(PAIR),
                stride=draw(PAIR),
                dilation=draw(PAIR),
                padding=draw(st.tuples(*[st.integers(0, 3)] * 4)),
                pool_window=draw(PAIR),
                pool_stride=draw(PAIR),
                fused=tuple(draw(st.lists(st.text(max_size=4), max_size=3))),
            )
        )
    read = {operand.source for layer in layers for operand in layer.operands}
    outputs = {i for i in range(len(layers)) if i not in read} | {draw(st.integers(0, len(layers) - 1))}
    bits = st.integers(1, 32)
    return Network(
        draw(st.text(max_size=9)), inputs, tuple(layers), tuple(sorted(outputs)),
        draw(bits), draw(bits), draw(bits), tuple(draw(st.lists(st.text(max_size=9), max_size=2))),
    )  # fmt: skip


@given(networks())
@settings(max_examples=150, deadline=None)
def test_round_trip(network: Network) -> None:
    text = json.dumps(network_to_dict(network))
    assert network_from_dict(json.loads(text)) == network
    assert json.dumps(network_to_dict(network_from_dict(json.loads(text)))) == text


@pytest.mark.parametrize("name", [*zoo_names(), *sorted(str(p) for p in DATA.glob("*.onnx"))])
def test_round_trip_of_real_networks(name: str, tmp_path: Path) -> None:
    network = load_network(name, weight_bits=4)
    first, second = tmp_path / "a.json", tmp_path / "b.JSON"
    write_network(network, first)
    write_network(load_network(name, weight_bits=4), second)
    assert first.read_bytes() == second.read_bytes()
    assert load_network(first) == load_network(second) == network


def test_defaults_are_left_out() -> None:
    layer = network_to_dict(load_network("resnet18"))["layers"][-1]
    assert "kernel" not in layer
    assert "window" not in layer["operands"][0]


Edit = Callable[[dict[str, Any]], object]


def set_(*path: str | int, to: object) -> Edit:
    def edit(data: dict[str, Any]) -> None:
        place: Any = data
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = to

    return edit


BASE = json.dumps(network_to_dict(load_network("resnet18")))


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (set_("layers", 3, "operands", 0, "source", to=3), "network.layers[3].operands[0].source: layer 3"),
        (set_("layers", 3, "operands", 0, "source", to=-2), "network.layers[3].operands[0].source: -2"),
        (set_("layers", 3, "operands", 0, "source", to="2"), "network.layers[3].operands[0].source:"),
        (set_("layers", 3, "operands", 0, "elements", to=10**9), "network.layers[3].operands[0].elements:"),
        (set_("layers", 3, "operands", 0, "window", to=[99, 1]), "network.layers[3].operands[0].window:"),
        (set_("layers", 3, "operands", 0, "role", to="main"), "network.layers[3].operands[0].role:"),
        (set_("layers", 3, "operands", to=[]), "network.layers[3].operands:"),
        (set_("layers", 3, "out_channels", to=0), "network.layers[3].out_channels:"),
        (set_("layers", 3, "out_channels", to=1.5), "network.layers[3].out_channels:"),
        (set_("layers", 3, "out_channels", to=True), "network.layers[3].out_channels:"),
        (set_("layers", 3, "out_channels", to=1 << 80), "network.layers[3].out_channels:"),
        (set_("layers", 3, "groups", to=7), "network.layers[3].groups:"),
        (set_("layers", 3, "colour", to=1), "network.layers[3].colour:"),
        (set_("layers", 3, "op", to="matmul"), "network.layers[3].weights:"),
        (set_("layers", 3, "name", to=None), "network.layers[3].name:"),
        (set_("layers", to=[]), "network.layers:"),
        (set_("layers", to={}), "network.layers:"),
        (set_("outputs", to=[]), "network.outputs:"),
        (set_("outputs", to=[21]), "network.outputs[0]: there is no layer 21"),
        (set_("outputs", to=[20, 20]), "network.outputs:"),
        (set_("outputs", to=[0]), "network.layers[20]: its tensor is neither read nor an output"),
        (set_("weight_bits", to=0), "network.weight_bits:"),
        (set_("format", to="other"), "network.format:"),
        (set_("version", to=2), "network.version:"),
    ],
)
def test_faults_have_paths(edit: Edit, words: str) -> None:
    data = json.loads(BASE)
    edit(data)
    with pytest.raises(InputError) as caught:
        network_from_dict(data)
    assert any(fault.startswith(words) for fault in caught.value.faults), caught.value.faults


def test_all_faults_at_once() -> None:
    data = json.loads(BASE)
    for index in (1, 4, 9):
        data["layers"][index]["in_channels"] = -1
    with pytest.raises(InputError) as caught:
        network_from_dict(data)
    assert [fault.split(".in_")[0] for fault in caught.value.faults] == [
        f"network.layers[{i}]" for i in (1, 4, 9)
    ]


def test_too_many_layers() -> None:
    data = json.loads(BASE)
    data["layers"] = [copy.copy(data["layers"][0])] * 20_001
    with pytest.raises(InputError, match="20000"):
        network_from_dict(data)


@pytest.mark.parametrize("data", [None, [], "x", 3, {}, {"format": "mcmscope-network"}])
def test_not_a_network(data: object) -> None:
    with pytest.raises(InputError):
        network_from_dict(data)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", ":1: not JSON: "),
        (b'{\n"format": ', ":2: not JSON: "),
        (b"\xff\xfe", ": not JSON: it is not UTF-8 text"),
        (b"[" * 100_000, ": nested too deeply"),
        (b'{"a": ' + b"9" * 5000 + b"}", ": cannot be read: "),
        (b"NaN", ": network: not a network: "),
    ],
    ids=["empty", "cut", "not-text", "deep", "long-number", "not-an-object"],
)
def test_bad_files(content: bytes, told: str, tmp_path: Path) -> None:
    path = tmp_path / "net.json"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        load_network(path)
    assert str(caught.value).startswith(f"{path}{told}")


def test_missing_file(tmp_path: Path) -> None:
    for path in (tmp_path / "none.json", tmp_path / ("x" * 5000 + ".json")):
        with pytest.raises(InputError):
            load_network(path)
    folder = tmp_path / "folder.json"
    folder.mkdir()
    with pytest.raises(InputError, match="is a directory, expected a JSON file"):
        load_network(folder)


def test_the_example_of_the_docs_is_the_network_it_tells_of() -> None:
    path = DATA.parents[1] / "docs" / "examples" / "two-branches.json"
    validate(json.loads(path.read_text(encoding="utf-8")), schema("network"))
    g = GraphBuilder("two-branches")
    stem = g.conv_relu("stem", g.input(3, 32, 32, name="image"), 16, 3)
    left = g.conv("left", stem, 16, 3, groups=16)
    right = g.vector("add", "add", g.conv("right", stem, 16, 1), left)
    g.linear("classes", g.flatten("flatten", right), 10)
    built = lower(g.graph())
    written = load_network(path)
    assert [replace(layer, fused=()) for layer in written.layers] == [
        replace(layer, fused=()) for layer in built.layers
    ]
    assert (written.inputs, written.outputs) == (built.inputs, built.outputs)
