"""Lower an operator graph to a ``Network``: one layer per compute operator, everything else fused.

The rule: elementwise work, poolings and residual adds run with the layer that makes their operand if they
are its only reader; otherwise every layer that reads the result does the work and reads all it needs.
Views, slices and joins are addressing: they cost nothing and show in what is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from mcmscope.errors import InputError
from mcmscope.workload.diamond import find_diamond
from mcmscope.workload.draft import Draft, finish
from mcmscope.workload.flow import (
    Axis,
    Flow,
    Read,
    Step,
    is_view,
    joined_axes,
    layout,
    poolable,
    relayout,
    reshape_axes,
    slice_reads,
    slide,
)
from mcmscope.workload.graph import (
    Concat,
    Conv,
    Graph,
    Linear,
    MatMul,
    Move,
    Node,
    Pool,
    Reduce,
    Reshape,
    Shape,
    Slice,
    Transpose,
    Vector,
    elements_of,
    live,
)
from mcmscope.workload.network import Network, NetworkInput, Op, Role

_UNIT: Step = (1, 1)


@dataclass(slots=True)
class _State:
    """Where the walk over the graph stands."""

    graph: Graph
    consumers: dict[str, list[int]]
    uses: dict[str, int]
    shapes: dict[str, Shape]
    flows: dict[str, Flow] = field(default_factory=dict[str, Flow])
    drafts: list[Draft] = field(default_factory=list[Draft])
    work: dict[int, int] = field(default_factory=dict[int, int])
    absorbed: set[int] = field(default_factory=set[int])
    outputs: set[int] = field(default_factory=set[int])
    warnings: list[str] = field(default_factory=list[str])


def lower(graph: Graph, *, weight_bits: int = 8, activation_bits: int = 8) -> Network:
    """The network of a graph, layers in the graph's order.

    Raises ``InputError`` if the graph has no compute operator or a value does not hold whole samples.
    """
    graph = live(graph)
    if not any(isinstance(node.op, Conv | Linear | MatMul) for node in graph.nodes):
        raise InputError(f"{graph.name}: no layers: no convolution or matrix product leads to an output")
    state = _start(graph)
    for index, node in enumerate(graph.nodes):
        if index not in state.absorbed:
            _settle(state, node.output, _HANDLERS[type(node.op)](state, index, node, node.op))
    for name in graph.outputs:
        _leave(state, name)
    tensors = [draft.output_elements for draft in state.drafts]
    inputs = tuple(NetworkInput(name, _share(state, name, shape)) for name, shape in graph.inputs)
    sizes = [item.elements for item in inputs]
    return Network(
        name=graph.name,
        inputs=inputs,
        layers=tuple(finish(draft, tensors, sizes) for draft in state.drafts),
        outputs=tuple(sorted(state.outputs)),
        weight_bits=weight_bits,
        activation_bits=activation_bits,
        warnings=(*graph.warnings, *state.warnings),
    )


def _start(graph: Graph) -> _State:
    consumers: dict[str, list[int]] = {}
    uses: dict[str, int] = {}
    shapes = dict(graph.inputs)
    for index, node in enumerate(graph.nodes):
        shapes[node.output] = node.shape
        for name in node.inputs:
            consumers.setdefault(name, []).append(index)
            uses[name] = uses.get(name, 0) + 1
    for name in graph.outputs:
        uses[name] = uses.get(name, 0) + 1
    state = _State(graph, consumers, uses, shapes)
    for i, (name, shape) in enumerate(graph.inputs):
        axes = _input_axes(shape, [graph.nodes[c] for c in consumers.get(name, ())])
        height, width = layout(shape, axes, graph.batch)
        read = Read(-1 - i, _share(state, name, shape), height, width)
        state.flows[name] = Flow(shape, axes, (read,))
    return state


def _input_axes(shape: Shape, readers: list[Node]) -> tuple[Axis, ...]:
    """What a network input's axes are: images channel-first unless turned at once, sequences row by row."""
    image = (Axis.BATCH, Axis.CHANNEL, Axis.ROW, Axis.COLUMN)
    channels_last = [isinstance(r.op, Transpose) and r.op.order == (0, 3, 1, 2) for r in readers]
    if len(shape) == 4:
        return (image[0], *image[2:], image[1]) if channels_last and all(channels_last) else image
    if len(shape) == 3:
        conv = any(isinstance(r.op, Conv) for r in readers)
        return image[:3] if conv else (Axis.BATCH, Axis.ROW, Axis.CHANNEL)
    if len(shape) <= 2:
        return image[: len(shape)]
    return (Axis.BATCH, *(Axis.MIXED,) * (len(shape) - 1))


