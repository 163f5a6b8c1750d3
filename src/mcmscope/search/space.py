"""The schedule space: which micro-batches, tile grids and region sizes there are, and how many schedules."""

from __future__ import annotations

from math import comb, isqrt

import numpy as np

from mcmscope.cost.arrays import Ints

MAX_AUTO_MICRO_BATCH = 16


def micro_batches(m: int, fixed: int | None = None) -> tuple[int, ...]:
    """The micro-batches that a search may choose for a batch of m: powers of two up to min(m, 16)."""
    if fixed is not None:
        return (fixed,)
    return tuple(1 << e for e in range(min(m, MAX_AUTO_MICRO_BATCH).bit_length()))


def tile_grids(n: int, u: int) -> tuple[tuple[int, int, int], ...]:
    """Tile grids (samples, rows, columns) for a region of n chiplets and a micro-batch of u.

    Samples are split 1, 2, 4.. ways; what is left of the region is cut into w columns, w a power of two or
    the side of the largest square, and as many rows as there is room for. So a grid is never wider than
    tall: rows are what streams.
    """
    grids: dict[tuple[int, int, int], None] = {}
    samples = 1
    while samples <= min(n, u):
        room = n // samples
        side = isqrt(room)
        for columns in sorted({1 << e for e in range(side.bit_length()) if 1 << e <= side} | {side}):
            grids[samples, room // columns, columns] = None
        samples *= 2
    return tuple(grids)


def grid_table(N: int, u: int) -> tuple[Ints, Ints]:
    """All tile grids for n = 1..N as ``start[N + 2]`` into ``grid[G, 3]``."""
    start = [0, 0]
    rows: list[tuple[int, int, int]] = []
    for n in range(1, N + 1):
        rows.extend(tile_grids(n, u))
        start.append(len(rows))
    return np.array(start, dtype=np.int64), np.array(rows, dtype=np.int64)


def space_size(
    layers: int,
    chiplets: int,
    micro: int,
    *,
    segmented: bool = True,
    merged: bool = True,
    one_cluster: bool = False,
) -> int:
    """Schedules in a space, exactly and feasible or not, for ``micro`` micro-batches to choose from.

    A schedule chooses its segments, their micro-batches and clusters, the clusters' region sizes and the
    layers' partitions; the tile grid is the best of those enumerated and not counted. ``segmented``: any
    cuts into segments (else there is one); ``merged``: clusters of several layers (else of one);
    ``one_cluster``: each segment is one cluster.
    """

    def pipelines(length: int) -> int:
        if one_cluster:
            regions = chiplets if merged or length == 1 else 0
        elif merged:
            # k clusters of the layers in C(length - 1, k - 1) ways on at most N chiplets in C(N, k) ways;
            # summed over k by Vandermonde's identity.
            regions = comb(chiplets + length - 1, length)
        else:
            regions = comb(chiplets, length)
        return micro * 3**length * regions

    per_segment = [0, *(pipelines(length) for length in range(1, layers + 1))]
    if not segmented:
        return per_segment[layers]
    ways = [1] + [0] * layers
    for end in range(1, layers + 1):
        ways[end] = sum(per_segment[length] * ways[end - length] for length in range(1, end + 1))
    return ways[layers]
