"""Schedules drawn at random, every one of a space as likely as any other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import comb
from random import Random
from time import perf_counter

from mcmscope.cost.code import Encoded
from mcmscope.result import Certificate
from mcmscope.schedule import Objective, Scheme
from mcmscope.search.context import Found, SearchContext
from mcmscope.search.descend import objective_value
from mcmscope.search.exhaustive.case import ANY_CLUSTERS, ONE_CLUSTER, Case, cases
from mcmscope.search.exhaustive.schedule import Choice, best_points, encoded

MOST_CHOICES = 16
"""Choices of tile grids that are kept apart within a segment of many clusters."""


@dataclass(frozen=True)
class Sample:
    """Drawn schedules: the figures (ps, fJ or fJ ps) of those that fit in the order drawn, and the best.

    ``drawn`` counts all, those that do not fit among them.
    """

    drawn: int
    figures: tuple[int, ...]
    best: Encoded | None

    @property
    def infeasible(self) -> int:
        """Drawn schedules that do not fit."""
        return self.drawn - len(self.figures)


class Sampler:
    """Draws schedules of a space, each with the same probability: exact, with whole numbers of any size.

    The number of ways to schedule the layers from a on is ``ways[a]``, the sum over b of the pipelines of
    [a, b) times ``ways[b]``. So the first segment ends at b with the probability that its term has in the
    sum, and so on. Within a segment the micro-batch and each partition are drawn evenly; k clusters with the
    weight C(l - 1, k - 1) * C(N, k) of k among all pipelines of l layers; then their ends, a subset of the
    l - 1 inner boundaries, and their sizes, the steps of a subset of 1..N.
    """

    def __init__(self, asked: tuple[Case, ...]) -> None:
        self._asked = asked
        self._ways = [_ways(case) for case in asked]
        self.schedules = sum(ways[0] for ways in self._ways)

    def draw(self, random: Random) -> tuple[Case, list[Choice]]:
        """One schedule, its tile grids still open; the space must not be empty."""
        at = random.randrange(self.schedules)
        for case, ways in zip(self._asked, self._ways, strict=True):
            if at < ways[0]:
                return case, _segments(case, ways, random)
            at -= ways[0]
        raise AssertionError("drawn beyond the space")


def _ways(case: Case) -> list[int]:
    """Ways to schedule the layers from a on, for every a."""
    L = case.layers
    ways = [0] * L + [1]
    edges: dict[int, list[int]] = {}
    for a, b in case.segments():
        edges.setdefault(a, []).append(b)
    for a in range(L - 1, -1, -1):
        ways[a] = sum(len(case.micro) * case.pipelines(b - a) * ways[b] for b in edges.get(a, []))
    return ways


def _segments(case: Case, ways: list[int], random: Random) -> list[Choice]:
    ends: dict[int, list[int]] = {}
    for a, b in case.segments():
        ends.setdefault(a, []).append(b)
    choices: list[Choice] = []
    a = 0
    while a < case.layers:
        at = random.randrange(ways[a])
        for b in ends[a]:
            at -= len(case.micro) * case.pipelines(b - a) * ways[b]
            if at < 0:
                choices.append(_pipeline(case, a, b, random))
                a = b
                break
    return choices


def _pipeline(case: Case, a: int, b: int, random: Random) -> Choice:
    """A pipeline for segment [a, b), each as likely as any other."""
    length, N = b - a, case.chiplets
    u = case.micro[random.randrange(len(case.micro))]
    if case.clusters == ONE_CLUSTER:
        count = 1
    elif case.clusters == ANY_CLUSTERS:
        count = 1
        at = random.randrange(comb(N + length - 1, length))
        for weight in _cluster_counts(length, N):
            if at < weight:
                break
            at -= weight
            count += 1
    else:
        count = length
    ends = [*sorted(random.sample(range(a + 1, b), count - 1)), b]
    marks = sorted(random.sample(range(1, N + 1), count))
    sizes = [mark - before for mark, before in zip(marks, [0, *marks], strict=False)]
    partitions = tuple(random.randrange(3) for _ in range(length))
    return Choice(a, b, u, tuple(zip(ends, sizes, strict=True)), partitions)


@lru_cache(maxsize=4096)
def _cluster_counts(length: int, chiplets: int) -> tuple[int, ...]:
    """Pipelines with 1, 2, .. clusters, partitions aside."""
    return tuple(comb(length - 1, k - 1) * comb(chiplets, k) for k in range(1, min(length, chiplets) + 1))


def sample(
    asked: tuple[Case, ...], count: int, seed: int, tell: Callable[[float, float], None] | None = None
) -> Sample:
    """Price ``count`` schedules of a space, drawn with ``seed``; each at the best tile grids of those tried.

    Where a segment has many clusters, the grids tried are thinned out; the figure is always the evaluator's
    for the grids that were chosen. ``tell`` is called with the share that is done and the seconds left.
    """
    sampler, random = Sampler(asked), Random(seed)
    figures: list[int] = []
    best: Encoded | None = None
    if sampler.schedules == 0:
        return Sample(0, (), None)
    begun = perf_counter()
    for index in range(count):
        if tell is not None and index % 100 == 99:
            tell(index / count, (perf_counter() - begun) * (count - index) / index)
        case, choices = sampler.draw(random)
        found = best_points(case, choices, MOST_CHOICES)
        if found is None:
            continue
        code = encoded(case, choices, [point.grids for point in found[1]])
        figure = objective_value(case.model, code, case.batch, case.objective)
        if figure is None or (figure != found[0] and not case.model.package.prefetch):
            raise AssertionError(f"a drawn schedule was priced {found[0]}, by the evaluator {figure}")
        if not figures or figure < min(figures):
            best = code
        figures.append(figure)
    return Sample(count, tuple(figures), best)


def best_of_sample(
    context: SearchContext, scheme: Scheme, objective: Objective, count: int, seed: int
) -> Found:
    """The best of ``count`` schedules drawn at random: what luck alone finds.

    Raises:
        InputError: a micro-batch fixed for latency.
    """
    asked = cases(context.model, scheme, objective, context.batch, context.fixed)
    drawn = sample(asked, count, seed, context.tell)
    size = Sampler(asked).schedules
    context.states += drawn.drawn
    if drawn.best is None:
        if size == 0:
            reason = "it needs more chiplets than there are"
            return Found(None, reason, Certificate("infeasible", None, 0, 0))
        reason = f"none of {drawn.drawn} random schedules fits"
        return Found(None, reason, Certificate("heuristic", None, size, drawn.drawn))
    return Found(drawn.best, None, Certificate("heuristic", None, size, drawn.drawn))
