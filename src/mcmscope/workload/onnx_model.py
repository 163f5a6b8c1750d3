"""ONNX protobufs as plain typed values, so that the rest of the reader never meets a protobuf.

Weights are never loaded: of a constant the reader needs its shape, and its values only if it is small (the
target of a reshape, the axes of a reduction).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from mcmscope.errors import InputError
from mcmscope.workload.graph import elements_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto

MAX_FILE_BYTES = 2 << 30
MAX_NODES = 100_000
# Shape arithmetic works on a handful of numbers; anything longer is data.
MAX_CONSTANT_ELEMENTS = 4096

Array = Any if not TYPE_CHECKING else NDArray[Any]
Attribute = int | float | str | tuple[int, ...] | Array


@dataclass(frozen=True, slots=True)
class OnnxNode:
    """One ONNX operator: label is its type, with its domain unless standard."""

    name: str
    label: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Attribute] = field(hash=False)
    captured: tuple[str, ...] = ()
    """What the bodies of a control-flow operator may read from outside."""

    def integer(self, name: str, default: int) -> int:
        """An integer attribute."""
        value = self.attributes.get(name, default)
        return value if isinstance(value, int) else default

    def integers(self, name: str, default: Sequence[int]) -> tuple[int, ...]:
        """A list of integers."""
        value = self.attributes.get(name)
        return value if isinstance(value, tuple) and value else tuple(default)

    def text(self, name: str, default: str) -> str:
        """A text attribute."""
        value = self.attributes.get(name, default)
        return value if isinstance(value, str) else default


def load_model(path: Path) -> ModelProto:
    """The model in a file, functions inlined, never any external data.

    Raises ``InputError`` if there is no such file, it is too large, or it is not an ONNX model.
    """
    content = _content(path)
    import onnx
    from google.protobuf.message import DecodeError

    if not content:
        raise InputError(f"{path}: the file is empty")
    try:
        model = onnx.load_model_from_string(content)
    except (DecodeError, ValueError, RuntimeError) as error:
        raise InputError(f"{path}: not an ONNX model, or damaged or cut short") from error
    if not model.HasField("graph") or not (model.graph.node or model.graph.input):
        raise InputError(f"{path}: not an ONNX model: there is no graph in it")
    if model.functions:
        _check_expansion(model, path)
        import onnx.inliner

        try:
            model = onnx.inliner.inline_local_functions(model)
        except (ValueError, RuntimeError, TypeError) as error:
            raise InputError(f"{path}: the model's own functions cannot be inlined: {error}") from error
    if len(model.graph.node) > MAX_NODES:
        raise InputError(f"{path}: {len(model.graph.node):,} operators; at most {MAX_NODES:,} are read")
    if not all(isinstance(name, str) for name in _names(model.graph)):
        raise InputError(f"{path}: damaged: a name in the graph is not valid text")
    return model


def _check_expansion(model: ModelProto, path: Path) -> None:
    """Raise ``InputError`` if the model's functions call themselves, or expand to too many operators."""
    bodies = {(f.domain, f.name): list(_within(f.node)) for f in model.functions}
    sizes: dict[tuple[str, str], int] = {}
    waiting = [(key, False) for key in bodies]
    opened: set[tuple[str, str]] = set()
    while waiting:
        key, closing = waiting.pop()
        calls = [call for node in bodies[key] if (call := (node.domain, node.op_type)) in bodies]
        if closing:
            sizes[key] = len(bodies[key]) + sum(sizes[call] for call in calls)
            opened.discard(key)
        elif key not in sizes:
            opened.add(key)
            if not opened.isdisjoint(calls):
                raise InputError(f"{path}: the model's function {key[1]!r} calls itself")
            waiting.append((key, True))
            waiting += [(call, False) for call in dict.fromkeys(calls)]
    total = sum(sizes.get((node.domain, node.op_type), 1) for node in _within(model.graph.node))
    if total > MAX_NODES:
        raise InputError(
            f"{path}: {total:,} operators with the model's functions inlined; at most {MAX_NODES:,} are read"
        )


def _within(nodes: Iterable[NodeProto]) -> Iterable[NodeProto]:
    """These operators and those in their bodies."""
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        yield node
        for attribute in node.attribute:
            for body in (attribute.g, *attribute.graphs):
                waiting.extend(body.node)