def _share(state: _State, name: str, shape: Shape) -> int:
    """Elements per sample of a value."""
    total, batch = elements_of(shape), state.graph.batch
    if total % batch:
        raise InputError(
            f"{state.graph.name}: value {name!r} of shape {list(shape)} does not hold {batch} whole samples;"
            " export the model with a batch of 1"
        )
    return total // batch


def _work(state: _State, node: Node) -> int:
    """Vector elements of a node per sample, wherever it runs."""
    made = _share(state, node.output, node.shape)
    read = max((_share(state, name, state.shapes[name]) for name in node.inputs), default=0)
    match node.op:
        case Vector():
            return node.op.passes * max(made, read)
        case Pool():
            return made * node.op.points
        case Reduce():
            return read
        case Move():
            return made + read if node.op.reads_too else made
        case Transpose():
            return made if not is_view(state.flows[node.inputs[0]], node.op.order) else 0
        case _:
            return 0


def _settle(state: _State, name: str, flow: Flow) -> None:
    """Record a value; if its readers only meet again in elementwise work, that runs with its layer, too."""
    state.flows[name] = flow
    while flow.owner is not None and state.uses[name] > 1:
        nodes = state.graph.nodes
        diamond = find_diamond(name, flow.shape, nodes, state.consumers, state.uses)
        if not diamond:
            return
        for index in diamond:
            node = nodes[index]
            moved = isinstance(node.op, Transpose)
            work = _share(state, node.output, node.shape) if moved else _work(state, node)
            state.drafts[flow.owner].fuse(node.name, work)
        state.absorbed.update(diamond)
        name = nodes[diamond[-1]].output
        state.flows[name] = flow


# ---- compute operators ------------------------------------------------------------------------------------


def _add_layer(state: _State, draft: Draft, node: Node, axes: tuple[Axis, ...], sources: list[Flow]) -> Flow:
    for flow in sources:
        _take(state, draft, flow.pending)
    draft.bare = True
    draft.output_elements = _share(state, node.output, node.shape)
    draft.output_height, draft.output_width = layout(node.shape, axes, state.graph.batch)
    state.drafts.append(draft)
    return _owned(state, len(state.drafts) - 1, node.shape, axes)


def _owned(state: _State, owner: int, shape: Shape, axes: tuple[Axis, ...]) -> Flow:
    draft = state.drafts[owner]
    read = Read(owner, draft.output_elements, draft.output_height, draft.output_width)
    return Flow(shape, axes, (read,), 0, owner)


def _take(state: _State, draft: Draft, pending: int) -> None:
    """Run pending work with this layer, in the graph's order, each operator once."""
    names = set(draft.fused)
    while pending:
        index = (pending & -pending).bit_length() - 1
        pending &= pending - 1
        name = state.graph.nodes[index].name
        if name not in names:
            draft.fuse(name, state.work[index])


