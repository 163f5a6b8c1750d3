"""The schedule of the least weighted sum of time and energy, with a lower bound of that sum.

A segment's beat is taken from ranges; in a range a cluster costs what it costs at the longest beat of it and
waits for the shortest. Segments are a lazy shortest path, as in the throughput searches: they are bounded
first, those on shortest paths once more by themselves, and those that are left are solved.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush, heapreplace
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mcmscope.cost.arrays import Ints
from mcmscope.schedule import Scheme
from mcmscope.search.context import Path, Piece, SearchContext
from mcmscope.search.front.bounds import ENTRY_PS
from mcmscope.search.front.boxes import Boxes, OutOfTime, Weights, Work
from mcmscope.search.front.ground import ground
from mcmscope.search.front.quick import QuickWays
from mcmscope.search.front.sums import FAR, bound_sums
from mcmscope.search.front.ways import Ways
from mcmscope.search.lazy import distances, lazy_path
from mcmscope.search.limit import Limit
from mcmscope.search.tables import NEVER

LEVEL = 1.25
"""Ratio of the beats at both ends of a range that is bounded as one."""
LITTLE, QUICK_LITTLE = 0.0005, 0.002
"""Ranges whose ends differ by less than this share of the weighted sum are not divided."""
LONGEST = 2**50
"""A beat (ps) that no segment has."""
FEW_SUMS = 6
"""Ranges of beats of a segment that are solved where only exact clusters count, and nothing is proven."""
NEARER, FINEST = 4, 1000
"""Bounds of paths are raised by a fourth of what is left at a time, at least by a thousandth of a bound."""
PRICES = 24
"""Prices of a chiplet tried; every other one where all segments are bounded."""


class _Part(NamedTuple):
    """A range of beats (ps) of a segment under one micro-batch, and what is proven of it.

    ``settled``: no more is to be had while chiplets are paid for.
    """

    proven: int
    which: int
    lo: int
    hi: int
    settled: bool = False


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
    upper: int
    """Sums from here on are of no interest."""
    settled: NDArray[np.bool_]
    """Segments of whose least range no more is to be had while chiplets are paid for."""
    parts: dict[tuple[int, int], list[_Part]] = field(default_factory=dict[tuple[int, int], list[_Part]])

    def parts_of(self, a: int, b: int) -> list[_Part]:
        """The ranges of beats of segment [a, b) that could matter, a heap."""
        if (a, b) not in self.parts:
            self.parts[a, b] = [
                _Part(int(values[v, a, b]), which, int(levels[v]), int(levels[v + 1]) - 1)
                for which, (levels, values) in enumerate(zip(self.levels, self.each, strict=True))
                for v in np.flatnonzero(values[:, a, b] < min(self.upper, FAR)).tolist()
            ]
            heapify(self.parts[a, b])
        return self.parts[a, b]


class Weigher:
    """Solves weighted sums of one scheme; what it learns of clusters serves all of them.

    ``quick``: of some good ways to run clusters, so that nothing is proven.
    """

    def __init__(self, context: SearchContext, scheme: Scheme, limit: Limit, *, quick: bool = False) -> None:
        self.context, self.scheme, self.quick = context, scheme, quick
        base = ground(context)
        ways = base.quick(limit) if quick else base.ways(limit)
        self.passes, self.work = base.passes, Work(limit)
        self.boxes = [Boxes(context, scheme, own, base.fixed, base.traffic, self.work) for own in ways]
        self.ranges = [self._range(own) for own in ways]
        self.aim: _Aim | None = None

    def _range(self, ways: Ways | QuickWays) -> tuple[int, int]:
        """The shortest beat that any segment could have, and the longest."""
        used = ways.entries[: ways.end, ENTRY_PS]
        low = max(1, int(used[used > 0].min(initial=1 << 40)))
        return low, max(int(used.max(initial=1)), low) + 1

    def _levels(self, index: int, weights: Weights, upper: int) -> Ints:
        """Ranges of beats: each so narrow that its ends differ little, or weigh little."""
        low, high = self.ranges[index]
        beats = self.boxes[index].beats
        share = QUICK_LITTLE if self.quick else LITTLE
        little = share * upper / max(1, weights.ps * (beats + 1)) if upper < NEVER else 0
        steps = [0, low]
        while steps[-1] < high:
            step = int(min(max(steps[-1] * (LEVEL - 1), little, 1), high))
            steps.append(min(steps[-1] + step, high))
        # What crosses a cut, goes to DRAM or spills may make a beat longer than any stage.
        steps[-1] = max(high, LONGEST)
        return np.array(steps, dtype=np.int64)

    def least(
        self, weights: Weights, upper: int, work: int, *, sharp: int | None = None
    ) -> tuple[Path | None, int]:
        """The schedule whose weighted sum is least, if that is below ``upper``, and a lower bound of all.

        After ``work`` sums over the clusters of a segment it is the best schedule that was met, if any, and
        what is proven so far. ``sharp``: once bounds are up to so many percent of ``upper``, of clusters that
        are exact by then, as those of good segments are; the bound returned means nothing.
        """
        self.work.left = work
        L = self.context.layers
        if self.aim is None or self.aim.weights != weights or upper > self.aim.upper:
            self.aim = self._aimed(weights, upper)
        aim = self.aim
        pieces: dict[tuple[int, int], Piece] = {}
        floors: dict[tuple[int, int], int] = {}

        def refine(a: int, b: int, bound: int) -> int:
            cost, floor, piece = self._segment(aim, a, b, bound, only_exact=sharp is not None)
            floors[a, b] = floor
            if piece is not None:
                pieces[a, b] = piece
            return cost

        value, known = aim.value, np.zeros((L + 1, L + 1), dtype=bool)
        try:
            self._sharpen(aim, upper if sharp is None else upper * sharp // 100)
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
        prices = self._prices(upper)
        value = np.full((L + 1, L + 1), NEVER, dtype=np.int64)
        each: list[Ints] = []
        levels = [self._levels(index, weights, upper) for index in range(len(self.boxes))]
        for index, boxes in enumerate(self.boxes):
            self.work.spend(0)
            boxes.aim(prices)
            bound = np.full((len(levels[index]) - 1, L + 1, L + 1), FAR, dtype=np.int64)
            bound_sums(
                context.model.machine,
                context.model.terms,
                boxes.ways.shape,
                boxes.ways.entries,
                boxes.ways.begin,
                levels[index],
                prices[::2],
                boxes.io_ps,
                context.dram_ps,
                boxes.fixed,
                boxes.ways.u,
                context.batch,
                weights.ps,
                weights.fj,
                boxes.one_layer,
                boxes.one_cluster,
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
        return _Aim(weights, levels, each, value, upper, np.zeros(value.shape, dtype=np.bool_))

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

    def _segment(
        self, aim: _Aim, a: int, b: int, bound: int, *, only_exact: bool
    ) -> tuple[int, int, Piece | None]:
        """The least weighted sum of segment [a, b) below ``bound`` (else ``bound``), a lower bound of it,
        how."""
        weights = aim.weights
        best, floor, piece = bound, NEVER, None
        if b - a == 1:
            for pair in self.passes.get(a, []):
                if weights.of(pair.time_ps, pair.energy_fj) < best:
                    best, piece = weights.of(pair.time_ps, pair.energy_fj), pair.path[0][1]
        heap = [
            (part.proven, part.which, part.lo, part.hi, 0, NEVER)
            for part in aim.parts_of(a, b)
            if part.proven < best
        ]
        heapify(heap)
        sums = FEW_SUMS if only_exact else NEVER
        while heap:
            self.work.spend(0)
            proven, index, lo, hi, soon, late = heappop(heap)
            if proven >= best or sums == 0:
                break
            sums -= 1
            boxes = self.boxes[index]
            box = boxes.box(weights, a, b, lo, hi, soon, late)
            proven, chain = boxes.least(box, best, only_exact=only_exact)
            if proven >= best:
                continue
            if not chain:
                floor = min(floor, proven)
                continue
            time, energy, beat, load, found = boxes.price(a, b, chain)
            total = weights.of(time, energy)
            if total < best:
                best, piece = total, found
            if total <= proven:
                continue
            if beat > box.lo:
                heappush(heap, (proven, index, box.lo, beat - 1, soon, late))
                heappush(heap, (proven, index, beat, hi, soon, late))
            elif load > box.least_load:
                heappush(heap, (proven, index, box.lo, hi, soon, load - 1))
                heappush(heap, (proven, index, box.lo, hi, load, late))
            else:
                floor = min(floor, proven)  # rounded energies of clusters do not add up to the last digit
        return best, min(best, floor), piece

    def _sharpen(self, aim: _Aim, upper: int) -> None:
        """Raise the bounds of segments on shortest paths, until no more is to be had of the segments of one.

        Chiplets are paid for. The target rises by steps: what is asked of a segment depends on what is known
        of the others.
        """
        L, value = self.context.layers, aim.value
        ahead, before, behind = (np.zeros(L + 1, dtype=np.int64) for _ in range(3))
        target = 0
        while True:
            distances(value, ahead, before, behind)
            least = int(ahead[L])
            if least >= min(upper, NEVER):
                return
            if least >= target:
                target = min(upper, least + max((upper - least) // NEARER, least // FINEST, 1))
            stops = [L]
            while stops[-1] > 0:
                stops.append(int(before[stops[-1]]))
            unsettled = [edge for edge in pairwise(reversed(stops)) if not aim.settled[edge]]
            if not unsettled:
                return
            for a, b in unsettled:
                bound = min(target - int(ahead[a]) - int(behind[b]), NEVER)
                value[a, b] = self._sharper(aim, a, b, bound)
                aim.settled[a, b] = value[a, b] < bound or bound == NEVER

    def _sharper(self, aim: _Aim, a: int, b: int, bound: int) -> int:
        """A lower bound of segment [a, b) where chiplets are paid for; of its least range, or ``bound``.

        Ranges of beats are halved where that could raise it.
        """
        weights = aim.weights
        pairs = self.passes.get(a, []) if b - a == 1 else []
        least = min((weights.of(pair.time_ps, pair.energy_fj) for pair in pairs), default=NEVER)
        heap = aim.parts_of(a, b)
        while heap:
            part = heap[0]
            if part.settled or part.proven >= min(bound, least):
                return min(part.proven, bound, least)
            boxes = self.boxes[part.which]
            box = boxes.box(weights, a, b, part.lo, part.hi, 0, NEVER)
            found = max(part.proven, boxes.bound(box, min(bound, least), shared=True)[0])
            if found >= min(bound, least):
                heapreplace(heap, part._replace(proven=found))
                continue
            beats = boxes.beats + 1
            if weights.ps * beats * (part.hi - box.lo) <= LITTLE * aim.upper:
                heapreplace(heap, part._replace(proven=found, settled=True))
                continue
            middle = min((box.lo + part.hi) // 2, 2 * box.lo)  # the last range is as good as endless
            heapreplace(heap, part._replace(proven=found, hi=middle))
            heappush(heap, part._replace(proven=found, lo=middle + 1))
        return min(bound, least)
