"""Everything that is not a compute operator: fused into the layer before, left to those after, or free."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

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
    Move,
    Node,
    Pool,
    Reduce,
    Repeat,
    Reshape,
    Slice,
    Transpose,
    Vector,
    elements_of,
)
from mcmscope.workload.lower_state import UNIT, State, owned_flow, share, sole_owner, take_pending, work_of
from mcmscope.workload.network import Role


def _host(state: State, node: Node) -> str | None:
    """The operand with whose layer this node can run: made last, of the result's size, not read elsewhere."""
    best: tuple[int, str] | None = None
    size = elements_of(node.shape)
    for name in node.inputs:
        owner = sole_owner(state, name)
        if owner is None or (elements_of(state.shapes[name]) != size and not isinstance(node.op, Move)):
            continue
        others = (state.flows[other] for other in node.inputs if other != name)
        if all(read.source < owner for flow in others for read in flow.reads):
            best = max(best or (owner, name), (owner, name))
    return best[1] if best else None


def _wait(state: State, index: int, node: Node, reads: Iterable[Read], axes: tuple[Axis, ...]) -> Flow:
    """Leave the node's work to whoever reads the result."""
    state.work[index] = work_of(state, node)
    pending = 1 << index
    for name in node.inputs:
        pending |= state.flows[name].pending
    return Flow(node.shape, axes, tuple(dict.fromkeys(reads)), pending)


def lower_vector(state: State, index: int, node: Node, op: Vector | Move) -> Flow:
    """Elementwise work or a move: with the layer that makes its operand last, the others as residuals."""
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
            take_pending(state, draft, state.flows[name].pending)
            draft.read(Role.RESIDUAL, state.flows[name].reads)
    folded = isinstance(op, Vector) and op.foldable and draft.weights > 0 and draft.bare
    draft.fuse(node.name, 0 if folded else work_of(state, node))
    axes = main.axes if len(main.shape) == len(node.shape) else joined_axes([main], node.shape)
    if isinstance(op, Move):
        return _resize(state, owner, node, axes)
    return owned_flow(state, owner, node.shape, axes)


def _resize(state: State, owner: int, node: Node, axes: tuple[Axis, ...]) -> Flow:
    """The layer's tensor takes the size and layout of this node's value."""
    draft = state.drafts[owner]
    draft.output_elements = share(state, node.output, node.shape)
    draft.output_height, draft.output_width = layout(node.shape, axes, state.graph.batch)
    return owned_flow(state, owner, node.shape, axes)


def lower_pool(state: State, index: int, node: Node, op: Pool | Reduce) -> Flow:
    """A pooling: behind the layer before, or a wider window of the layers after."""
    flow = state.flows[node.inputs[0]]
    rank = len(flow.shape)
    if isinstance(op, Pool):
        if op.window == op.stride == (1, 1):
            return lower_reshape(state, index, node, Reshape())
        spans = zip(op.window, op.stride, strict=True)
        steps: list[Step] = [UNIT, UNIT, *spans][:rank]
        axes = flow.axes
    else:
        steps = [None if i in op.axes else UNIT for i in range(rank)]
        axes = tuple(a for i, a in enumerate(flow.axes) if op.keep or i not in op.axes)
    owner = sole_owner(state, node.inputs[0])
    windows = isinstance(op, Pool) and owner is not None and state.drafts[owner].spread
    if owner is None or windows or not poolable(flow.axes, steps):
        return _wait(state, index, node, slide(flow, steps), axes)
    draft = state.drafts[owner]
    own = Read(owner, 0, draft.out_height, draft.out_width, draft.pool_window, draft.pool_stride)
    pooled = slide(replace(flow, reads=(own,)), _present(flow.axes, steps))[0]
    draft.pool_window, draft.pool_stride = pooled.window, pooled.stride
    draft.fuse(node.name, work_of(state, node))
    return _resize(state, owner, node, axes)


def _present(axes: tuple[Axis, ...], steps: list[Step]) -> list[Step]:
    """Steps of a fused pooling: a reduction of channels alone takes nothing of the rows and columns."""
    return [
        UNIT if step is None and axis in (Axis.CHANNEL, Axis.BATCH) else step
        for axis, step in zip(axes, steps, strict=True)
    ]


def lower_concat(state: State, index: int, node: Node, op: Concat) -> Flow:
    """A join: its readers read every part."""
    flows = [state.flows[name] for name in node.inputs]
    if len(node.inputs) == 1:
        if node.shape == flows[0].shape:
            return lower_reshape(state, index, node, Reshape())
        owner = sole_owner(state, node.inputs[0])
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


def lower_reshape(state: State, index: int, node: Node, op: Reshape) -> Flow:
    """Another shape for the same elements: free."""
    flow = state.flows[node.inputs[0]]
    image = (flow.reads[0].height, flow.reads[0].width)
    axes = flow.axes if flow.shape == node.shape else reshape_axes(flow.shape, flow.axes, node.shape, image)
    return replace(flow, shape=node.shape, axes=axes, owner=sole_owner(state, node.inputs[0]))


def lower_repeat(state: State, index: int, node: Node, op: Repeat) -> Flow:
    """The same elements again and again: the reader reads the tensor behind them, which stays as it is."""
    flow = state.flows[node.inputs[0]]
    new = len(node.shape) - len(flow.shape)
    before = (1,) * new + flow.shape
    axes = [Axis.CHANNEL] * new + list(flow.axes)
    for i, (n, size) in enumerate(zip(before, node.shape, strict=True)):
        if n not in (1, size) and axes[i] is not Axis.CHANNEL:
            axes[i] = Axis.MIXED
    return Flow(node.shape, tuple(axes), flow.reads, flow.pending)


def lower_transpose(state: State, index: int, node: Node, op: Transpose) -> Flow:
    """Free if it is a matter of addressing; a shuffle within channels or positions moves the data."""
    flow = state.flows[node.inputs[0]]
    axes = tuple(flow.axes[i] for i in op.order)
    owner = sole_owner(state, node.inputs[0])
    if is_view(flow, op.order):
        return replace(flow, shape=node.shape, axes=axes, owner=owner)
    if owner is None:
        return _wait(state, index, node, flow.reads, axes)
    state.drafts[owner].fuse(node.name, work_of(state, node))
    return replace(flow, shape=node.shape, axes=axes, owner=owner)


def lower_slice(state: State, index: int, node: Node, op: Slice) -> Flow:
    """A part: its readers read less."""
    flow = state.flows[node.inputs[0]]
    if elements_of(flow.shape) == elements_of(node.shape):
        return lower_reshape(state, index, node, Reshape())
    kept, axes = node.shape, flow.axes
    if op.dropped is not None:
        kept = (*flow.shape[: op.dropped], 1, *flow.shape[op.dropped + 1 :])
        axes = (*axes[: op.dropped], *axes[op.dropped + 1 :])
    return Flow(node.shape, axes, slice_reads(flow, kept, index), flow.pending)