def _conv(state: _State, index: int, node: Node, op: Conv) -> Flow:
    flow = state.flows[node.inputs[0]]
    spans = [((r - 1) * d + 1, s) for r, d, s in zip(op.kernel, op.dilation, op.stride, strict=True)]
    rank = len(node.shape)
    axes = (Axis.BATCH, Axis.CHANNEL, Axis.ROW, Axis.COLUMN)[:rank]
    channels = flow.shape[1] // op.groups
    draft = Draft(
        name=node.name,
        op=Op.CONV,
        out_channels=op.out_channels,
        in_channels=channels,
        groups=op.groups,
        out_height=node.shape[2],
        out_width=node.shape[3] if rank == 4 else 1,
        weights=op.out_channels * channels * op.kernel[0] * op.kernel[1],
        output_elements=0,
        output_height=1,
        output_width=1,
        kernel=op.kernel,
        stride=op.stride,
        dilation=op.dilation,
        padding=op.padding,
    )
    # The channels of a convolution are all read at each position, hence the unit step along them.
    draft.read(Role.DATA, slide(flow, (_UNIT, _channel_step(flow), *spans)[:rank]))
    return _add_layer(state, draft, node, axes, [flow])


def _channel_step(flow: Flow) -> Step:
    """All channels are reduced: if rows lie along the channel axis, a position needs all of them."""
    return _UNIT if flow.axes[1] is Axis.CHANNEL else None


def _linear(state: _State, index: int, node: Node, op: Linear) -> Flow:
    flow = state.flows[node.inputs[0]]
    rank = len(flow.shape)
    reduced = op.reduced_axis % rank
    steps = [None if i == reduced and flow.axes[i] is not Axis.CHANNEL else _UNIT for i in range(rank)]
    rows = _share(state, node.output, node.shape) // op.out_channels
    axes, height, width = _row_axes(flow, node.shape, reduced, rows, op.groups)
    weights = op.out_channels * op.in_channels
    draft = Draft(
        node.name, Op.LINEAR, op.out_channels, op.in_channels, op.groups, height, width, weights, 0, 1, 1
    )
    draft.read(Role.DATA, slide(flow, steps))
    return _add_layer(state, draft, node, axes, [flow])


def _row_axes(
    flow: Flow, shape: Shape, reduced: int, rows: int, groups: int
) -> tuple[tuple[Axis, ...], int, int]:
    """Axes of a linear layer's result and its P x Q: an image stays one, all else becomes rows."""
    axes = [Axis.CHANNEL] * len(shape)
    positions: list[int] = []
    for i, n in enumerate(shape):
        if i == reduced or n == 1 or (groups > 1 and i < len(shape) - 2):
            continue
        if flow.axes[i] is Axis.BATCH:
            axes[i] = Axis.BATCH
        else:
            positions.append(i)
    image = [flow.axes[i] for i in positions] == [Axis.ROW, Axis.COLUMN]
    for place, i in enumerate(positions):
        axes[i] = Axis.COLUMN if image and place else Axis.ROW
    if image and shape[positions[0]] * shape[positions[1]] == rows:
        return tuple(axes), shape[positions[0]], shape[positions[1]]
    return tuple(axes), rows, 1


def _matmul(state: _State, index: int, node: Node, op: MatMul) -> Flow:
    left, right = (state.flows[name] for name in node.inputs)
    rank = len(left.shape)
    reduced = rank - 2 if op.transposed_lhs else rank - 1
    rows, columns = node.shape[-2:]
    heads = _share(state, node.output, node.shape) // (rows * columns)
    axes = [Axis.BATCH if axis is Axis.BATCH else Axis.CHANNEL for axis in left.axes[: rank - 2]]
    axes = [Axis.CHANNEL] * (len(node.shape) - 2 - len(axes)) + axes + [Axis.ROW, Axis.CHANNEL]
    if not heads:
        raise InputError(f"{state.graph.name}: {node.name}: rows of several samples in one matrix product")
    draft = Draft(node.name, Op.MATMUL, heads * columns, left.shape[reduced], heads, rows, 1, 0, 0, 1, 1)
    steps = [None if i == reduced and left.axes[i] is not Axis.CHANNEL else _UNIT for i in range(rank)]
    draft.read(Role.DATA, slide(left, steps))
    draft.read(Role.SECOND, slide(right, [None] * len(right.shape)))
    return _add_layer(state, draft, node, tuple(axes), [left, right])


# ---- everything else --------------------------------------------------------------------------------------


def _sole_owner(state: _State, name: str) -> int | None:
    """The layer that makes this value, if nobody else reads it."""
    return state.flows[name].owner if state.uses[name] == 1 else None


