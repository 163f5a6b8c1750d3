"""Compute operators become layers."""

from __future__ import annotations

from mcmscope.errors import InputError
from mcmscope.workload.draft import Draft
from mcmscope.workload.flow import Axis, Flow, Step, layout, slide
from mcmscope.workload.graph import Conv, Linear, MatMul, Node, Shape
from mcmscope.workload.lower_state import UNIT, State, owned_flow, share, take_pending
from mcmscope.workload.network import Op, Role


def lower_conv(state: State, index: int, node: Node, op: Conv) -> Flow:
    """A convolution: a position needs a kernel of rows and columns, and all channels of its group.

    A transposed one goes over the positions of its input.
    """
    flow = state.flows[node.inputs[0]]
    rank = len(node.shape)
    spans: list[Step] = [
        ((r - 1) * d + 1, s) for r, d, s in zip(op.kernel, op.dilation, op.stride, strict=True)
    ]
    if op.transposed:
        spans = [(reach(op, i), 1) for i in range(2)]
    positions = flow.shape if op.transposed else node.shape
    axes = (Axis.BATCH, Axis.CHANNEL, Axis.ROW, Axis.COLUMN)[:rank]
    channels = flow.shape[1] // op.groups
    draft = Draft(
        name=node.name,
        op=Op.CONV,
        out_channels=op.out_channels,
        in_channels=channels,
        groups=op.groups,
        out_height=positions[2],
        out_width=positions[3] if rank == 4 else 1,
        weights=op.out_channels * channels * op.kernel[0] * op.kernel[1],
        output_elements=0,
        output_height=1,
        output_width=1,
        kernel=op.kernel,
        stride=op.stride,
        dilation=op.dilation,
        padding=op.padding,
        spread=op.transposed and op.stride != (1, 1),
    )
    # The channels of a convolution are all read at each position, hence the unit step along them.
    draft.read(Role.DATA, slide(flow, (UNIT, _channel_step(flow), *spans)[:rank]))
    return _add_layer(state, draft, node, axes, [flow])


def reach(op: Conv, axis: int) -> int:
    """Positions of the input whose kernels meet in the ``stride`` outputs that one position stands for."""
    stride, before = op.stride[axis], op.padding[axis]
    last = (stride - 1 + before) // stride
    first = -((((op.kernel[axis] - 1) * op.dilation[axis]) - before) // stride)
    return last - first + 1


def _channel_step(flow: Flow) -> Step:
    """All channels are reduced: if rows lie along the channel axis, a position needs all of them."""
    return UNIT if flow.axes[1] is Axis.CHANNEL else None


def lower_linear(state: State, index: int, node: Node, op: Linear) -> Flow:
    """A product with weights: a row needs its own row, or everything if it sums over positions."""
    flow = state.flows[node.inputs[0]]
    rank = len(flow.shape)
    reduced = op.reduced_axis % rank
    steps = [None if i == reduced and flow.axes[i] is not Axis.CHANNEL else UNIT for i in range(rank)]
    rows = _whole(state, node, op.out_channels)
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
        if i == reduced or n == 1:
            continue
        if flow.axes[i] is Axis.BATCH:
            axes[i] = Axis.BATCH
        elif groups > 1 and i < len(shape) - 2:
            continue
        else:
            positions.append(i)
    image = [flow.axes[i] for i in positions] == [Axis.ROW, Axis.COLUMN]
    for place, i in enumerate(positions):
        axes[i] = Axis.COLUMN if image and place else Axis.ROW
    if image and shape[positions[0]] * shape[positions[1]] == rows:
        return tuple(axes), shape[positions[0]], shape[positions[1]]
    return tuple(axes), rows, 1


def _whole(state: State, node: Node, each: int) -> int:
    """How many times ``each`` elements one sample's result has."""
    count, rest = divmod(share(state, node.output, node.shape), each)
    if rest or not count:
        raise InputError(
            f"{state.graph.name}: node {node.name!r} mixes the {state.graph.batch} samples of the batch;"
            " export the model with a batch of 1"
        )
    return count


def lower_matmul(state: State, index: int, node: Node, op: MatMul) -> Flow:
    """A product of two activations: the heads are groups, and each needs all of its right-hand side."""
    left, right = (state.flows[name] for name in node.inputs)
    rank = len(left.shape)
    reduced = rank - 2 if op.transposed_lhs else rank - 1
    rows, columns = node.shape[-2:]
    heads = _whole(state, node, rows * columns)
    axes = [Axis.BATCH if axis is Axis.BATCH else Axis.CHANNEL for axis in left.axes[: rank - 2]]
    axes = [Axis.CHANNEL] * (len(node.shape) - 2 - len(axes)) + axes + [Axis.ROW, Axis.CHANNEL]
    draft = Draft(node.name, Op.MATMUL, heads * columns, left.shape[reduced], heads, rows, 1, 0, 0, 1, 1)
    steps = [None if i == reduced and left.axes[i] is not Axis.CHANNEL else UNIT for i in range(rank)]
    draft.read(Role.DATA, slide(left, steps))
    draft.read(Role.SECOND, slide(right, [None] * len(right.shape)))
    return _add_layer(state, draft, node, tuple(axes), [left, right])


def _add_layer(state: State, draft: Draft, node: Node, axes: tuple[Axis, ...], sources: list[Flow]) -> Flow:
    for flow in sources:
        take_pending(state, draft, flow.pending)
    draft.bare = True
    draft.output_elements = share(state, node.output, node.shape)
    draft.output_height, draft.output_width = layout(node.shape, axes, state.graph.batch)
    state.drafts.append(draft)
    return owned_flow(state, len(state.drafts) - 1, node.shape, axes)
