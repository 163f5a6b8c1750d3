"""Where the schedules that searches find stand among all schedules of their space, or among random ones."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from math import exp, lgamma, log, log1p
from pathlib import Path
from typing import TYPE_CHECKING

from mcmscope.cost.code import decode
from mcmscope.cost.evaluate import Evaluation, evaluate
from mcmscope.cost.model import cost_model
from mcmscope.errors import InputError
from mcmscope.hardware.package import Package
from mcmscope.options import Options
from mcmscope.result import Certificate, cost_of
from mcmscope.schedule import Objective, Schedule, Scheme
from mcmscope.workload.network import Network

if TYPE_CHECKING:
    from mcmscope.search.context import SearchContext
    from mcmscope.search.exhaustive.rank import Ranking

CONFIDENCE = 0.95
"""Of what is said of a whole space from a sample of it."""
_CURVE_STEPS = 96


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one search's schedule stands: ``cost`` is ps, fJ or fJ ps, whatever the objective makes least.

    Of the schedules that fit, counted or drawn, ``better`` cost strictly less, ``equal`` the same and
    ``worse`` more. ``over_best`` is its cost over that of the optimum, less one; None if that is not known.
    ``top`` is the share of all schedules of the space, those that do not fit among them, that are as good;
    from a sample it is what that share does not exceed, with ``CONFIDENCE``. All None if it found nothing.
    """

    search: str
    certificate: Certificate
    reason: str | None
    schedule: Schedule | None = None
    evaluation: Evaluation | None = None
    cost: int | None = None
    better: int | None = None
    equal: int | None = None
    worse: int | None = None
    top: float | None = None
    over_best: float | None = None


@dataclass(frozen=True, slots=True)
class Quality:
    """How good searches are on one space.

    ``exhaustive``: every one of ``schedules`` was counted, of which ``feasible`` fit. Else ``drawn`` were
    drawn with ``seed``, every schedule as likely as any other, and ``feasible`` of those fit.
    ``optimum_cost`` is that of the best schedule there is, None if nobody knows. ``curve`` has
    (share of the schedules that were counted or drawn, feasible or not, that cost at most this, cost).
    """

    network: Network
    package: Package
    batch: int
    objective: Objective
    scheme: Scheme
    micro_batch: int | None
    exhaustive: bool
    schedules: int
    drawn: int | None
    seed: int | None
    feasible: int
    optimum_cost: int | None
    curve: tuple[tuple[float, int], ...]
    standings: tuple[Standing, ...]

    @property
    def counted(self) -> int:
        """Schedules that the standings are among: all of the space, or those drawn."""
        return self.schedules if self.drawn is None else self.drawn

    def save(self, directory: str | Path) -> tuple[Path, ...]:
        """Write ``quality.svg`` and ``quality.json``, each whole or not at all; returns the files.

        Raises:
            InputError: the directory cannot be made or written to.
        """
        from mcmscope.report.quality import save_quality

        return save_quality(self, Path(directory))


@dataclass(frozen=True)
class _Reference:
    """What schedules are ranked against."""

    exhaustive: bool
    schedules: int
    feasible: int
    drawn: int | None
    below: Callable[[list[int]], list[int]]
    curve: tuple[tuple[float, int], ...]
    best: int | None


Tell = Callable[[float, float], None]


def quality(
    network: Network,
    package: Package,
    options: Options,
    searches: tuple[str, ...],
    step: Callable[[str], None] | None = None,
    tell: Tell | None = None,
) -> Quality:
    """Run ``searches`` for the first scheme of ``options`` and rank what they find.

    Among every schedule of the space if it is small enough to be enumerated, else among
    ``options.samples`` random ones. ``step`` is called with what is done next, ``tell`` with the share of it
    that is done and the seconds left.

    Raises:
        InputError: latency with a fixed micro-batch.
        KeyboardInterrupt: the user broke off a search; nothing is known then.
    """
    from mcmscope.search.context import SearchContext
    from mcmscope.search.exhaustive.case import cases
    from mcmscope.search.limit import Limit
    from mcmscope.search.run import search_scheme

    model = cost_model(network, package)
    scheme, objective = options.schemes[0], options.objective
    cases(model, scheme, objective, options.batch, options.micro_batch)
    context = SearchContext(model, options.batch, options.micro_batch)
    context.tell = tell
    rows: list[Standing] = []
    for search in searches:
        if step is not None:
            step(search)
        limit = Limit(options.time_limit_s)
        found = search_scheme(
            model,
            scheme,
            options.batch,
            objective,
            search=search,
            micro_batch=options.micro_batch,
            context=context,
            limit=limit,
            samples=options.samples,
            seed=options.seed,
        )
        if limit.interrupted:
            raise KeyboardInterrupt
        if found.code is None:
            rows.append(Standing(search, found.certificate, found.reason))
            continue
        schedule = decode(found.code, package)
        priced = evaluate(schedule, network, package, options.batch)
        cost = cost_of(priced, objective)
        rows.append(Standing(search, found.certificate, None, schedule, priced, cost))
    if step is not None:
        step("all schedules")
    reference = _reference(context, options, tell)
    proven = [row.cost for row in rows if row.cost is not None and row.certificate.status == "optimal"]
    optimum = reference.best if reference.exhaustive else min(proven, default=None)
    costs = sorted({row.cost + d for row in rows if row.cost is not None for d in (0, 1)})
    below = dict(zip(costs, reference.below(costs), strict=True))
    return Quality(
        network=network,
        package=package,
        batch=options.batch,
        objective=objective,
        scheme=scheme,
        micro_batch=options.micro_batch,
        exhaustive=reference.exhaustive,
        schedules=reference.schedules,
        drawn=reference.drawn,
        seed=None if reference.exhaustive else options.seed,
        feasible=reference.feasible,
        optimum_cost=optimum,
        curve=reference.curve,
        standings=tuple(_placed(row, reference, below, optimum) for row in rows),
    )