def _host(state: _State, node: Node) -> str | None:
    """The operand with whose layer this node can run: made last, of the result's size, not read elsewhere."""
    best: tuple[int, str] | None = None
    size = elements_of(node.shape)
    for name in node.inputs:
        owner = _sole_owner(state, name)
        if owner is None or (elements_of(state.shapes[name]) != size and not isinstance(node.op, Move)):
            continue
        others = (state.flows[other] for other in node.inputs if other != name)
        if all(read.source < owner for flow in others for read in flow.reads):
            best = max(best or (owner, name), (owner, name))
    return best[1] if best else None


def _wait(state: _State, index: int, node: Node, reads: Iterable[Read], axes: tuple[Axis, ...]) -> Flow:
    """Leave the node's work to whoever reads the result."""
    state.work[index] = _work(state, node)
    pending = 1 << index
    for name in node.inputs:
        pending |= state.flows[name].pending
    return Flow(node.shape, axes, tuple(dict.fromkeys(reads)), pending)


def _vector(state: _State, index: int, node: Node, op: Vector | Move) -> Flow:
    host = _host(state, node)
    flows = [state.flows[name] for name in node.inputs]
    if host is None:
        if isinstance(op, Move):
            flows = [replace(flow, reads=relayout(flow, node.shape)) for flow in flows]
        reads = [read for flow in flows for read in flow.reads]
        return _wait(state, index, node, reads, joined_axes(flows, node.shape))
    main = state.flows[host]
    owner = main.owner or 0
    draft = state.drafts[owner]
    for name in node.inputs:
        if name != host:
            _take(state, draft, state.flows[name].pending)
            draft.read(Role.RESIDUAL, state.flows[name].reads)
    folded = isinstance(op, Vector) and op.foldable and draft.weights > 0 and draft.bare
    draft.fuse(node.name, 0 if folded else _work(state, node))
    axes = main.axes if len(main.shape) == len(node.shape) else joined_axes([main], node.shape)
    return (
        _resize(state, owner, node, axes) if isinstance(op, Move) else _owned(state, owner, node.shape, axes)
    )


def _resize(state: _State, owner: int, node: Node, axes: tuple[Axis, ...]) -> Flow:
    """The layer's tensor takes the size and layout of this node's value."""
    draft = state.drafts[owner]
    draft.output_elements = _share(state, node.output, node.shape)
    draft.output_height, draft.output_width = layout(node.shape, axes, state.graph.batch)
    return _owned(state, owner, node.shape, axes)


def _pool(state: _State, index: int, node: Node, op: Pool | Reduce) -> Flow:
    flow = state.flows[node.inputs[0]]
    rank = len(flow.shape)
    if isinstance(op, Pool):
        if op.window == op.stride == (1, 1):
            return _reshape(state, index, node, Reshape())
        spans = zip(op.window, op.stride, strict=True)
        steps: list[Step] = [_UNIT, _UNIT, *spans][:rank]
        axes = flow.axes
    else:
        steps = [None if i in op.axes else _UNIT for i in range(rank)]
        axes = tuple(a for i, a in enumerate(flow.axes) if op.keep or i not in op.axes)
    owner = _sole_owner(state, node.inputs[0])
    if owner is None or not poolable(flow.axes, steps):
        return _wait(state, index, node, slide(flow, steps), axes)
    draft = state.drafts[owner]
    own = Read(owner, 0, draft.out_height, draft.out_width, draft.pool_window, draft.pool_stride)
    pooled = slide(replace(flow, reads=(own,)), _present(flow.axes, steps))[0]
    draft.pool_window, draft.pool_stride = pooled.window, pooled.stride
    draft.fuse(node.name, _work(state, node))
    return _resize(state, owner, node, axes)


def _present(axes: tuple[Axis, ...], steps: list[Step]) -> list[Step]:
    """Steps of a fused pooling: a reduction of channels alone takes nothing of the rows and columns."""
    return [
        _UNIT if step is None and axis in (Axis.CHANNEL, Axis.BATCH) else step
        for axis, step in zip(axes, steps, strict=True)
    ]


