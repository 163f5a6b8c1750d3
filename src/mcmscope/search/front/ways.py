"""All clusters under one micro-batch: bounds first, made exact where that is asked for."""

from __future__ import annotations

import numpy as np

from mcmscope.cost.arrays import MADE_BEFORE, Ints, NetworkArrays
from mcmscope.cost.machine import Machine
from mcmscope.jit import kernel
from mcmscope.search.context import SearchContext
from mcmscope.search.front.bounds import (
    CLASSES,
    ENTRY_COLUMNS,
    ENTRY_FJ,
    ENTRY_HELD,
    ENTRY_LOADED,
    ENTRY_POINT,
    ENTRY_PS,
    HIGH,
    LOW,
    NARROW,
    WIDE,
    LayerBounds,
    bound_entries,
    bound_entry,
    layer_bounds,
    widest,
)
from mcmscope.search.front.cluster import (
    ACTIVATION_BEAT,
    HELD_BYTES,
    LABEL_COLUMNS,
    LOADED_BYTES,
    NOP_BEAT,
    PE_BEAT,
    POINT_COLUMNS,
    POINT_PS,
    Scale,
    cluster_points,
)
from mcmscope.search.front.layers import LayerTable, layer_table
from mcmscope.search.tables import NEVER

EXACT_LENGTH = 3
"""Clusters up to so many layers are priced exactly from the start."""
WHOLE_LENGTH = 8
"""Clusters up to so many layers are made exact on a whole run of region sizes at once."""
DEEPER = 1.2
"""Bounds are made exact up to so many times what they bound."""
MOST_LABELS = 6_000
MOST_POINTS = 2_000
STEP = 1.25
"""Ratio of the sizes at both ends of a run of region sizes that is bounded as one."""


def size_runs(N: int) -> Ints:
    """Runs of region sizes, [B, 2]: their least and greatest."""
    runs: list[tuple[int, int]] = []
    n = 1
    while n <= N:
        last = min(N, max(n, int(n * STEP)))
        runs.append((n, last))
        n = last + 1
    return np.array(runs, dtype=np.int64)


@kernel
def exact_entries(
    net: NetworkArrays,
    machine: Machine,
    table: LayerTable,
    bounds: LayerBounds,
    scale: Scale,
    i: int,
    j: int,
    low: int,
    high: int,
    u: int,
    m: int,
    relayed: int,
    dram_ps: int,
    most_fj: int,
    narrow: int,
    c: int,
    labels: Ints,
    points: Ints,
    partitions: Ints,
    entries: Ints,
) -> int:
    """Fill ``entries`` with the ways to run cluster [i, j) on ``low`` to ``high`` chiplets; returns how many,
    -1: no room.

    Of those with windows of classes ``narrow`` to ``c`` that take at most ``most_fj``; a bound stands for the
    others, and where there are more than can be followed.
    """
    end = 0
    for n in range(low, high + 1):
        bounded = bound_entry(
            net, machine, bounds, i, j, n, n, u, relayed, m, scale.hop_fj, narrow, c, entries[end]
        )
        if not bounded:
            continue
        if most_fj < NEVER and entries[end, ENTRY_FJ] > most_fj:
            end += 1
            continue
        found = cluster_points(
            net,
            machine,
            table,
            scale,
            i,
            j,
            n,
            u,
            relayed,
            dram_ps,
            most_fj,
            widest(c, machine),
            m,
            bounds.inside_fj[c],
            labels,
            points,
            partitions,
        )
        if end + max(found, 0) + 2 > len(entries):
            return -1
        if found < 0:
            entries[end, ENTRY_POINT] = HOPELESS
            end += 1
        elif most_fj < NEVER:
            entries[end, ENTRY_FJ] = most_fj + 1
            end += 1
        for x in range(found):
            point = points[x]
            beat = point[PE_BEAT] + point[ACTIVATION_BEAT] + point[NOP_BEAT]
            entry = entries[end]
            entry[LOW] = n
            entry[HIGH] = n
            entry[ENTRY_PS] = point[POINT_PS]
            entry[ENTRY_FJ] = m * beat // u + point[LOADED_BYTES] * n * scale.hop_fj
            entry[ENTRY_HELD] = point[HELD_BYTES]
            entry[ENTRY_LOADED] = point[LOADED_BYTES]
            entry[ENTRY_POINT] = 0
            entry[NARROW] = narrow
            entry[WIDE] = c
            end += 1
    return end


