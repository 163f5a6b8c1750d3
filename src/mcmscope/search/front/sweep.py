"""Weighted sums of time and energy made least, one after another: spots of a front, and lines below it."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from math import isqrt
from time import perf_counter

from mcmscope.cost.arrays import MACS
from mcmscope.cost.evaluate import bound_s
from mcmscope.schedule import Objective, Scheme
from mcmscope.search.context import SearchContext
from mcmscope.search.front.boxes import OutOfTime, Weights
from mcmscope.search.front.close import Closer
from mcmscope.search.front.cover import Line, Proof, Void, corners, cover
from mcmscope.search.front.mix import Pieces
from mcmscope.search.front.spots import Spot, hull_of, path_of, scaled, spot_of, unbeaten
from mcmscope.search.front.weigh import EXACTLY, Weigher
from mcmscope.search.limit import Limit
from mcmscope.search.run import search_scheme
from mcmscope.search.tables import NEVER

MOST_DIRECTIONS = 64
"""Weighted sums made least for a front of a large space."""
WORK = 8000
"""Sums over the clusters of a segment for one weighted sum, and again for what it leaves uncovered."""
ENOUGH = Fraction(1, 100)
"""A cover as good as this needs no more work."""
NOTHING = Fraction(10**6)
"""Stands for a cover of which nothing is known."""
BESIDE = ((2, 5), (5, 2), (1, 1))
"""How time and energy weigh, at the best product, in the first sums for a product: two that are soon done."""
ALIKE = 50
"""Weights whose ratios differ by one part in so many are one direction; near the best in the square of it."""
STAGES = (
    (Fraction(1, 100), ALIKE, Fraction(3, 1000)),
    (Fraction(1, 500), ALIKE, Fraction(1, 4000)),
    (Fraction(0), ALIKE**2, EXACTLY),
)
"""For a product, one after another: by how large a share corners of what the lines allow are to be below the
best to be cut off, how unlike directions are (see ``ALIKE``), and to what share a line is known. The last
stage proves the best. The first tolerance is also that of a front's first lines."""


def start(context: SearchContext, scheme: Scheme) -> list[Spot]:
    """The fast schedule of ``linear``, which a search for a front begins with; none if none fits."""
    code = search_scheme(context.model, scheme, context.batch, Objective.THROUGHPUT, context=context).code
    return [] if code is None else [spot_of(context, path_of(code))]