def _concat(state: _State, index: int, node: Node, op: Concat) -> Flow:
    flows = [state.flows[name] for name in node.inputs]
    if len(node.inputs) == 1:
        if node.shape == flows[0].shape:
            return _reshape(state, index, node, Reshape())
        owner = _sole_owner(state, node.inputs[0])
        if owner is not None:
            # Constants joined to a layer's result (a class token): the layer writes its tensor among them.
            state.drafts[owner].fuse(node.name, 0)
            joined = flows[0].axes[op.axis]
            label = Axis.ROW if joined is Axis.POSITION else joined
            axes = tuple(label if i == op.axis else a for i, a in enumerate(flows[0].axes))
            return _resize(state, owner, node, axes)
    pending = 0
    for flow in flows:
        pending |= flow.pending
    reads = tuple(dict.fromkeys(read for flow in flows for read in flow.reads))
    return Flow(node.shape, joined_axes(flows, node.shape), reads, pending)


def _reshape(state: _State, index: int, node: Node, op: Reshape) -> Flow:
    flow = state.flows[node.inputs[0]]
    image = (flow.reads[0].height, flow.reads[0].width)
    axes = flow.axes if flow.shape == node.shape else reshape_axes(flow.shape, flow.axes, node.shape, image)
    return replace(flow, shape=node.shape, axes=axes, owner=_sole_owner(state, node.inputs[0]))


def _transpose(state: _State, index: int, node: Node, op: Transpose) -> Flow:
    flow = state.flows[node.inputs[0]]
    axes = tuple(flow.axes[i] for i in op.order)
    owner = _sole_owner(state, node.inputs[0])
    if is_view(flow, op.order):
        return replace(flow, shape=node.shape, axes=axes, owner=owner)
    if owner is None:
        return _wait(state, index, node, flow.reads, axes)
    state.drafts[owner].fuse(node.name, _work(state, node))
    return replace(flow, shape=node.shape, axes=axes, owner=owner)


def _slice(state: _State, index: int, node: Node, op: Slice) -> Flow:
    flow = state.flows[node.inputs[0]]
    if elements_of(flow.shape) == elements_of(node.shape):
        return _reshape(state, index, node, Reshape())
    kept, axes = node.shape, flow.axes
    if op.dropped is not None:
        kept = (*flow.shape[: op.dropped], 1, *flow.shape[op.dropped + 1 :])
        axes = (*axes[: op.dropped], *axes[op.dropped + 1 :])
    return Flow(node.shape, axes, slice_reads(flow, kept, index), flow.pending)


# Each handler takes its own operator type; the table pairs them, which a type checker cannot see.
_HANDLERS: dict[type, Callable[[_State, int, Node, Any], Flow]] = {
    Conv: _conv,
    Linear: _linear,
    MatMul: _matmul,
    Vector: _vector,
    Move: _vector,
    Pool: _pool,
    Reduce: _pool,
    Concat: _concat,
    Reshape: _reshape,
    Transpose: _transpose,
    Slice: _slice,
}


def _leave(state: _State, name: str) -> None:
    """A network output: the layers behind it write it out, the last of them with the work still to do."""
    flow = state.flows[name]
    sources = sorted({read.source for read in flow.reads if read.source >= 0})
    if not sources:
        last = len(state.drafts) - 1
        state.warnings.append(f"output {name!r} is made by no layer: its work runs with the last layer")
    else:
        last = sources[-1]
    draft = state.drafts[last]
    others = [read for read in flow.reads if read.source != last]
    joined = sum(read.elements for read in flow.reads) <= _share(state, name, flow.shape)
    if flow.pending:
        _take(state, draft, flow.pending)
    if joined:
        # Parts side by side: each leaves from its own layer.
        state.outputs.update(sources)
        others = [read for read in others if read.source < 0]
    state.outputs.add(last)
    draft.read(Role.RESIDUAL, (read for read in others if read.source < last))
