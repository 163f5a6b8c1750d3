"""Some good ways to run every cluster as entries, in the place of all ways: no proof, but soon."""

from __future__ import annotations

import numpy as np

from mcmscope.cost.arrays import MADE_BEFORE, Ints
from mcmscope.search.context import SearchContext
from mcmscope.search.front.bounds import (
    ENTRY_COLUMNS,
    ENTRY_FJ,
    ENTRY_HELD,
    ENTRY_LOADED,
    ENTRY_POINT,
    ENTRY_PS,
    HIGH,
    LATEST,
    LOW,
)
from mcmscope.search.front.cluster import POINT_COLUMNS
from mcmscope.search.front.found import (
    FOUND_COLUMNS,
    FOUND_FJ,
    FOUND_HELD,
    FOUND_LOADED,
    FOUND_PS,
    FOUND_SCORE,
    PRICES,
    fill_found,
    slope_of,
    trace_way,
)
from mcmscope.search.front.layers import layer_table
from mcmscope.search.tables import NEVER

LONGEST = 64
"""Layers of a cluster, at most."""
BY_DOUBLING = 4
"""Sizes of regions for each doubling."""


def quick_sizes(chiplets: int) -> Ints:
    """Sizes of regions that are tried: 1 to 4, then ``BY_DOUBLING`` for each doubling, and all chiplets."""
    sizes = {*range(1, min(4, chiplets) + 1), chiplets}
    size = 4.0
    while size < chiplets:
        sizes.add(int(size))
        size *= 2 ** (1 / BY_DOUBLING)
    return np.array(sorted(sizes), dtype=np.int64)


class QuickWays:
    """Entries of every shape of cluster at micro-batch ``u``: ways that were found, and no bounds.

    To ``Boxes`` they are what ``Ways`` are.
    """

    def __init__(self, context: SearchContext, u: int, shape: Ints, spans: Ints) -> None:
        self.context, self.u, self.shape, self.spans = context, u, shape, spans
        model, m, L = context.model, context.batch, context.layers
        self.write_fj = model.terms.write_byte_fj
        relayed = int(max(model.net.span[MADE_BEFORE, b, L] for b in range(L + 1)))
        self.table = layer_table(model, u)
        self.sizes = quick_sizes(model.machine.chiplets)
        owner = np.ascontiguousarray(spans[:, 0])
        found = np.zeros((len(spans), len(self.sizes), PRICES, FOUND_COLUMNS), dtype=np.int64)
        found[..., FOUND_SCORE] = NEVER
        self.slopes: dict[int, int] = {}
        self.known: dict[int, tuple[list[int], list[int]]] = {}
        for q, n in enumerate(self.sizes.tolist()):
            self.slopes[n] = int(slope_of(model.machine, self.table, n, u, m, model.terms.hop_byte_fj))
            own = np.ascontiguousarray(found[:, q])
            context.states += int(
                fill_found(
                    model.net,
                    model.machine,
                    model.terms,
                    self.table,
                    shape,
                    owner,
                    n,
                    u,
                    m,
                    self.write_fj,
                    self.slopes[n],
                    relayed,
                    min(LONGEST, L),
                    own,
                )
            )
            found[:, q] = own
        self.entries, self.begin, self.found = self._entries(found)
        self.end = len(self.entries)

    def _entries(self, found: Ints) -> tuple[Ints, Ints, Ints]:
        """What was found, without what is there twice: entries, where those of a shape are, rows behind them.

        ``ENTRY_POINT`` is the place of a row.
        """
        S, Q = int(found.shape[0]), int(found.shape[1])
        flat = found.reshape(S * Q, PRICES, FOUND_COLUMNS)
        keep = flat[:, :, FOUND_SCORE] < NEVER
        for k in range(1, PRICES):
            for x in range(k):
                worse = keep[:, x].copy()
                for column in (FOUND_PS, FOUND_FJ, FOUND_HELD, FOUND_LOADED):
                    worse &= flat[:, k, column] >= flat[:, x, column]
                keep[:, k] &= ~worse
        place: Ints = np.flatnonzero(keep)
        rows: Ints = flat.reshape(-1, FOUND_COLUMNS)[place]
        entries = np.zeros((len(place), ENTRY_COLUMNS), dtype=np.int64, order="F")
        sizes = self.sizes[place // PRICES % Q]
        for column, values in (
            (LOW, sizes),
            (HIGH, sizes),
            (ENTRY_PS, rows[:, FOUND_PS]),
            (LATEST, rows[:, FOUND_PS]),
            (ENTRY_FJ, rows[:, FOUND_FJ]),
            (ENTRY_HELD, rows[:, FOUND_HELD]),
            (ENTRY_LOADED, rows[:, FOUND_LOADED]),
            (ENTRY_POINT, np.arange(len(place))),
        ):
            entries[:, column] = values
        per_shape: Ints = np.bincount(place // (Q * PRICES), minlength=S).astype(np.int64)
        ends: Ints = np.cumsum(per_shape)
        return entries, np.stack([ends - per_shape, ends], axis=1), rows

    def refine(self, s: int, e: int, hi: int) -> bool:
        """Nothing is only a bound here."""
        del s, e, hi
        return False

    def tidy(self) -> bool:
        """Nothing is replaced here."""
        return False

    def point(self, i: int, j: int, entry: list[int]) -> tuple[list[int], list[int]]:
        """What is behind an entry of cluster [i, j): its point and partitions."""
        context, model = self.context, self.context.model
        place = entry[ENTRY_POINT]
        if place in self.known:
            return self.known[place]
        i, j = self.spans[int(self.shape[i, j])].tolist()
        n = entry[LOW]
        point, partitions = np.zeros(POINT_COLUMNS, dtype=np.int64), np.zeros(j - i, dtype=np.int64)
        trace_way(
            model.net,
            model.machine,
            self.table,
            i,
            j,
            n,
            self.u,
            context.batch,
            model.terms.hop_byte_fj,
            self.write_fj,
            self.slopes[n],
            self.found[place],
            point,
            partitions,
        )
        self.known[place] = point.tolist(), partitions.tolist()
        return self.known[place]