def _names(graph: GraphProto) -> Iterable[object]:
    """All names in a graph; protobuf hands out bytes for those that are not valid UTF-8."""
    for node in graph.node:
        yield from (node.name, node.op_type, node.domain, *node.input, *node.output, *_captured(node))
        yield from (attribute.name for attribute in node.attribute)
    for info in (*graph.input, *graph.output, *graph.value_info):
        yield info.name
        yield from (dim.dim_param for dim in info.type.tensor_type.shape.dim)
    yield from (tensor.name for tensor in graph.initializer)
    yield from (tensor.values.name for tensor in graph.sparse_initializer)


def _content(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise InputError(f"{path}: is a folder, not an ONNX file")
        if not path.exists():
            raise InputError(f"{path}: no such file")
        if not path.is_file():
            raise InputError(f"{path}: not a regular file")
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise InputError(
                f"{path}: {size:,} bytes; at most 2 GB are read: save the weights as external data"
            )
        return path.read_bytes()
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: cannot be read: {error}") from error


def drop_weights(graph: GraphProto) -> None:
    """Empty every large constant, keeping its shape: nobody needs the values, and shape inference copies."""
    tensors = list(graph.initializer)
    tensors += [a.t for node in graph.node for a in node.attribute if a.HasField("t")]
    for tensor in tensors:
        if elements_of(tuple(tensor.dims)) > MAX_CONSTANT_ELEMENTS:
            for name in ("raw_data", "float_data", "int32_data", "int64_data", "double_data", "uint64_data"):
                tensor.ClearField(cast("Any", name))


def read_node(node: NodeProto, taken: dict[str, int]) -> OnnxNode:
    """An operator as plain values, under a name of its own; ``taken`` counts how often each was asked for."""
    base = node.name or f"{node.op_type}:{next(iter(node.output), '')}"
    name = base
    while name in taken:
        taken[base] += 1
        name = f"{base}#{taken[base]}"
    taken[name] = 1
    label = node.op_type if node.domain in ("", "ai.onnx") else f"{node.domain}.{node.op_type}"
    attributes = {a.name: value for a in node.attribute if (value := _attribute(a)) is not None}
    return OnnxNode(name, label, tuple(node.input), tuple(node.output), attributes, _captured(node))


def _attribute(attribute: AttributeProto) -> Attribute | None:
    from onnx import AttributeProto as Kinds

    match attribute.type:
        case Kinds.INT:
            return attribute.i
        case Kinds.FLOAT:
            return attribute.f
        case Kinds.STRING:
            return attribute.s.decode("utf-8", "replace")
        case Kinds.INTS:
            return tuple(attribute.ints)
        case Kinds.TENSOR:
            return small_values(attribute.t, None)
        case _:
            return None


def _captured(node: NodeProto) -> tuple[str, ...]:
    """Names that the bodies of a control-flow node read and do not make."""
    read: dict[str, None] = {}
    made: set[str] = {""}
    waiting = [node]
    while waiting:
        for attribute in waiting.pop().attribute:
            for body in (attribute.g, *attribute.graphs):
                made.update(info.name for info in body.input)
                made.update(tensor.name for tensor in body.initializer)
                for inner in body.node:
                    read.update(dict.fromkeys(inner.input))
                    made.update(inner.output)
                    waiting.append(inner)
                read.update((output.name, None) for output in body.output)
    return tuple(name for name in read if name not in made)


def small_values(tensor: TensorProto, folder: Path | None) -> Array | None:
    """The values of a small constant; None if it is large, damaged, or not in the file or its ``folder``."""
    from onnx import TensorProto as Kinds
    from onnx import numpy_helper

    shape = tuple(tensor.dims)
    if any(n < 0 for n in shape) or elements_of(shape) > MAX_CONSTANT_ELEMENTS:
        return None
    if tensor.data_location == Kinds.EXTERNAL:
        if folder is None:
            return None
        from mcmscope.workload.onnx_external import external_values

        return external_values(tensor, folder, elements_of(shape))
    try:
        values = cast("NDArray[np.generic]", numpy_helper.to_array(tensor))
    except (ValueError, TypeError, KeyError, RuntimeError, NotImplementedError):
        return None
    return values if values.shape == shape else None
