"""How a value of the graph lies in the tensors that layers make: which parts are read, and with what windows.

A value is followed through views, slices, joins and poolings as a ``Flow``: the tensors behind it, and for
each of its axes what that axis walks over (channels, rows, columns). From that follows what one position of
a consumer needs of each tensor.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from mcmscope.workload.graph import Pair, Shape, elements_of

Step = Pair | None
"""How a consumer goes along an axis: (window, stride), or None when every output needs all of it."""


class Axis(StrEnum):
    """What an axis of a value walks over in the tensors behind it; several axes may share a walk."""

    BATCH = "batch"
    CHANNEL = "channel"
    ROW = "row"
    COLUMN = "column"
    POSITION = "position"
    """Rows and columns in one axis."""
    MIXED = "mixed"
    """Channels and positions in one axis (flattened), or not known."""


@dataclass(frozen=True, slots=True)
class Read:
    """A tensor read through a flow: fields as in ``Operand``. ``part`` tells slices apart (-1: no slice)."""

    source: int
    elements: int
    height: int
    width: int
    window: Pair = (1, 1)
    stride: Pair = (1, 1)
    part: int = -1


@dataclass(frozen=True, slots=True)
class Flow:
    """A value: its shape, the walk of each axis, the tensors behind it and the work still to be done.

    ``pending`` is a bit set of node indices: elementwise work on the way that no layer has taken yet, so
    each consumer does it. ``owner`` is the layer whose whole tensor this value is, so far: work on the value
    can still run with that layer.
    """

    shape: Shape
    axes: tuple[Axis, ...]
    reads: tuple[Read, ...]
    pending: int = 0
    owner: int | None = None


def slide(flow: Flow, steps: Sequence[Step]) -> tuple[Read, ...]:
    """What one position needs of each tensor when a consumer goes along the flow's axes by ``steps``."""
    return tuple(_slide_one(read, flow.axes, steps) for read in flow.reads)


def _slide_one(read: Read, axes: tuple[Axis, ...], steps: Sequence[Step]) -> Read:
    rows = _slide_direction(Axis.ROW, axes, steps, read.height, read.window[0], read.stride[0])
    columns = _slide_direction(Axis.COLUMN, axes, steps, read.width, read.window[1], read.stride[1])
    return replace(read, window=(rows[0], columns[0]), stride=(rows[1], columns[1]))


def _slide_direction(
    walk: Axis, axes: tuple[Axis, ...], steps: Sequence[Step], size: int, window: int, stride: int
) -> Pair:
    whole = (size, size)
    step = step_along(walk, axes, steps)
    if step is None:
        return whole
    return min(size, (step[0] - 1) * stride + window), min(size, step[1] * stride)


def step_along(walk: Axis, axes: tuple[Axis, ...], steps: Sequence[Step]) -> Step:
    """The step in rows (or columns) that ``steps`` make; None if all of them are needed."""
    if Axis.MIXED in axes:
        return None
    taken = [(axis, step) for axis, step in zip(axes, steps, strict=True) if axis in (walk, Axis.POSITION)]
    if not taken or any(step is None for _, step in taken):
        return None
    if all(step == (1, 1) for _, step in taken):
        return (1, 1)
    # A window along one of several axes that together make the rows jumps in the tensor: take it as whole.
    return taken[0][1] if len(taken) == 1 and taken[0][0] is walk else None