@kernel
def one_bound(
    net: NetworkArrays,
    machine: Machine,
    bounds: LayerBounds,
    i: int,
    j: int,
    low: int,
    high: int,
    u: int,
    relayed: int,
    m: int,
    hop_fj: int,
    narrow: int,
    wide: int,
    entry: Ints,
) -> int:
    """``bounds.bound_entry`` for Python; how many were filled."""
    return (
        1
        if bound_entry(net, machine, bounds, i, j, low, high, u, relayed, m, hop_fj, narrow, wide, entry)
        else 0
    )


HOPELESS = -2
"""``ENTRY_POINT`` of a bound that cannot be made exact."""


class Ways:
    """Entries of every shape of cluster at micro-batch ``u``, by their chiplets.

    ``entries[begin[s, 0] : begin[s, 1]]`` are those of shape s.
    """

    def __init__(self, context: SearchContext, u: int, shape: Ints, spans: Ints, scale: Scale) -> None:
        self.context, self.u, self.shape, self.spans, self.scale = context, u, shape, spans, scale
        model = context.model
        self.table = layer_table(model, u)
        L = context.layers
        self.relayed = int(max(model.net.span[MADE_BEFORE, b, L] for b in range(L + 1)))
        hop = model.terms.hop_byte_fj
        self.bounds = LayerBounds(
            *layer_bounds(model.net, model.machine, self.table, u, context.batch, hop, scale.write_fj, hop)
        )
        self.labels = np.zeros((MOST_LABELS, LABEL_COLUMNS), dtype=np.int64)
        self.scratch = np.zeros((MOST_POINTS, POINT_COLUMNS), dtype=np.int64)
        self.rows = np.zeros((40 * model.machine.chiplets + MOST_POINTS, ENTRY_COLUMNS), dtype=np.int64)
        self.partitions = np.zeros((MOST_POINTS, L), dtype=np.int64)
        self.known: dict[tuple[int, ...], tuple[list[int], list[int]]] = {}
        self.begin = np.zeros((len(spans), 2), dtype=np.int64)
        sizes = size_runs(model.machine.chiplets)
        first = np.zeros((len(spans) * len(sizes) * CLASSES + 1, ENTRY_COLUMNS), dtype=np.int64)
        bound_entries(
            model.net,
            model.machine,
            self.bounds,
            spans,
            sizes,
            u,
            self.relayed,
            context.batch,
            hop,
            first,
            self.begin,
        )
        self.end = int(self.begin[-1, 1])
        self.entries: Ints = first[: self.end].copy()
        for s, (i, j) in enumerate(spans.tolist()):
            if j - i <= EXACT_LENGTH:
                self._replace(s, self._exact(s, 1, model.machine.chiplets, NEVER, 0, CLASSES - 1))

    def refine(self, s: int, e: int) -> bool:
        """Make entry ``e`` of shape s exact, or bound both halves of its sizes; False: it stays as it is."""
        entry = self.entries[e].tolist()
        low, high = entry[LOW], entry[HIGH]
        if entry[ENTRY_POINT] == HOPELESS:
            return False
        i, j = self.spans[s].tolist()
        narrow, wide = entry[NARROW], entry[WIDE]
        if low < high and (j - i > WHOLE_LENGTH or narrow < wide):
            middle = (low + high) // 2
            new = self._bounds(i, j, [(low, middle, narrow, wide), (middle + 1, high, narrow, wide)])
        elif narrow < wide:
            new = self._bounds(i, j, [(low, high, narrow, narrow), (low, high, narrow + 1, wide)])
        else:
            new = self._exact(s, low, high, int(entry[ENTRY_FJ] * DEEPER) + 1, narrow, wide)
        begin, end = self.begin[s].tolist()
        self._replace(s, np.concatenate([self.entries[begin:e], new, self.entries[e + 1 : end]]))
        return True

    def _bounds(self, i: int, j: int, parts: list[tuple[int, int, int, int]]) -> Ints:
        """Bounds of cluster [i, j) for each of (least chiplets, most, narrowest class of windows, widest)."""
        model, count = self.context.model, 0
        rows = np.zeros((len(parts), ENTRY_COLUMNS), dtype=np.int64)
        for low, high, narrow, wide in parts:
            count += one_bound(
                model.net,
                model.machine,
                self.bounds,
                i,
                j,
                low,
                high,
                self.u,
                self.relayed,
                self.context.batch,
                model.terms.hop_byte_fj,
                narrow,
                wide,
                rows[count],
            )
        return rows[:count]

    def _exact(self, s: int, low: int, high: int, most_fj: int, narrow: int, wide: int) -> Ints:
        """Entries of shape s on ``low`` to ``high`` chiplets, exact up to ``most_fj``."""
        context, model = self.context, self.context.model
        i, j = self.spans[s].tolist()
        while True:
            found = exact_entries(
                model.net,
                model.machine,
                self.table,
                self.bounds,
                self.scale,
                i,
                j,
                low,
                high,
                self.u,
                context.batch,
                self.relayed,
                int(context.dram_ps[i, j]),
                most_fj,
                narrow,
                wide,
                self.labels,
                self.scratch,
                self.partitions,
                self.rows,
            )
            if found >= 0:
                context.states += int(found)
                return self.rows[:found].copy()
            self.rows = np.concatenate([self.rows, self.rows])

    def point(self, i: int, j: int, entry: list[int]) -> tuple[list[int], list[int]]:
        """What is behind an exact entry of cluster [i, j): its point and partitions."""
        s = int(self.shape[i, j])
        key = (s, *entry)
        if key not in self.known:
            context, model = self.context, self.context.model
            i, j = self.spans[s].tolist()
            n = entry[LOW]
            found = cluster_points(
                model.net,
                model.machine,
                self.table,
                self.scale,
                i,
                j,
                n,
                self.u,
                self.relayed,
                int(context.dram_ps[i, j]),
                entry[ENTRY_FJ],
                int(widest(entry[WIDE], model.machine)),
                context.batch,
                self.bounds.inside_fj[entry[WIDE]],
                self.labels,
                self.scratch,
                self.partitions,
            )
            wanted = entry[ENTRY_PS], entry[ENTRY_HELD], entry[ENTRY_LOADED]
            rows = self.scratch[:found, [POINT_PS, HELD_BYTES, LOADED_BYTES]].tolist()
            which = [tuple(row) for row in rows].index(wanted)
            self.known[key] = self.scratch[which].tolist(), self.partitions[which, : j - i].tolist()
        return self.known[key]

    def tidy(self) -> bool:
        """Give back the room of replaced entries, once they are most: all numbers of entries change then."""
        live = int((self.begin[:, 1] - self.begin[:, 0]).sum())
        if self.end < 2 * live + MOST_POINTS:
            return False
        kept: Ints = np.concatenate([self.entries[begin:end] for begin, end in self.begin.tolist()])
        ends = np.cumsum(self.begin[:, 1] - self.begin[:, 0])
        self.begin = np.stack([ends - (self.begin[:, 1] - self.begin[:, 0]), ends], axis=1)
        self.entries, self.end = kept, len(kept)
        return True

    def _replace(self, s: int, rows: Ints) -> None:
        """Put the entries of shape s at the end of the table."""
        while self.end + len(rows) > len(self.entries):
            self.entries = np.concatenate([self.entries, np.zeros_like(self.entries)])
        self.entries[self.end : self.end + len(rows)] = rows
        self.begin[s] = self.end, self.end + len(rows)
        self.end += len(rows)
