"""Take apart what holds other operators or several values: branches that are known, sequences of values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from mcmscope.workload.graph import Shape
from mcmscope.workload.onnx_model import Array

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto, TensorProto

MAX_SEQUENCE = 10_000


@dataclass(slots=True)
class Unfolding:
    """Sequences found so far, by name, as the names of their values; and how many bodies were inlined."""

    sequences: dict[str, tuple[str, ...]] = field(default_factory=dict[str, "tuple[str, ...]"])
    bodies: int = 0


@dataclass(frozen=True, slots=True)
class Unfolded:
    """What a node became: other nodes in its place, and constants that came with them."""

    nodes: tuple[NodeProto, ...] = ()
    constants: tuple[TensorProto, ...] = ()


def unfold(
    node: NodeProto, state: Unfolding, values: Mapping[str, Array], shapes: Mapping[str, Shape]
) -> Unfolded | None:
    """What stands for a node that must be taken apart; None if it stays as it is."""
    if node.domain not in ("", "ai.onnx"):
        return None
    if node.op_type == "If":
        return _branch(node, state, values)
    handler = SEQUENCES.get(node.op_type)
    if handler is None and node.op_type == "Identity" and node.input and node.input[0] in state.sequences:
        handler = _same
    if handler is None or not node.output:
        return None
    try:
        return handler(node, state, values, shapes)
    except (IndexError, ValueError, TypeError, OverflowError, MemoryError):
        # Inputs that are missing, values that are no numbers: the node stays and is told as not understood.
        return None


def _node(op: str, inputs: Sequence[str], outputs: Sequence[str], like: NodeProto, **more: Any) -> NodeProto:
    from onnx import helper

    make = cast("Any", helper.make_node)
    return cast("NodeProto", make(op, list(inputs), list(outputs), name=like.name, **more))


def _attributes(node: NodeProto) -> dict[str, Any]:
    from onnx import helper

    return {a.name: helper.get_attribute_value(a) for a in node.attribute}


def _branch(node: NodeProto, state: Unfolding, values: Mapping[str, Array]) -> Unfolded | None:
    """The body of an If whose condition is a constant, under names of its own."""
    condition = values.get(node.input[0]) if node.input else None
    if condition is None or condition.size != 1:
        return None
    wanted = "then_branch" if bool(condition.reshape(-1)[0]) else "else_branch"
    body = next((a.g for a in node.attribute if a.name == wanted), None)
    if body is None or len(body.output) != len(node.output):
        return None
    state.bodies += 1
    return _inlined(node, body, f"{node.name or 'If'}/{state.bodies}/")


def _inlined(node: NodeProto, body: GraphProto, prefix: str) -> Unfolded:
    own = {t.name for t in body.initializer} | {o for n in body.node for o in n.output if o}
    constants: list[TensorProto] = []
    for tensor in body.initializer:
        copy = type(tensor)()
        copy.CopyFrom(tensor)
        copy.name = prefix + tensor.name
        constants.append(copy)
    nodes: list[NodeProto] = []
    for inner in body.node:
        copy = type(inner)()
        copy.CopyFrom(inner)
        _rename(copy, own, prefix)
        nodes.append(copy)
    for made, wanted in zip(body.output, node.output, strict=True):
        if wanted:
            source = prefix + made.name if made.name in own else made.name
            nodes.append(_node("Identity", [source], [wanted], node))
    return Unfolded(tuple(nodes), tuple(constants))


def _rename(node: NodeProto, own: set[str], prefix: str) -> None:
    """Put the prefix before all names that the body makes, in the bodies within it, too."""
    waiting = [node]
    while waiting:
        inner = waiting.pop()
        for names in (inner.input, inner.output):
            names[:] = [prefix + name if name in own else name for name in names]
        for attribute in inner.attribute:
            for body in (attribute.g, *attribute.graphs):
                waiting.extend(body.node)
                for output in body.output:
                    if output.name in own:
                        output.name = prefix + output.name


def _construct(
    node: NodeProto, state: Unfolding, values: Mapping[str, Array], shapes: Mapping[str, Shape]
) -> Unfolded | None:
    state.sequences[node.output[0]] = tuple(node.input)
    return Unfolded()


def _same(
    node: NodeProto, state: Unfolding, values: Mapping[str, Array], shapes: Mapping[str, Shape]
) -> Unfolded | None:
    state.sequences[node.output[0]] = state.sequences[node.input[0]]
    return Unfolded()


def _split(
    node: NodeProto, state: Unfolding, values: Mapping[str, Array], shapes: Mapping[str, Shape]
) -> Unfolded | None:
    """SplitToSequence is a Split whose parts are known once its input has a shape."""
    from onnx import numpy_helper

    attributes = _attributes(node)
    axis, keep = int(attributes.get("axis", 0)), bool(attributes.get("keepdims", 1))
    shape = shapes.get(node.input[0], ())
    if not -len(shape) <= axis < len(shape):
        return None
    total = shape[axis]
    given = node.input[1] if len(node.input) > 1 else ""
    if given and given not in values:
        return None
    sizes = [int(n) for n in values[given].reshape(-1)] if given else [1] * min(total, MAX_SEQUENCE + 1)
    if given and values[given].ndim == 0 and sizes[0] > 0:
        each = sizes[0]
        count = min(-(-total // each), MAX_SEQUENCE + 1)
        sizes = [min(each, total - i * each) for i in range(count)]
    if not sizes or len(sizes) > MAX_SEQUENCE or min(sizes) < 1 or sum(sizes) != total:
        return None
    import numpy as np

    name = node.output[0]
    parts = [f"{name}/:{i}" for i in range(len(sizes))]
    bounds = np.cumsum([0, *sizes])
    constants = [
        numpy_helper.from_array(np.array([n], np.int64), f"{name}/:at{i}") for i, n in enumerate(bounds)
    ]
    constants.append(numpy_helper.from_array(np.array([axis], np.int64), f"{name}/:axis"))
    nodes: list[NodeProto] = []
    for i, part in enumerate(parts):
        bare = not given and not keep
        inputs = [node.input[0], f"{name}/:at{i}", f"{name}/:at{i + 1}", f"{name}/:axis"]
        nodes.append(_node("Slice", inputs, [part + "/:kept" if bare else part], node))
        if bare:
            target = np.array([n for j, n in enumerate(shape) if j != axis % len(shape)], np.int64)
            constants.append(numpy_helper.from_array(target, f"{part}/:shape"))
            nodes.append(_node("Reshape", [part + "/:kept", f"{part}/:shape"], [part], node))
    state.sequences[name] = tuple(parts)
    return Unfolded(tuple(nodes), tuple(constants))


def _at(
    node: NodeProto, state: Unfolding, values: Mapping[str, Array], shapes: Mapping[str, Shape]
) -> Unfolded | None:
    items = state.sequences.get(node.input[0])
    place = values.get(node.input[1])
    if items is None or place is None or not -len(items) <= int(place.reshape(-1)[0]) < len(items):
        return None
    return Unfolded((_node("Identity", [items[int(place.reshape(-1)[0])]], node.output, node),))


def _insert(
    node: NodeProto, state: Unfolding, values: Mapping[str, Array], shapes: Mapping[str, Shape]
) -> Unfolded | None:
    items = state.sequences.get(node.input[0])
    given = node.input[2] if len(node.input) > 2 else ""
    if items is None or (given and given not in values) or len(items) >= MAX_SEQUENCE:
        return None
    place = int(values[given].reshape(-1)[0]) if given else len(items)
    place = place + len(items) if place < 0 else place
    state.sequences[node.output[0]] = (*items[:place], node.input[1], *items[place:])
    return Unfolded()


def _join(
    node: NodeProto, state: Unfolding, values: Mapping[str, Array], shapes: Mapping[str, Shape]
) -> Unfolded | None:
    """ConcatFromSequence; with a new axis each value gets one first."""
    import numpy as np
    from onnx import numpy_helper

    items = state.sequences.get(node.input[0])
    attributes = _attributes(node)
    axis = int(attributes.get("axis", 0))
    if not items or any(name not in shapes for name in items):
        return None
    if not attributes.get("new_axis", 0):
        return Unfolded((_node("Concat", items, node.output, node, axis=axis),))
    nodes: list[NodeProto] = []
    constants: list[TensorProto] = []
    rank = len(shapes[items[0]]) + 1
    if not -rank <= axis < rank:
        return None
    for i, item in enumerate(items):
        shape = list(shapes[item])
        shape.insert(axis % rank, 1)
        name = f"{node.output[0]}/:{i}"
        constants.append(numpy_helper.from_array(np.array(shape, np.int64), f"{name}/:shape"))
        nodes.append(_node("Reshape", [item, f"{name}/:shape"], [name], node))
    parts = [f"{node.output[0]}/:{i}" for i in range(len(items))]
    nodes.append(_node("Concat", parts, node.output, node, axis=axis))
    return Unfolded(tuple(nodes), tuple(constants))


def _length(
    node: NodeProto, state: Unfolding, values: Mapping[str, Array], shapes: Mapping[str, Shape]
) -> Unfolded | None:
    import numpy as np
    from onnx import numpy_helper

    items = state.sequences.get(node.input[0])
    if items is None:
        return None
    return Unfolded(constants=(numpy_helper.from_array(np.array(len(items)), node.output[0]),))


SEQUENCES = {
    "SequenceConstruct": _construct,
    "SequenceEmpty": _construct,
    "SplitToSequence": _split,
    "SequenceAt": _at,
    "SequenceInsert": _insert,
    "ConcatFromSequence": _join,
    "SequenceLength": _length,
}
