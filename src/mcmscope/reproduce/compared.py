"""Ratios between rows: one scheme over another, a search over another, growth."""

from __future__ import annotations

from collections.abc import Iterable
from math import exp, log

from mcmscope.reproduce import batch, effort, energy, throughput
from mcmscope.reproduce.data import Data, number
from mcmscope.reproduce.measure import MERGED, SEGMENTED
from mcmscope.schedule import Scheme


def mean(ratios: Iterable[float]) -> float | None:
    """The geometric mean; None of nothing."""
    logs = [log(ratio) for ratio in ratios]
    return exp(sum(logs) / len(logs)) if logs else None


def ratios(data: Data, other: Scheme, **where: str | int) -> list[float]:
    """Throughput of the merged pipeline over that of another scheme, where both fit."""
    found: list[float] = []
    for row in data.rows(throughput.TABLE, scheme=MERGED.value, search="linear", **where):
        base = data.row(throughput.TABLE, scheme=other.value, network=row["network"], package=row["package"])
        mine, its = number(row, "throughput_per_s"), number(base, "throughput_per_s")
        if mine is not None and its is not None:
            found.append(mine / its)
    return found


def energy_ratios(data: Data, profile: str) -> list[float]:
    """Energy of the merged over that of the segmented pipeline, for each network and package."""
    found: list[float] = []
    for row in data.rows(energy.TABLE, scheme=MERGED.value, profile=profile):
        where = {name: row[name] for name in ("network", "package", "profile")}
        mine = number(row, "mj_per_sample")
        its = number(data.row(energy.TABLE, scheme=SEGMENTED.value, **where), "mj_per_sample")
        if mine is not None and its is not None:
            found.append(mine / its)
    return found


def gaps(data: Data) -> list[float]:
    """Throughput of the proven optimum over that of ``linear``, where the optimum is proven."""
    found: list[float] = []
    for table in (throughput.TABLE, batch.TABLE):
        for row in data.rows(table, scheme=MERGED.value, search="exact", status="optimal"):
            where = {name: row[name] for name in ("network", "package", "batch")}
            other = data.row(table, scheme=MERGED.value, search="linear", **where)
            best, mine = number(row, "throughput_per_s"), number(other, "throughput_per_s")
            if best is not None and mine is not None:
                found.append(best / mine)
    return found


def power(points: list[tuple[float, float]]) -> float:
    """The power of x that y grows with: the slope of the least squares of their logarithms."""
    xs, ys = [log(x) for x, _ in points], [log(y) for _, y in points]
    middle = sum(xs) / len(xs)
    spread = sum((x - middle) ** 2 for x in xs)
    return sum((x - middle) * y for x, y in zip(xs, ys, strict=True)) / spread


def states_by(data: Data, what: str, search: str, network: str) -> list[tuple[float, float]]:
    """Priced parts against layers or chiplets."""
    rows = data.rows(effort.TABLE, network=network, search=search)
    return [(float(row[what] or 0), float(row["states"] or 0)) for row in rows]
