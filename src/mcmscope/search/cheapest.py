"""Schedules for energy and energy-delay product, put together from segments that other searches priced."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mcmscope.cost.code import Encoded
from mcmscope.cost.model import price_code
from mcmscope.cost.reports import LOAD_PS, OK, RUN_PS
from mcmscope.schedule import Objective
from mcmscope.search.context import Piece, SearchContext, join

WEIGHTS = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)
"""Weights of time against energy, both relative to the fastest schedule, whose best path is tried."""


def candidates(
    context: SearchContext, pool: dict[tuple[int, int], Piece], objective: Objective
) -> list[Encoded]:
    """Schedules of segments from ``pool`` with the least sum of energy and weighted time."""
    known = dict(pool)
    for l, piece in enumerate(context.singles()):
        if piece is not None:
            known.setdefault((l, l + 1), piece)
    if any((l, l + 1) not in known for l in range(context.layers)):
        return []
    costs = {edge: _cost(context, known, edge) for edge in known}
    whole = [costs[l, l + 1] for l in range(context.layers)]
    # At least 1: the constants of a profile may all be zero.
    energy, time = (max(1.0, sum(float(cost[i]) for cost in whole if cost)) for i in range(2))
    weights = WEIGHTS[:1] if objective is Objective.ENERGY else WEIGHTS
    found: list[Encoded] = []
    for weight in weights:
        score = {
            edge: float(cost[0]) / energy + weight * float(cost[1]) / time
            for edge, cost in costs.items()
            if cost is not None
        }
        found.append(join([(b, known[a, b]) for a, b in _least(context.layers, score)]))
    return found


def _cost(
    context: SearchContext, known: dict[tuple[int, int], Piece], edge: tuple[int, int]
) -> tuple[int, int] | None:
    """Energy (fJ, standing still included) and time (ps) of a segment; None: it does not fit."""
    a, b = edge
    before = [(l + 1, known[l, l + 1]) for l in range(a)]
    after = [(l + 1, known[l, l + 1]) for l in range(b, context.layers)]
    run = price_code(context.model, join([*before, (b, known[edge]), *after]), context.batch)
    if run.status != OK:
        return None
    time = int(run.segments[a, LOAD_PS] + run.segments[a, RUN_PS])
    spent: list[int] = run.energy[a].tolist()
    return sum(spent) + context.model.terms.static_mw * time, time


def _least(layers: int, score: dict[tuple[int, int], float]) -> list[tuple[int, int]]:
    """The segments that cover all layers with the least sum of scores."""
    best = [0.0] + [float("inf")] * layers
    before = [0] * (layers + 1)
    for a, b in sorted(score, key=lambda edge: (edge[1], edge[0])):
        if best[a] + score[a, b] < best[b]:
            best[b], before[b] = best[a] + score[a, b], a
    path: list[tuple[int, int]] = []
    end = layers
    while end > 0:
        path.append((before[end], end))
        end = before[end]
    return path[::-1]


def largest_micro_batch(context: SearchContext, code: Encoded) -> Encoded:
    """The same schedule with every segment at the largest micro-batch: fewer reads of weights per sample."""
    segments = code.segments.copy()
    segments[:, 1] = max(context.micro)
    return replace(code, segments=np.ascontiguousarray(segments))
