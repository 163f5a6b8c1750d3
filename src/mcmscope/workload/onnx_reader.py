"""Read an ONNX file as an operator graph: both of PyTorch's exporters, and files like theirs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from mcmscope.errors import InputError
from mcmscope.workload.graph import (
    Concat,
    Conv,
    Graph,
    Linear,
    MatMul,
    Move,
    Node,
    Operator,
    Shape,
    Slice,
    elements_of,
)
from mcmscope.workload.onnx_check import misfit, oversize
from mcmscope.workload.onnx_model import OnnxNode, load_model
from mcmscope.workload.onnx_operators import CONTRIBUTED, REFUSED, RULES
from mcmscope.workload.onnx_products import contradiction
from mcmscope.workload.onnx_shapes import Typed, infer
from mcmscope.workload.onnx_site import Lookup, Part, Parts, Site, apply
from mcmscope.workload.onnx_widths import common_bits, node_bits

_TOLD = 20


@dataclass(slots=True)
class _Reading:
    """The graph in the making and what was amiss so far."""

    typed: Typed
    source: str
    inputs: dict[str, Shape]
    constants: set[str]
    nodes: list[Node] = field(default_factory=list[Node])
    made: set[str] = field(default_factory=set[str])
    weights: list[tuple[int, int | None]] = field(default_factory=list[tuple[int, "int | None"]])
    tables: dict[str, int] = field(default_factory=dict[str, int])
    unknown: dict[tuple[str, str], list[str]] = field(default_factory=dict[tuple[str, str], list[str]])
    shapeless: list[str] = field(default_factory=list[str])
    faults: list[str] = field(default_factory=list[str])
    warnings: list[str] = field(default_factory=list[str])


def read_onnx(path: Path, *, allow_unknown: bool = False, dims: Mapping[str, int] | None = None) -> Graph:
    """The operator graph of an ONNX file; weights are not read.

    ``dims`` are the sizes of symbolic dimensions. A symbolic leading size that it does not set is taken as
    one sample, a fixed one is divided out later (``Graph.batch``). ``allow_unknown`` takes operators that
    are not understood as data movement and warns. Raises ``InputError`` with every fault found.
    """
    typed = infer(load_model(path), str(path), allow_unknown=allow_unknown, dims=dims or {})
    reading = _Reading(typed, str(path), dict(typed.inputs), set(typed.constants), faults=list(typed.faults))
    reading.made.update(name for name, _ in typed.inputs)
    needed = _needed(typed)
    for node in needed:
        _read_node(reading, node, allow_unknown)
    reading.faults += [
        f"{path}: output {name!r} is made by no operator"
        for name in typed.outputs
        if name not in reading.made and name not in reading.constants
    ]
    _report(reading)
    if typed.batch > 1:
        reading.warnings.insert(
            0, f"the inputs' leading size {typed.batch} is taken as {typed.batch} samples and divided out"
        )
    bits, mixed = common_bits(reading.weights)
    outputs = tuple(dict.fromkeys(name for name in typed.outputs if name not in reading.constants))
    return Graph(
        name=path.stem,
        inputs=tuple(reading.inputs.items()),
        nodes=tuple(reading.nodes),
        outputs=outputs,
        batch=typed.batch,
        warnings=(*reading.warnings, *((mixed,) if mixed else ())),
        weight_bits=bits,
        table_elements=sum(reading.tables.values()),
        caches=_caches(reading, {*outputs}),
        worked_out=len(typed.nodes) - len(needed),
    )


def _caches(reading: _Reading, outputs: set[str]) -> tuple[str, ...]:
    """The inputs that come back as outputs with something appended: keys and values of earlier tokens."""
    grown = [node for node in reading.nodes if isinstance(node.op, Concat) and node.output in outputs]
    joined = {name for node in grown for name in node.inputs}
    return tuple(name for name in reading.inputs if name in joined)


def _needed(typed: Typed) -> list[OnnxNode]:
    """The operators that an output depends on and that are not constant."""
    needed = set(typed.outputs)
    kept: list[OnnxNode] = []
    for node in reversed(typed.nodes):
        if any(name in needed and name not in typed.constants for name in node.outputs if name):
            if not node.outputs[0]:
                # Nobody wants its first result (the first part of a split): the next stands for it.
                node = replace(node, outputs=tuple(name for name in node.outputs if name))
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
    if not site.moving:
        # All it reads was found to be constant, or empty, only now.
        reading.constants.update(name for name in node.outputs if name)
        return
    refused = _refusal(site)
    if refused is not None and not allow_unknown:
        reading.unknown.setdefault((node.label, refused), []).append(node.name)
        return
    missing = [name for name in site.moving if name not in reading.made]
    if missing:
        reading.faults.append(f"{reading.source}: node {node.name!r} reads {missing[0]!r} before it is made")
        return
    around = (*site.moving, node.outputs[0])
    untold = [name for name in around if name not in typed.shapes]
    if untold:
        # Behind an operator that is not understood nothing has a shape: that operator is the fault.
        if not reading.unknown and not typed.faults:
            reading.shapeless.append(f"{untold[-1]!r} (node {node.name!r}, {node.label})")
        return
    wrong = contradiction(site) or oversize(site, around)
    if wrong is not None:
        reading.faults.append(f"{reading.source}: node {node.name!r} ({node.label}): {wrong}")
    elif any(n < 1 for name in around for n in typed.shapes[name]):
        _read_empty(reading, node)
    else:
        _become(reading, site, refused, allow_unknown)


def _refusal(site: Site) -> str | None:
    """Why an operator is not understood, as far as that does not need the shape of its result."""
    label = site.node.label
    if label not in RULES:
        return "no rule is known for it"
    known = all(name in site.shapes for name in site.moving)
    found = apply(site, RULES[label]) if label in REFUSED or (label in CONTRIBUTED and known) else ()
    return found if isinstance(found, str) else None


def _become(reading: _Reading, site: Site, refused: str | None, allow_unknown: bool) -> None:
    """Put into the graph what a node with sound shapes is, or note that it is not understood."""
    node = site.node
    found = apply(site, RULES[node.label]) if refused is None else refused
    if not isinstance(found, str):
        found = misfit(site, found) or found
    if not isinstance(found, str):
        _add(reading, site, found)
    elif allow_unknown:
        _add_unknown(reading, site, found)
    else:
        reading.unknown.setdefault((node.label, found), []).append(node.name)


def _read_empty(reading: _Reading, node: OnnxNode) -> None:
    """An empty value (an empty cache joined to another) is nothing to compute; a negative size is a fault."""
    shapes = [reading.typed.shapes.get(name, ()) for name in (*node.inputs, *node.outputs)]
    if any(n < 0 for shape in shapes for n in shape) or 0 not in reading.typed.shapes[node.outputs[0]]:
        where = f"{reading.source}: node {node.name!r} ({node.label})"
        reading.faults.append(f"{where} works on an impossible shape")
    reading.constants.update(name for name in node.outputs if name)


def _add(reading: _Reading, site: Site, parts: Parts) -> None:
    """Put what a node became into the graph; an output that no part makes is made of what the last reads."""
    node = site.node
    names = _part_names(node, parts)
    for part, name in zip(parts, names, strict=True):
        if isinstance(part.op, Lookup):
            _look_up(reading, node, part, part.op)
            continue
        reading.nodes.append(Node(name, node.label, part.op, part.inputs, part.output, part.shape))
        weights = _weights_of(part.op, site)
        if weights:
            reading.weights.append((weights, node_bits(node, reading.typed.bits)))
    made = {part.output for part in parts}
    last = parts[-1]
    for place, output in enumerate(node.outputs[1:], 1):
        shape = site.shapes.get(output, ())
        if output in made or output not in site.shapes or min(shape, default=1) < 1:
            continue
        if elements_of(shape) == 1:
            # A single number (a scale, a zero point) rides along with the tensor.
            reading.constants.add(output)
            continue
        op = last.op if isinstance(last.op, Slice) else Move()
        inputs = last.inputs or (last.output,)
        reading.nodes.append(Node(f"{node.name}.{place}", node.label, op, inputs, output, shape))


def _part_names(node: OnnxNode, parts: Parts) -> list[str]:
    """The node's own name goes to its one layer if it has one, else to the part that makes its output."""
    compute = [isinstance(part.op, Conv | Linear | MatMul) for part in parts]
    main = compute.index(True) if compute.count(True) == 1 else len(parts) - 1
    return [
        node.name if i == main else f"{node.name}.{part.role or 'result'}" for i, part in enumerate(parts)
    ]