class Sweep:
    """Weighted sums made least, one after another: the spots found, and the lines below all."""

    def __init__(self, context: SearchContext, scheme: Scheme, limit: Limit, known: list[Spot]) -> None:
        self.context, self.scheme, self.limit = context, scheme, limit
        self.spots = unbeaten(known)
        model = context.model
        roof = int(bound_s(model, 1 / context.batch) * context.batch * 1e12 * (1 - 1e-9))
        # Every way takes all MACs, all weights from DRAM once, and static power for as long as the roof says.
        macs, weight_bytes = int(model.net.layer[:, MACS].sum()), int(model.net.weights[context.layers])
        spent = context.batch * macs * model.terms.mac_fj + weight_bytes * model.terms.dram_byte_fj
        spent += model.terms.static_mw * roof
        self.lines = [Line(1, 0, max(roof, 1)), Line(0, 1, spent)]
        self.tried: dict[tuple[int, int], Fraction] = {}
        self.voids: list[Void] = []
        self.pieces = Pieces()
        self.weigher: Weigher | None = None
        self.quick: Weigher | None = None

    def run(
        self,
        tell: Callable[[str], None] | None = None,
        most: int = MOST_DIRECTIONS,
        enough: Fraction = ENOUGH,
        *,
        aim: Objective | None = None,
    ) -> None:
        """Sweep until the cover is good ``enough``, ``most`` directions are done or time is up.

        ``aim``: energy alone, or the least product of energy and time, counts and not the front.
        """
        try:
            if aim is None:
                self.fastest()
            self.quick = Weigher(self.context, self.scheme, self.limit, self.pieces, quick=True)
            self.weigher = Weigher(self.context, self.scheme, self.limit, self.pieces)
            for done in range(most):
                product = aim is Objective.EDP
                direction = self._next_of_product() if product else self._next(enough, aim)
                if direction is None:
                    break
                if tell is not None:
                    tell(f"weighted sum {done + 1} of at most {most}")
                self.solve(*direction)
            if aim is None:
                self.close(enough, tell)
        except OutOfTime:
            pass
        except KeyboardInterrupt:
            self.limit.interrupted = True

    def fastest(self) -> None:
        """The exact search for throughput gives the left end of the front."""
        context = self.context
        limit = Limit(max(0.0, self.limit.end - perf_counter()) / 3)
        found = search_scheme(
            context.model,
            self.scheme,
            context.batch,
            Objective.THROUGHPUT,
            search="exact",
            context=context,
            limit=limit,
        )
        self.limit.interrupted = self.limit.interrupted or limit.interrupted
        if found.code is None or found.certificate.status == "heuristic" or found.certificate.gap is None:
            return
        spot = spot_of(context, path_of(found.code))
        self.spots = unbeaten([*self.spots, spot])
        # A gap is a rounded quotient.
        sure = found.certificate.gap == 0
        least = spot.time_ps if sure else int(spot.time_ps * (1 - found.certificate.gap) * (1 - 1e-9))
        self.lines.append(Line(1, 0, least))

    def _next(self, enough: Fraction, aim: Objective | None) -> tuple[int, int, int, Fraction] | None:
        """Energy alone first; then the direction of that edge of the convex hull that is covered worst.

        As ``_next_of_product``. Roughly, and the least energy to the last digit once that is all.
        """
        if aim is Objective.ENERGY:
            return (0, 1, NEVER, EXACTLY) if not self.tried else None
        ranked = [(NOTHING, (0, 1))]
        for gap, left, right in self._edges(enough):
            ranked.append((gap, direction_of(left, right)))
        for _, (ps, fj) in sorted(ranked, reverse=True):
            if self._is_new(ps, fj, ALIKE, STAGES[0][2]):
                return ps, fj, NEVER, STAGES[0][2]
        return (0, 1, NEVER, EXACTLY) if self._is_new(0, 1, ALIKE, EXACTLY) else None

    def _edges(self, enough: Fraction) -> list[tuple[Fraction, Spot, Spot]]:
        """Edges of the convex hull that are not covered well enough: how well, and both ends."""
        gaps = cover(self.proofs, self.spots)[1:-1]
        hull = hull_of(self.spots)
        edges = [
            (max(NOTHING if gap is None else gap for gap in gaps[x:y]), self.spots[x], self.spots[y])
            for x, y in pairwise(hull)
        ]
        return [edge for edge in edges if edge[0] > enough]

    def _is_new(self, ps: int, fj: int, alike: int, tolerance: Fraction) -> bool:
        """Whether no direction like this one was solved as well."""
        return not any(
            known <= tolerance and abs(ps * old_fj - fj * old_ps) * alike <= ps * old_fj
            for (old_ps, old_fj), known in self.tried.items()
        )

    def _next_of_product(self) -> tuple[int, int, int, Fraction] | None:
        """Weights (ps, fJ) that cut off that corner of what the lines allow whose product is least.

        There they weigh time and energy alike. The third: from which sum on schedules are of no interest,
        since the line of that sum touches the hyperbola of the best product (at the last stage nothing less
        than the least sums will do). The fourth: how well the sum must be known.
        """
        best = min(self.spots, key=lambda spot: spot.time_ps * spot.energy_fj)
        product = best.time_ps * best.energy_fj
        if product == 0:
            return None  # by a profile of zeros
        if len(self.tried) < len(BESIDE):
            more, less = BESIDE[len(self.tried)]
            ps, fj = scaled(more * best.energy_fj, less * best.time_ps, best)
            return ps, fj, isqrt(4 * ps * fj * product) + 1, STAGES[0][2]
        left = sorted((time * energy, int(time), int(energy)) for time, energy in corners(self.lines))
        for short, alike, tolerance in STAGES:
            for value, time, energy in left:
                if value >= product * (1 - short):
                    break
                ps, fj = scaled(energy, time, best) if energy > 0 else (0, 1)
                if self._is_new(ps, fj, alike, tolerance):
                    whole = ps == 0 or tolerance == EXACTLY
                    return ps, fj, NEVER if whole else isqrt(4 * ps * fj * product) + 1, tolerance
        return None

    def solve(self, ps: int, fj: int, enough: int = NEVER, tolerance: Fraction = EXACTLY) -> None:
        """Make ``ps * time + fj * energy`` least to a share of ``tolerance``, if below ``enough``; adds the
        schedule and the line."""
        assert self.weigher is not None
        assert self.quick is not None
        self.tried[ps, fj] = tolerance
        # Energy with static power is that without it and power times time.
        weights = Weights(ps + fj * self.context.model.terms.static_mw, fj)
        # A good schedule first: it spares work where segments are bounded.
        for weigher in (self.quick, self.weigher):
            upper = min(enough, *(ps * spot.time_ps + fj * spot.energy_fj + 1 for spot in self.spots))
            path, least = weigher.least(weights, upper, WORK, tolerance)
            if path is not None:
                self.spots = unbeaten([*self.spots, spot_of(self.context, path)])
            self.mix()
            if weigher is self.weigher:
                best = min(enough, *(ps * spot.time_ps + fj * spot.energy_fj for spot in self.spots))
                self.lines.append(Line(ps, fj, min(least, best)))

    @property
    def proofs(self) -> list[Proof]:
        """All that is proven."""
        return [*self.lines, *self.voids]

    def close(self, enough: Fraction, tell: Callable[[str], None] | None = None) -> None:
        """Cover what lines do not, one edge of the convex hull after another, the worst first."""
        assert self.weigher is not None
        tried: set[tuple[int, int]] = set()
        while True:
            edges = [
                (gap, left.time_ps, left, right)
                for gap, left, right in self._edges(enough)
                if (left.time_ps, right.time_ps) not in tried
            ]
            if not edges:
                return
            gap, _, left, right = max(edges)
            if tell is not None:
                times = f"{left.time_ps / 1e9:.3g} to {right.time_ps / 1e9:.3g} ms"
                tell(f"batches of {times}, covered within {float(gap):.1%}")
            ends = left.time_ps, right.time_ps
            tried.add(ends)
            self.solve(*direction_of(left, right))
            closer = Closer(self.weigher, self.lines[-1], ends, self.spots, self.proofs, enough)
            try:
                closer.run(self.mix, WORK)
            finally:
                self.voids += closer.voids

    def mix(self) -> list[Spot]:
        """All spots, with the schedules that segments met so far can be put together to, other than for
        weighted sums."""
        if self.pieces.fresh:
            context = self.context
            mixed = self.pieces.mixed(context.layers, context.model.terms.static_mw)
            known = {(spot.time_ps, spot.energy_fj) for spot in self.spots}
            better = [
                spot
                for spot in unbeaten([*self.spots, *mixed])
                if (spot.time_ps, spot.energy_fj) not in known
            ]
            self.spots = unbeaten([*self.spots, *(spot_of(context, spot.path) for spot in better)])
        return self.spots


def direction_of(left: Spot, right: Spot) -> tuple[int, int]:
    """Weights (ps, fJ) of the edge from one spot to another."""
    return scaled(left.energy_fj - right.energy_fj, right.time_ps - left.time_ps, right)
