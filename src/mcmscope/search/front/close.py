"""Stretches of a front that lines leave uncovered: proven to hold no schedule that its spots do not reach.

Of every segment, corners are kept below all ways to run it: a time and an energy each. What no sum of corners
reaches, no schedule does. Corners that make up such sums rise, where they are too low, until no sum lies in a
stretch, or schedules are found there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from mcmscope.cost.arrays import Ints
from mcmscope.search.front.boxes import OutOfTime
from mcmscope.search.front.cover import Line, Proof, Void
from mcmscope.search.front.mix import unbeaten_rows
from mcmscope.search.front.parts import Part, Parts
from mcmscope.search.front.reach import BINS, Aims, Arcs, new_labels, reach, track
from mcmscope.search.front.spots import Spot
from mcmscope.search.front.sums import FAR
from mcmscope.search.front.targets import Targets, shrunk
from mcmscope.search.front.weigh import Weigher
from mcmscope.search.lazy import distances
from mcmscope.search.tables import NEVER

SHARES = (20, 40, 80, 160, 320)
"""Ranges are as narrow as the slack of weighted sums divided by these, one after another."""
TRACKS = 24
"""Paths that are looked at before all are followed anew."""
MIX_EVERY = 8
"""How often paths are followed before segments are put together anew."""
ROUNDING = Fraction(1, 10**12)
"""More than quotients of floating point are wrong by."""


@dataclass(slots=True)
class _Segment:
    """The parts of a segment, and of their corners ``[P, 2]`` those that no other beats, by time; and their
    parts."""

    parts: list[Part]
    corners: Ints
    owner: Ints


class Closer:
    """Works on the stretches between two times (ps), where the weighted sum of ``line`` says most.

    The weigher is to have made that sum least just before.
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
        self.context, self.line = weigher.context, line
        self.voids: list[Void] = []
        self.segments: dict[tuple[int, int], _Segment] = {}
        L = self.context.layers
        self.least: Ints = np.full((3, L + 1, L + 1), NEVER, dtype=np.int64)
        """The least time, energy and weighted sum of every segment."""
        self.ahead, self.behind = (np.zeros((3, L + 1), dtype=np.int64) for _ in range(2))
        """Of the layers before each, and from it on."""
        self.labels = new_labels(L)
        self.targets = Targets(line, ends, spots, proofs, enough)
        self.parts = Parts(weigher, line)
        if len(self.targets.limits):
            self._prepare()

    def _prepare(self) -> None:
        """The parts of all segments that may be on a path into a stretch, as weighted sums tell."""
        value = self.parts.least
        before = np.zeros(self.context.layers + 1, dtype=np.int64)
        distances(value, self.ahead[2], before, self.behind[2])
        most, latest = int(self.targets.sums[0]), int(self.targets.limits[-1, 0])
        parts = self.parts.below(self.ahead[2], self.behind[2], most, latest)
        owned: dict[tuple[int, int], list[Part]] = {}
        for part in parts:
            owned.setdefault((part.a, part.b), []).append(part)
        for a, b in sorted(owned):
            self.least[:, a, b] = 0, 0, value[a, b]
            self._own(a, b, owned[a, b])

    def _own(self, a: int, b: int, parts: list[Part]) -> None:
        """Make these the parts of segment [a, b)."""
        rows = np.concatenate([part.corners for part in parts]) if parts else np.zeros((0, 2), dtype=np.int64)
        owner: Ints = np.repeat(np.arange(len(parts)), [len(part.corners) for part in parts])
        kept = unbeaten_rows(rows)
        kept = kept[(rows[kept, 0] < self.targets.latest) & (rows[kept, 1] < FAR)]
        corners = rows[kept]
        self.segments[a, b] = _Segment(parts, corners, owner[kept])
        if len(kept):
            sums = self.line.ps * corners[:, 0] + self.line.fj * corners[:, 1]
            found: Ints = np.array([corners[0, 0], corners[-1, 1], sums.min()])
            self.least[:, a, b] = np.maximum(self.least[:, a, b], found)
        else:
            self.least[:, a, b] = NEVER

    def run(self, mix: Callable[[], Sequence[Spot]], work: int) -> None:
        """Work until all stretches are covered well enough, no more is to be had, or time is up.

        ``mix`` puts together the segments that were met and returns all spots; ``voids`` are what is proven.
        At most ``work`` sums over the clusters of a segment.
        """
        self.parts.weigher.work.left = work
        targets, shares, followed = self.targets, list(SHARES), 0
        try:
            while shares and len(targets.limits):
                parts = self._follow()
                if not parts:
                    return
                raised = self._raise(parts, shares[0])
                followed += 1
                if not raised or followed % MIX_EVERY == 0:
                    before = targets.stretches
                    targets.aim(mix())
                    if not raised and targets.stretches == before:
                        del shares[0]
        except OutOfTime:
            pass

    def _raise(self, parts: list[Part], share: int) -> bool:
        """Raise the corners of these parts; whether any could be."""
        slack = int(self.targets.sums[0]) - int(self.behind[2, 0])
        little = slack // (share * max(self.line.ps, 1))
        raised = False
        for part in parts:
            fresh = self.parts.raised(part, little, self._limits)
            if fresh is not None:
                others = [other for other in self.segments[part.a, part.b].parts if other is not part]
                self._own(part.a, part.b, others + fresh)
                raised = True
        return raised

    def _follow(self) -> list[Part]:
        """The parts of some paths that may lie in a stretch; notes what is proven of all."""
        (arcs, parts), targets = self._arcs(), self.targets
        times, energies = targets.limits[:, 0].copy(), targets.limits[:, 1].copy()
        aims = Aims(times, energies, targets.sums, self.behind, self.line.ps, self.line.fj)
        shift = max(int(times[-1]).bit_length() - BINS.bit_length() + 1, 0)
        self.context.states += reach(arcs, aims, shift, self.labels)
        own_times, own_energies = self.labels.time[-1], self.labels.energy[-1]
        ends = np.flatnonzero(own_energies < FAR)
        most = np.append(energies, 0)[later_than(own_times[ends], times)]
        ends = ends[own_energies[ends] < most]
        self.voids = voids_of(targets.stretches, own_times[ends], own_energies[ends], targets.enough)
        picked: Ints = np.linspace(0, len(ends) - 1, min(len(ends), TRACKS)).astype(np.int64)
        corners = [corner for end in ends[picked].tolist() for corner in track(self.labels, arcs, end)]
        return [parts[corner] for corner in sorted({id(parts[z]): z for z in corners}.values())]

    def _arcs(self) -> tuple[Arcs, list[Part]]:
        """Segments with those corners that may be on a path into a stretch, and the part of each corner."""
        L = self.context.layers
        before = np.zeros(L + 1, dtype=np.int64)
        for least, ahead, behind in zip(self.least, self.ahead, self.behind, strict=True):
            distances(least, ahead, before, behind)
        first: Ints = np.zeros(L + 1, dtype=np.int64)
        end: list[int] = []
        begin: list[int] = [0]
        rows: list[Ints] = [np.zeros((0, 2), dtype=np.int64)]
        parts: list[Part] = []
        for (a, b), segment in self.segments.items():
            corners = segment.corners
            rest = self.targets.limits[[-1, 0], [0, 1]] - self.ahead[:2, a] - self.behind[:2, b]
            sums = self.line.ps * corners[:, 0] + self.line.fj * corners[:, 1]
            alive = sums < int(self.targets.sums[0]) - int(self.ahead[2, a]) - int(self.behind[2, b])
            kept = np.flatnonzero(alive & (corners < rest).all(axis=1))
            if len(kept):
                first[a + 1 :] += 1
                end.append(b)
                begin.append(begin[-1] + len(kept))
                rows.append(corners[kept])
                parts += [segment.parts[z] for z in segment.owner[kept].tolist()]
        ends, begins = np.array(end, dtype=np.int64), np.array(begin, dtype=np.int64)
        time, energy = np.ascontiguousarray(np.concatenate(rows).T)
        return Arcs(first, ends, begins, time, energy), parts

    def _limits(self, a: int, b: int, times: Ints) -> Ints:
        """Energies (fJ) up to which segment [a, b) is of interest, at these times (ps)."""
        limits, sums = self.targets.limits, self.targets.sums
        times = np.minimum(times, int(limits[-1, 0]))
        later = later_than(times + self.ahead[0, a] + self.behind[0, b], limits[:, 0])
        most = np.append(limits[:, 1], 0)[later] - self.ahead[1, a] - self.behind[1, b]
        rest = np.append(sums, 0)[later] - self.ahead[2, a] - self.behind[2, b] - self.line.ps * times
        return np.minimum(most, rest // self.line.fj + 1)


def later_than(values: Ints, times: Ints) -> Ints:
    """Which of ``times``, that rise, is the first above each value; as many as there are: none."""
    return np.asarray(times.searchsorted(values, side="right"), dtype=np.int64)


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
