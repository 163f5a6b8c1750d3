"""A schedule of little energy, or of a small product of energy and time, soon: good ways, put together."""

from __future__ import annotations

from fractions import Fraction

from mcmscope.cost.code import Encoded
from mcmscope.schedule import Objective, Scheme
from mcmscope.search.context import SearchContext, join
from mcmscope.search.front.boxes import Weights
from mcmscope.search.front.spots import ROOM, Spot, path_of, scaled, spot_of
from mcmscope.search.front.weigh import Weigher
from mcmscope.search.limit import Limit

WORK = 2000
"""Sums over the clusters of a segment for one weighted sum."""
NEARLY = Fraction(1, 500)
"""How near the least a sum is to be."""
ROUNDS = 4
"""Weighted sums made least for a product: the next as time and energy weigh where the last one led."""


def thrifty(context: SearchContext, scheme: Scheme, objective: Objective, code: Encoded) -> Encoded | None:
    """A schedule of less energy (or of a smaller product) than ``code``, one without replicas; None: none
    found."""
    static, product = context.model.terms.static_mw, objective is Objective.EDP
    best, better = spot_of(context, path_of(code)), False
    if best.energy_fj > ROOM:
        return None
    weigher = Weigher(context, scheme, Limit(), quick=True)

    def value(spot: Spot) -> int:
        return spot.energy_fj * (spot.time_ps if product else 1)

    for _ in range(ROUNDS if product else 1):
        if best.energy_fj == 0:
            break  # by a profile of zeros
        ps, fj = scaled(best.energy_fj, best.time_ps, best) if product else (0, 1)
        upper = ps * best.time_ps + fj * best.energy_fj
        path, _ = weigher.least(Weights(ps + fj * static, fj), upper, WORK, NEARLY)
        found = [] if path is None else [spot_of(context, path)]
        mixed = weigher.pieces.mixed(context.layers, static) if product else []
        if mixed:
            found.append(spot_of(context, min(mixed, key=value).path))
        least = min(found, key=value, default=best)
        if value(least) >= value(best):
            break
        best, better = least, True
    return join(best.path) if better else None
