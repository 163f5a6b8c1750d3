"""How often each figure occurs among schedules, where a schedule's figure is the sum of its segments'."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from mcmscope.cost.arrays import Ints
from mcmscope.search.exhaustive.walk import NEVER


@dataclass(frozen=True)
class Sums:
    """Distinct figures, ascending, and the number of (parts of) schedules that have each."""

    figure: Ints
    count: Ints

    @property
    def rows(self) -> int:
        """Number of distinct figures."""
        return len(self.figure)

    @property
    def total(self) -> int:
        """Number of schedules."""
        return int(self.count.sum())


NOTHING = Sums(np.zeros(1, dtype=np.int64), np.ones(1, dtype=np.int64))
"""The one way to schedule no layers."""


def sums_of(figures: Ints) -> Sums:
    """One schedule per figure; those that do not fit are left out."""
    figure, count = np.unique(figures[figures < NEVER], return_counts=True)
    return Sums(figure, count.astype(np.int64))


def merged(parts: Iterable[Sums]) -> Sums:
    """All of them together."""
    some = [part for part in parts if part.rows]
    if not some:
        return Sums(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))
    if len(some) == 1:
        return some[0]
    return _counted(np.concatenate([p.figure for p in some]), np.concatenate([p.count for p in some]))


def joined(left: Sums, right: Sums) -> Sums:
    """Every one of ``left`` followed by every one of ``right``."""
    if left.rows == 0 or right.rows == 0:
        return merged([])
    figure = np.add.outer(left.figure, right.figure).ravel()
    return _counted(figure, np.multiply.outer(left.count, right.count).ravel())


def below(left: Sums, right: Sums, limits: Ints) -> list[int]:
    """How many of ``left`` followed by one of ``right`` have a figure less than each limit."""
    if left.rows > right.rows:
        left, right = right, left
    before = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(right.count)])
    found: list[int] = []
    for limit in limits.tolist():
        rest: Ints = limit - left.figure
        at = np.searchsorted(right.figure, rest[::-1], side="left")[::-1]
        found.append(int(np.dot(left.count, before[at])))
    return found


def _counted(figure: Ints, count: Ints) -> Sums:
    order = np.argsort(figure, kind="stable")
    figure, count = figure[order], count[order]
    first = np.flatnonzero(np.concatenate([[True], figure[1:] != figure[:-1]]))
    return Sums(figure[first], np.add.reduceat(count, first))
