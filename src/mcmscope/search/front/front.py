"""The throughput-energy front of a scheme: exact where the space is small, else with a certified cover."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mcmscope.cost.code import Encoded
from mcmscope.errors import InputError
from mcmscope.schedule import Objective, Scheme
from mcmscope.search.context import SearchContext, join
from mcmscope.search.front.cover import cover, excess, thinned
from mcmscope.search.front.small import TooLarge, small_front
from mcmscope.search.front.spots import ROOM, Spot, unbeaten
from mcmscope.search.front.sweep import ENOUGH, Sweep, start
from mcmscope.search.limit import Limit
from mcmscope.search.run import search_scheme

EXACT, SUPPORTED, FOUND = "exact", "supported", "found"
"""What is proven of a point: it is on the front; on its lower convex hull; or only its gap."""


@dataclass(frozen=True, slots=True)
class Point:
    """A schedule on the front; ``gap``: no schedule is better in time and energy by more than this factor
    less 1.

    ``cover`` says the same of all between this point and the next slower one: whatever schedule there is, one
    of the points reaches it within that in both. None: nothing is known.
    """

    time_ps: int
    energy_fj: int
    code: Encoded
    proof: str
    gap: float | None
    cover: float | None


@dataclass(frozen=True, slots=True)
class Front:
    """The points by time; ``reason`` why there are none. ``gap`` is that of the whole cover, 0 if it is
    exact."""

    points: tuple[Point, ...]
    exact: bool
    gap: float | None
    reason: str | None
    states: int


def find_front(
    context: SearchContext,
    scheme: Scheme,
    limit: Limit,
    tell: Callable[[str], None] | None = None,
) -> Front:
    """The front of ``scheme``; what is proven by the time ``limit`` is reached. ``tell`` hears of steps.

    A small space is built up whole. Of a large one weighted sums of time and energy are made least, the next
    where the cover is worst; each gives a schedule and a line below all schedules. What these do not cover is
    proven empty, or filled.

    Raises:
        InputError: energies are too large for sums in 64 bits.
    """
    begun = context.states
    known = start(context, scheme)
    ready = context.states
    if known and known[0].energy_fj > ROOM:
        raise InputError(
            f"batch: the energy of {context.batch:,} samples is too large for exact sums of time and energy; "
            f"take at most {max(1, context.batch * ROOM // known[0].energy_fj):,}"
        )
    try:
        spots = whole_front(context, scheme, limit)
    except (TooLarge, KeyboardInterrupt) as stopped:
        limit.interrupted = limit.interrupted or isinstance(stopped, KeyboardInterrupt)
    else:
        points = tuple(
            Point(spot.time_ps, spot.energy_fj, join(spot.path), EXACT, 0.0, 0.0) for spot in unbeaten(spots)
        )
        reason = (
            None
            if points
            else search_scheme(
                context.model, scheme, context.batch, Objective.THROUGHPUT, context=context
            ).reason
        )
        return Front(points, exact=True, gap=0.0, reason=reason, states=context.states - ready)
    if not known:
        reason = search_scheme(context.model, scheme, context.batch, Objective.ENERGY, context=context).reason
        return Front((), exact=False, gap=None, reason=reason, states=context.states - begun)
    work = Sweep(context, scheme, limit, known)
    work.run(tell)
    return covered(work, context.states - begun)


def whole_front(context: SearchContext, scheme: Scheme, limit: Limit) -> list[Spot]:
    """All spots of a small space without replicas; energies with static power.

    Raises:
        TooLarge: it is not small, or time is up.
    """
    static = context.model.terms.static_mw
    return [
        Spot(pair.time_ps, pair.energy_fj + static * pair.time_ps, pair.path)
        for pair in small_front(context, scheme, limit)
    ]


def covered(sweep: Sweep, states: int) -> Front:
    """What a sweep knows now."""
    proofs = sweep.proofs
    spots = thinned(proofs, sweep.spots, ENOUGH / 2)
    covers = cover(proofs, spots)
    points: list[Point] = []
    for spot, behind in zip(spots, covers[1:], strict=True):
        gap = excess(proofs, spot.time_ps, spot.energy_fj)
        supported = excess(sweep.lines, spot.time_ps, spot.energy_fj) == 0
        proof = SUPPORTED if supported else FOUND
        points.append(
            Point(
                spot.time_ps,
                spot.energy_fj,
                join(spot.path),
                proof,
                None if gap is None else float(gap),
                None if behind is None else float(behind),
            )
        )
    whole = (
        None if any(gap is None for gap in covers) else max(float(gap) for gap in covers if gap is not None)
    )
    return Front(tuple(points), exact=False, gap=whole, reason=None, states=states)
