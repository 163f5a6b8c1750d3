"""The schedule of the least weighted sum of time and energy, with a lower bound of that sum.

A segment's beat is taken from ranges; in a range a cluster costs what it costs at the longest beat of it and
waits for the shortest. All segments are bounded first. Then bounds of those on a shortest path are raised, by
branch and bound over the ranges, until all segments of one are solved or the bound of all paths is good
enough.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
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
from mcmscope.search.front.floors import Floors
from mcmscope.search.front.ground import ground
from mcmscope.search.front.mix import Pieces
from mcmscope.search.front.quick import QuickWays
from mcmscope.search.front.sums import FAR
from mcmscope.search.front.ways import Ways
from mcmscope.search.lazy import distances, stops_of
from mcmscope.search.limit import Limit
from mcmscope.search.tables import NEVER

LEVEL = 1.25
"""Ratio of the beats at both ends of a range that is bounded as one."""
LITTLE, QUICK_LITTLE = 0.0005, 0.002
"""Ranges whose ends differ by less than this share of the weighted sum are not divided."""
LONGEST = 2**50
"""A beat (ps) that no segment has."""
EXACTLY = Fraction(0)
"""The tolerance of what is to be known to the last digit."""
NEARER, FINEST = 4, 1000
"""Bounds of paths are raised by a fourth of what is left at a time, at least by a thousandth of a bound."""
PRICES = 24
"""Prices of a chiplet tried; every other one where all segments are bounded."""


class _Part(NamedTuple):
    """A range of beats (ps) of a segment under one micro-batch and of its loads, and what is proven of it.

    ``counted``: chiplets are counted, since no more is to be had while they are paid for. ``done``: no more
    is to be had at all.
    """

    proven: int
    which: int
    lo: int
    hi: int
    soon: int = 0
    late: int = NEVER
    counted: bool = False
    done: bool = False


@dataclass(slots=True)
class _Segment:
    """What is known of a segment at some weights: its ranges, a heap, and the best way that was met."""

    parts: list[_Part]
    cost: int = NEVER
    piece: Piece | None = None

    @property
    def proven(self) -> int:
        """A lower bound; the least sum if it is ``cost``."""
        return min(self.parts[0].proven if self.parts else NEVER, self.cost)


@dataclass(slots=True)
class Aim:
    """What is known of segments at some weights."""

    weights: Weights
    levels: list[Ints]
    """Per micro-batch the ranges of beats."""
    each: list[Ints]
    """Per micro-batch lower bounds of every range and segment: [V, L + 1, L + 1]."""
    fits: NDArray[np.bool_]
    """Segments that the scheme has: [L + 1, L + 1]."""
    value: Ints
    """Lower bounds of segments, up to ``upper``."""
    met: Ints
    """The best sums of segments that were met."""
    upper: int
    """Sums from here on are of no interest."""
    settled: NDArray[np.bool_]
    """Segments of which no more is to be had."""
    segments: dict[tuple[int, int], _Segment] = field(default_factory=dict[tuple[int, int], _Segment])


class Weigher:
    """Solves weighted sums of one scheme; what it learns of clusters serves all of them.

    ``quick``: of some good ways to run clusters, so that nothing is proven. ``pieces`` gets all segments that
    are met.
    """

    def __init__(
        self,
        context: SearchContext,
        scheme: Scheme,
        limit: Limit,
        pieces: Pieces | None = None,
        *,
        quick: bool = False,
    ) -> None:
        self.context, self.scheme, self.quick = context, scheme, quick
        self.pieces = Pieces() if pieces is None else pieces
        base = ground(context)
        ways = base.quick(limit) if quick else base.ways(limit)
        self.passes, self.work = base.passes, Work(limit)
        self.boxes = [Boxes(context, scheme, own, base.fixed, base.traffic, self.work) for own in ways]
        self.ranges = [self._range(own) for own in ways]
        self.aim: Aim | None = None

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
        self, weights: Weights, upper: int, work: int, tolerance: Fraction = EXACTLY
    ) -> tuple[Path | None, int]:
        """The schedule of the least weighted sum, if that is below ``upper``, and a lower bound of all.

        It need be known no better than to a share of ``tolerance``. After ``work`` sums over the clusters of
        a segment it is the best schedule that was met, if any, and what is proven so far.
        """
        self.work.left = work
        if self.aim is None or self.aim.weights != weights or upper > self.aim.upper:
            self.aim = self._aimed(weights, upper)
        aim, L = self.aim, self.context.layers
        ahead, before, behind = (np.zeros(L + 1, dtype=np.int64) for _ in range(3))
        best, stops, target = upper, [0], 0
        try:
            while True:
                distances(aim.value, ahead, before, behind)
                least = int(ahead[L])
                goal = best - int(best * tolerance)
                if least >= min(goal, NEVER):
                    break
                if least >= target:
                    target = min(goal, least + max((best - least) // NEARER, least // FINEST, 1))
                path = list(pairwise(stops_of(before)))
                unsettled = [edge for edge in path if not aim.settled[edge]]
                if not unsettled:
                    break
                for a, b in unsettled:
                    bound = min(target - int(ahead[a]) - int(behind[b]), NEVER)
                    self._raise(aim, a, b, bound)
                distances(aim.met, ahead, before, behind)
                if ahead[L] < min(best, NEVER):
                    best, stops = int(ahead[L]), stops_of(before)
        except OutOfTime:
            pass
        distances(aim.value, ahead, before, behind)
        found: Path = []
        for edge in pairwise(stops):
            piece = aim.segments[edge].piece
            assert piece is not None
            found.append((edge[1], piece))
        return found or None, min(best, int(ahead[L]))

    def _aimed(self, weights: Weights, upper: int) -> Aim:
        """Bounds of all segments."""
        L = self.context.layers
        prices = self.prices(upper)
        value = np.full((L + 1, L + 1), NEVER, dtype=np.int64)
        each: list[Ints] = []
        levels = [self._levels(index, weights, upper) for index in range(len(self.boxes))]
        for index, boxes in enumerate(self.boxes):
            self.work.spend(0)
            boxes.aim(prices)
            bound = boxes.bounds(weights, levels[index])
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
        met, settled = np.full_like(value, NEVER), np.zeros(value.shape, dtype=np.bool_)
        return Aim(weights, levels, each, value < NEVER, value, met, upper, settled)

    def prices(self, upper: int) -> Ints:
        """Prices of a chiplet: none, and from little to all that a schedule costs, sqrt(2) apart."""
        most = max(upper // self.context.model.machine.chiplets, 1) if upper < NEVER else 1 << 40
        steps = [(2 * most * 5 // 7 if step % 2 else 2 * most) >> step // 2 for step in range(PRICES - 1)]
        return np.array([0, *steps], dtype=np.int64)

    def _segment(self, aim: Aim, a: int, b: int) -> _Segment:
        """What is known of segment [a, b)."""
        if (a, b) not in aim.segments:
            parts = [
                _Part(int(values[v, a, b]), which, int(levels[v]), int(levels[v + 1]) - 1)
                for which, (levels, values) in enumerate(zip(aim.levels, aim.each, strict=True))
                for v in np.flatnonzero(values[:, a, b] < min(aim.upper, FAR)).tolist()
            ]
            heapify(parts)
            segment = aim.segments[a, b] = _Segment(parts)
            for pair in self.passes.get(a, []) if b - a == 1 else []:
                total = aim.weights.of(pair.time_ps, pair.energy_fj)
                if total < segment.cost:
                    segment.cost, segment.piece = total, pair.path[0][1]
                    self.pieces.add(a, b, pair.time_ps, pair.energy_fj, segment.piece)
        return aim.segments[a, b]

    def _raise(self, aim: Aim, a: int, b: int, bound: int) -> None:
        """Raise the lower bound of segment [a, b) to ``bound``, or as far as it goes."""
        segment = self._segment(aim, a, b)
        heap = segment.parts
        try:
            while heap and not heap[0].done and heap[0].proven < min(bound, segment.cost):
                self.work.spend(0)
                step = self._count if heap[0].counted else self._pay
                step(aim, a, b, segment, min(bound, segment.cost))
        finally:
            aim.value[a, b], aim.met[a, b] = segment.proven, segment.cost
        aim.settled[a, b] = segment.proven < bound or bound == NEVER

    def _pay(self, aim: Aim, a: int, b: int, segment: _Segment, limit: int) -> None:
        """Bound the least range where chiplets are paid for; halve it where that could prove more."""
        part, ps = segment.parts[0], aim.weights.ps
        boxes = self.boxes[part.which]
        box = boxes.box(aim.weights, a, b, part.lo, part.hi, part.soon, part.late)
        floors = Floors(boxes, box, 1, shared=True)
        floors.sharpen(np.array([0, limit], dtype=np.int64))
        found = max(part.proven, int(floors.values[1]))
        if found >= limit:
            heapreplace(segment.parts, part._replace(proven=found))
        elif ps * (boxes.beats + 1) * (part.hi - box.lo) <= LITTLE * aim.upper:
            heapreplace(segment.parts, part._replace(proven=found, counted=True))
        else:
            middle = min((box.lo + part.hi) // 2, 2 * box.lo)  # the last range is as good as endless
            heapreplace(segment.parts, part._replace(proven=found, hi=middle))
            heappush(segment.parts, part._replace(proven=found, lo=middle + 1))

    def _count(self, aim: Aim, a: int, b: int, segment: _Segment, limit: int) -> None:
        """Count chiplets in the least range; part it at the beat, or the load, of the chain that is found."""
        part, heap = segment.parts[0], segment.parts
        boxes = self.boxes[part.which]
        box = boxes.box(aim.weights, a, b, part.lo, part.hi, part.soon, part.late)
        floors = Floors(boxes, box, 1)
        chain = floors.count(np.array([0, limit], dtype=np.int64)).get(1)
        part = part._replace(proven=max(part.proven, int(floors.values[1])))
        if not chain:
            heapreplace(heap, part._replace(done=part.proven < limit))
            return
        time, energy, beat, load, piece = boxes.price(a, b, chain)
        self.pieces.add(a, b, time, energy, piece)
        total = aim.weights.of(time, energy)
        if total < segment.cost:
            segment.cost, segment.piece = total, piece
        if total <= part.proven:
            heappop(heap)
        elif beat > box.lo:
            heapreplace(heap, part._replace(lo=box.lo, hi=beat - 1))
            heappush(heap, part._replace(lo=beat))
        elif load > box.least_load:
            heapreplace(heap, part._replace(late=load - 1))
            heappush(heap, part._replace(soon=load))
        else:  # rounded energies of clusters do not add up to the last digit
            heapreplace(heap, part._replace(done=True))
