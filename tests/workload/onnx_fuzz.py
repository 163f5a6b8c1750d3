"""Damaged ONNX files by number: the same number is always the same file."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from random import Random

import numpy as np
import onnx
from onnx import ModelProto, NodeProto, ValueInfoProto, defs, helper, numpy_helper

from mcmscope.workload.onnx_operators import CONTRIBUTED
from tests.workload.onnx_graphs import DATA, integers, node, tensor, weight

# Small files oftener than large ones: a fault in the code shows as well in either.
REAL = (
    *("alexnet_ts17", "resnet18_ts17_dynbatch", "vgg16_ts17") * 4,
    *("mobilenet_v2_dynamo", "resnet50_ts17", "llama7b_2layer_s512_dynamo", "googlenet_ts17"),
    "bert_base_s128_ts17",
    "vit_b_16_dynamo",
)
SIZES = (0, 1, 2, 3, 5, 7, 8, 64, 255, 4096, 1 << 20, 1 << 31, 1 << 40, (1 << 62) + 1, -1, -2, -(1 << 62))
MS = "com.microsoft"


@cache
def _file(name: str) -> bytes:
    return (DATA / f"{name}.onnx").read_bytes()


@cache
def _operators() -> tuple[tuple[str, str], ...]:
    """Every operator that onnx knows, and those of ONNX Runtime that the reader knows."""
    known = {(schema.name, schema.domain) for schema in defs.get_all_schemas()}
    return tuple(
        sorted(known | {(label.rpartition(".")[2], label.rpartition(".")[0]) for label in CONTRIBUTED})
    )


def damaged(number: int) -> bytes:
    """The file of that number."""
    random = Random(number)
    kind = random.randrange(10)
    if kind == 0:
        return random.randbytes(random.randrange(2000))
    if kind == 1:
        content = _file(random.choice(REAL))
        return content[: random.randrange(len(content))]
    if kind <= 3:
        content = bytearray(_file(random.choice(REAL)))
        for _ in range(random.randrange(1, 12)):
            content[random.randrange(len(content))] = random.randrange(256)
        return bytes(content)
    model = onnx.load_model_from_string(_file(random.choice(REAL))) if kind <= 6 else _soup(random)
    for _ in range(random.choice((1, 1, 1, 2, 2, 3, 5))):
        random.choice(_MUTATIONS)(model, random)
    return model.SerializeToString()


def _soup(random: Random) -> ModelProto:
    """A chain of operators of any kind over values of a few shapes, with constants among their inputs."""
    shapes = [(1, 8, 6, 6), (1, 10, 16), (1, 16), (2, 3, 4), (1, 4, 10, 8), ()]
    values: list[str] = []
    inputs: list[ValueInfoProto] = []
    for i in range(random.randrange(1, 4)):
        inputs.append(tensor(f"x{i}", random.choice(shapes)))
        values.append(f"x{i}")
    constants = [weight("w4", 8, 8, 3, 3), weight("w2", 16, 16), weight("w1", 16), weight("w0")]
    constants += [integers("i1", 1), integers("i2", 1, -1), integers("i4", 1, 8, 6, 6)]
    constants.append(numpy_helper.from_array(np.zeros((16, 16), np.int8), "q2"))
    values += [t.name for t in constants]
    nodes: list[NodeProto] = [
        node("Conv", ["x0", "w4"], ["c"], pads=[1] * 4),
        node("MatMul", ["x0", "w2"], ["m"]),
    ]
    values += ["c", "m"]
    for i in range(random.randrange(1, 12)):
        op, domain = random.choice(_operators())
        count = random.randrange(1, 6)
        outputs = [f"v{i}"] + [f"v{i}_{j}" for j in range(random.choice((0, 0, 1, 2)))]
        nodes.append(node(op, random.choices([*values, ""], k=count), outputs, domain=domain))
        values += outputs
    outputs = [tensor(random.choice(values), ()) for _ in range(2)]
    for output in outputs:
        output.type.tensor_type.ClearField("shape")
    graph = helper.make_graph(nodes, "soup", inputs, outputs, constants)
    opset = random.choice((7, 11, 13, 17, 18, 21, 23, defs.onnx_opset_version()))
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", opset), helper.make_opsetid(MS, 1)]
    )


def _node(model: ModelProto, random: Random) -> NodeProto:
    return random.choice(model.graph.node) if model.graph.node else model.graph.node.add()


def _change_attribute(model: ModelProto, random: Random) -> None:
    inner = _node(model, random)
    if not inner.attribute:
        return
    attribute = random.choice(inner.attribute)
    attribute.i = random.choice(SIZES)
    if attribute.ints:
        attribute.ints[random.randrange(len(attribute.ints))] = random.choice(SIZES)
    if attribute.HasField("t") and attribute.t.dims:
        attribute.t.dims[0] = random.choice(SIZES)


def _add_attribute(model: ModelProto, random: Random) -> None:
    name = random.choice(
        ("axis", "axes", "group", "strides", "pads", "perm", "num_heads", "equation", "K", "bits")
    )
    value: object = random.choice((random.choice(SIZES), [random.choice(SIZES)] * 2, "bij,bjk->ik", 0.5))
    _node(model, random).attribute.append(helper.make_attribute(name, value))


def _change_operator(model: ModelProto, random: Random) -> None:
    inner = _node(model, random)
    inner.op_type, inner.domain = random.choice(_operators())


def _change_wires(model: ModelProto, random: Random) -> None:
    inner, other = _node(model, random), _node(model, random)
    names = [*other.input, *other.output, ""]
    if inner.input:
        inner.input[random.randrange(len(inner.input))] = random.choice(names)
    if random.random() < 0.2:
        inner.input.append(random.choice(names))
    if random.random() < 0.1 and inner.output:
        inner.output[0] = random.choice(names)


def _drop_wire(model: ModelProto, random: Random) -> None:
    inner = _node(model, random)
    wires = inner.input if random.random() < 0.8 else inner.output
    if wires:
        del wires[random.randrange(len(wires))]


def _drop_or_repeat(model: ModelProto, random: Random) -> None:
    if not model.graph.node:
        return
    place = random.randrange(len(model.graph.node))
    if random.random() < 0.5:
        del model.graph.node[place]
    else:
        model.graph.node.append(model.graph.node[place])


def _change_constant(model: ModelProto, random: Random) -> None:
    if not model.graph.initializer:
        return
    constant = random.choice(model.graph.initializer)
    if constant.dims and random.random() < 0.6:
        constant.dims[random.randrange(len(constant.dims))] = random.choice(SIZES)
    elif random.random() < 0.5:
        constant.data_type = random.randrange(30)
    else:
        values = np.array([random.choice(SIZES[:14])] * random.randrange(4), np.int64)
        constant.CopyFrom(numpy_helper.from_array(values, constant.name))


def _change_input(model: ModelProto, random: Random) -> None:
    infos = [*model.graph.input, *model.graph.value_info, *model.graph.output]
    if not infos:
        return
    kind = random.choice(infos).type.tensor_type
    if kind.shape.dim and random.random() < 0.7:
        dim = random.choice(kind.shape.dim)
        if random.random() < 0.3:
            dim.dim_param = random.choice(("N", "a + b", "(", "1 << 99", "9" * 30))
        else:
            dim.dim_value = random.choice(SIZES)
    elif random.random() < 0.5:
        kind.shape.dim.add()
    else:
        kind.elem_type = random.randrange(30)


def _change_output(model: ModelProto, random: Random) -> None:
    outputs = model.graph.output
    if outputs and random.random() < 0.5:
        random.choice(outputs).name = random.choice((*_node(model, random).input, "nothing", ""))
    else:
        outputs.add(name=random.choice((*_node(model, random).output, "nothing")))


def _change_opset(model: ModelProto, random: Random) -> None:
    if model.opset_import:
        random.choice(model.opset_import).version = random.choice((*SIZES, 7, 11, 13, 18, 23))


def _nest(model: ModelProto, random: Random) -> None:
    """Move a node into a branch or a loop."""
    inner = _node(model, random)
    body = helper.make_graph([inner], "body", [], [tensor(name, ()) for name in inner.output])
    constant = numpy_helper.from_array(np.array(random.random() < 0.5), "condition")
    model.graph.initializer.append(constant)
    outputs = list(inner.output)
    outer = (
        node("If", ["condition"], outputs or ["none"], then_branch=body, else_branch=body)
        if random.random() < 0.8
        else node("Loop", ["", "condition"], outputs or ["none"], body=body)
    )
    inner.CopyFrom(outer)


_MUTATIONS: tuple[Callable[[ModelProto, Random], None], ...] = (
    _change_attribute,
    _add_attribute,
    _change_operator,
    _change_wires,
    _drop_wire,
    _drop_or_repeat,
    _change_constant,
    _change_input,
    _change_output,
    _change_opset,
    _nest,
)
