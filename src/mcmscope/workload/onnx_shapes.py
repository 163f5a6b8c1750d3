"""The shape of every value of an ONNX graph, and which of its values are constants.

One walk in the graph's order: each operator is folded if its inputs are small constants, taken apart if it
holds others, and else its result's shape is inferred from its inputs'.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mcmscope.errors import InputError
from mcmscope.workload.folding import fold
from mcmscope.workload.graph import Shape
from mcmscope.workload.onnx_inputs import MAX_DIM, fix_inputs, term_value
from mcmscope.workload.onnx_model import (
    MAX_NODES,
    Array,
    OnnxNode,
    drop_weights,
    read_node,
    small_values,
)
from mcmscope.workload.onnx_operators import CONTRIBUTED, RULES
from mcmscope.workload.onnx_products import FUSED_CONV, contradiction
from mcmscope.workload.onnx_site import Site, apply
from mcmscope.workload.onnx_types import Types
from mcmscope.workload.onnx_unfold import Unfolded, Unfolding, unfold
from mcmscope.workload.onnx_widths import Widths

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto, TensorProto


@dataclass(frozen=True, slots=True)
class Typed:
    """A graph with its shapes: operators, inputs (in order), constants, the values of the small ones."""

    nodes: tuple[OnnxNode, ...]
    inputs: tuple[tuple[str, Shape], ...]
    outputs: tuple[str, ...]
    batch: int
    shapes: Mapping[str, Shape]
    constants: frozenset[str]
    values: Mapping[str, Array]
    bits: Mapping[str, int]
    """Bits of an element of those constants that are quantised."""
    assumed: tuple[str, ...]
    """Nodes not understood whose result was assumed to have the shape of what they read."""
    faults: tuple[str, ...]
    """Operators whose inputs' shapes contradict each other."""


@dataclass(slots=True)
class _Walk:
    """What the walk has found so far."""

    types: Types
    stated: Mapping[str, Shape]
    source: str
    folder: Path
    allow_unknown: bool
    nodes: list[OnnxNode] = field(default_factory=list[OnnxNode])
    names: dict[str, int] = field(default_factory=dict[str, int])
    constants: set[str] = field(default_factory=set[str])
    values: dict[str, Array] = field(default_factory=dict[str, Array])
    widths: Widths = field(default_factory=Widths)
    unfolding: Unfolding = field(default_factory=Unfolding)
    assumed: list[str] = field(default_factory=list[str])
    faults: list[str] = field(default_factory=list[str])


def infer(model: ModelProto, source: str, *, allow_unknown: bool, dims: Mapping[str, int]) -> Typed:
    """Shapes and constants of a model's graph.

    A symbolic leading size is one sample unless ``dims`` sets it; any other symbolic size that it does not
    set is a fault, each named.
    """
    graph = model.graph
    drop_weights(graph)
    constant = {t.name for t in graph.initializer} | {t.values.name for t in graph.sparse_initializer}
    inputs = [info for info in graph.input if info.name not in constant]
    batch, known = fix_inputs(inputs, source, dims)
    walk = _Walk(Types(model.opset_import), _stated(graph, known), source, Path(source).parent, allow_unknown)
    for info in inputs:
        walk.types.put(info.name, info.type)
    for tensor in graph.initializer:
        _take_constant(walk, tensor)
    for sparse in graph.sparse_initializer:
        walk.types.put_tensor(sparse.values.name, sparse.values.data_type, tuple(sparse.dims))
        walk.constants.add(sparse.values.name)
    waiting = list(graph.node)[::-1]
    while waiting:
        proto = waiting.pop()
        unfolded = unfold(proto, walk.unfolding, walk.values, walk.types.shapes)
        if unfolded is None:
            _visit(walk, proto)
        else:
            _replace(walk, unfolded, waiting)
    sequences = walk.unfolding.sequences
    return Typed(
        nodes=tuple(walk.nodes),
        inputs=tuple((info.name, walk.types.shapes[info.name]) for info in inputs),
        outputs=tuple(name for info in graph.output for name in sequences.get(info.name, (info.name,))),
        batch=batch,
        shapes=walk.types.shapes,
        constants=frozenset(walk.constants),
        values=walk.values,
        bits=walk.widths.bits,
        assumed=tuple(walk.assumed),
        faults=tuple(walk.faults),
    )


