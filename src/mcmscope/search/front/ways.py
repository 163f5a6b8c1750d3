"""All clusters under one micro-batch: bounds first, made exact where that is asked for."""

from __future__ import annotations

import numpy as np

from mcmscope.cost.arrays import MADE_BEFORE, Ints
from mcmscope.search.context import SearchContext
from mcmscope.search.front.bounds import (
    BOUND,
    ENTRY_COLUMNS,
    ENTRY_FJ,
    ENTRY_HELD,
    ENTRY_LOADED,
    ENTRY_POINT,
    ENTRY_PS,
    HIGH,
    HOPELESS,
    IN_VAIN,
    LATEST,
    LOW,
    NARROW,
    WIDE,
    LayerBounds,
    bound_entries,
    layer_bounds,
    window_classes,
)
from mcmscope.search.front.cluster import (
    HELD_BYTES,
    LOADED_BYTES,
    POINT_COLUMNS,
    POINT_PS,
    Scale,
    cluster_points,
)
from mcmscope.search.front.entries import exact_entries, one_bound, paid_entries, prices_of
from mcmscope.search.front.labels import LABEL_COLUMNS
from mcmscope.search.front.layers import WINDOW, layer_table
from mcmscope.search.front.steps import ROOMS, SLOPES
from mcmscope.search.tables import NEVER

MOST_APART = 4
"""Sizes of regions in a run that is bounded as a whole, at most."""
DEEPER = 2
"""Bounds are made exact up to so many percent above what they bound, four times as many each time in vain."""
MOST_IN_VAIN = 4
"""After so many, there hardly is a way at all: none is too dear then."""
SPREAD = 100
"""Ways whose spills may differ by over one in so many parts of their energy are bounded apart."""
MOST_LABELS = 6_000
MOST_POINTS = 2_000
STEP = 1.25
"""Ratio of the sizes at both ends of a run of region sizes that is bounded as one."""
QUICKEST_PS, APART, LEVELS = 1000, 1.06, 500
"""Times (ps) at which the ways to run a cluster are told apart: the first, the ratio of two, how many."""
LEVELS_AT_ONCE = 80
ROUNDED = 6
"""Bits of a time at which ways are told apart."""

Span = tuple[int, int]


def size_runs(N: int) -> Ints:
    """Runs of region sizes, [B, 2]: their least and greatest."""
    runs: list[tuple[int, int]] = []
    n = 1
    while n <= N:
        last = min(N, max(n, int(n * STEP)))
        runs.append((n, last))
        n = last + 1
    return np.array(runs, dtype=np.int64)


def round_up(ps: int) -> int:
    """A time that is a little longer: ranges of beats that end close to each other ask for the same times."""
    step = max(ps.bit_length() - ROUNDED, 0)
    return -(-ps >> step) << step


