"""Descent: small changes to a schedule, each priced whole, kept while they make the objective better."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mcmscope.cost.code import Encoded
from mcmscope.cost.evaluate import evaluate_code
from mcmscope.cost.model import CostModel, price_code
from mcmscope.cost.reports import CLUSTER_END, MICRO_BATCH, OK, REGION, SEGMENT_END
from mcmscope.schedule import Objective
from mcmscope.search.space import tile_grids

MOST_PRICED = 4000
"""Schedules priced in one descent."""


def objective_value(model: CostModel, code: Encoded, batch: int, objective: Objective) -> int | None:
    """What a search makes least (ps, fJ, or fJ ps), exactly; None if the schedule does not fit.

    The energy-delay product is energy times time of the batch.
    """
    if objective is Objective.LATENCY:
        priced = evaluate_code(model, code, batch)
        return priced.latency_ps if priced.feasible else None
    run = price_code(model, code, batch)
    if run.status != OK:
        return None
    if objective is Objective.THROUGHPUT:
        return run.total_ps
    energy = sum(run.energy.ravel().tolist()) + model.terms.static_mw * run.total_ps
    return energy if objective is Objective.ENERGY else energy * run.total_ps


@dataclass
class _Descent:
    model: CostModel
    batch: int
    objective: Objective
    code: Encoded
    best: int
    priced: int = 0

    def try_code(self, code: Encoded) -> bool:
        """Keep ``code`` if it is better."""
        self.priced += 1
        value = objective_value(self.model, code, self.batch, self.objective)
        if value is None or value >= self.best:
            return False
        self.code, self.best = code, value
        return True

    def clusters(self, c: int, **columns: int | tuple[int, int, int]) -> Encoded:
        """The code with another region size or tile grid of cluster c."""
        clusters = self.code.clusters.copy()
        if "n" in columns:
            clusters[c, REGION] = columns["n"]
        if "tiles" in columns:
            clusters[c, REGION + 1 :] = columns["tiles"]
        return replace(self.code, clusters=clusters)


def descend(
    model: CostModel, code: Encoded, batch: int, objective: Objective, micro: tuple[int, ...]
) -> tuple[Encoded, int]:
    """Change micro-batches, region sizes, tile grids and partitions while the objective gets better.

    Segments and clusters stay as they are, so a schedule stays in its scheme. Returns the schedule and how
    many were priced.
    """
    start = objective_value(model, code, batch, objective)
    if start is None:
        return code, 1
    work = _Descent(model, batch, objective, code, start)
    limit = model.machine.chiplets // code.replicas
    better = True
    while better and work.priced < MOST_PRICED:
        better = False
        first = c = 0
        ends: list[int] = code.segments[:, SEGMENT_END].tolist()
        for s, end in enumerate(ends):
            for u in micro:
                if u != work.code.segments[s, MICRO_BATCH]:
                    segments = work.code.segments.copy()
                    segments[s, MICRO_BATCH] = u
                    better |= work.try_code(with_usual_tiles(replace(work.code, segments=segments), s, c))
            begin = c
            while first < end and work.priced < MOST_PRICED:
                better |= _change_cluster(work, s, begin, c, first, limit)
                first = int(code.clusters[c, CLUSTER_END])
                c += 1
            first, c = end, int(np.searchsorted(code.clusters[:, CLUSTER_END], end)) + 1
    return work.code, work.priced


def with_usual_tiles(code: Encoded, s: int, begin: int) -> Encoded:
    """The code with tile grids of segment s that its micro-batch knows: no more sample tiles than before."""
    clusters = code.clusters.copy()
    u, end = int(code.segments[s, MICRO_BATCH]), int(code.segments[s, SEGMENT_END])
    c = begin
    while c < len(clusters):
        grids = tile_grids(int(clusters[c, REGION]), u)
        tiles = tuple(clusters[c, REGION + 1 :].tolist())
        if tiles not in grids:
            samples = max(grid[0] for grid in grids if grid[0] <= tiles[0])
            clusters[c, REGION + 1 :] = next(grid for grid in grids if grid[0] == samples)
        if clusters[c, CLUSTER_END] == end:
            break
        c += 1
    return replace(code, clusters=clusters)


def _change_cluster(work: _Descent, s: int, begin: int, c: int, first: int, limit: int) -> bool:
    """Try other sizes, tile grids and partitions of cluster c of segment s."""
    better = False
    end = int(work.code.segments[s, SEGMENT_END])
    last = int(np.searchsorted(work.code.clusters[:, CLUSTER_END], end))
    u = int(work.code.segments[s, MICRO_BATCH])
    n = int(work.code.clusters[c, REGION])
    room = limit - int(work.code.clusters[begin : last + 1, REGION].sum()) + n
    for size in sorted({n // 2, n - 1, n + 1, 2 * n, room} - {0, n}):
        if size <= room:
            for tiles in tile_grids(size, u):
                better |= work.try_code(work.clusters(c, n=size, tiles=tiles))
    n = int(work.code.clusters[c, REGION])
    for tiles in tile_grids(n, u):
        better |= work.try_code(work.clusters(c, tiles=tiles))
    for l in range(first, int(work.code.clusters[c, CLUSTER_END])):
        for partition in range(3):
            if partition != work.code.partitions[l]:
                partitions = work.code.partitions.copy()
                partitions[l] = partition
                better |= work.try_code(replace(work.code, partitions=partitions))
    return better
