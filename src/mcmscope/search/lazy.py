"""Shortest path over segments whose true costs are dear: only those on a shortest path are ever asked for."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from mcmscope.cost.arrays import Ints
from mcmscope.cost.jit import kernel
from mcmscope.search.tables import NEVER


@kernel
def shortest(value: Ints, distance: Ints, before: Ints) -> None:
    """Least sum of ``value[a, b]`` from 0 to every b; the first of equal ones wins."""
    L = value.shape[0] - 1
    distance[0] = 0
    for b in range(1, L + 1):
        distance[b] = NEVER
        before[b] = -1
        for a in range(b):
            if value[a, b] < NEVER and distance[a] < NEVER and distance[a] + value[a, b] < distance[b]:
                distance[b] = distance[a] + value[a, b]
                before[b] = a


def lazy_path(
    value: Ints, known: np.typing.NDArray[np.bool_], refine: Callable[[int, int], int], limit: int | None = None
) -> tuple[list[tuple[int, int]], int, int]:
    """Cheapest segments that cover all layers, each a pair [a, b).

    ``value[a, b]`` holds lower bounds, or true costs where ``known``; ``refine(a, b)`` returns a true cost.
    Both arrays are updated. A shortest path all of whose segments are known is the optimum, since every
    other path costs at least its bound. Returns the path (empty: there is none), its cost and how many
    segments were refined. After ``limit`` refinements unknown segments are left out: the path is then a
    good one only.
    """
    L = value.shape[0] - 1
    distance = np.zeros(L + 1, dtype=np.int64)
    before = np.full(L + 1, -1, dtype=np.int64)
    asked = 0
    while True:
        shortest(value, distance, before)
        if distance[L] >= NEVER:
            return [], int(NEVER), asked
        stops = [L]
        while stops[-1] > 0:
            stops.append(int(before[stops[-1]]))
        path = list(pairwise(reversed(stops)))
        unknown = [edge for edge in path if not known[edge]]
        if not unknown:
            return path, int(distance[L]), asked
        if limit is not None and asked >= limit:
            value[~known] = NEVER
            limit = None
            continue
        for a, b in unknown:
            value[a, b] = refine(a, b)
            known[a, b] = True
            asked += 1
