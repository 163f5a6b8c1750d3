"""The least energy and the least energy-delay product of a scheme, with a proof or the gap that is left."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from mcmscope.cost.code import Encoded
from mcmscope.schedule import Objective, Scheme
from mcmscope.search.context import Found, SearchContext, join
from mcmscope.search.descend import objective_value
from mcmscope.search.front.cover import least_product
from mcmscope.search.front.small import TooLarge, small_front
from mcmscope.search.front.spots import ROOM, Spot, path_of, spot_of
from mcmscope.search.front.sweep import Sweep
from mcmscope.search.limit import Limit

EXACT = "exact"
"""Where a schedule came from that no other search had found."""


def prove(shared: SearchContext, scheme: Scheme, objective: Objective, start: Found, limit: Limit) -> Found:
    """The schedule of the least energy (or product) of ``scheme``; ``start`` is a good one to begin with.

    Small spaces are built up whole, one number of replicas after the other. Of large ones, without replicas,
    weighted sums of energy and time are bounded. With prefetch nothing is proven, nor where energies are too
    large for sums in 64 bits: then ``start`` comes back.
    """
    if start.code is None or shared.model.package.prefetch:
        return start
    spent = objective_value(shared.model, start.code, shared.batch, Objective.ENERGY)
    if spent is None or spent > ROOM:
        return start
    begun = shared.states
    best = objective_value(shared.model, start.code, shared.batch, objective)
    assert best is not None
    code, origin = start.code, start.certificate.start
    try:
        lower: Fraction | int = best
        for replicas, spot in _whole(shared, scheme, limit):
            value = _value(objective, spot)
            lower = min(lower, value)
            if value < best:
                code, best, origin = join(spot.path, replicas), value, EXACT
    except TooLarge:
        if scheme is Scheme.DATA_PARALLEL:
            return start
        found, lower = _bounded(shared, scheme, objective, code, limit)
        value = objective_value(shared.model, found, shared.batch, objective)
        assert value is not None
        if value < best:
            code, best, origin = found, value, EXACT
    gap = float(1 - Fraction(lower) / best) if best > 0 else 0.0
    status = "optimal" if lower >= best else "bounded"
    states = start.certificate.states + shared.states - begun
    certificate = replace(start.certificate, status=status, gap=max(gap, 0.0), states=states, start=origin)
    return Found(code, None, certificate)


def _value(objective: Objective, spot: Spot) -> int:
    return spot.energy_fj if objective is Objective.ENERGY else spot.energy_fj * spot.time_ps


def _whole(shared: SearchContext, scheme: Scheme, limit: Limit) -> list[tuple[int, Spot]]:
    """Number of replicas and spot of every schedule that no other of as many replicas beats.

    Raises:
        TooLarge: the space is not small.
    """
    static, replicas = shared.model.terms.static_mw, 1
    most = min(shared.model.machine.chiplets, shared.batch) if scheme is Scheme.DATA_PARALLEL else 1
    spots: list[tuple[int, Spot]] = []
    while replicas <= most:
        spots += [
            (replicas, Spot(pair.time_ps, pair.energy_fj + static * pair.time_ps, pair.path))
            for pair in small_front(shared, scheme, limit, replicas)
        ]
        replicas *= 2
    return spots


def _bounded(
    shared: SearchContext, scheme: Scheme, objective: Objective, code: Encoded, limit: Limit
) -> tuple[Encoded, Fraction]:
    """A good schedule of a large space, and a lower bound of all."""
    sweep = Sweep(shared, scheme, limit, [spot_of(shared, path_of(code))])
    if objective is Objective.ENERGY:
        sweep.run(most=1, aim=objective)
        lines = [Fraction(line.least, line.fj) for line in sweep.lines if line.ps == 0]
        lower = max(lines, default=Fraction(0))
    else:
        sweep.run(aim=objective)
        lower = least_product(sweep.lines)
    best = min(sweep.spots, key=lambda spot: _value(objective, spot))
    return join(best.path), lower
