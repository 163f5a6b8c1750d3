"""Exhaustive search: price every pipeline of every segment; the least of all schedules is the optimum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mcmscope.cost.arrays import Ints
from mcmscope.cost.code import Encoded
from mcmscope.search.exhaustive.case import Case
from mcmscope.search.exhaustive.clusters import digits
from mcmscope.search.exhaustive.schedule import Choice, encoded_best
from mcmscope.search.exhaustive.visit import Figures, Task, Tell, Visitor, on_all_cores, pareto
from mcmscope.search.exhaustive.walk import NEVER, PAIRS


@dataclass(frozen=True)
class Optimum:
    """The best schedule of a space and its figure (ps, fJ or fJ ps); ``code`` None: none fits.

    ``schedules`` is how many there are, counted; ``pipelines`` of single segments were priced.
    """

    code: Encoded | None
    figure: int | None
    schedules: int
    pipelines: int


@dataclass(frozen=True)
class _Way:
    """Ways to schedule the first layers: figures, the task of the last segment, and the way before it."""

    first: Ints
    second: Ints
    task: Ints
    before: Ints  # place in the way of the task's first layer


_Front = tuple[Ints, Ints]


def optimum(visitors: list[Visitor], tell: Tell | None = None) -> Optimum:
    """The best schedule of all cases; of equal ones the first in the order of the visit.

    For the product of energy and time all pairs are kept that no other beats in both.
    """
    work: list[tuple[Visitor, Task]] = []
    ends: list[int] = []
    for visitor in visitors:
        case = visitor.case
        work += [
            (visitor, task) for a, b in case.segments() for u in case.micro for task in visitor.tasks(a, b, u)
        ]
        ends.append(len(work))
    fronts: list[_Front] = []
    visited: list[int] = []
    for _, _, (front, count) in on_all_cores(work, _front, tell):
        fronts.append(front)
        visited.append(count)
    best: tuple[int, Encoded] | None = None
    schedules = begin = 0
    for visitor, end in zip(visitors, ends, strict=True):
        case = visitor.case
        part = slice(begin, end)
        schedules += _schedules(case, work[part], visited[part])
        found = _best(case, work[part], fronts[part])
        if found is not None and (best is None or found[0] < best[0]):
            best = found
        begin = end
    figure, code = best if best is not None else (None, None)
    return Optimum(code, figure, schedules, sum(visited))


def _front(visitor: Visitor, figures: Figures) -> tuple[_Front, int]:
    """The figures of a task that no other beats, and how many pipelines it had."""
    first, second = figures.first, figures.second
    if visitor.case.mode != PAIRS:
        least = first.min(initial=NEVER)
        first = np.full(int(least < NEVER), least, dtype=np.int64)
        second = np.zeros(len(first), dtype=np.int64)
    return pareto(first, second), figures.visited


def _schedules(case: Case, work: list[tuple[Visitor, Task]], visited: list[int]) -> int:
    """Schedules made of the pipelines that were visited."""
    ways: dict[tuple[int, int], int] = {}
    for (_, task), count in zip(work, visited, strict=True):
        ways[task.a, task.b] = ways.get((task.a, task.b), 0) + count
    reach = [1] + [0] * case.layers
    for b in range(1, case.layers + 1):
        reach[b] = sum(reach[a] * ways.get((a, b), 0) for a in range(b))
    return reach[case.layers]


def _best(case: Case, work: list[tuple[Visitor, Task]], fronts: list[_Front]) -> tuple[int, Encoded] | None:
    """The least figure of a case and its schedule."""
    ways = [_Way(*(np.array([x], dtype=np.int64) for x in (0, 0, -1, -1)))]
    for b in range(1, case.layers + 1):
        parts: list[tuple[Ints, Ints, Ints, Ints]] = []
        for index, ((_, task), (first, second)) in enumerate(zip(work, fronts, strict=True)):
            if task.b != b or not len(first) or not len(ways[task.a].first):
                continue
            past = ways[task.a]
            shape = len(past.first) * len(first)
            parts.append(
                (
                    np.add.outer(past.first, first).ravel(),
                    np.add.outer(past.second, second).ravel(),
                    np.full(shape, index, dtype=np.int64),
                    np.repeat(np.arange(len(past.first)), len(first)),
                )
            )
        ways.append(_kept(parts))
    last = ways[-1]
    if not len(last.first):
        return None
    figures: list[tuple[int, int]] = [
        (x * y if case.mode == PAIRS else x, at)
        for at, (x, y) in enumerate(zip(last.first.tolist(), last.second.tolist(), strict=True))
    ]
    figure, at = min(figures)
    choices: list[Choice] = []
    b = case.layers
    while b > 0:
        way = ways[b]
        visitor, task = work[int(way.task[at])]
        before = int(way.before[at])
        past = ways[task.a]
        wanted = int(way.first[at] - past.first[before]), int(way.second[at] - past.second[before])
        choices.append(_locate(visitor, task, wanted))
        b, at = task.a, before
    code, priced = encoded_best(case, choices[::-1])
    if priced != figure:
        raise AssertionError(f"the best schedule is worth {priced}, not {figure}")
    return figure, code


def _kept(parts: list[tuple[Ints, Ints, Ints, Ints]]) -> _Way:
    """The ways that no other beats, the first of equal ones."""
    if not parts:
        return _Way(*(np.zeros(0, dtype=np.int64) for _ in range(4)))
    first, second, task, before = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort((np.arange(len(first)), second, first))
    lowest = np.minimum.accumulate(second[order])
    keep = np.ones(len(order), dtype=np.bool_)
    keep[1:] = second[order][1:] < lowest[:-1]
    at = order[keep]
    return _Way(first[at], second[at], task[at], before[at])


def _locate(visitor: Visitor, task: Task, wanted: tuple[int, int]) -> Choice:
    """The first pipeline of a task that is worth ``wanted``."""
    figures = visitor.run(task)
    if figures.points is None:
        index = int(np.flatnonzero(figures.first == wanted[0])[0])
    else:
        at = int(np.flatnonzero((figures.first == wanted[0]) & (figures.second == wanted[1]))[0])
        index = int(np.searchsorted(np.cumsum(figures.points), at, side="right"))
    rows = visitor.path(task, index)
    partitions: list[int] = []
    begin = task.a
    for end, _, code in rows:
        partitions += digits(code, end - begin)
        begin = end
    return Choice(task.a, task.b, task.u, tuple((end, n) for end, n, _ in rows), tuple(partitions))
