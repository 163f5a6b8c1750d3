"""Shortest path over segments whose true costs are dear: only those on a shortest path are ever asked for."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from mcmscope.cost.arrays import Ints
from mcmscope.jit import kernel
from mcmscope.search.tables import NEVER


@kernel
def distances(value: Ints, ahead: Ints, before: Ints, behind: Ints) -> None:
    """Least sums of ``value[a, b]`` from 0 to every b (the first of equals wins), and from every a to L."""
    L = value.shape[0] - 1
    for b in range(1, L + 1):
        ahead[b] = NEVER
        before[b] = -1
    ahead[0] = 0
    for a in range(L):
        if ahead[a] == NEVER:
            continue
        for b in range(a + 1, L + 1):  # along a row, as it lies in memory
            cost = ahead[a] + value[a, b]  # at least NEVER where the segment cannot be
            if cost < ahead[b]:
                ahead[b] = cost
                before[b] = a
    behind[L] = 0
    for a in range(L - 1, -1, -1):
        least: int = NEVER
        for b in range(a + 1, L + 1):
            if behind[b] < NEVER:
                least = min(least, value[a, b] + behind[b])
        behind[a] = least


def stops_of(before: Ints) -> list[int]:
    """Where the segments of a shortest path end, and 0 at first; ``before`` as ``distances`` leaves it."""
    stops = [len(before) - 1]
    while stops[-1] > 0:
        stops.append(int(before[stops[-1]]))
    return stops[::-1]


def lazy_path(
    value: Ints,
    known: np.typing.NDArray[np.bool_],
    refine: Callable[[int, int, int], int],
    upper: int = NEVER,
    enough: Callable[[], bool] | None = None,
) -> tuple[list[tuple[int, int]], int]:
    """Cheapest segments that cover all layers, each a pair [a, b), and their cost.

    ``value[a, b]`` holds lower bounds, or true costs where ``known``; both arrays are updated.
    ``refine(a, b, bound)`` returns the true cost if it is below ``bound`` and anything from ``bound`` up
    otherwise: the segment is then on no path cheaper than ``upper``, a cost that is known to be reached. A
    shortest path all of whose segments are known is the optimum, since every other path costs at least its
    bound. Returns no segments if there is no path, or none cheaper than ``upper``, or once ``enough`` work is
    done: the cost is then a lower bound of every path.
    """
    L = value.shape[0] - 1
    ahead, before, behind = (np.zeros(L + 1, dtype=np.int64) for _ in range(3))
    while True:
        distances(value, ahead, before, behind)
        if ahead[L] >= min(upper, NEVER):
            return [], int(ahead[L])
        path = list(pairwise(stops_of(before)))
        unknown = [edge for edge in path if not known[edge]]
        if not unknown:
            return path, int(ahead[L])
        if enough is not None and enough():
            return [], int(ahead[L])
        for a, b in unknown:
            bound = min(upper - int(ahead[a]) - int(behind[b]), NEVER)
            cost = refine(a, b, bound)
            value[a, b] = cost if cost < bound else NEVER
            known[a, b] = True
