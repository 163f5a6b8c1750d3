"""Stretches of a front that lines leave uncovered: proven to hold no schedule that its spots do not reach.

Of every segment, corners are kept below all ways to run it: a time and an energy each. What no sum of corners
reaches, no schedule does. The corners of segments that make up such sums rise, where they are too low, until
no sum lies in a stretch, or schedules are found there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

import numpy as np

from mcmscope.cost.arrays import Ints
from mcmscope.search.context import Piece
from mcmscope.search.front.boxes import Weights
from mcmscope.search.front.by_count import ByCount
from mcmscope.search.front.cover import Line, Proof, Spot, Void, excess
from mcmscope.search.front.mix import unbeaten_rows
from mcmscope.search.front.reach import BINS, Aims, Arcs, new_labels, reach, track
from mcmscope.search.front.sums import FAR, Box, bound_sums
from mcmscope.search.front.weigh import LONGEST, Aim, Weigher
from mcmscope.search.lazy import distances
from mcmscope.search.tables import NEVER

ROUGH_CORNERS = 32
"""Corners of a range of beats of which only a weighted sum is known."""
SHARES = tuple(Fraction(1, parts) for parts in (20, 40, 80, 160, 320))
"""How wide ranges of beats are at most, in shares of the slack, one after another."""
TRACKS = 24
"""Paths that are looked at before all are followed anew."""
MIX_EVERY = 8
ROUNDING = Fraction(1, 10**12)
"""More than quotients of floating point are wrong by."""

ROUGH, SHARED, OWN, COUNTED = range(4)
"""How well corners of a part are known: from weighted sums; from its clusters, chiplets paid for, as they
cost in any segment; as they cost in this one, made exact; with chiplets counted."""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Ways to run segment [a, b): beats from ``lo`` to ``hi`` ps, loads from ``soon`` to ``late`` ps.

    ``corners[K, 2]``: each takes at least the time (ps) and the energy (fJ, with static power) of one of
    them; where ``known`` is not ``ROUGH``, those of 1, 2, .. clusters (``FAR``: none).
    """

    a: int
    b: int
    which: int
    lo: int
    hi: int
    corners: Ints
    known: int = ROUGH
    soon: int = 0
    late: int = NEVER
    piece: Piece | None = None
    """The way itself, where a layer runs in passes."""


@dataclass(slots=True)
class _Segment:
    """The parts of a segment, and of their corners those that no other beats."""

    parts: list[Part]
    corners: Ints | None = None
    """[P, 2]: by time; None: to be made."""
    owner: Ints | None = None
    """[P]: the part of each."""