def _stated(graph: GraphProto, known: Mapping[str, int]) -> dict[str, Shape]:
    """The shapes that the file states for its values, as far as they are numbers."""
    shapes: dict[str, Shape] = {}
    for info in (*graph.value_info, *graph.output):
        tensor = info.type.tensor_type
        if info.type.HasField("tensor_type") and tensor.HasField("shape"):
            sizes = [
                d.dim_value if d.HasField("dim_value") else term_value(d.dim_param, known)
                for d in tensor.shape.dim
            ]
            shape = tuple(n for n in sizes if n is not None)
            if len(shape) == len(sizes) and all(0 <= n <= MAX_DIM for n in shape):
                shapes[info.name] = shape
    return shapes


def _take_constant(walk: _Walk, tensor: TensorProto) -> None:
    walk.types.put_tensor(tensor.name, tensor.data_type, tuple(tensor.dims))
    walk.constants.add(tensor.name)
    walk.widths.stored(tensor.name, tensor.data_type)
    array = small_values(tensor, walk.folder)
    if array is not None:
        walk.values[tensor.name] = array


def _replace(walk: _Walk, unfolded: Unfolded, waiting: list[NodeProto]) -> None:
    for tensor in unfolded.constants:
        _take_constant(walk, tensor)
    waiting.extend(reversed(unfolded.nodes))
    if len(walk.nodes) + len(waiting) > MAX_NODES:
        raise InputError(f"{walk.source}: over {MAX_NODES:,} operators once its branches are unfolded")


def _visit(walk: _Walk, proto: NodeProto) -> None:
    node = read_node(proto, walk.names)
    walk.nodes.append(node)
    if not node.outputs:
        return
    shapes = walk.types.shapes
    if _is_constant(walk, node):
        walk.constants.update(name for name in node.outputs if name)
        walk.widths.passed_on(node, shapes, walk.types.kinds)
    folded = None if node.captured else fold(node, walk.values, shapes)
    if folded is not None:
        walk.values[node.outputs[0]] = folded
        walk.types.put_array(node.outputs[0], folded)
        return
    _infer_node(walk, proto, node)


def _is_constant(walk: _Walk, node: OnnxNode) -> bool:
    """Whether a node depends on no input. Of a computed value only its shape may be constant."""
    if node.label in ("Shape", "Size") and all(name in walk.types.shapes for name in node.inputs):
        return True
    return all(not name or name in walk.constants for name in (*node.inputs, *node.captured))


def _infer_node(walk: _Walk, proto: NodeProto, node: OnnxNode) -> None:
    """Give the node's outputs their types: inferred, by its own rule, as the file states, or assumed."""
    types = walk.types
    site = Site(node, types.shapes, walk.constants, walk.values)
    wrong = types.infer(_standard(proto), walk.values)
    if node.label in CONTRIBUTED and any(name in types.shapes for name in node.inputs):
        _by_rule(walk, site)
    for name in node.outputs:
        if name and name not in types.shapes and name in walk.stated:
            types.put_shape(name, walk.stated[name], node.inputs)
            wrong = None
    if node.outputs[0] in types.shapes:
        return
    if wrong is not None and contradiction(site) is None:
        told = ", ".join(
            f"{name!r} {list(types.shapes[name])}" for name in site.moving if name in types.shapes
        )
        walk.faults.append(
            f"{walk.source}: node {node.name!r} ({node.label}): its inputs contradict each other: {wrong}"
            + (f" (it reads {told})" if told else "")
        )
    elif node.label in _AS_FIRST or (walk.allow_unknown and node.label not in RULES):
        _as_input(walk, node)


# No shape inference is known for these, and their results have the shape of their first input.
_AS_FIRST = ("GroupNormalization", "MeanVarianceNormalization")


def _as_input(walk: _Walk, node: OnnxNode) -> None:
    """The result has the shape of the first input that has one."""
    source = next((name for name in (*node.inputs, *node.captured) if name in walk.types.shapes), None)
    if source is not None:
        walk.types.put_shape(node.outputs[0], walk.types.shapes[source], node.inputs)
        if node.label not in _AS_FIRST:
            walk.assumed.append(node.name)


def _by_rule(walk: _Walk, site: Site) -> None:
    """The shapes that the operator's own rule tells."""
    found = apply(site, CONTRIBUTED[site.node.label])
    if isinstance(found, str):
        return
    for part in found:
        if part.output in site.node.outputs:
            walk.types.put_shape(part.output, part.shape, site.node.inputs)


def _standard(proto: NodeProto) -> NodeProto:
    """A node whose shape inference is that of a standard operator, as that one."""
    if proto.op_type != "FusedConv" or proto.domain != FUSED_CONV.rpartition(".")[0]:
        return proto
    twin = type(proto)()
    twin.CopyFrom(proto)
    twin.op_type, twin.domain = "Conv", ""
    del twin.input[3:]
    for i in reversed(range(len(twin.attribute))):
        if twin.attribute[i].name.startswith("activation"):
            del twin.attribute[i]
    return twin
