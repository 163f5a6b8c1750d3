"""Read an ONNX file as an operator graph: both of PyTorch's exporters, and files like theirs."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from mcmscope.errors import InputError
from mcmscope.workload.graph import (
    Conv,
    Graph,
    Linear,
    MatMul,
    Move,
    Node,
    Operator,
    Pool,
    Reduce,
    Reshape,
    Shape,
    Slice,
    Transpose,
    Vector,
    elements_of,
)
from mcmscope.workload.onnx_model import OnnxNode, load_model
from mcmscope.workload.onnx_operators import RULES, Found, Site, contradiction
from mcmscope.workload.onnx_shapes import Typed, infer

_TOLD = 8


@dataclass(slots=True)
class _Reading:
    """The graph in the making and what was amiss so far."""

    typed: Typed
    source: str
    inputs: dict[str, Shape]
    constants: set[str]
    nodes: list[Node] = field(default_factory=list[Node])
    made: set[str] = field(default_factory=set[str])
    unknown: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    shapeless: list[str] = field(default_factory=list[str])
    faults: list[str] = field(default_factory=list[str])
    warnings: list[str] = field(default_factory=list[str])


def read_onnx(path: Path, *, allow_unknown: bool = False) -> Graph:
    """The operator graph of an ONNX file; weights and external data are not read.

    A symbolic leading size is taken as one sample, a fixed one is divided out later (``Graph.batch``).
    ``allow_unknown`` takes operators that are not understood as data movement and warns. Raises
    ``InputError`` with every fault found.
    """
    typed = infer(load_model(path), str(path), RULES.keys(), allow_unknown)
    reading = _Reading(typed, str(path), dict(typed.inputs), set(typed.constants))
    reading.made.update(name for name, _ in typed.inputs)
    for node in _needed(typed):
        _read_node(reading, node, allow_unknown)
    _report(reading, allow_unknown)
    if typed.batch > 1:
        reading.warnings.insert(
            0, f"the inputs' leading size {typed.batch} is taken as {typed.batch} samples and divided out"
        )
    outputs = tuple(dict.fromkeys(name for name in typed.outputs if name not in reading.constants))
    return Graph(
        name=path.stem,
        inputs=tuple(reading.inputs.items()),
        nodes=tuple(reading.nodes),
        outputs=outputs,
        batch=typed.batch,
        warnings=tuple(reading.warnings),
    )


def _needed(typed: Typed) -> list[OnnxNode]:
    """The operators that an output depends on and that are not constant."""
    needed = set(typed.outputs)
    kept: list[OnnxNode] = []
    for node in reversed(typed.nodes):
        if any(name in needed and name not in typed.constants for name in node.outputs if name):
            kept.append(node)
            needed.update((*node.inputs, *node.captured))
    return kept[::-1]


def _read_node(reading: _Reading, node: OnnxNode, allow_unknown: bool) -> None:
    typed = reading.typed
    site = Site(node, typed.shapes, reading.constants, typed.values)
    if any(name in reading.made or name in reading.constants for name in node.outputs if name):
        reading.faults.append(f"{reading.source}: node {node.name!r} makes a value that was made before")
        return
    reading.made.update(name for name in node.outputs if name)
    missing = [name for name in site.moving if name not in reading.made]
    if missing:
        reading.faults.append(f"{reading.source}: node {node.name!r} reads {missing[0]!r} before it is made")
        return
    rule = RULES.get(node.label)
    if rule is None and not allow_unknown:
        reading.unknown.setdefault(node.label, []).append(node.name)
        return
    around = (*site.moving, node.outputs[0])
    untold = [name for name in around if name not in typed.shapes]
    if untold:
        # Behind an operator that is not understood nothing has a shape: that operator is the fault.
        if not reading.unknown:
            reading.shapeless.append(f"{untold[-1]!r} (node {node.name!r}, {node.label})")
        return
    wrong = contradiction(site)
    if wrong is not None:
        reading.faults.append(f"{reading.source}: node {node.name!r} ({node.label}): {wrong}")
        return
    if any(n < 1 for name in around for n in typed.shapes[name]):
        _read_empty(reading, node)
        return
    found = rule(site) if rule else None
    if found is not None and not _fits(found[0], [typed.shapes[name] for name in found[1]], site.result):
        found = None
    if found is None and not allow_unknown:
        reading.unknown.setdefault(node.label, []).append(node.name)
        return
    _add(reading, site, found)


def _read_empty(reading: _Reading, node: OnnxNode) -> None:
    """An empty value (an empty cache joined to another) is nothing to compute; a negative size is a fault."""
    shapes = [reading.typed.shapes.get(name, ()) for name in (*node.inputs, *node.outputs)]
    if any(n < 0 for shape in shapes for n in shape) or 0 not in reading.typed.shapes[node.outputs[0]]:
        where = f"{reading.source}: node {node.name!r} ({node.label})"
        reading.faults.append(f"{where} works on an impossible shape")
    reading.constants.update(name for name in node.outputs if name)


def _add(reading: _Reading, site: Site, found: Found) -> None:
    """Put the operator into the graph; several outputs are several nodes."""
    node, shapes = site.node, site.shapes
    if found is None:
        guess = (
            "; its result is taken to keep its input's shape" if node.name in reading.typed.assumed else ""
        )
        reading.warnings.append(
            f"node {node.name!r}: operator {node.label!r} is not understood: counted as data movement{guess}"
        )
        found = Move(reads_too=True), site.moving
    op, inputs = found
    if isinstance(op, Move) and node.label == "Gather" and site.fixed(0):
        _look_up(reading, site)
        return
    reading.nodes.append(Node(node.name, node.label, op, inputs, node.outputs[0], site.result))
    extra: Operator = op if isinstance(op, Slice) else Move()
    for place, name in enumerate(node.outputs[1:], 1):
        if name and name in shapes and min(shapes[name], default=1) > 0:
            reading.nodes.append(Node(f"{node.name}.{place}", node.label, extra, inputs, name, shapes[name]))
    if node.label == "Gemm" and not site.fixed(2) and site.input(2) in shapes:
        _add_gemm_sum(reading, site)


def _add_gemm_sum(reading: _Reading, site: Site) -> None:
    """The computed C of a Gemm is added behind the product."""
    product = reading.nodes.pop()
    inner = f"{product.output}:product"
    reading.nodes.append(Node(product.name, product.label, product.op, product.inputs, inner, product.shape))
    added = (inner, site.input(2))
    reading.nodes.append(Node(f"{product.name}.add", "Add", Vector(), added, product.output, product.shape))


def _look_up(reading: _Reading, site: Site) -> None:
    """Rows looked up in a constant table (an embedding) come from outside, like an input."""
    name = site.node.outputs[0]
    reading.inputs[name] = site.result
    table = list(site.shape(0))
    reading.warnings.append(
        f"node {site.node.name!r}: rows of the table {site.input(0)!r} {table} are read as a network input"
    )


def _fits(op: Operator, inputs: list[Shape], result: Shape) -> bool:
    """Whether the shapes are what the operator can make, so that lowering meets no surprise."""
    if not inputs:
        return False
    first = inputs[0]
    match op:
        case Conv() | Pool():
            return len(first) == len(result) in (3, 4) and first[0] == result[0]
        case Linear():
            axis = op.reduced_axis % len(first)
            rest = [n for i, n in enumerate(first) if i != axis]
            out = [n for i, n in enumerate(result) if i != axis]
            return len(first) == len(result) and rest == out
        case MatMul():
            heads = [shape[:-2] for shape in inputs]
            return len(result) == max(map(len, inputs)) and result[:-2] == _broadcast(heads)
        case Transpose():
            return result == tuple(first[i] for i in op.order)
        case Reshape():
            return elements_of(first) == elements_of(result)
        case Slice():
            kept = [n for i, n in enumerate(first) if i != op.dropped]
            return len(kept) == len(result) and all(a >= b for a, b in zip(kept, result, strict=True))
        case Reduce():
            kept = [(1 if i in op.axes else n) for i, n in enumerate(first) if op.keep or i not in op.axes]
            return list(result) == kept
        case Vector():
            # Constants broadcast as well, so the result may be larger than what the inputs make.
            return (
                all(len(shape) <= len(result) for shape in inputs) and _broadcast([*inputs, result]) == result
            )
        case _:
            return all(len(shape) == len(result) for shape in inputs) or isinstance(op, Move)


def _broadcast(shapes: list[Shape]) -> Shape | None:
    """The shape that these broadcast to; None if they do not."""
    rank = max(map(len, shapes))
    sizes = [
        {n for n in column if n != 1}
        for column in zip(*((1,) * (rank - len(s)) + s for s in shapes), strict=True)
    ]
    return None if any(len(n) > 1 for n in sizes) else tuple(next(iter(n), 1) for n in sizes)


def _report(reading: _Reading, allow_unknown: bool) -> None:
    """Raise every fault found, if any."""
    source = reading.source
    faults = list(reading.faults)
    for label, names in reading.unknown.items():
        told = ", ".join(repr(name) for name in names)
        faults.append(
            f"{source}: operator {label!r} is not understood (node {told});"
            " --allow-unknown counts it as data movement"
        )
    if reading.shapeless:
        told = ", ".join(reading.shapeless[:_TOLD])
        more = len(reading.shapeless) - _TOLD
        rest = f" and {more} more" if more > 0 else ""
        faults.append(
            f"{source}: no shape is known for {told}{rest}; run onnx.shape_inference on the model or"
            " export it with fixed sizes"
        )
    if faults:
        raise InputError(faults)
    graph_ops = any(isinstance(node.op, Conv | Linear | MatMul) for node in reading.nodes)
    if not graph_ops:
        raise InputError(f"{source}: no layers: no convolution or matrix product leads to an output")
