"""What the exact search returns for a scheme: its optimum, or the best so far with a bound."""

from __future__ import annotations

from dataclasses import replace

from mcmscope.cost.code import Encoded
from mcmscope.cost.evaluate import bound_s
from mcmscope.schedule import Objective, Scheme
from mcmscope.search.context import Found, Piece, SearchContext, join
from mcmscope.search.descend import objective_value
from mcmscope.search.exact.family import family
from mcmscope.search.exact.pipelines import best_pipelines
from mcmscope.search.limit import Limit

EXACT = "exact"
"""Where a schedule came from that no other search had found."""

POOLS = {
    Scheme.SEGMENTED_PIPELINE: (Scheme.SEGMENTED_PIPELINE,),
    Scheme.SEQUENTIAL_FUSED: (Scheme.SEQUENTIAL_FUSED,),
    Scheme.MERGED_PIPELINE: (Scheme.SEQUENTIAL_FUSED, Scheme.SEGMENTED_PIPELINE, Scheme.MERGED_PIPELINE),
}
"""Whose priced segments a scheme may use."""


def prove(shared: SearchContext, scheme: Scheme, objective: Objective, start: Found, limit: Limit) -> Found:
    """The best schedule of ``scheme``; ``start`` is a good one to begin with, or says that there is none.

    Nothing is proven with prefetch, where tables had no room for all options, and for the latency of
    micro-batches fixed above 1: then ``start`` comes back.
    """
    alone = objective is Objective.LATENCY
    if start.code is None or start.certificate.status == "optimal":
        return start
    if shared.model.package.prefetch or (alone and shared.fixed not in (None, 1)):
        return start
    context = shared.alone if alone else shared
    if context.tables.overflow:
        return start
    best = objective_value(shared.model, start.code, shared.batch, objective)
    assert best is not None
    begun, code, origin = context.states, start.code, start.certificate.start
    lower = best
    for replicas in _replicas(context, scheme):
        rules = family(scheme, context.layers, resident=alone, replicas=replicas)
        path, least = best_pipelines(context, rules, _pool(context, scheme), best, limit)
        lower = min(lower, least)
        if path is not None:
            code, origin = join(path, replicas), EXACT
            best = _checked(shared, scheme, objective, code, sum(piece.time_ps for _, piece in path))
        if limit.interrupted:
            lower = lower if scheme is not Scheme.DATA_PARALLEL else 0  # others were not looked at
            break
    lower = min(best, max(lower, _roofline(context)))
    status, gap = ("optimal", 0.0) if lower == best else ("bounded", 1 - lower / best)
    states = start.certificate.states + context.states - begun
    certificate = replace(start.certificate, status=status, gap=gap, states=states, start=origin)
    return Found(code, None, certificate)


def _replicas(context: SearchContext, scheme: Scheme) -> list[int]:
    """How many replicas the scheme may have."""
    if scheme is not Scheme.DATA_PARALLEL:
        return [1]
    most = min(context.model.machine.chiplets, context.batch)
    return [1 << e for e in range(most.bit_length())]


def _pool(context: SearchContext, scheme: Scheme) -> dict[tuple[int, int], Piece]:
    """Segments of the scheme that other searches have priced."""
    pools = [context.pools.get(other, {}) for other in POOLS.get(scheme, ())]
    known: dict[tuple[int, int], Piece] = {}
    for pool in pools:
        for edge, piece in pool.items():
            if edge not in known or piece.time_ps < known[edge].time_ps:
                known[edge] = piece
    return known


def _checked(shared: SearchContext, scheme: Scheme, objective: Objective, code: Encoded, told: int) -> int:
    """What the evaluator says of a schedule (ps): the search must have said the same."""
    value = objective_value(shared.model, code, shared.batch, objective)
    if value != told:
        raise AssertionError(f"{scheme}: the evaluator says {value} ps, the exact search {told} ps")
    return told


def _roofline(context: SearchContext) -> int:
    """What no schedule of the batch beats (ps), rounded down so far that it is safe."""
    return int(bound_s(context.model, 1 / context.batch) * context.batch * 1e12 * (1 - 1e-9))