def _placed(row: Standing, reference: _Reference, below: dict[int, int], optimum: int | None) -> Standing:
    """A search's row with its rank; ``below`` counts the schedules that cost less than a figure."""
    if row.cost is None:
        return row
    better, reached = below[row.cost], below[row.cost + 1]
    if reference.drawn is None:
        top = reached / reference.schedules
    else:
        top = share_at_most(reached, reference.drawn)
    return Standing(
        row.search,
        row.certificate,
        None,
        row.schedule,
        row.evaluation,
        row.cost,
        better,
        reached - better,
        reference.feasible - reached,
        top,
        row.cost / optimum - 1 if optimum else None,
    )


def _reference(context: SearchContext, options: Options, tell: Tell | None) -> _Reference:
    """All schedules if they can be counted, else random ones."""
    from mcmscope.search.exhaustive.case import cases
    from mcmscope.search.exhaustive.check import check
    from mcmscope.search.exhaustive.find import optimum
    from mcmscope.search.exhaustive.rank import ranking
    from mcmscope.search.exhaustive.visit import Visitor
    from mcmscope.search.sample import Sampler, sample

    scheme, objective = options.schemes[0], options.objective
    asked = cases(context.model, scheme, objective, options.batch, options.micro_batch)
    schedules = Sampler(asked).schedules
    visitors = [Visitor(case) for case in asked]
    try:
        ranked = ranking(visitors, schedules, tell)
    except InputError:  # too large, or with prefetch
        drawn = sample(asked, options.samples, options.seed, tell)
        figures = sorted(drawn.figures)
        return _Reference(
            False,
            schedules,
            len(figures),
            drawn.drawn,
            lambda limits: [_below(figures, limit) for limit in limits],
            _sampled_curve(figures, drawn.drawn),
            None,
        )
    check(visitors)
    best = optimum(visitors).figure
    return _Reference(
        True, schedules, ranked.feasible, None, ranked.below, _counted_curve(ranked, best), best
    )


def _below(figures: list[int], limit: int) -> int:
    return bisect_left(figures, limit)


def _counted_curve(ranked: Ranking, best: int | None) -> tuple[tuple[float, int], ...]:
    """Costs from the best to the worst, close to each other near the best, and how many cost at most that."""
    if best is None:
        return ()
    doubles = [best << s for s in range(1, 64)]
    reached = ranked.below(doubles)
    most = next(cost for cost, count in zip(doubles, reached, strict=True) if count == ranked.feasible)
    steps = (exp(log(most / best) * (s / _CURVE_STEPS) ** 2) for s in range(_CURVE_STEPS))
    costs = sorted({best, most, *(max(best, min(most, round(best * step))) for step in steps)})
    counts = ranked.below([cost + 1 for cost in costs])
    return tuple((count / ranked.schedules, cost) for count, cost in zip(counts, costs, strict=True))


def _sampled_curve(figures: list[int], drawn: int) -> tuple[tuple[float, int], ...]:
    """Some of the drawn schedules in order, each with the share of all that cost at most as much."""
    places = {round(exp(log(max(1, len(figures))) * s / _CURVE_STEPS)) for s in range(_CURVE_STEPS + 1)}
    return tuple((place / drawn, figures[place - 1]) for place in sorted(places) if place <= len(figures))


def share_at_most(hits: int, drawn: int, confidence: float = CONFIDENCE) -> float:
    """The largest share of a space of which ``hits`` or fewer of ``drawn`` would come up so rarely.

    Clopper and Pearson's one-sided bound, rounded up to six digits; about 3 / ``drawn`` without a hit
    (the rule of three).
    """
    if hits >= drawn:
        return 1.0
    low, high = hits / drawn, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if _chance(hits, drawn, middle) > 1 - confidence:
            low = middle
        else:
            high = middle
    return min(1.0, float(f"{high * (1 + 5e-6):.6g}"))


def _chance(hits: int, drawn: int, share: float) -> float:
    """Probability of at most so many hits among so many draws."""
    if share >= 1:
        return 0.0
    total = 0.0
    for x in range(hits + 1):
        ways = lgamma(drawn + 1) - lgamma(x + 1) - lgamma(drawn - x + 1)
        total += exp(ways + x * log(share) + (drawn - x) * log1p(-share)) if share > 0 else float(x == 0)
    return total
