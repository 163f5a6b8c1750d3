"""Random schedules of an enumerated space priced again by the public evaluator."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from mcmscope.cost.code import decode
from mcmscope.cost.evaluate import evaluate
from mcmscope.result import cost_of
from mcmscope.search.exhaustive.case import Case
from mcmscope.search.exhaustive.schedule import Choice, best_points, encoded
from mcmscope.search.exhaustive.trace import Grid, Point, chosen
from mcmscope.search.exhaustive.visit import Task, Visitor
from mcmscope.search.exhaustive.walk import NEVER
from mcmscope.search.sample import Sampler
from mcmscope.search.space import tile_grids

CHECKED = 10_000
"""Schedules that are priced again after each enumeration."""
SEED = 0


def check(visitors: list[Visitor], count: int | None = None) -> None:
    """Price ``count`` (``CHECKED``) random schedules again with ``evaluate``: the figures must be equal.

    So must those of the visit and of plain arithmetic; a schedule at other tile grids must not be better,
    and one that does not fit must not fit.

    Raises:
        AssertionError: a figure differs.
    """
    by_case = {id(visitor.case): visitor for visitor in visitors}
    sampler, random = Sampler(tuple(visitor.case for visitor in visitors)), Random(SEED)
    for _ in range(min(CHECKED if count is None else count, sampler.schedules)):
        case, choices = sampler.draw(random)
        visited = _visited(by_case[id(case)], choices)
        other = [[random.choice(tile_grids(n, c.u)) for _, n in c.clusters] for c in choices]
        anywhere = _evaluated(case, choices, other)
        traced = best_points(case, choices)
        if traced is None:
            if visited is not None or anywhere is not None:
                raise AssertionError(f"{choices}: said not to fit, but it does")
            continue
        figure, points = traced
        priced = _evaluated(case, choices, [point.grids for point in points])
        if not visited == figure == priced:
            raise AssertionError(
                f"{choices}: visited as {visited}, {figure} by hand, {priced} by the evaluator"
            )
        if anywhere is not None and anywhere < figure:
            raise AssertionError(f"{choices}: {figure} is not its best; {other} gives {anywhere}")


def _visited(visitor: Visitor, choices: list[Choice]) -> int | None:
    """What the visit says of a schedule; None if it does not fit."""
    case = visitor.case
    segments: list[list[Point]] = []
    for choice in choices:
        figures = visitor.run(_task(choice))
        if figures.points is None:
            fits = [x for x in figures.first.tolist() if x < NEVER]
            segments.append([Point(x, x, ()) for x in fits])
        else:
            pairs = zip(figures.first.tolist(), figures.second.tolist(), strict=True)
            segments.append([Point(t, e, ()) for t, e in pairs])
    found = chosen(case, segments)
    return None if found is None else found[0]


def _task(choice: Choice) -> Task:
    """The task that visits one pipeline only."""
    rows: list[tuple[int, int, int]] = []
    i = choice.a
    for j, n in choice.clusters:
        digits = choice.partitions[i - choice.a : j - choice.a]
        rows.append((j, n, sum(3**x * digit for x, digit in enumerate(digits))))
        i = j
    return Task(choice.a, choice.b, choice.u, tuple(rows), 1)


def _evaluated(case: Case, choices: list[Choice], grids: Sequence[Sequence[Grid]]) -> int | None:
    """What the public evaluator says of a schedule at some tile grids; None if it does not fit."""
    schedule = decode(encoded(case, choices, grids), case.model.package)
    priced = evaluate(schedule, case.model.network, case.model.package, case.batch)
    return cost_of(priced, case.objective) if priced.feasible else None