def layout(shape: Shape, axes: tuple[Axis, ...], batch: int) -> Pair:
    """Rows and columns over which a value is laid out; (1, 1) if channels and positions are mixed."""
    if Axis.MIXED in axes:
        return (1, 1)
    pairs = list(zip(axes, shape, strict=True))
    height = elements_of(tuple(n for axis, n in pairs if axis in (Axis.ROW, Axis.POSITION)))
    width = elements_of(tuple(n for axis, n in pairs if axis is Axis.COLUMN))
    apart = elements_of(tuple(n for axis, n in pairs if axis is Axis.BATCH))
    # The samples may have been merged into the rows ([N * S, D]); they are not rows of one sample.
    return (height // batch if apart != batch and height % batch == 0 else height), width


def reshape_axes(before: Shape, axes: tuple[Axis, ...], after: Shape, image: Pair | None) -> tuple[Axis, ...]:
    """The walks of the axes after a reshape; ``image``: the rows x columns to recognise when they unfold."""
    result = [Axis.CHANNEL] * len(after)
    if elements_of(before) != elements_of(after) or 0 in before:
        return (Axis.MIXED,) * len(after)
    old = [(n, axis) for n, axis in zip(before, axes, strict=True) if n != 1]
    new = [i for i, n in enumerate(after) if n != 1]
    i = j = 0
    while i < len(old):
        labels, targets = {old[i][1]}, [new[j]]
        left, right = old[i][0], after[new[j]]
        while left != right:
            if left < right:
                i += 1
                left *= old[i][0]
                labels.add(old[i][1])
            else:
                j += 1
                right *= after[new[j]]
                targets.append(new[j])
        sizes = tuple(after[t] for t in targets)
        for target, label in zip(targets, _regroup(labels, sizes, image), strict=True):
            result[target] = label
        i, j = i + 1, j + 1
    return tuple(result)


def _regroup(labels: set[Axis], sizes: Shape, image: Pair | None) -> tuple[Axis, ...]:
    """The walks of axes that were made from axes with these walks."""
    kinds = labels - {Axis.BATCH} or {Axis.BATCH}
    if len(kinds) == 1 and Axis.POSITION not in kinds:
        return (next(iter(kinds)),) * len(sizes)
    if kinds <= {Axis.ROW, Axis.COLUMN, Axis.POSITION}:
        return (Axis.ROW, Axis.COLUMN) if sizes == image else (Axis.POSITION,) * len(sizes)
    return (Axis.MIXED,) * len(sizes)


def is_view(flow: Flow, order: tuple[int, ...]) -> bool:
    """Whether a transpose only changes if channels or positions come first.

    That is a matter of addressing and free; a permutation within the channels (a shuffle) or within the
    positions moves data.
    """
    moved = [flow.axes[i] for i in order if flow.shape[i] != 1]
    if Axis.MIXED in moved:
        return False
    places = (Axis.ROW, Axis.COLUMN, Axis.POSITION)
    kept = [i for i in order if flow.shape[i] != 1]
    channels = [i for i in kept if flow.axes[i] is Axis.CHANNEL]
    positions = [i for i in kept if flow.axes[i] in places]
    return channels == sorted(channels) and positions == sorted(positions)


def slice_reads(flow: Flow, shape: Shape, part: int) -> tuple[Read, ...]:
    """The reads behind a part of a flow: fewer elements, and fewer rows or columns if those are cut."""
    share = elements_of(shape), elements_of(flow.shape)
    cut = [i for i, n in enumerate(flow.shape) if len(shape) == len(flow.shape) and shape[i] != n]
    reads: list[Read] = []
    for read in flow.reads:
        elements = max(1, -(-read.elements * share[0] // share[1]))
        height, width = read.height, read.width
        for i in cut:
            if flow.axes[i] is Axis.ROW and height == flow.shape[i]:
                height = shape[i]
            elif flow.axes[i] is Axis.COLUMN and width == flow.shape[i]:
                width = shape[i]
            elif flow.axes[i] is Axis.POSITION and height * width == flow.shape[i]:
                height, width = shape[i], 1
        window = min(read.window[0], height), min(read.window[1], width)
        reads.append(replace(read, elements=elements, height=height, width=width, window=window, part=part))
    return tuple(reads)


def merge_reads(reads: Iterable[Read], whole: Sequence[int], inputs: Sequence[int]) -> tuple[Read, ...]:
    """One read per tensor: a tensor that is needed twice is fetched once, with the larger window.

    Different slices of a tensor add up to at most the tensor: ``whole[l]`` elements of layer l,
    ``inputs[i]`` of input i.
    """
    merged: dict[int, list[Read]] = {}
    for read in reads:
        merged.setdefault(read.source, []).append(read)
    return tuple(_merge_same(group, whole, inputs) for group in merged.values())


def _merge_same(group: list[Read], whole: Sequence[int], inputs: Sequence[int]) -> Read:
    first = group[0]
    if len(group) == 1:
        return first
    parts: dict[int, int] = {}
    for read in group:
        parts[read.part] = max(parts.get(read.part, 0), read.elements)
    limit = whole[first.source] if first.source >= 0 else inputs[-1 - first.source]
    height, width = max(r.height for r in group), max(r.width for r in group)
    return Read(
        first.source,
        min(limit, sum(parts.values())),
        height,
        width,
        (min(height, max(r.window[0] for r in group)), min(width, max(r.window[1] for r in group))),
        (min(r.stride[0] for r in group), min(r.stride[1] for r in group)),
        first.part if len(parts) == 1 else -1,
    )


def joined_axes(flows: Sequence[Flow], shape: Shape) -> tuple[Axis, ...]:
    """The walks of the axes of a value made of several by broadcasting or joining; they must agree."""
    axes: list[Axis] = []
    for i in range(len(shape)):
        labels: set[Axis] = set()
        ones: list[Axis] = []
        for flow in flows:
            at = i - len(shape) + len(flow.shape)
            if at >= 0:
                (labels.add if flow.shape[at] != 1 else ones.append)(flow.axes[at])
        axes.append(
            labels.pop() if len(labels) == 1 else Axis.MIXED if labels else (ones or [Axis.CHANNEL])[0]
        )
    return tuple(axes)


def poolable(axes: tuple[Axis, ...], steps: Sequence[Step]) -> bool:
    """Whether the layer that makes a tensor can pool it: along rows and columns, or over all of them."""
    if Axis.MIXED in axes or any(
        step != (1, 1) and axis is Axis.BATCH for axis, step in zip(axes, steps, strict=True)
    ):
        return False
    for walk in (Axis.ROW, Axis.COLUMN):
        along = [s for axis, s in zip(axes, steps, strict=True) if axis in (walk, Axis.POSITION)]
        if along and any(s is not None for s in along) and step_along(walk, axes, steps) is None:
            return False
    return True


def relayout(flow: Flow, shape: Shape) -> tuple[Read, ...]:
    """The reads behind a moved (padded, resized) flow: the same elements over its new rows and columns."""
    if len(shape) != len(flow.shape):
        return flow.reads
    moved = slice_reads(flow, shape, -1)
    return tuple(
        replace(new, elements=old.elements, part=old.part) for new, old in zip(moved, flow.reads, strict=True)
    )