def _weights_of(op: Operator, site: Site) -> int:
    """Weights of an operator as its layer will have them."""
    match op:
        case Linear():
            return op.out_channels * op.in_channels
        case Conv():
            return op.out_channels * (site.shape(0)[1] // op.groups) * op.kernel[0] * op.kernel[1]
        case _:
            return 0


def _add_unknown(reading: _Reading, site: Site, reason: str) -> None:
    """Take a node as data movement, and say what that leaves out."""
    node = site.node
    text = (
        f"node {node.name!r}: operator {node.label!r} is not understood ({reason}): counted as data movement"
    )
    fixed = [name for name in node.inputs if name in reading.constants and name in site.shapes]
    weights = sum(elements_of(site.shapes[name]) for name in fixed)
    if weights > 1:
        text += f", without its {weights:,} constants and what is computed with them"
    if node.name in reading.typed.assumed:
        text += "; its result is taken to keep its input's shape"
    reading.warnings.append(text)
    _add(reading, site, site.one(Move(reads_too=True), *site.moving))


def _look_up(reading: _Reading, node: OnnxNode, part: Part, op: Lookup) -> None:
    """Rows looked up in a constant table (an embedding) come from outside, like an input."""
    reading.inputs[part.output] = part.shape
    reading.tables[op.table] = op.elements
    table = list(reading.typed.shapes.get(op.table, ()))
    reading.warnings.append(
        f"node {node.name!r}: rows of the table {op.table!r} {table} are read as a network input"
    )


def _report(reading: _Reading) -> None:
    """Raise every fault found, if any."""
    source = reading.source
    faults = list(reading.faults)
    for (label, reason), names in reading.unknown.items():
        faults.append(
            f"{source}: operator {label!r} is not understood (node {_listed([repr(x) for x in names])}):"
            f" {reason}; --allow-unknown counts it as data movement"
        )
    if reading.shapeless:
        faults.append(
            f"{source}: no shape is known for {_listed(reading.shapeless)}; run onnx.shape_inference on the"
            " model or export it with fixed sizes"
        )
    if faults:
        raise InputError(faults)
    graph_ops = any(isinstance(node.op, Conv | Linear | MatMul) for node in reading.nodes)
    if not graph_ops:
        raise InputError(f"{source}: no layers: no convolution or matrix product leads to an output")


def _listed(names: list[str]) -> str:
    """The first of these names, and how many more there are."""
    more = len(names) - _TOLD
    return ", ".join(names[:_TOLD]) + (f" and {more} more" if more > 0 else "")