class Ways:
    """Entries of every shape of cluster at micro-batch ``u``, by their chiplets.

    ``entries[begin[s, 0] : begin[s, 1]]`` are those of shape s. They lie column by column in memory, since
    most are passed over for their time or energy.
    """

    def __init__(self, context: SearchContext, u: int, shape: Ints, spans: Ints, scale: Scale) -> None:
        self.context, self.u, self.shape, self.spans, self.scale = context, u, shape, spans, scale
        model = context.model
        self.table = layer_table(model, u)
        L, N = context.layers, model.machine.chiplets
        self.relayed = int(max(model.net.span[MADE_BEFORE, b, L] for b in range(L + 1)))
        hop = model.terms.hop_byte_fj
        self.own_windows: list[Ints] = [np.unique(own) for own in self.table.base[..., WINDOW]]
        """Gather windows (bytes, ascending) of each kind of layer."""
        self.windows: dict[int, list[int]] = {}
        classes = window_classes(np.unique(np.concatenate(self.own_windows)))
        self.bounds = LayerBounds(
            classes,
            *layer_bounds(
                model.net, model.machine, self.table, u, context.batch, hop, scale.write_fj, hop, classes
            ),
        )
        self.labels = np.zeros((MOST_LABELS, LABEL_COLUMNS), dtype=np.int64)
        self.scratch = np.zeros((MOST_POINTS, POINT_COLUMNS), dtype=np.int64)
        self.rows = np.zeros((40 * model.machine.chiplets + MOST_POINTS, ENTRY_COLUMNS), dtype=np.int64)
        self.levels = np.array([int(QUICKEST_PS * APART**v) for v in range(LEVELS)], dtype=np.int64)
        self.floors = np.zeros(LEVELS_AT_ONCE, dtype=np.int64)
        self.partitions = np.zeros((MOST_POINTS, L), dtype=np.int64)
        self.known: dict[tuple[int, ...], tuple[list[int], list[int]]] = {}
        self.begin = np.zeros((len(spans), 2), dtype=np.int64)
        sizes = size_runs(model.machine.chiplets)
        first = np.zeros((len(spans) * len(sizes) * len(classes) + 1, ENTRY_COLUMNS), dtype=np.int64)
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
        self.entries: Ints = first[: self.end].copy(order="F")
        self.room: list[int] = (self.begin[:, 1] - self.begin[:, 0]).tolist()
        """For how many entries of each shape there is room where they are."""
        for s, (i, j) in enumerate(spans.tolist()):
            if j - i == 1:  # bounds are of layers with others, whose windows are not those of one alone
                self._replace(s, self._exact(s, (1, N), (0, NEVER), (0, NEVER), (0, NEVER)))

    def refine(self, s: int, e: int, hi: int) -> bool:
        """Bound entry ``e`` of shape s more sharply, or make it exact; False: it stays as it is.

        Ways that take up to ``hi`` ps are asked for.
        """
        entry = self.entries[e].tolist()
        low, high = entry[LOW], entry[HIGH]
        windows = [window for window in self._windows(s) if entry[NARROW] <= window <= entry[WIDE]]
        narrow, wide = (windows[0], windows[-1]) if windows else (0, 0)
        if entry[IN_VAIN] == 0:  # else rounding may ask for times at which a cluster runs, but too late
            hi = round_up(hi)
        times, least = (entry[ENTRY_PS], entry[LATEST]), entry[ENTRY_FJ]
        if entry[ENTRY_POINT] == HOPELESS:
            return False
        if not windows:
            new = self.rows[:0]  # of a class between those that its layers have
        elif entry[ENTRY_POINT] == BOUND and high - low >= MOST_APART:
            middle = (low + high) // 2
            new = self._bounds(s, [(low, middle, narrow, wide), (middle + 1, high, narrow, wide)])
        elif entry[ENTRY_POINT] == BOUND:
            new = self._paid(s, (low, high), (0, NEVER), 0, (narrow, wide))
        elif hi < times[1]:
            later = self.entries[e : e + 1].copy()  # what is known of it holds at longer times
            later[0, ENTRY_PS] = hi + 1
            sooner = self._paid(s, (low, high), (times[0], hi), least, (narrow, wide))
            new = np.concatenate([sooner, later])
        elif self._spread_fj(entry, narrow, wide) * SPREAD > entry[ENTRY_FJ]:
            wider = next(window for window in windows if window > (narrow + wide) // 2)
            narrower = windows[windows.index(wider) - 1]
            held = self._bounds(s, [(low, high, wider, wide)])[:, ENTRY_HELD]
            other: Ints = np.repeat(self.entries[e : e + 1], len(held), axis=0)
            other[:, ENTRY_HELD], other[:, NARROW], other[:, WIDE] = held, wider, wide
            one = self._paid(s, (low, high), times, least, (narrow, narrower))
            new = np.concatenate([one, other])
        else:
            tried = entry[IN_VAIN]
            most = least + (least * DEEPER << 2 * tried) // 100 + 1 if tried < MOST_IN_VAIN else NEVER
            new = self._exact(s, (low, high), times, (least, most), (narrow, wide), tried)
        begin, end = self.begin[s].tolist()
        rows = np.concatenate([self.entries[begin:e], new, self.entries[e + 1 : end]])
        self._replace(s, rows[rows[:, LOW].argsort(kind="stable")])  # sums rely on this order
        return True

    def _windows(self, s: int) -> list[int]:
        """Gather windows (bytes, ascending) of the layers of shape s."""
        if s not in self.windows:
            i, j = self.spans[s].tolist()
            kinds: list[int] = np.unique(self.table.kind[i:j]).tolist()
            own: Ints = np.concatenate([self.own_windows[kind] for kind in kinds])
            self.windows[s] = np.unique(own).tolist()
        return self.windows[s]

    def _spread_fj(self, entry: list[int], narrow: int, wide: int) -> int:
        """By how much the spill of two ways in an entry, with windows of ``narrow`` to ``wide`` bytes, may
        differ."""
        context, machine, terms = self.context, self.context.model.machine, self.context.model.terms
        n = entry[LOW]
        free = machine.activation_free - -(-self.u * self.relayed // n)
        spread = min(wide - narrow, entry[ENTRY_HELD] + wide - entry[NARROW] - free)
        byte = terms.dram_byte_fj + terms.dram_milli_hops * terms.hop_byte_fj // 1000
        return max(0, 2 * spread * n * context.batch // self.u * byte)

    def _bounds(self, s: int, parts: list[tuple[int, int, int, int]]) -> Ints:
        """Bounds of shape s for each of (least chiplets, most, narrowest window, widest)."""
        model, count = self.context.model, 0
        i, j = self.spans[s].tolist()
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

    def _paid(self, s: int, sizes: Span, times: Span, least_fj: int, windows: Span) -> Ints:
        """Bounds of shape s as a whole on these sizes of regions, at these times (ps), with these windows."""
        model = self.context.model
        i, j = self.spans[s].tolist()
        found = paid_entries(
            model.net,
            model.machine,
            self.table,
            self.bounds,
            self.scale,
            i,
            j,
            *sizes,
            self.u,
            self.context.batch,
            self.relayed,
            *times,
            least_fj,
            *windows,
            self.levels,
            self.floors,
            self.rows,
        )
        self.context.states += int(found)
        return self.rows[:found].copy()

    def _exact(
        self, s: int, sizes: Span, times: Span, energies: Span, windows: Span, in_vain: int = 0
    ) -> Ints:
        """Entries of shape s on these sizes of regions, exact as far as times (ps) and energies (fJ) go."""
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
                *sizes,
                self.u,
                context.batch,
                self.relayed,
                int(context.dram_ps[i, j]),
                *times,
                *energies,
                *windows,
                in_vain,
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
                entry[ENTRY_PS],
                entry[NARROW],
                entry[WIDE],
                context.batch,
                self.prices(n, entry),
                self.labels,
                self.scratch,
                self.partitions,
            )
            wanted = entry[ENTRY_PS], entry[ENTRY_HELD], entry[ENTRY_LOADED]
            rows = self.scratch[:found, [POINT_PS, HELD_BYTES, LOADED_BYTES]].tolist()
            which = [tuple(row) for row in rows].index(wanted)
            self.known[key] = self.scratch[which].tolist(), self.partitions[which, : j - i].tolist()
        return self.known[key]

    def prices(self, n: int, entry: list[int]) -> Ints:
        """Prices of time and room for what is no worse than an exact entry on n chiplets."""
        context, machine, hop = self.context, self.context.model.machine, self.context.model.terms.hop_byte_fj
        slope = entry[ENTRY_FJ] // max(entry[ENTRY_PS], 1)
        prices = np.zeros((SLOPES * ROOMS, 2), dtype=np.int64)
        prices_of(machine, n, self.u, context.batch, hop, slope, entry[ENTRY_PS], prices)
        return prices

    def tidy(self) -> bool:
        """Give back the room that is not used, once it is two thirds: all numbers of entries change then."""
        live = int((self.begin[:, 1] - self.begin[:, 0]).sum())
        if self.end < 3 * live + MOST_POINTS:
            return False
        kept: Ints = np.concatenate([self.entries[begin:end] for begin, end in self.begin.tolist()])
        ends = np.cumsum(self.begin[:, 1] - self.begin[:, 0])
        self.begin = np.stack([ends - (self.begin[:, 1] - self.begin[:, 0]), ends], axis=1)
        self.entries, self.end = np.asfortranarray(kept), len(kept)
        self.room = (self.begin[:, 1] - self.begin[:, 0]).tolist()
        return True

    def _replace(self, s: int, rows: Ints) -> None:
        """Put other entries in the place of those of shape s; at the end of the table where room is short."""
        begin = int(self.begin[s, 0])
        if len(rows) > self.room[s]:
            begin, self.room[s] = self.end, len(rows) * 3 // 2  # so that a shape that grows seldom moves
            self.end += self.room[s]
            if self.end > len(self.entries):
                more = np.zeros((self.end * 3 // 2, ENTRY_COLUMNS), dtype=np.int64, order="F")
                more[: len(self.entries)] = self.entries
                self.entries = more
        self.entries[begin : begin + len(rows)] = rows
        self.begin[s] = begin, begin + len(rows)
