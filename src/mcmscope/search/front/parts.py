"""Parts of segments, ranges of beats and loads, with corners below all ways to run them; how corners rise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from mcmscope.cost.arrays import Ints
from mcmscope.search.context import Piece
from mcmscope.search.front.boxes import Weights
from mcmscope.search.front.cover import Line
from mcmscope.search.front.floors import Floors
from mcmscope.search.front.sums import FAR, Box
from mcmscope.search.front.weigh import LONGEST, Weigher
from mcmscope.search.tables import NEVER

ROUGH, SHARED, OWN, COUNTED = range(4)
"""How well corners of a part are known: from weighted sums; from its clusters, chiplets paid for, as they
cost in any segment; as they cost in this one, made exact; with chiplets counted."""
ROUGH_CORNERS = 32
"""Corners of a part of which only a weighted sum is known."""
MOST_APART = 48
"""Clusters of a segment up to which ways are told apart by their number."""
AT_ONCE = 4
"""Ranges of beats that a part is divided into, at most."""

Limits = Callable[[int, int, Ints], Ints]
"""Energies (fJ) up to which ways to run segment [a, b) are of interest, at these times (ps)."""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Ways to run segment [a, b): beats from ``lo`` to ``hi`` ps, loads from ``soon`` to ``late`` ps.

    ``which``: their micro-batch, by number. ``corners[K, 2]``: each way takes at least the time (ps) and the
    energy (fJ, with static power) of one of them; where they are not ``ROUGH``, those of 1, 2, .. clusters
    (``FAR``: none). ``piece``: the way itself, where a layer runs in passes.
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


class Parts:
    """Makes parts of all segments from what is known of one weighted sum, ``line``, and raises them.

    The weigher is to have made that sum least just before; it has to begin anew after that.
    """

    def __init__(self, weigher: Weigher, line: Line) -> None:
        aim = weigher.aim
        assert aim is not None
        weigher.aim = None  # its boxes add up energies alone from now on
        self.weigher, self.line, self.aim = weigher, line, aim
        self.static = weigher.context.model.terms.static_mw
        self.least: Ints = np.where(aim.fits, np.minimum(aim.value, aim.upper), NEVER)
        """Lower bounds of the weighted sums of segments: [L + 1, L + 1]."""

    def below(self, ahead: Ints, behind: Ints, most: int, latest: int) -> list[Part]:
        """All parts on paths whose weighted sum is below ``most``, for times of up to ``latest`` ps.

        ``ahead[b]`` and ``behind[a]``: least weighted sums of the layers before b, and from a on.
        """
        weigher, context, aim = self.weigher, self.weigher.context, self.aim
        prices = weigher.prices(most // self.line.fj)
        parts: list[Part] = []
        for which, (boxes, levels, each) in enumerate(zip(weigher.boxes, aim.levels, aim.each, strict=True)):
            boxes.aim(prices)
            spent = boxes.bounds(Weights(0, 1), levels)
            value = np.maximum(each, self.least)
            total = value + ahead[:, None] + behind
            for v, a, b in np.argwhere((value < FAR) & (total < most)).tolist():
                lo, hi = int(levels[v]), int(levels[v + 1]) - 1
                time = int(context.dram_ps[a, b]) + boxes.beats * max(lo, int(boxes.io_ps[a, b]))
                energy = int(spent[v, a, b]) + self.static * time
                parts.append(
                    Part(a, b, which, lo, hi, self._corners(int(value[v, a, b]), time, energy, latest))
                )
        for a, pairs in weigher.passes.items():
            for pair in pairs if aim.fits[a, a + 1] else []:
                corner = pair.time_ps, pair.energy_fj + self.static * pair.time_ps
                corners: Ints = np.array([corner], dtype=np.int64)
                parts.append(Part(a, a + 1, 0, 0, 0, corners, OWN, piece=pair.path[0][1]))
        return parts

    def _corners(self, value: int, time: int, energy: int, latest: int) -> Ints:
        """Corners below all ways that take this time and energy at least, and this weighted sum."""
        ps, fj = self.line.ps, self.line.fj
        end = min(latest, (value - fj * energy) // ps) if ps > 0 else time
        times = np.linspace(time, max(end, time), ROUGH_CORNERS).astype(np.int64)
        energies = np.full(ROUGH_CORNERS, energy, dtype=np.int64)
        energies[:-1] = np.maximum(energy, (value - ps * times[1:]) // fj)
        return np.stack([times, energies], axis=1)

    def raised(self, part: Part, little: int, limits: Limits) -> list[Part] | None:
        """What takes the place of a part so that its corners are higher; None: they stay as they are.

        Ranges in which times differ by up to ``little`` ps are not divided. What is found goes to the
        weigher's pieces.
        """
        if part.piece is not None:
            if part.known == COUNTED:
                return None
            time, energy = part.corners[0].tolist()
            self.weigher.pieces.add(part.a, part.b, time, energy - self.static * time, part.piece)
            return [replace(part, known=COUNTED)]
        if part.known == ROUGH:
            return [self._priced(part, SHARED, limits)]
        if self.weigher.boxes[part.which].beats * (part.hi - self._box(part).lo) > little:
            return [self._priced(child, SHARED, limits) for child in self._divided(part, little)]
        if part.known == SHARED:
            return [self._priced(part, OWN, limits)]
        return self._counted(part, little, limits) if part.known == OWN else None

    def _box(self, part: Part) -> Box:
        boxes = self.weigher.boxes[part.which]
        return boxes.box(Weights(0, 1), part.a, part.b, part.lo, part.hi, part.soon, part.late)

    def _divided(self, part: Part, little: int) -> list[Part]:
        """Ranges of beats of a part, parted where those of every segment are."""
        boxes = self.weigher.boxes[part.which]
        ranges = [(part.lo, part.hi)]
        while len(ranges) < AT_ONCE:
            halves: list[tuple[int, int]] = []
            for lo, hi in ranges:
                # The last range is as good as endless.
                middle = 2 * lo if hi >= LONGEST // 2 else (lo + hi) // 2
                wide = lo < hi and boxes.beats * (hi - lo) > little
                halves += [(lo, middle), (middle + 1, hi)] if wide else [(lo, hi)]
            if len(halves) == len(ranges):
                break
            ranges = halves
        least = int(boxes.io_ps[part.a, part.b])
        return [replace(part, lo=lo, hi=hi) for lo, hi in ranges if hi >= least]

    def _priced(self, part: Part, known: int, limits: Limits) -> Part:
        """A part with corners by the number of clusters, chiplets paid for."""
        boxes, box = self.weigher.boxes[part.which], self._box(part)
        floors = Floors(boxes, box, MOST_APART, shared=known == SHARED)
        times = self._times(part, box, floors)
        if known == OWN:
            floors.sharpen(limits(part.a, part.b, times) - self.static * times)
        return self._with(part, known, floors, times)

    def _times(self, part: Part, box: Box, floors: Floors) -> Ints:
        """Least times (ps) of 0, 1, .. clusters."""
        beats = self.weigher.boxes[part.which].beats
        return box.least_load + (beats - 1 + np.arange(len(floors.values), dtype=np.int64)) * box.lo

    def _with(self, part: Part, known: int, floors: Floors, times: Ints) -> Part:
        """A part with corners from its floors, and no lower than they were."""
        energies = np.where(floors.values < NEVER, floors.values + self.static * times, FAR)[1:]
        if part.known != ROUGH:
            energies = np.maximum(energies, part.corners[:, 1])
        return replace(part, corners=np.stack([times[1:], energies], axis=1), known=known)

    def _counted(self, part: Part, little: int, limits: Limits) -> list[Part]:
        """A part with chiplets counted; in two where what is found loads longer than all must."""
        boxes, box = self.weigher.boxes[part.which], self._box(part)
        floors = Floors(boxes, box, MOST_APART)
        times = self._times(part, box, floors)
        latest = box.least_load
        for chain in floors.count(limits(part.a, part.b, times) - self.static * times).values():
            time, energy, _, load, piece = boxes.price(part.a, part.b, chain)
            self.weigher.pieces.add(part.a, part.b, time, energy, piece)
            latest = max(latest, load)
        part = self._with(part, COUNTED, floors, times)
        if latest - box.least_load <= little:
            return [part]
        halves = replace(part, late=latest - 1), replace(part, soon=latest)
        return [self._priced(half, OWN, limits) for half in halves]
