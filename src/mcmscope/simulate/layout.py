"""Where the parts of a tensor lie on a region, and which parts a layer's chiplets need.

A part is a box ``[first, end)`` in four coordinates: samples (0 to u), and rows, columns and channels as
shares of the whole (0 to 1). Boxes of a region are an array ``[n, 8]``: first and end of each coordinate in
turn; a chiplet without a part has a box of no volume.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mcmscope.schedule import Partition
from mcmscope.workload.network import Layer, Operand, Role

Boxes = NDArray[np.float64]
SAMPLE, ROW, COLUMN, CHANNEL = 0, 2, 4, 6


@dataclass(frozen=True, eq=False)
class Layout:
    """A tensor's parts on the chiplets ``at[n]``; ``height`` x ``width`` is what its boxes are shares of."""

    at: NDArray[np.int64]
    boxes: Boxes
    height: int
    width: int


def volumes(boxes: Boxes) -> NDArray[np.float64]:
    """Samples times the share of each box."""
    return np.prod(boxes[:, 1::2] - boxes[:, ::2], axis=1)


def ceil_div(a: int, b: int) -> int:
    """a / b rounded up."""
    return -(-a // b)


@lru_cache(maxsize=4096)
def tile_places(tiles: tuple[int, int, int]) -> tuple[tuple[int, int, int], ...]:
    """(sample, row, column) index of the tile of each chiplet of a region, in the region's order.

    Tiles are folded into the region to and fro, the shorter side of the grid first, as the serpentine order
    goes through a strip: neighbouring tiles then mostly lie on neighbouring chiplets.
    """
    samples, rows, columns = tiles
    places: list[tuple[int, int, int]] = []
    forward = True
    for s in range(samples):
        outer, inside = (columns, rows) if rows <= columns else (rows, columns)
        for x in range(outer):
            line = range(inside) if forward else reversed(range(inside))
            places.extend((s, y, x) if rows <= columns else (s, x, y) for y in line)
            forward = not forward
    return tuple(places)


def tiled(n: int, tiles: tuple[int, int, int], u: int, height: int, width: int) -> Boxes:
    """Boxes of a tensor that lies in tiles of ``height`` x ``width`` positions, u samples."""
    boxes = np.zeros((n, 8))
    places = np.array(tile_places(tiles))
    busy = boxes[: len(places)]
    for axis, (parts, size) in enumerate(zip(tiles, (u, height, width), strict=True)):
        step = ceil_div(size, parts)
        whole = 1 if axis == 0 else size
        busy[:, 2 * axis] = np.minimum(places[:, axis] * step, size) / whole
        busy[:, 2 * axis + 1] = np.minimum((places[:, axis] + 1) * step, size) / whole
    busy[:, CHANNEL + 1] = 1.0
    return boxes


def split_evenly(n: int, u: int) -> Boxes:
    """Boxes of a tensor whose channels are spread evenly over n chiplets, fractions of a channel too."""
    boxes = np.zeros((n, 8))
    boxes[:, 1], boxes[:, ROW + 1], boxes[:, COLUMN + 1] = u, 1.0, 1.0
    boxes[:, CHANNEL] = np.arange(n) / n
    boxes[:, CHANNEL + 1] = np.arange(1, n + 1) / n
    return boxes


def isp_share(layer: Layer, n: int) -> tuple[int, int]:
    """Groups of a chiplet and output channels of a group of a chiplet when n chiplets split a layer."""
    if layer.groups >= n:
        return ceil_div(layer.groups, n), layer.out_channels // layer.groups
    return 1, ceil_div(layer.out_channels // layer.groups, n // layer.groups)


def split_by_share(layer: Layer, n: int, u: int, *, inputs: bool = False) -> Boxes:
    """Boxes of what each chiplet makes of a layer's channels under ISP, or of the input groups it needs."""
    g, k = isp_share(layer, n)
    per_group = layer.out_channels // layer.groups
    boxes = np.zeros((n, 8))
    i = 0
    for first in range(0, layer.groups, g):
        for begin in range(0, per_group, k):
            end = min(begin + k, per_group)
            if inputs or k == per_group:
                low, high = first / layer.groups, min(first + g, layer.groups) / layer.groups
            else:
                low = (first * per_group + begin) / layer.out_channels
                high = (first * per_group + end) / layer.out_channels
            boxes[i] = (0, u, 0, 1, 0, 1, low, high)
            i += 1
    return boxes


def output_layout(layer: Layer, partition: Partition, n: int, tiles: tuple[int, int, int], u: int) -> Boxes:
    """Where a layer's output lies on its region."""
    if partition is Partition.ISP:
        return split_by_share(layer, n, u)
    return tiled(n, tiles, u, layer.output_height, layer.output_width)


def is_whole(op: Operand) -> bool:
    """Whether every position of the output needs all positions of the operand: nothing to tile."""
    return op.window[0] >= op.height and op.window[1] >= op.width


def arrival_layout(
    layer: Layer, op: Operand, partition: Partition, n: int, tiles: tuple[int, int, int], u: int
) -> Boxes:
    """How an operand from outside is spread over the region when it comes in, each byte to one chiplet."""
    if partition is Partition.ISP:
        if op.role is not Role.DATA:
            return split_by_share(layer, n, u)
        return split_by_share(layer, n, u, inputs=True) if layer.groups >= n else split_evenly(n, u)
    if op.role is Role.SECOND or is_whole(op):
        return split_evenly(n, u)
    return tiled(n, tiles, u, op.height, op.width)


def need(
    layer: Layer, op: Operand, partition: Partition, n: int, tiles: tuple[int, int, int], u: int
) -> Boxes:
    """What each chiplet works on of an operand in one beat."""
    if partition is Partition.ISP:
        if op.role is not Role.DATA:
            return split_by_share(layer, n, u)
        return split_by_share(layer, n, u, inputs=True)
    if op.role is Role.RESIDUAL:
        return tiled(n, tiles, u, op.height, op.width)
    boxes = tiled(n, tiles, u, layer.out_height, layer.out_width)
    busy = volumes(boxes) > 0
    if op.role is Role.SECOND:
        boxes[:, ROW], boxes[:, ROW + 1] = 0.0, 1.0
        boxes[:, COLUMN], boxes[:, COLUMN + 1] = 0.0, 1.0
    else:
        for axis, outputs, size, window, step in (
            (ROW, layer.out_height, op.height, op.window[0], op.stride[0]),
            (COLUMN, layer.out_width, op.width, op.window[1], op.stride[1]),
        ):
            padding = max(0, ((outputs - 1) * step + window - size + 1) // 2)
            first = np.rint(boxes[:, axis] * outputs) * step - padding
            end = (np.rint(boxes[:, axis + 1] * outputs) - 1) * step - padding + window
            boxes[:, axis] = np.clip(first, 0, size) / size
            boxes[:, axis + 1] = np.clip(end, 0, size) / size
    boxes[~busy] = 0.0
    return boxes
