"""The stretches of a front that are to be proven empty: boxes of time and energy below neighbouring spots."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from operator import le

import numpy as np

from mcmscope.cost.arrays import Ints
from mcmscope.search.front.cover import Line, Proof, excess
from mcmscope.search.front.spots import Spot

SPACED = Fraction(1, 2)
"""Spots that one before reaches within this share of what is good enough are not needed."""


class Targets:
    """Stretches between two times (ps) that ``proofs`` do not cover well ``enough``, while spots are found.

    However good the spots that are found, their stretches are parts of the first ones.
    """

    def __init__(
        self,
        line: Line,
        ends: tuple[int, int],
        spots: Sequence[Spot],
        proofs: Sequence[Proof],
        enough: Fraction,
    ) -> None:
        self.line, self.proofs, self.enough = line, list(proofs), enough
        within = [spot for spot in spots if ends[0] <= spot.time_ps <= ends[1]]
        # From the first spot to the last: whatever takes their places is between these, too. One spot alone
        # has no stretch.
        self.latest, self.dearest = 0, 0
        if len(within) > 1:
            self.latest, self.dearest = within[-1].time_ps, within[0].energy_fj
        self.spots: list[Spot] = []
        self.farthest: tuple[int, int] | None = None
        """The most of the weighted sums, and of the times (ps), that are ever aimed at."""
        self.aim(spots)

    def aim(self, spots: Sequence[Spot]) -> None:
        """Aim at the stretches between these spots, all that are known by now."""
        within = [spot for spot in spots if spot.time_ps <= self.latest and spot.energy_fj <= self.dearest]
        self.spots = spaced(within, 1 + self.enough * SPACED, self.spots)
        self.stretches: list[tuple[int, int]] = []
        """Time of the right spot, energy of the left one."""
        for left, right in pairwise(self.spots):
            gap = excess(self.proofs, right.time_ps, left.energy_fj)
            if gap is None or gap > self.enough:
                self.stretches.append((right.time_ps, left.energy_fj))
        limits = [[shrunk(value, 1 + self.enough) for value in stretch] for stretch in self.stretches]
        self.limits: Ints = np.array(limits, dtype=np.int64).reshape(-1, 2)
        """[J, 2]: no schedule is to be below both; by time."""
        sums = self.line.ps * self.limits[:, 0] + self.line.fj * self.limits[:, 1]
        self.sums: Ints = np.maximum.accumulate(sums[::-1])[::-1]
        """[J]: the most of the weighted sums of these and later ones."""
        farthest = int(self.sums.max(initial=0)), int(self.limits[:, 0].max(initial=0))
        self.farthest = self.farthest or farthest
        # Whoever works on these left out what lies farther.
        assert all(map(le, farthest, self.farthest))


def spaced(spots: Sequence[Spot], by: Fraction, before: Sequence[Spot] = ()) -> list[Spot]:
    """The spots without those that one before reaches within this factor in energy; the last stays.

    What reaches ``before`` stays, too.
    """
    kept = list(spots[:1])
    for spot in spots[1:-1]:
        most = kept[-1].energy_fj
        if spot.energy_fj * by < most or any(spot.energy_fj <= old.energy_fj < most for old in before):
            kept.append(spot)
    return [*kept, *spots[1:][-1:]]


def shrunk(value: int, by: Fraction) -> int:
    """The quotient, rounded up."""
    return -(-value * by.denominator // by.numerator)
