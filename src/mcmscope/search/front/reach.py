"""Which sums of times and energies the corners of segments allow, layer by layer."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mcmscope.cost.arrays import Ints
from mcmscope.jit import kernel
from mcmscope.search.front.sums import FAR

BINS = 1 << 14
"""Stretches of time in which labels become one."""


class Arcs(NamedTuple):
    """Segments that may be on a path, by their first layer, with corners below all ways to run each."""

    first: Ints  # [L + 1]: where the segments that begin with a layer are
    end: Ints  # [A]: the layer behind a segment
    begin: Ints  # [A + 1]: where its corners are
    time: Ints  # [P]: ps
    energy: Ints  # [P]: fJ


class Aims(NamedTuple):
    """Pairs of a time and an energy, by rising time and falling energy: a path is to stay below one.

    ``behind``: least time, energy and weighted sum (``ps`` and ``fj``) of the layers from each on.
    """

    time: Ints  # [J]
    energy: Ints  # [J]
    sum: Ints  # [J]: the most of the weighted sums of this pair and later ones
    behind: Ints  # [3, L + 1]
    ps: int
    fj: int


class Labels(NamedTuple):
    """Of the paths to each layer, per stretch of time: the least time, the least energy, and how it came."""

    time: Ints  # [L + 1, BINS]
    energy: Ints  # [L + 1, BINS]
    before: NDArray[np.int32]  # [L + 1, BINS]: the stretch of time that it came from
    via: NDArray[np.int32]  # [L + 1, BINS]: the corner


def new_labels(layers: int) -> Labels:
    """Room for labels."""
    shape = layers + 1, BINS
    before, via = (np.zeros(shape, dtype=np.int32) for _ in range(2))
    return Labels(np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64), before, via)


@kernel
def reach(arcs: Arcs, aims: Aims, shift: int, labels: Labels) -> int:
    """Fill ``labels`` with all paths that may end below one of ``aims``; how many labels were met.

    Two labels of a stretch of time (``2**shift`` ps) become one that is as good as both. A layer's labels
    that another of it beats lead nowhere.
    """
    L, count = len(arcs.first) - 1, len(aims.time)
    # The first pair that is later than the begin of each stretch.
    later = np.full(BINS + 1, count)
    j = count - 1
    for x in range(BINS, -1, -1):
        while j >= 0 and aims.time[j] > x << shift:
            j -= 1
        later[x] = j + 1
    labels.energy[:] = FAR
    labels.time[:] = FAR
    labels.energy[0, 0] = 0
    labels.time[0, 0] = 0
    low, high = np.full(L + 1, BINS), np.full(L + 1, -1)
    low[0] = high[0] = 0
    met = 0
    for a in range(L):
        least = FAR
        for x in range(low[a], high[a] + 1):
            if labels.energy[a, x] >= least:
                continue
            time, energy = labels.time[a, x], labels.energy[a, x]
            least = energy
            met += 1
            for arc in range(arcs.first[a], arcs.first[a + 1]):
                b = arcs.end[arc]
                for p in range(arcs.begin[arc], arcs.begin[arc + 1]):
                    new, spent = time + arcs.time[p], energy + arcs.energy[p]
                    at = new + aims.behind[0, b] >> shift
                    if at >= BINS or later[at] == count:
                        break  # corners come by their time
                    j = later[at]
                    if spent + aims.behind[1, b] >= aims.energy[j]:
                        continue
                    if aims.ps * new + aims.fj * spent + aims.behind[2, b] >= aims.sum[j]:
                        continue
                    y = new >> shift
                    labels.time[b, y] = min(labels.time[b, y], new)
                    if spent < labels.energy[b, y]:
                        labels.energy[b, y] = spent
                        labels.before[b, y] = x
                        labels.via[b, y] = p
                        low[b] = min(low[b], y)
                        high[b] = max(high[b], y)
    return met


def track(labels: Labels, arcs: Arcs, end: int) -> list[int]:
    """The corners of the path behind a label of the last layer, last first."""
    layer, corners = len(labels.time) - 1, list[int]()
    while layer > 0:
        corner = int(labels.via[layer, end])
        end = int(labels.before[layer, end])
        arc = int(arcs.begin.searchsorted(corner, side="right")) - 1
        layer = int(arcs.first.searchsorted(arc, side="right")) - 1
        corners.append(corner)
    return corners
