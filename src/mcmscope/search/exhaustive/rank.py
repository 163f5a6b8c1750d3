"""Where a schedule stands among all of a space: how many are better, as good and worse, exactly."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np

from mcmscope.errors import InputError
from mcmscope.search.exhaustive import pairs, sums
from mcmscope.search.exhaustive.case import Case, check_size
from mcmscope.search.exhaustive.pairs import Pairs
from mcmscope.search.exhaustive.sums import Sums
from mcmscope.search.exhaustive.visit import Figures, Tell, Visitor, on_all_cores
from mcmscope.search.exhaustive.walk import NEVER, PAIRS

MOST_SCHEDULES = 1 << 62
"""Counts are 64-bit numbers."""
MOST_JOINED = 40_000_000
"""Rows that may be made by putting segments together."""
MOST_PRODUCTS = 3 * 10**9
"""Products of energy and time that are compared one by one."""
_LOOSE_ROWS = 4_000_000


class _Counted(Protocol):
    @property
    def rows(self) -> int: ...
    @property
    def total(self) -> int: ...


_S = TypeVar("_S", bound=_Counted)


@dataclass(frozen=True)
class _Kind(Generic[_S]):
    """How schedules are counted: sums of figures, or of pairs."""

    nothing: _S
    of: Callable[[Figures], _S]
    merged: Callable[[Iterable[_S]], _S]
    joined: Callable[[_S, _S], _S]
    below: Callable[[_S, _S, list[int]], list[int]]
    products: bool


def _pairs_of(figures: Figures) -> Pairs:
    assert figures.points is not None
    return pairs.pairs_of(figures.first, figures.second, figures.points)


_SUMS = _Kind[Sums](
    sums.NOTHING,
    lambda figures: sums.sums_of(figures.first),
    sums.merged,
    sums.joined,
    lambda left, right, limits: sums.below(
        left, right, np.array([min(limit, NEVER) for limit in limits], dtype=np.int64)
    ),
    products=False,
)
_PAIRS = _Kind[Pairs](pairs.NOTHING, _pairs_of, pairs.merged, pairs.joined, pairs.below, products=True)


@dataclass(frozen=True)
class Rank:
    """Schedules that fit: strictly better than a figure, equal to it, and worse."""

    better: int
    equal: int
    worse: int


@dataclass(frozen=True)
class Ranking:
    """All schedules of a space by their figure: ps, fJ or fJ ps, each at its best tile grids.

    ``schedules`` counts all, ``feasible`` those that fit. ``pipelines`` of single segments were priced.
    """

    schedules: int
    feasible: int
    pipelines: int
    _below: Callable[[list[int]], list[int]]

    def below(self, limits: list[int]) -> list[int]:
        """How many feasible schedules have a figure less than each limit."""
        order = sorted(set(limits))
        found = dict(zip(order, self._below(order), strict=True))
        return [found[limit] for limit in limits]

    def rank(self, figure: int) -> Rank:
        """Where a figure stands."""
        better, reached = self.below([figure, figure + 1])
        return Rank(better, reached - better, self.feasible - reached)


def ranking(visitors: list[Visitor], schedules: int, tell: Tell | None = None) -> Ranking:
    """Price every pipeline of every segment, and count all schedules that they make.

    The figure of a schedule is the sum over its segments (of time and of energy for their product), since
    without prefetch a segment costs the same whatever the others are. So the schedules are counted from the
    segments' figures, none left out and none twice.

    Raises:
        InputError: the space is too large.
    """
    asked = tuple(visitor.case for visitor in visitors)
    check_size(asked, schedules)
    if schedules >= MOST_SCHEDULES:
        raise InputError(
            f"{asked[0].scheme.value}: {schedules} schedules are too many to be counted in 64 bits; a fixed "
            "--micro-batch, fewer layers or fewer chiplets make fewer"
        )
    if asked[0].mode == PAIRS:
        return _ranking(_PAIRS, visitors, schedules, tell)
    return _ranking(_SUMS, visitors, schedules, tell)


def _ranking(kind: _Kind[_S], visitors: list[Visitor], schedules: int, tell: Tell | None) -> Ranking:
    halves: list[tuple[_S, _S]] = []
    counted = feasible = visited = 0
    for visitor, (segments, pipelines) in zip(visitors, _segments(kind, visitors, tell), strict=True):
        case = visitor.case
        counted += _count(case, pipelines)
        feasible += _count(case, {edge: part.total for edge, part in segments.items()})
        visited += sum(pipelines.values())
        halves += _halves(kind, case.layers, segments)
    if counted != schedules:
        raise AssertionError(f"{counted} schedules were counted in a space of {schedules}")
    if kind.products and sum(left.rows * right.rows for left, right in halves) > MOST_PRODUCTS:
        raise InputError(
            "the times and energies of the segments differ too much for all their products to be counted: a "
            "fixed --micro-batch, fewer layers or fewer chiplets make fewer"
        )
    if sum(left.total * right.total for left, right in halves) != feasible:
        raise AssertionError("schedules were lost on the way")

    def below(limits: list[int]) -> list[int]:
        parts = [kind.below(left, right, limits) for left, right in halves if left.rows and right.rows]
        return [sum(column) for column in zip(*parts, strict=True)] if parts else [0] * len(limits)

    return Ranking(schedules, feasible, visited, below)


_Edge = tuple[int, int]


def _segments(
    kind: _Kind[_S], visitors: list[Visitor], tell: Tell | None
) -> list[tuple[dict[_Edge, _S], dict[_Edge, int]]]:
    """Per case the figures of every segment, and how many pipelines it has, feasible or not."""
    work = [
        (visitor, task)
        for visitor in visitors
        for a, b in visitor.case.segments()
        for u in visitor.case.micro
        for task in visitor.tasks(a, b, u)
    ]
    loose: dict[tuple[int, _Edge], list[_S]] = {}
    pipelines: dict[tuple[int, _Edge], int] = {}
    done = on_all_cores(work, lambda _, figures: (kind.of(figures), figures.visited), tell)
    for visitor, task, (part, count) in done:
        key = id(visitor.case), (task.a, task.b)
        parts = loose.setdefault(key, [])
        parts.append(part)
        if sum(p.rows for p in parts) > _LOOSE_ROWS:
            loose[key] = [kind.merged(parts)]
        pipelines[key] = pipelines.get(key, 0) + count
    return [
        (
            {edge: kind.merged(parts) for (of, edge), parts in loose.items() if of == id(visitor.case)},
            {edge: count for (of, edge), count in pipelines.items() if of == id(visitor.case)},
        )
        for visitor in visitors
    ]


def _count(case: Case, ways: dict[_Edge, int]) -> int:
    """Schedules made of so many pipelines per segment."""
    reach = [1] + [0] * case.layers
    for b in range(1, case.layers + 1):
        reach[b] = sum(reach[a] * ways.get((a, b), 0) for a in range(b))
    return reach[case.layers]


def _halves(kind: _Kind[_S], L: int, segments: dict[_Edge, _S]) -> list[tuple[_S, _S]]:
    """All schedules as lefts, each to be followed by each of its rights, so that few rows are held.

    A schedule has a boundary at ``middle``, or one segment that reaches over it.
    """
    rows = {edge: part.rows for edge, part in segments.items()}
    middle = min(range(L + 1), key=lambda at: _most_rows(L, rows, at))
    if _most_rows(L, rows, middle) > MOST_JOINED:
        raise InputError(
            "the figures of the segments differ too much for all their sums to be counted: a fixed "
            "--micro-batch, fewer layers or fewer chiplets make fewer"
        )
    before = {0: kind.nothing}
    for b in range(1, middle + 1):
        parts = (kind.joined(before[a], segments[a, b]) for a in range(b) if (a, b) in segments)
        before[b] = kind.merged(parts)
    after = {L: kind.nothing}
    for a in range(L - 1, middle - 1, -1):
        parts = (kind.joined(segments[a, b], after[b]) for b in range(a + 1, L + 1) if (a, b) in segments)
        after[a] = kind.merged(parts)
    halves = [(before[middle], after[middle])]
    for (a, b), part in segments.items():
        if a < middle < b:
            if before[a].rows <= after[b].rows:
                halves.append((kind.joined(before[a], part), after[b]))
            else:
                halves.append((before[a], kind.joined(part, after[b])))
    return halves


def _most_rows(L: int, rows: dict[_Edge, int], middle: int) -> int:
    """No join of ``_halves`` makes more rows than this."""
    before = {0: 1}
    for b in range(1, middle + 1):
        before[b] = sum(before[a] * rows.get((a, b), 0) for a in range(b))
    after = {L: 1}
    for a in range(L - 1, middle - 1, -1):
        after[a] = sum(rows.get((a, b), 0) * after[b] for b in range(a + 1, L + 1))
    over = (min(before[a], after[b]) * rows[a, b] for a, b in rows if a < middle < b)
    return max(max(before.values()), max(after.values()), *over, 1)
