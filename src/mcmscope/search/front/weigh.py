"""The schedule of the least weighted sum of time and energy, with a lower bound of that sum.

A segment's beat is taken from ranges; in a range a cluster costs what it costs at the longest beat of it and
waits for the shortest. Chiplets are paid for at a price (a Lagrange multiplier) while all segments are
bounded, and counted where one is solved. Segments are a lazy shortest path, as in the throughput searches.
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mcmscope.cost.arrays import MACS, WEIGHT_BYTES, Ints
from mcmscope.cost.dram import load_ps
from mcmscope.schedule import Scheme
from mcmscope.search.context import Path, Piece, SearchContext, kept_boundaries
from mcmscope.search.exact.clusters import shapes
from mcmscope.search.front.bounds import ENTRY_HELD, ENTRY_LOADED, ENTRY_POINT, ENTRY_PS, LOW
from mcmscope.search.front.cluster import ACTIVATION_BEAT, GRID, NOP_BEAT, PE_BEAT
from mcmscope.search.front.passes import passes_points
from mcmscope.search.front.small import MOST_LABELS, Pair, in_passes, scale_of
from mcmscope.search.front.sums import FAR, Known, bound_sums, least_sum, priced_sums, segment_traffic
from mcmscope.search.front.ways import Ways
from mcmscope.search.lazy import distances, lazy_path
from mcmscope.search.limit import Limit
from mcmscope.search.tables import NEVER
from mcmscope.search.transfers import moving_ps, spilling_ps

LEVEL = 1.08
"""Ratio of the beats at both ends of a range that is bounded as one."""
LITTLE = 0.0005
"""Ranges whose ends differ by less than this share of the weighted sum are not divided."""
LONGEST = 2**50
"""A beat (ps) that no segment has."""
PRICES = 24
"""Prices of a chiplet tried; every other one where all segments are bounded."""


class OutOfTime(Exception):  # noqa: N818 - it is no error
    """The limit was reached before an answer."""


@dataclass(frozen=True, slots=True)
class Weights:
    """What is made least: ``ps * time + fj * energy``, whole numbers; energy without static power."""

    ps: int
    fj: int

    def of(self, time_ps: int, energy_fj: int) -> int:
        """The weighted sum."""
        return self.ps * time_ps + self.fj * energy_fj


class _Box(NamedTuple):
    """Ways to run segment [a, b): a micro-batch, beats from lo to hi ps, loads from start to late ps."""

    micro: int
    a: int
    b: int
    lo: int
    hi: int
    start: int
    late: int


@dataclass(frozen=True, slots=True)
class _Aim:
    """What is known of segments at some weights."""

    weights: Weights
    levels: list[Ints]
    """Per micro-batch the ranges of beats."""
    each: list[Ints]
    """Per micro-batch lower bounds of every range and segment: [V, L + 1, L + 1]."""
    value: Ints
    """Lower bounds of segments: [L + 1, L + 1]."""
    settled: NDArray[np.bool_]
    """Where no more is to be had while chiplets are paid for."""


class Weigher:
    """Solves weighted sums of one scheme; what it learns of clusters serves all of them."""

    def __init__(self, context: SearchContext, scheme: Scheme, limit: Limit) -> None:
        self.context, self.scheme, self.limit = context, scheme, limit
        model, L, m = context.model, context.layers, context.batch
        shape = shapes(context)
        spans: dict[int, tuple[int, int]] = {}
        for i in range(L):
            for j in range(i + 1, L + 1):
                spans.setdefault(int(shape[i, j]), (i, j))
        self.shape = shape
        span_rows = np.array([spans[s] for s in range(len(spans))], dtype=np.int64)
        self.one_layer = int(scheme in (Scheme.SEQUENTIAL, Scheme.SEGMENTED_PIPELINE, Scheme.FULL_PIPELINE))
        self.one_cluster = int(scheme in (Scheme.SEQUENTIAL, Scheme.SEQUENTIAL_FUSED))
        self.ways: list[Ways] = []
        for u in context.micro:
            if limit.reached():
                raise OutOfTime
            self.ways.append(Ways(context, u, shape, span_rows, scale_of(context, u)))
        self.io_ps = [moving_ps(u * context.io, model.machine.dram_mb_per_s) for u in context.micro]
        macs = np.concatenate([[0], np.cumsum(model.net.layer[:, MACS])])
        moved = m * context.io + np.maximum(model.net.weights[None, :] - model.net.weights[:, None], 0)
        terms = model.terms
        self.fixed = (
            m * (macs[None, :] - macs[:, None]) * terms.mac_fj
            + moved * terms.dram_byte_fj
            + moved * terms.dram_milli_hops // 1000 * terms.hop_byte_fj
        ).astype(np.int64)
        self.passes: dict[int, list[Pair]] = {}
        kept = kept_boundaries(model, m)
        copies = model.machine.pes if model.machine.copies else 1
        out = np.zeros((MOST_LABELS, 3), dtype=np.int64)
        for l in range(L):
            if int(model.net.layer[l, WEIGHT_BYTES]) * copies <= model.machine.weight_limit:
                continue
            for ways in self.ways:
                found = passes_points(
                    model.net,
                    model.machine,
                    terms,
                    l,
                    ways.u,
                    ways.table.grid_start,
                    ways.table.grids,
                    m,
                    1,
                    int(kept[l]),
                    int(kept[l + 1]),
                    out,
                )
                pairs = [in_passes(l, ways.u, row, ways.table) for row in out[:found].tolist()]
                self.passes.setdefault(l, []).extend(pairs)
        self.ranges = [self._range(ways) for ways in self.ways]
        self.only_exact = 0
        self.work = 0
        self.prices = np.zeros(1, dtype=np.int64)
        self.known: list[dict[int, Known]] = [{} for _ in self.ways]
        self.aim: _Aim | None = None
        self.traffic: dict[tuple[int, int], tuple[Ints, Ints]] = {}

    def _range(self, ways: Ways) -> tuple[int, int]:
        """The shortest beat that any segment could have, and the longest."""
        used = ways.entries[: ways.end, ENTRY_PS]
        low = max(1, int(used[used > 0].min(initial=1 << 40)))
        return low, max(int(used.max(initial=1)), low) + 1

    def _levels(self, index: int, weights: Weights, upper: int) -> Ints:
        """Ranges of beats: each so narrow that its ends differ little, or weigh little."""
        low, high = self.ranges[index]
        beats = -(-self.context.batch // self.ways[index].u)
        little = LITTLE * upper / max(1, weights.ps * (beats + 1)) if upper < NEVER else 0
        steps = [0, low]
        while steps[-1] < high:
            step = int(min(max(steps[-1] * (LEVEL - 1), little, 1), high))
            steps.append(min(steps[-1] + step, high))
        # What crosses a cut, goes to DRAM or spills may make a beat longer than any stage.
        steps[-1] = max(high, LONGEST)
        return np.array(steps, dtype=np.int64)

    def least(
        self, weights: Weights, upper: int, work: int, *, only_exact: bool = False
    ) -> tuple[Path | None, int]:
        """The schedule whose weighted sum is least, if that is below ``upper``, and a lower bound of all.

        After ``work`` sums over the clusters of a segment it is the best schedule that was met, if any, and
        what is proven so far. ``only_exact``: of clusters that are exact already, as those of good segments
        are once they were bounded; the bound means nothing then.
        """
        self.only_exact, self.work = int(only_exact), work
        L = self.context.layers
        if self.aim is None or self.aim.weights != weights:
            self.aim = self._aimed(weights, upper)
        aim = self.aim
        pieces: dict[tuple[int, int], Piece] = {}
        floors: dict[tuple[int, int], int] = {}

        def refine(a: int, b: int, bound: int) -> int:
            cost, floor, piece = self._segment(aim, a, b, bound)
            floors[a, b] = floor
            if piece is not None:
                pieces[a, b] = piece
            return cost

        value, known = aim.value, np.zeros((L + 1, L + 1), dtype=bool)
        try:
            self._sharpen(aim, upper)
            value = aim.value.copy()
            path, _ = lazy_path(value, known, refine, upper)
        except OutOfTime:
            path = self._met(value, known, upper)
        # Where a segment could not be solved to the end, what is proven of it stands for it.
        for edge, floor in floors.items():
            value[edge] = min(int(value[edge]), floor)
        ahead, before, behind = (np.zeros(L + 1, dtype=np.int64) for _ in range(3))
        distances(value, ahead, before, behind)
        lower = min(upper, int(ahead[L]))
        return ([(b, pieces[a, b]) for a, b in path] if path else None), lower

    def _aimed(self, weights: Weights, upper: int) -> _Aim:
        """Bounds of all segments."""
        context, L = self.context, self.context.layers
        self.prices = self._prices(upper)
        for known in self.known:
            known.clear()
        value = np.full((L + 1, L + 1), NEVER, dtype=np.int64)
        each: list[Ints] = []
        levels = [self._levels(index, weights, upper) for index in range(len(self.ways))]
        for index, ways in enumerate(self.ways):
            if self.limit.reached():
                raise OutOfTime
            bound = np.full((len(levels[index]) - 1, L + 1, L + 1), FAR, dtype=np.int64)
            bound_sums(
                context.model.machine,
                context.model.terms,
                self.shape,
                ways.entries,
                ways.begin,
                levels[index],
                self.prices[::2],
                self.io_ps[index],
                context.dram_ps,
                self.fixed,
                ways.u,
                context.batch,
                weights.ps,
                weights.fj,
                self.one_layer,
                self.one_cluster,
                bound,
            )
            each.append(bound)
            value = np.minimum(value, bound.min(axis=0))
        for l, pairs in self.passes.items():
            best = min((weights.of(pair.time_ps, pair.energy_fj) for pair in pairs), default=NEVER)
            value[l, l + 1] = min(int(value[l, l + 1]), best)
        value[value >= FAR] = NEVER
        if self.scheme is Scheme.FULL_PIPELINE:
            whole = value[0, L]
            value[:] = NEVER
            value[0, L] = whole
        return _Aim(weights, levels, each, value, np.zeros(value.shape, dtype=np.bool_))

    def _met(self, value: Ints, known: NDArray[np.bool_], upper: int) -> list[tuple[int, int]]:
        """The best segments that cover all layers, of those that were solved."""
        L = self.context.layers
        solved = np.where(known, value, NEVER)
        ahead, before, behind = (np.zeros(L + 1, dtype=np.int64) for _ in range(3))
        distances(solved, ahead, before, behind)
        if ahead[L] >= upper:
            return []
        stops = [L]
        while stops[-1] > 0:
            stops.append(int(before[stops[-1]]))
        return list(pairwise(reversed(stops)))

    def _prices(self, upper: int) -> Ints:
        """Prices of a chiplet: none, and from little to all that a schedule costs, sqrt(2) apart."""
        most = max(upper // self.context.model.machine.chiplets, 1) if upper < NEVER else 1 << 40
        steps = [(2 * most * 5 // 7 if step % 2 else 2 * most) >> step // 2 for step in range(PRICES - 1)]
        return np.array([0, *steps], dtype=np.int64)

    def _traffic(self, a: int, b: int) -> tuple[Ints, Ints]:
        if (a, b) not in self.traffic:
            relay = np.zeros((b - a + 1, b - a + 1), dtype=np.int64)
            cut = np.zeros(b - a + 1, dtype=np.int64)
            segment_traffic(self.context.model.net, a, b, relay, cut)
            self.traffic[a, b] = relay, cut
        return self.traffic[a, b]

    def _segment(self, aim: _Aim, a: int, b: int, bound: int) -> tuple[int, int, Piece | None]:
        """The least weighted sum of segment [a, b) below ``bound`` (else ``bound``), a lower bound of it,
        how."""
        weights = aim.weights
        best, floor, piece = bound, NEVER, None
        if b - a == 1:
            for pair in self.passes.get(a, []):
                if weights.of(pair.time_ps, pair.energy_fj) < best:
                    best, piece = weights.of(pair.time_ps, pair.energy_fj), pair.path[0][1]
        boxes: list[tuple[int, int, int, int, int, int]] = []
        for index, values in enumerate(aim.each):
            levels = aim.levels[index]
            for v in np.flatnonzero(values[:, a, b] < best).tolist():
                lo, hi = int(levels[v]), int(levels[v + 1]) - 1
                heappush(boxes, (int(values[v, a, b]), index, lo, hi, 0, NEVER))
        while boxes:
            if self.limit.reached():
                raise OutOfTime
            proven, index, lo, hi, soon, late = heappop(boxes)
            if proven >= best:
                break
            lo = max(lo, int(self.io_ps[index][a, b]))
            start = max(soon, int(self.context.dram_ps[a, b]))
            proven, chain = self._box(weights, index, a, b, lo, hi, start, late, best)
            if proven >= best:
                continue
            if not chain:
                floor = min(floor, proven)
                continue
            time, energy, beat, load, found = self._price(index, a, b, chain)
            total = weights.of(time, energy)
            if total < best:
                best, piece = total, found
            if total <= proven:
                continue
            if beat > lo:
                heappush(boxes, (proven, index, lo, beat - 1, soon, late))
                heappush(boxes, (proven, index, beat, hi, soon, late))
            elif load > start:
                heappush(boxes, (proven, index, lo, hi, soon, load - 1))
                heappush(boxes, (proven, index, lo, hi, load, late))
            else:
                floor = min(floor, proven)  # rounded energies of clusters do not add up to the last digit
        return best, min(best, floor), piece

    def _box(
        self, weights: Weights, index: int, a: int, b: int, lo: int, hi: int, start: int, late: int, best: int
    ) -> tuple[int, list[tuple[int, int]]]:
        """Least sum of [a, b) with a beat from ``lo`` to ``hi`` and loads up to ``late``, taken at their
        least, if that is below ``best``; how.

        Clusters on the way are made exact. No clusters: one of them could not be.
        """
        context, ways = self.context, self.ways[index]
        relay, cut = self._traffic(a, b)
        box = _Box(index, a, b, lo, hi, start, late)
        wait = self._wait(weights, box)
        chain = np.zeros((b - a, 2), dtype=np.int64)
        ahead, behind = (np.zeros(b - a + 1, dtype=np.int64) for _ in range(2))
        proven, price = self._priced(weights, box, best, ahead, behind)
        if proven >= best:
            return proven, []
        while True:
            self._tidy(index)
            total, count = least_sum(
                context.model.machine,
                context.model.terms,
                context.model.net.weights,
                self.shape,
                ways.entries,
                ways.begin,
                relay,
                cut,
                a,
                b,
                ways.u,
                context.batch,
                weights.ps,
                weights.fj,
                int(self.io_ps[index][a, b]),
                lo,
                hi,
                start,
                late,
                self.one_layer,
                self.one_cluster,
                self.only_exact,
                ahead,
                behind,
                price,
                best - wait if best < NEVER else FAR,
                chain,
            )
            context.states += 1
            self.work -= 1
            if self.work < 0 or self.limit.reached():
                raise OutOfTime
            if total >= FAR:
                return best, []
            proven = int(total) + wait
            parts: list[tuple[int, int]] = [(end, e) for end, e in chain[:count][::-1].tolist()]
            if proven >= best:
                return proven, parts
            refined, unknown = self._refine(index, a, parts)
            if not unknown:
                return proven, parts
            if not refined:
                return proven, []

    def _wait(self, weights: Weights, box: _Box) -> int:
        """What a box costs besides its clusters."""
        beats = -(-self.context.batch // self.ways[box.micro].u)
        return weights.ps * (box.start + (beats - 1) * box.lo) + weights.fj * int(self.fixed[box.a, box.b])

    def _refine(self, micro: int, a: int, parts: list[tuple[int, int]]) -> tuple[set[int], bool]:
        """The shapes of clusters (end, entry) from layer a on that were refined, and if any are bounds."""
        ways = self.ways[micro]
        begin, refined, unknown = a, set[int](), False
        for end, e in parts:
            if ways.entries[e, ENTRY_POINT] < 0:
                unknown = True
                s = int(self.shape[begin, end])
                if s not in refined and ways.refine(s, e):
                    refined.add(s)
            begin = end
        for known in self.known[micro].values():
            known.stale[list(refined)] = True
        return refined, unknown

    def _priced(self, weights: Weights, box: _Box, best: int, ahead: Ints, behind: Ints) -> tuple[int, int]:
        """A lower bound of a box where chiplets are paid for, and at what price; enough if it is ``best``.

        Clusters on the way are made exact. Fills ``ahead`` and ``behind`` of ``priced_sums``.
        """
        context, ways, a, b = self.context, self.ways[box.micro], box.a, box.b
        relay, cut = self._traffic(a, b)
        wait = self._wait(weights, box)
        shape = np.full((b - a + 1, b - a + 1), -1, dtype=np.int64)
        shape[:-1, 1:] = self.shape[a:b, a + 1 : b + 1]
        chain = np.zeros((b - a, 2), dtype=np.int64)
        cost, via = np.full((2, *shape.shape, len(self.prices)), FAR, dtype=np.int64)
        stale = np.ones(shape.shape, dtype=np.bool_)
        self._tidy(box.micro)  # from here on, numbers of entries stay
        known = self._known(box)
        while True:
            total, count, price = priced_sums(
                context.model.machine,
                context.model.terms,
                context.model.net.weights,
                self.shape,
                ways.entries,
                ways.begin,
                relay,
                cut,
                a,
                b,
                ways.u,
                context.batch,
                weights.ps,
                weights.fj,
                int(self.io_ps[box.micro][a, b]),
                box.lo,
                box.hi,
                box.start,
                box.late,
                self.one_layer,
                self.one_cluster,
                self.prices,
                known,
                stale,
                cost,
                via,
                chain,
                ahead,
                behind,
            )
            context.states += 1
            if self.limit.reached():
                raise OutOfTime
            if total >= FAR:
                return NEVER, 0
            proven = int(total) + wait
            if proven >= best:
                return proven, price
            parts: list[tuple[int, int]] = [(end, e) for end, e in chain[:count][::-1].tolist()]
            refined, _ = self._refine(box.micro, a, parts)
            if not refined:
                return proven, price
            stale |= np.isin(shape, list(refined))

    def _known(self, box: _Box) -> Known:
        """What is known of all clusters at beats up to ``box.hi``; nothing where their loads matter."""
        count, empty = len(self.ways[box.micro].begin), np.zeros((0, 0), dtype=np.int64)
        if box.late < NEVER:
            return Known(empty, empty, np.zeros(0, dtype=np.bool_))
        known = self.known[box.micro]
        if box.hi not in known:
            cost, via = np.zeros((2, count, len(self.prices)), dtype=np.int64)
            known[box.hi] = Known(cost, via, np.ones(count, dtype=np.bool_))
        return known[box.hi]

    def _tidy(self, micro: int) -> None:
        """Give back the room of entries that were replaced; what is known of entries tells their places."""
        if self.ways[micro].tidy():
            self.known[micro].clear()

    def _sharpen(self, aim: _Aim, upper: int) -> None:
        """Raise the bounds of segments on shortest paths, until no more is to be had of the segments of one.

        Chiplets are paid for.
        """
        L, value = self.context.layers, aim.value
        ahead, before, behind = (np.zeros(L + 1, dtype=np.int64) for _ in range(3))
        while True:
            distances(value, ahead, before, behind)
            if ahead[L] >= min(upper, NEVER):
                return
            stops = [L]
            while stops[-1] > 0:
                stops.append(int(before[stops[-1]]))
            unsettled = [edge for edge in pairwise(reversed(stops)) if not aim.settled[edge]]
            if not unsettled:
                return
            for a, b in unsettled:
                bound = min(upper - int(ahead[a]) - int(behind[b]), NEVER)
                value[a, b] = self._sharper(aim, a, b, bound)
                aim.settled[a, b] = True

    def _sharper(self, aim: _Aim, a: int, b: int, bound: int) -> int:
        """A lower bound of segment [a, b) where chiplets are paid for; of its least range, or ``bound``."""
        weights = aim.weights
        pairs = self.passes.get(a, []) if b - a == 1 else []
        least = min((weights.of(pair.time_ps, pair.energy_fj) for pair in pairs), default=NEVER)
        heap: list[tuple[int, int, int, bool]] = [
            (int(values[v, a, b]), index, int(v), False)
            for index, values in enumerate(aim.each)
            for v in np.flatnonzero(values[:, a, b] < min(bound, FAR)).tolist()
        ]
        heapify(heap)
        ahead, behind = (np.zeros(b - a + 1, dtype=np.int64) for _ in range(2))
        while heap:
            proven, index, v, settled = heappop(heap)
            if settled or proven >= min(bound, least):
                return min(proven, least)
            levels = aim.levels[index]
            lo = max(int(levels[v]), int(self.io_ps[index][a, b]))
            box = _Box(index, a, b, lo, int(levels[v + 1]) - 1, int(self.context.dram_ps[a, b]), NEVER)
            found = max(proven, self._priced(weights, box, bound, ahead, behind)[0])
            aim.each[index][v, a, b] = min(found, FAR)
            heappush(heap, (found, index, v, True))
        return min(least, max(bound, 0))

    def _price(
        self, index: int, a: int, b: int, chain: list[tuple[int, int]]
    ) -> tuple[int, int, int, int, Piece]:
        """Time, energy, beat and load of exact clusters (end, entry) of segment [a, b), and the piece."""
        context, ways, u, m = self.context, self.ways[index], self.ways[index].u, self.context.batch
        machine, terms, weights = context.model.machine, context.model.terms, context.model.net.weights
        relay, cut = self._traffic(a, b)
        io_ps = int(self.io_ps[index][a, b])
        beat, load, worst, spilled, loaded = io_ps, int(context.dram_ps[a, b]), 0, 0, 0
        fj = np.zeros(3, dtype=object)
        clusters: list[tuple[int, int, int, int, int]] = []
        partitions: list[int] = []
        begin = a
        for end, e in chain:
            entry = ways.entries[e].tolist()
            n = entry[LOW]
            point, chosen = ways.point(begin, end, entry)
            passing = -(-u * int(relay[begin - a, end - a]) // n)
            excess = max(0, entry[ENTRY_HELD] + passing - machine.activation_free)
            came = int(weights[end] - weights[begin])
            load = max(load, int(load_ps(came, entry[ENTRY_LOADED], n, 1, machine)))
            beat = max(beat, entry[ENTRY_PS])
            if end < b:
                beat = max(beat, moving_ps(u * int(cut[end - a]), machine.cut_mb_per_s))
            worst, spilled = max(worst, excess), spilled + 2 * excess * n
            loaded += entry[ENTRY_LOADED] * n
            fj += [point[column] for column in (PE_BEAT, ACTIVATION_BEAT, NOP_BEAT)]
            samples, rows, columns = ways.table.grids[point[GRID]].tolist()
            clusters.append((end, n, samples, rows, columns))
            partitions.extend(chosen)
            begin = end
        beat = max(beat, io_ps + spilling_ps(worst, machine))
        time = load + (-(-m // u) + len(chain) - 1) * beat
        moved = -(-m * (u * int(context.io[a, b]) + spilled) // u) + int(weights[b] - weights[a])
        macs = int(context.model.net.layer[a:b, MACS].sum())
        energy = (
            m * macs * terms.mac_fj
            + sum(-(-m * int(part) // u) for part in fj)
            + loaded * terms.hop_byte_fj
            + moved * terms.dram_byte_fj
            + moved * terms.dram_milli_hops // 1000 * terms.hop_byte_fj
        )
        return time, energy, beat, load, Piece(time, u, tuple(clusters), tuple(partitions))
