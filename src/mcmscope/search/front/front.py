"""The throughput-energy front of a scheme: exact where the space is small, else with a certified cover."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import isqrt
from time import perf_counter

from mcmscope.cost.arrays import MACS
from mcmscope.cost.code import Encoded
from mcmscope.cost.evaluate import bound_s
from mcmscope.cost.model import price_code
from mcmscope.cost.reports import OK
from mcmscope.errors import InputError
from mcmscope.schedule import Objective, Scheme
from mcmscope.search.context import Path, Piece, SearchContext, join
from mcmscope.search.front.boxes import OutOfTime, Weights
from mcmscope.search.front.close import Closer
from mcmscope.search.front.cover import Line, Proof, Spot, Void, corners, cover, excess, thinned, unbeaten
from mcmscope.search.front.mix import Pieces
from mcmscope.search.front.small import TooLarge, small_front
from mcmscope.search.front.weigh import EXACTLY, Weigher
from mcmscope.search.limit import Limit
from mcmscope.search.run import search_scheme
from mcmscope.search.tables import NEVER

EXACT, SUPPORTED, FOUND = "exact", "supported", "found"
"""What is proven of a point: it is on the front; on its lower convex hull; or only its gap."""

MOST_DIRECTIONS = 64
"""Weighted sums made least for a front of a large space."""
WORK = 8000
"""Sums over the clusters of a segment for one weighted sum."""
ENOUGH = Fraction(1, 100)
"""A cover as good as this needs no more directions."""
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
ROOM = 2**56
"""Weighted sums of a good schedule stay below this, so that those of a poor one fit into 64 bits."""


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
    tell: Callable[[int, int], None] | None = None,
) -> Front:
    """The front of ``scheme``; what is proven by the time ``limit`` is reached. ``tell(done, most)`` hears of
    steps.

    A small space is built up whole. Of a large one weighted sums of time and energy are made least, the next
    where the cover is worst; each gives a schedule and a line below all schedules.

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
    return work.front(context.states - begun)


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


def spot_of(context: SearchContext, path: Path) -> Spot:
    """What the evaluator says of a schedule."""
    run = price_code(context.model, join(path), context.batch)
    assert run.status == OK
    energy = sum(run.energy.ravel().tolist()) + context.model.terms.static_mw * run.total_ps
    return Spot(run.total_ps, energy, path)


def path_of(code: Encoded) -> Path:
    """An encoded schedule as segments."""
    path: Path = []
    c = a = 0
    clusters: list[list[int]] = code.clusters.tolist()
    partitions: list[int] = code.partitions.tolist()
    for end, u in code.segments.tolist():
        own: list[tuple[int, int, int, int, int]] = []
        while not own or own[-1][0] < end:
            j, n, samples, rows, columns = clusters[c]
            own.append((j, n, samples, rows, columns))
            c += 1
        path.append((end, Piece(0, u, tuple(own), tuple(partitions[a:end]))))
        a = end
    return path


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
        tell: Callable[[int, int], None] | None = None,
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
                    tell(done, most)
                self.solve(*direction)
            if aim is None:
                self.close(enough)
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

        As ``_next_of_product``. Roughly first, and sums that are least to the last digit once that is all.
        """
        if aim is Objective.ENERGY:
            return (0, 1, NEVER, EXACTLY) if not self.tried else None
        gaps = cover(self.lines, self.spots)[1:-1]
        ranked: list[tuple[Fraction, tuple[int, int]]] = []
        for x, y in pairwise(hull_of(self.spots)):
            left, right = self.spots[x], self.spots[y]
            direction = scaled(left.energy_fj - right.energy_fj, right.time_ps - left.time_ps, right)
            gap = max(gap if gap is not None else Fraction(10**6) for gap in gaps[x:y])
            if gap > enough:
                ranked.append((gap, direction))
        ranked.append((Fraction(10**6), (0, 1)))
        for tolerance in (STAGES[0][2], EXACTLY):
            for _, (ps, fj) in sorted(ranked, reverse=True):
                if self._is_new(ps, fj, ALIKE, tolerance):
                    return ps, fj, NEVER, tolerance
        return None

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

    def close(self, enough: Fraction) -> None:
        """Cover what lines do not, one edge of the convex hull after another, the worst first."""
        assert self.weigher is not None
        tried: set[tuple[int, int]] = set()
        while True:
            gaps = cover(self.proofs, self.spots)[1:-1]
            ranked: list[tuple[Fraction, tuple[int, int]]] = []
            for x, y in pairwise(hull_of(self.spots)):
                gap = max(gap if gap is not None else Fraction(10**6) for gap in gaps[x:y])
                if gap > enough and (self.spots[x].time_ps, self.spots[y].time_ps) not in tried:
                    ranked.append((gap, (x, y)))
            if not ranked:
                return
            x, y = max(ranked)[1]
            left, right = self.spots[x], self.spots[y]
            ps, fj = scaled(left.energy_fj - right.energy_fj, right.time_ps - left.time_ps, right)
            self.solve(ps, fj)
            ends = left.time_ps, right.time_ps
            tried.add(ends)
            closer = Closer(self.weigher, self.lines[-1], ends, self.spots, self.proofs, enough)
            try:
                closer.run(self.mix)
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

    def front(self, states: int) -> Front:
        """What is known now."""
        proofs = self.proofs
        spots = thinned(proofs, self.spots, ENOUGH / 2)
        covers = cover(proofs, spots)
        points: list[Point] = []
        for spot, behind in zip(spots, covers[1:], strict=True):
            gap = excess(proofs, spot.time_ps, spot.energy_fj)
            supported = excess(self.lines, spot.time_ps, spot.energy_fj) == 0
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
            None
            if any(gap is None for gap in covers)
            else max(float(gap) for gap in covers if gap is not None)
        )
        return Front(tuple(points), exact=False, gap=whole, reason=None, states=states)


def hull_of(spots: Sequence[Spot]) -> list[int]:
    """Which of the spots, by falling energy and rising time, are corners of their lower convex hull."""
    hull: list[int] = []
    for z, spot in enumerate(spots):
        while len(hull) > 1:
            one, two = spots[hull[-2]], spots[hull[-1]]
            rise = (two.energy_fj - one.energy_fj) * (spot.time_ps - one.time_ps)
            if rise < (spot.energy_fj - one.energy_fj) * (two.time_ps - one.time_ps):
                break
            hull.pop()
        hull.append(z)
    return hull


def scaled(ps: int, fj: int, spot: Spot) -> tuple[int, int]:
    """Weights in about this proportion, whole numbers that keep the weighted sum of ``spot`` below
    ``ROOM``."""
    total = ps * spot.time_ps + fj * spot.energy_fj
    return ps * ROOM // total, max(1, fj * ROOM // total)


__all__ = ["NEVER", "Front", "Point", "find_front"]
