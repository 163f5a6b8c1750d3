"""What lines under all schedules say of a front: what is proven of each point, and of what lies between
them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from mcmscope.search.context import Path


@dataclass(frozen=True, slots=True)
class Line:
    """No schedule has ``ps * time + fj * energy`` below ``least`` (whole numbers; energy with static
    power)."""

    ps: int
    fj: int
    least: int


@dataclass(frozen=True, slots=True)
class Spot:
    """A schedule: its time (ps) and energy (fJ) of the batch, and its segments."""

    time_ps: int
    energy_fj: int
    path: Path


def unbeaten(spots: Sequence[Spot]) -> list[Spot]:
    """The spots that no other beats, by time."""
    best: list[Spot] = []
    for spot in sorted(spots, key=lambda spot: (spot.time_ps, spot.energy_fj)):
        if not best or spot.energy_fj < best[-1].energy_fj:
            best.append(spot)
    return best


def excess(lines: Sequence[Line], time_ps: int | None, energy_fj: int | None) -> Fraction | None:
    """The least e such that no schedule takes less than ``1 / (1 + e)`` of this time and of this energy at
    once.

    None for a time or an energy: any. None comes back if no line says anything.
    """
    found: list[Fraction] = []
    for line in lines:
        if (time_ps is None and line.ps > 0) or (energy_fj is None and line.fj > 0):
            continue
        total = line.ps * (time_ps or 0) + line.fj * (energy_fj or 0)
        if total <= line.least:
            return Fraction(0)
        if line.least > 0:
            found.append(Fraction(total, line.least) - 1)
    return min(found, default=None)


def cover(lines: Sequence[Line], front: Sequence[Spot]) -> list[Fraction | None]:
    """Per stretch: before the first spot, between neighbours, behind the last: how well the spots cover it.

    With e, every schedule is reached by some spot within a factor of 1 + e in time and in energy. What a
    stretch does not cover would have to lie left of its right spot and below its left one.
    """
    inner = [excess(lines, right.time_ps, left.energy_fj) for left, right in pairwise(front)]
    return [excess(lines, front[0].time_ps, None), *inner, excess(lines, None, front[-1].energy_fj)]


def thinned(lines: Sequence[Line], front: Sequence[Spot], enough: Fraction) -> list[Spot]:
    """The spots without those that are hardly needed: no schedule is better than them, or they cover.

    A stretch without a spot is covered nearly as well as with it: within ``enough``, or within five fourths
    of what it was and what others are.
    """
    inner = cover(lines, front)[1:-1]
    known = [gap for gap in inner if gap is not None]
    if len(known) < max(len(inner), 1):
        return list(front)
    kept, local = [front[0]], known[0]
    for spot, after, gap in zip(front[1:-1], front[2:], known[1:], strict=True):
        local = max(local, gap)
        without = excess(lines, after.time_ps, kept[-1].energy_fj)
        assert without is not None
        limit = max(enough, min(local * 5 / 4, max(known)))
        if without > limit or excess(lines, spot.time_ps, spot.energy_fj) == 0:
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
