"""Small ONNX models, written to files, for the tests of the reader."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from onnx import NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

DATA = Path(__file__).parent.parent / "data"

# The helpers of onnx take keyword arguments of any type, which their stubs leave partly unknown.
_make_node = cast("Any", helper.make_node)
Size = int | str


def node(op: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: object) -> NodeProto:
    """One operator, named after its first output unless ``name`` is given."""
    named = {"name": f"n_{outputs[0]}", **attributes}
    return cast("NodeProto", _make_node(op, list(inputs), list(outputs), **named))


def tensor(name: str, shape: Sequence[Size], kind: int = TensorProto.FLOAT) -> ValueInfoProto:
    """An input or output of that shape; text sizes are symbols."""
    return helper.make_tensor_value_info(name, kind, list(shape))


def weight(name: str, *shape: int) -> TensorProto:
    """A constant of zeros."""
    return numpy_helper.from_array(np.zeros(shape, np.float32), name)


def integers(name: str, *values: int) -> TensorProto:
    """A constant list of integers."""
    return numpy_helper.from_array(np.array(values, np.int64), name)


def save(
    folder: Path,
    nodes: Sequence[NodeProto],
    inputs: Sequence[ValueInfoProto],
    outputs: Sequence[str],
    constants: Sequence[TensorProto] = (),
    *,
    name: str = "model.onnx",
    domains: Sequence[str] = (),
    opset: int = 17,
) -> Path:
    """Write a model whose outputs have no stated shape; returns its path."""
    results = [helper.make_empty_tensor_value_info(o) for o in outputs]
    for result in results:
        result.type.tensor_type.elem_type = TensorProto.FLOAT
    graph = helper.make_graph(list(nodes), "graph", list(inputs), results, list(constants))
    opsets = [helper.make_opsetid("", opset), *(helper.make_opsetid(d, 1) for d in domains)]
    path = folder / name
    path.write_bytes(helper.make_model(graph, opset_imports=opsets).SerializeToString())
    return path