class Closer:
    """Works on the stretches between two times (ps), where one weighted sum, made least before, says the most.

    ``mix`` is called now and then and returns all spots, by time.
    """

    def __init__(
        self,
        weigher: Weigher,
        line: Line,
        ends: tuple[int, int],
        spots: Sequence[Spot],
        proofs: Sequence[Proof],
        enough: Fraction,
    ) -> None:
        aim = weigher.aim
        assert aim is not None
        self.weigher, self.line, self.ends, self.enough = weigher, line, ends, enough
        self.proofs = list(proofs)
        self.context, self.weights = weigher.context, aim.weights
        self.static = self.context.model.terms.static_mw
        self.segments: dict[tuple[int, int], _Segment] = {}
        L = self.context.layers
        self.least: Ints = np.full((3, L + 1, L + 1), NEVER, dtype=np.int64)
        """The least time, energy and weighted sum of every segment."""
        self.behind: Ints = np.zeros((3, L + 1), dtype=np.int64)
        self.ahead: Ints = np.zeros((3, L + 1), dtype=np.int64)
        self.labels = new_labels(L)
        self.voids: list[Void] = []
        self.retarget(spots)
        self._prepare(aim)

    def retarget(self, spots: Sequence[Spot]) -> None:
        """Aim at the stretches between these spots that are not covered well enough."""
        self.stretches: list[tuple[int, int]] = []
        soonest, latest = self.ends
        within = [spot for spot in spots if soonest <= spot.time_ps <= latest]
        for left, right in pairwise(within):
            gap = excess(self.proofs, right.time_ps, left.energy_fj)
            if gap is None or gap > self.enough:
                self.stretches.append((right.time_ps, left.energy_fj))
        limits = [[shrunk(value, 1 + self.enough) for value in stretch] for stretch in self.stretches]
        self.limits: Ints = np.array(limits, dtype=np.int64).reshape(-1, 2)
        """[J, 2]: no schedule is to be below both; by time."""
        sums = self.line.ps * self.limits[:, 0] + self.line.fj * self.limits[:, 1]
        self.sums: Ints = np.maximum.accumulate(sums[::-1])[::-1]

    @property
    def slack(self) -> int:
        """By how much the weighted sum of what is looked for may be above the least."""
        return max(int(self.sums[0]) - int(self.behind[2, 0]), 1)

    def run(self, mix: Callable[[], Sequence[Spot]]) -> bool:
        """Work until all stretches are covered well enough, or no more is to be had; whether they are.

        ``mix`` puts together the segments that were met and returns all spots.

        Raises:
            OutOfTime: time is up; ``voids`` are what is proven by then.
        """
        shares = iter(SHARES)
        share = next(shares)
        since = 0
        while len(self.limits):
            tracks = self._follow()
            if not tracks:
                return True
            raised = False
            for part in tracks:
                fresh = self._raise(part, share)
                if fresh is not None:
                    segment = self.segments[part.a, part.b]
                    segment.parts = [other for other in segment.parts if other is not part] + fresh
                    segment.corners = None
                    raised = True
            since += 1
            if since == MIX_EVERY or not raised:
                before = self.stretches
                self.retarget(mix())
                since = 0
                if not raised and self.stretches == before:
                    share = next(shares, None)
                    if share is None:
                        return False
        return True

    def _follow(self) -> list[Part]:
        """Note what paths allow now; the parts of some of those that may lie in a stretch."""
        arcs, parts = self._arcs()
        least, most = self.limits[:, 0], self.limits[:, 1]
        shift = max(int(least[-1]).bit_length() - BINS.bit_length() + 1, 0)
        aims = Aims(least.copy(), most.copy(), self.sums, self.behind, self.line.ps, self.line.fj)
        self.context.states += reach(arcs, aims, shift, self.labels)
        times, energies = self.labels.time[-1], self.labels.energy[-1]
        ends = np.flatnonzero(energies < FAR)
        later: Ints = np.searchsorted(least, times[ends], side="right")
        ends = ends[later < len(least)]
        later = later[later < len(least)]
        ends = ends[energies[ends] < most[later]]
        self.voids = voids_of(self.stretches, times[ends], energies[ends], self.enough)
        picked: Ints = np.linspace(0, len(ends) - 1, min(len(ends), TRACKS)).astype(np.int64)
        found: dict[int, Part] = {}
        for stretch in ends[picked].tolist():
            for corner in track(self.labels, arcs, self.context.layers, stretch):
                found[id(parts[corner])] = parts[corner]
        return list(found.values())

    def _arcs(self) -> tuple[Arcs, list[Part]]:
        """Segments with those corners that may be on a path into a stretch, and the part of each corner."""
        L = self.context.layers
        before = np.zeros(L + 1, dtype=np.int64)
        for z in range(3):
            distances(self.least[z], self.ahead[z], before, self.behind[z])
        first: Ints = np.zeros(L + 1, dtype=np.int64)
        ends: list[int] = []
        counts: list[int] = [0]
        rows: list[Ints] = []
        parts: list[Part] = []
        for (a, b), segment in sorted(self.segments.items()):
            corners, owner = self._corners(a, b, segment)
            rest = self.limits[[-1, 0], [0, 1]] - self.ahead[:2, a] - self.behind[:2, b]
            sums = self.line.ps * corners[:, 0] + self.line.fj * corners[:, 1]
            alive = (corners < rest).all(axis=1)
            alive &= sums < int(self.sums[0]) - int(self.ahead[2, a]) - int(self.behind[2, b])
            kept = np.flatnonzero(alive)
            if not len(kept):
                continue
            first[a + 1 :] += 1
            ends.append(b)
            counts.append(counts[-1] + len(kept))
            rows.append(corners[kept])
            parts += [segment.parts[z] for z in owner[kept].tolist()]
        all_rows = np.concatenate(rows) if rows else np.zeros((0, 2), dtype=np.int64)
        end, begin = np.array(ends, dtype=np.int64), np.array(counts, dtype=np.int64)
        return Arcs(first, end, begin, all_rows[:, 0].copy(), all_rows[:, 1].copy()), parts

    def _corners(self, a: int, b: int, segment: _Segment) -> tuple[Ints, Ints]:
        """The corners of a segment that no other beats, by time, and the part of each."""
        if segment.corners is None or segment.owner is None:
            rows = np.concatenate([part.corners for part in segment.parts])
            owner = np.repeat(np.arange(len(segment.parts)), [len(part.corners) for part in segment.parts])
            kept = unbeaten_rows(rows)
            kept = kept[rows[kept, 1] < FAR]
            segment.corners, segment.owner = rows[kept], owner[kept]
            if len(kept):
                own = segment.corners
                sums = self.line.ps * own[:, 0] + self.line.fj * own[:, 1]
                for z, value in enumerate((own[0, 0], own[-1, 1], sums.min())):
                    self.least[z, a, b] = max(self.least[z, a, b], value)
            else:
                self.least[:, a, b] = NEVER
        return segment.corners, segment.owner

    def _limits(self, a: int, b: int, times: Ints) -> Ints:
        """Energies (fJ) up to which segment [a, b) is of interest, at these times (ps)."""
        times = np.minimum(times, int(self.limits[-1, 0]))
        around = self.ahead[0, a] + self.behind[0, b]
        later: Ints = np.searchsorted(self.limits[:, 0], times + around, side="right")
        none = later == len(self.limits)
        later = np.where(none, 0, later)
        most = self.limits[later, 1] - self.ahead[1, a] - self.behind[1, b]
        sums = self.sums[later] - self.ahead[2, a] - self.behind[2, b] - self.line.ps * times
        return np.where(none, 0, np.minimum(most, sums // self.line.fj + 1))

    def _raise(self, part: Part, share: Fraction) -> list[Part] | None:
        """What takes the place of a part so that its corners are higher; None: they stay as they are."""
        if part.piece is not None:
            if part.known == COUNTED:
                return None
            time, energy = part.corners[0].tolist()
            self.weigher.pieces.add(part.a, part.b, time, energy - self.static * time, part.piece)
            return [replace(part, known=COUNTED)]
        boxes = self.weigher.boxes[part.which]
        if part.known == ROUGH:
            return [self._evaluated(part, SHARED)]
        little = int(self.slack * share) // max(self.line.ps, 1)
        if boxes.beats * (part.hi - self._box(part).lo) > little:
            return [self._evaluated(child, SHARED) for child in self._divided(part, little)]
        if part.known == SHARED:
            return [self._evaluated(part, OWN)]
        if part.known == OWN:
            return self._counted(part, little)
        return None

    def _box(self, part: Part) -> Box:
        boxes = self.weigher.boxes[part.which]
        return boxes.box(Weights(0, 1), part.a, part.b, part.lo, part.hi, part.soon, part.late)

    def _divided(self, part: Part, little: int) -> list[Part]:
        """Parts of a part: up to four ranges of beats, at places that are the same for every segment."""
        boxes = self.weigher.boxes[part.which]
        ranges, wide = [(part.lo, part.hi)], True
        while len(ranges) < 4 and wide:
            halves: list[tuple[int, int]] = []
            wide = False
            for lo, hi in ranges:
                if lo < hi and boxes.beats * (hi - lo) > little:
                    middle = 2 * lo if hi >= LONGEST // 2 else (lo + hi) // 2
                    halves += [(lo, middle), (middle + 1, hi)]
                    wide = True
                else:
                    halves.append((lo, hi))
            ranges = halves
        least = int(boxes.io_ps[part.a, part.b])
        return [replace(part, lo=lo, hi=hi) for lo, hi in ranges if hi >= least]

    def _times(self, part: Part, box: Box, count: int) -> Ints:
        """The least times (ps) of 0, 1, .. clusters."""
        beats = self.weigher.boxes[part.which].beats
        return box.least_load + (beats - 1 + np.arange(count, dtype=np.int64)) * box.lo

    def _evaluated(self, part: Part, known: int) -> Part:
        """A part with corners by the number of clusters, chiplets paid for."""
        boxes, box = self.weigher.boxes[part.which], self._box(part)
        counts = ByCount(boxes, box, shared=known == SHARED)
        times = self._times(part, box, len(counts.floors))
        spent = int(boxes.fixed[part.a, part.b]) + self.static * times
        if known == OWN:
            counts.sharpen(self._limits(part.a, part.b, times) - spent)
        return replace(part, corners=self._raised(part, times, counts.floors, spent), known=known)

    def _raised(self, part: Part, times: Ints, floors: Ints, spent: Ints) -> Ints:
        energies = np.where(floors < FAR, floors + spent, FAR)[1:]
        if part.known != ROUGH:
            energies = np.maximum(energies, part.corners[:, 1])
        return np.stack([times[1:], energies], axis=1)

    def _counted(self, part: Part, little: int) -> list[Part]:
        """A part with chiplets counted: in two where what is found loads longer than all must."""
        boxes, box = self.weigher.boxes[part.which], self._box(part)
        counts = ByCount(boxes, box, shared=False)
        times = self._times(part, box, len(counts.floors))
        spent = int(boxes.fixed[part.a, part.b]) + self.static * times
        limits = self._limits(part.a, part.b, times) - spent
        counts.sharpen(limits)
        latest = box.least_load
        for chain in counts.count(limits).values():
            time, energy, _, load, piece = boxes.price(part.a, part.b, chain)
            self.weigher.pieces.add(part.a, part.b, time, energy, piece)
            latest = max(latest, load)
        part = replace(part, corners=self._raised(part, times, counts.floors, spent), known=COUNTED)
        if latest - box.least_load <= little:
            return [part]
        halves = replace(part, late=latest - 1), replace(part, soon=latest)
        return [self._evaluated(half, OWN) for half in halves]

    def _prepare(self, aim: Aim) -> None:
        """All parts that may be on a path into a stretch, as weighted sums tell."""
        weigher, context, line = self.weigher, self.context, self.line
        model, L = context.model, context.layers
        before = np.zeros(L + 1, dtype=np.int64)
        distances(aim.value, self.ahead[2], before, self.behind[2])
        most = int(self.sums[0]) if len(self.sums) else 0
        prices = weigher.prices(most // line.fj)
        parts: list[Part] = []
        for which, (boxes, levels, each) in enumerate(
            zip(weigher.boxes, aim.levels, aim.each, strict=True)
        ):
            boxes.aim(prices)
            spent = np.full(each.shape, FAR, dtype=np.int64)
            bound_sums(
                model.machine,
                model.terms,
                boxes.ways.shape,
                boxes.ways.entries,
                boxes.ways.begin,
                levels,
                prices[::2],
                boxes.io_ps,
                context.dram_ps,
                boxes.fixed,
                boxes.ways.u,
                context.batch,
                0,
                1,
                boxes.one_layer,
                boxes.one_cluster,
                spent,
            )
            value = np.maximum(each, np.where(aim.value < NEVER, aim.value, FAR)[None])
            total = value + self.ahead[2][:, None] + self.behind[2]
            for v, a, b in np.argwhere((value < FAR) & (total < most)).tolist():
                lo, hi = int(levels[v]), int(levels[v + 1]) - 1
                time = int(context.dram_ps[a, b]) + boxes.beats * max(lo, int(boxes.io_ps[a, b]))
                energy = int(spent[v, a, b]) + self.static * time
                corners = self._below(int(value[v, a, b]), time, energy)
                parts.append(Part(a, b, which, lo, hi, corners))
        for a, pairs in weigher.passes.items():
            for pair in pairs if aim.value[a, a + 1] < NEVER else []:
                corner = pair.time_ps, pair.energy_fj + self.static * pair.time_ps
                corners: Ints = np.array([corner], dtype=np.int64)
                parts.append(Part(a, a + 1, 0, 0, 0, corners, OWN, piece=pair.path[0][1]))
        for part in parts:
            self.segments.setdefault((part.a, part.b), _Segment([])).parts.append(part)
        for (a, b), segment in self.segments.items():
            self.least[:2, a, b] = 0
            self.least[2, a, b] = aim.value[a, b]
            self._corners(a, b, segment)

    def _below(self, value: int, time: int, energy: int) -> Ints:
        """Corners below all ways that take this time and energy at least, and this weighted sum."""
        ps, fj = self.line.ps, self.line.fj
        end = min(int(self.limits[-1, 0]), (value - fj * energy) // ps) if ps > 0 else time
        times = np.linspace(time, max(end, time), ROUGH_CORNERS).astype(np.int64)
        energies = np.full(ROUGH_CORNERS, energy, dtype=np.int64)
        energies[:-1] = np.maximum(energy, (value - ps * times[1:]) // fj)
        return np.stack([times, energies], axis=1)


def shrunk(value: int, by: Fraction) -> int:
    """The quotient, rounded up."""
    return -(-value * by.denominator // by.numerator)


def voids_of(
    stretches: Sequence[tuple[int, int]], times: Ints, energies: Ints, enough: Fraction
) -> list[Void]:
    """What is empty of each stretch (time of its right spot, energy of its left one), as far as needed.

    ``times`` and ``energies`` are corners below all schedules that are not as good as those spots by a factor
    of 1 + ``enough``, or worse.
    """
    voids: list[Void] = []
    for time, energy in stretches:
        by = 1 + enough
        if len(times):
            nearest = float(np.minimum(time / times, energy / energies).max())
            by = max(by, Fraction(nearest) * (1 + ROUNDING))
        voids.append(Void(shrunk(time, by), shrunk(energy, by)))
    return voids
