"""Schedules as spots of time and energy: those that no other beats, and the convex hull of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mcmscope.cost.code import Encoded
from mcmscope.cost.model import price_code
from mcmscope.cost.reports import OK
from mcmscope.search.context import Path, Piece, SearchContext, join

ROOM = 2**56
"""Weighted sums of a good schedule stay below this, so that those of a poor one fit into 64 bits."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A schedule: its time (ps) and energy (fJ) of the batch, and its segments."""

    time_ps: int
    energy_fj: int
    path: Path


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


def unbeaten(spots: Sequence[Spot]) -> list[Spot]:
    """The spots that no other beats, by time."""
    best: list[Spot] = []
    for spot in sorted(spots, key=lambda spot: (spot.time_ps, spot.energy_fj)):
        if not best or spot.energy_fj < best[-1].energy_fj:
            best.append(spot)
    return best


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
