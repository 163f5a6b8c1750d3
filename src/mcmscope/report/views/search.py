"""What searches can say: the rank curve of ``quality.json`` and the front of ``pareto.json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mcmscope.schedule import Objective


@dataclass(frozen=True, slots=True)
class RankMark:
    """A search on the rank curve; ``top_share``, ``share`` and ``value`` are None if it found nothing.

    ``share``: of the schedules counted, those that are as good or better; ``top_share``: of all there are, as
    far as is known.
    """

    search: str
    value: float | None
    top_share: float | None
    share: float | None
    over_optimum: float | None
    status: str


@dataclass(frozen=True, slots=True)
class RankCurve:
    """(share of the schedules that are as good, figure), the best first.

    The figure is in ``unit``: samples/s, ms, mJ or mJ ms. ``exhaustive``: of all schedules, else of
    ``counted`` random ones. ``higher_is_better`` only for throughput. ``optimum``: the best figure there is,
    if known.
    """

    scheme: str
    objective: str
    unit: str
    higher_is_better: bool
    exhaustive: bool
    schedules: int
    counted: int
    feasible: int
    optimum: float | None
    points: tuple[tuple[float, float], ...]
    marks: tuple[RankMark, ...]


@dataclass(frozen=True, slots=True)
class FrontPoint:
    """A schedule that no other beats in throughput and energy at once, as far as ``proof`` says."""

    throughput_per_s: float
    energy_j_per_sample: float
    segments: int
    stages: int
    proof: str


@dataclass(frozen=True, slots=True)
class Front:
    """The front of one scheme, fastest first; ``exact``: it is whole."""

    scheme: str
    exact: bool
    gap: float | None
    reason: str | None
    points: tuple[FrontPoint, ...]


_UNITS = {
    Objective.THROUGHPUT: ("samples/s", 1e12),
    Objective.LATENCY: ("ms", 1e-9),
    Objective.ENERGY: ("mJ", 1e-12),
    Objective.EDP: ("mJ ms", 1e-24),
}


def figure_of(objective: Objective, batch: int, cost: int) -> float:
    """A cost (ps, fJ or their product) in the unit that is drawn."""
    unit = _UNITS[objective][1]
    if objective is Objective.THROUGHPUT:
        return batch * unit / cost
    return cost * unit / (batch if objective is Objective.ENERGY else 1)


def rank_curve(data: Mapping[str, Any]) -> RankCurve:
    """The curve in the content of a ``quality.json``."""
    objective, batch = Objective(data["objective"]), data["batch"]
    schedules, exhaustive = int(data["schedules"]), data["method"] == "exhaustive"
    counted = schedules if exhaustive else data["samples"]

    def value(cost: str | None) -> float | None:
        return None if cost is None else figure_of(objective, batch, int(cost))

    return RankCurve(
        scheme=data["scheme"],
        objective=objective.value,
        unit=_UNITS[objective][0],
        higher_is_better=objective is Objective.THROUGHPUT,
        exhaustive=exhaustive,
        schedules=schedules,
        counted=counted,
        feasible=int(data["feasible"]),
        optimum=value(data["optimum_cost"]),
        points=tuple(
            (point["share"], figure_of(objective, batch, int(point["cost"]))) for point in data["curve"]
        ),
        marks=tuple(
            RankMark(
                row["search"],
                value(row["cost"]),
                row["top_share"],
                None if row["better"] is None else (int(row["better"]) + int(row["equal"])) / max(1, counted),
                row["over_optimum"],
                row["certificate"]["status"],
            )
            for row in data["searches"]
        ),
    )


def front(data: Mapping[str, Any]) -> Front:
    """The front in the content of a ``pareto.json``."""
    return Front(
        scheme=data["scheme"],
        exact=data["exact"],
        gap=data["gap"],
        reason=data["reason"],
        points=tuple(
            FrontPoint(
                point["throughput_per_s"],
                point["energy_j_per_sample"],
                point["segments"],
                point["stages"],
                point["proof"],
            )
            for point in data["points"]
        ),
    )
