"""What lines under all schedules, and voids among them, say of a front: what is proven of each point, and of
what lies between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from mcmscope.search.front.spots import Spot


@dataclass(frozen=True, slots=True)
class Line:
    """No schedule has ``ps * time + fj * energy`` below ``least`` (whole numbers; energy with static
    power)."""

    ps: int
    fj: int
    least: int

    def excess(self, time_ps: int | None, energy_fj: int | None) -> Fraction | None:
        """What this alone says; see the function of this name."""
        if (time_ps is None and self.ps > 0) or (energy_fj is None and self.fj > 0):
            return None
        total = self.ps * (time_ps or 0) + self.fj * (energy_fj or 0)
        if total <= self.least:
            return Fraction(0)
        return Fraction(total, self.least) - 1 if self.least > 0 else None


@dataclass(frozen=True, slots=True)
class Void:
    """No schedule takes both less than this time and less than this energy (with static power), above 0."""

    time_ps: int
    energy_fj: int

    def excess(self, time_ps: int | None, energy_fj: int | None) -> Fraction | None:
        """What this alone says; see the function of this name."""
        if time_ps is None or energy_fj is None:
            return None
        return max(Fraction(time_ps, self.time_ps), Fraction(energy_fj, self.energy_fj), Fraction(1)) - 1


Proof = Line | Void


def excess(proofs: Sequence[Proof], time_ps: int | None, energy_fj: int | None) -> Fraction | None:
    """The least e such that no schedule takes less than ``1 / (1 + e)`` of this time and of this energy at
    once.

    None for a time or an energy: any. None comes back if no proof says anything.
    """
    found = (proof.excess(time_ps, energy_fj) for proof in proofs)
    return min((gap for gap in found if gap is not None), default=None)


def cover(proofs: Sequence[Proof], front: Sequence[Spot]) -> list[Fraction | None]:
    """Per stretch: before the first spot, between neighbours, behind the last: how well the spots cover it.

    With e, every schedule is reached by some spot within a factor of 1 + e in time and in energy. What a
    stretch does not cover would have to lie left of its right spot and below its left one.
    """
    inner = [excess(proofs, right.time_ps, left.energy_fj) for left, right in pairwise(front)]
    return [excess(proofs, front[0].time_ps, None), *inner, excess(proofs, None, front[-1].energy_fj)]


def thinned(proofs: Sequence[Proof], front: Sequence[Spot], enough: Fraction) -> list[Spot]:
    """The spots without those that are hardly needed: no schedule is better than them, or they cover.

    A stretch without a spot is covered nearly as well as with it: within ``enough``, or within five fourths
    of what it was and what others are.
    """
    inner = cover(proofs, front)[1:-1]
    known = [gap for gap in inner if gap is not None]
    if len(known) < max(len(inner), 1):
        return list(front)
    kept, local = [front[0]], known[0]
    for spot, after, gap in zip(front[1:-1], front[2:], known[1:], strict=True):
        local = max(local, gap)
        without = excess(proofs, after.time_ps, kept[-1].energy_fj)
        assert without is not None
        limit = max(enough, min(local * 5 / 4, max(known)))
        if without > limit or excess(proofs, spot.time_ps, spot.energy_fj) == 0:
            kept.append(spot)
            local = gap
    return [*kept, front[-1]]


def corners(lines: Sequence[Line]) -> list[tuple[Fraction, Fraction]]:
    """(time, energy) of the corners of what the lines allow."""
    found: list[tuple[Fraction, Fraction]] = []
    for x, one in enumerate(lines):
        for other in lines[x + 1 :]:
            det = one.ps * other.fj - other.ps * one.fj
            if det == 0:
                continue
            time = Fraction(one.least * other.fj - other.least * one.fj, det)
            energy = Fraction(one.ps * other.least - other.ps * one.least, det)
            if all(line.ps * time + line.fj * energy >= line.least for line in lines):
                found.append((time, energy))
    return found


def least_product(lines: Sequence[Line]) -> Fraction:
    """A lower bound of time times energy of all schedules: the least at a corner of what the lines allow.

    (A product has no minimum inside, nor on an edge.) 0 if the lines do not bound both.
    """
    bounded = any(line.fj == 0 and line.least > 0 for line in lines) and any(
        line.ps == 0 and line.least > 0 for line in lines
    )
    return (
        min((time * energy for time, energy in corners(lines)), default=Fraction(0))
        if bounded
        else Fraction(0)
    )
