"""One scheme, one objective: the best schedule that the asked search finds, with what it can say of it."""

from __future__ import annotations

from dataclasses import replace

from mcmscope.cost.code import Encoded
from mcmscope.cost.evaluate import bound_s
from mcmscope.cost.model import CostModel
from mcmscope.result import Certificate
from mcmscope.schedule import Objective, Scheme
from mcmscope.search import cheapest
from mcmscope.search.context import Found, Path, Piece, SearchContext, join
from mcmscope.search.descend import descend, objective_value
from mcmscope.search.limit import Limit
from mcmscope.search.linear import linear
from mcmscope.search.segmented import full_pipeline, segmented
from mcmscope.search.sequential import Infeasible, sequential
from mcmscope.search.sequential_fused import data_parallel, fused
from mcmscope.search.space import space_size

__all__ = ["Found", "SearchContext", "search_scheme"]

PARTS: dict[Scheme, tuple[Scheme, ...]] = {
    Scheme.SEQUENTIAL: (),
    Scheme.FULL_PIPELINE: (),
    Scheme.SEQUENTIAL_FUSED: (Scheme.SEQUENTIAL,),
    Scheme.SEGMENTED_PIPELINE: (Scheme.SEQUENTIAL, Scheme.FULL_PIPELINE),
    Scheme.MERGED_PIPELINE: (Scheme.SEGMENTED_PIPELINE, Scheme.SEQUENTIAL_FUSED),
    Scheme.DATA_PARALLEL: (Scheme.SEQUENTIAL_FUSED,),
}
"""Schemes whose spaces lie inside another's: it is searched to be no worse than they are."""


def search_scheme(
    model: CostModel,
    scheme: Scheme,
    batch: int,
    objective: Objective,
    *,
    search: str = "linear",
    micro_batch: int | None = None,
    context: SearchContext | None = None,
    limit: Limit | None = None,
    samples: int = 1000,
    seed: int = 0,
) -> Found:
    """The best schedule of ``scheme`` on a batch; ``context`` shares tables between schemes of one run.

    Throughput: sequential, full- and segmented-pipeline at the proven optimum of the micro-batches tried,
    sequential-fused too or with the gap that is left, merged-pipeline by ``linear``. Latency: the same
    searches for one sample. Energy and energy-delay product: a descent from the fastest schedules, then
    weighted sums over good ways to run clusters.
    ``search`` names another way; ``limit`` stops those that take long; ``sample``
    draws ``samples`` schedules with ``seed``.
    """
    shared = context or SearchContext(model, batch, micro_batch)
    key = (search, scheme, objective)
    if key not in shared.found:
        shared.found[key] = _searched(shared, scheme, objective, search, limit or Limit(), (samples, seed))
    return shared.found[key]


def _searched(
    shared: SearchContext,
    scheme: Scheme,
    objective: Objective,
    search: str,
    limit: Limit,
    draws: tuple[int, int],
) -> Found:
    match search:
        case "linear":
            return _search(shared, scheme, objective)
        case "exact":
            start = _best_start(shared, scheme, objective)
            if objective in (Objective.ENERGY, Objective.EDP):
                from mcmscope.search.front import prove as prove_energy

                return prove_energy(shared, scheme, objective, start, limit)
            from mcmscope.search.exact import prove

            return prove(shared, scheme, objective, start, limit)
        case "exhaustive":
            from mcmscope.search.exhaustive.search import exhaustive

            return exhaustive(shared, scheme, objective)
        case "sample":
            from mcmscope.search.sample import best_of_sample

            return best_of_sample(shared, scheme, objective, *draws)
        case _:
            raise ValueError(f"unknown search {search!r}")


def _best_start(shared: SearchContext, scheme: Scheme, objective: Objective) -> Found:
    """What ``linear`` finds, or what an exact search found before for a part of the scheme's space."""
    model, batch = shared.model, shared.batch
    start = search_scheme(model, scheme, batch, objective, context=shared)
    if start.code is None:
        return start
    best = objective_value(model, start.code, batch, objective)
    for part in PARTS[scheme]:
        other = shared.found.get(("exact", part, objective))
        if other is None or other.code is None:
            continue
        value = objective_value(model, other.code, batch, objective)
        if best is None or (value is not None and value < best):
            best = value
            start = replace(start, code=other.code, certificate=replace(start.certificate, start=part.value))
    return start


def _search(shared: SearchContext, scheme: Scheme, objective: Objective) -> Found:
    model, batch = shared.model, shared.batch
    local = shared.alone if objective is Objective.LATENCY else shared
    begun = local.states
    try:
        code, lower, start = _fastest(local, scheme)
    except Infeasible as reason:
        return Found(None, str(reason), _certificate(shared, scheme, "infeasible", None, 0, None))
    if objective is Objective.LATENCY and shared.fixed is not None:
        code.segments[:, 1] = shared.fixed
    states = local.states - begun
    best = objective_value(model, code, batch, objective)
    for part in PARTS[scheme]:
        other = search_scheme(model, part, batch, objective, context=shared).code
        value = objective_value(model, other, batch, objective) if other is not None else None
        if other is not None and value is not None and (best is None or value < best):
            code, best, start = other, value, part.value
    if best is None:
        reason = "its weights do not fit at the micro-batch that was asked for"
        return Found(None, reason, _certificate(shared, scheme, "infeasible", None, states, None))
    if objective in (Objective.ENERGY, Objective.EDP):
        pool = _pool(shared, scheme)
        for other in cheapest.candidates(shared, pool, objective) if pool else []:
            for trial in (other, cheapest.largest_micro_batch(shared, other)):
                value = objective_value(model, trial, batch, objective)
                if value is not None and value < best:
                    code, best, start = trial, value, "energy of segments"
        if scheme is not Scheme.DATA_PARALLEL and not model.package.prefetch:
            from mcmscope.search.front import thrifty

            found = thrifty(shared, scheme, objective, code)
            code, start = (found, "energy of clusters") if found is not None else (code, start)
        code, priced = descend(model, code, batch, objective, shared.micro)
        states += priced
    status, gap = "heuristic", None
    if objective is Objective.THROUGHPUT:
        exact = not (shared.tables.overflow or model.package.prefetch)
        if exact and lower is not None:
            if lower > best:
                raise AssertionError(f"{scheme}: the evaluator says {best} ps, below the bound {lower} ps")
            status, gap = ("optimal", 0.0) if lower == best else ("bounded", 1 - lower / best)
        else:
            gap = max(0.0, 1 - bound_s(model, 1 / batch) * batch * 1e12 / best)
    return Found(code, None, _certificate(shared, scheme, status, gap, states, start))


def _fastest(context: SearchContext, scheme: Scheme) -> tuple[Encoded, int | None, str | None]:
    """The schedule of the least batch time, a lower bound of it (ps) if there is one, and where it began."""
    match scheme:
        case Scheme.SEQUENTIAL:
            path = sequential(context)
        case Scheme.FULL_PIPELINE:
            path = full_pipeline(context)
        case Scheme.SEGMENTED_PIPELINE:
            path = _segmented(context)
        case Scheme.SEQUENTIAL_FUSED:
            path, lower = _fused(context)
            return join(path), lower, None
        case Scheme.MERGED_PIPELINE:
            pipelines = _segmented(context)
            clusters, _ = _fused(context)
            path, start = linear(
                context,
                [(Scheme.SEGMENTED_PIPELINE.value, pipelines), (Scheme.SEQUENTIAL_FUSED.value, clusters)],
            )
            return join(path), None, start
        case Scheme.DATA_PARALLEL:
            return data_parallel(context), None, None
    return join(path), sum(piece.time_ps for _, piece in path), None


def _pool(context: SearchContext, scheme: Scheme) -> dict[tuple[int, int], Piece]:
    """Segments of a scheme that its search priced; none where it has one cut or several replicas."""
    match scheme:
        case Scheme.SEGMENTED_PIPELINE:
            return context.pools[Scheme.SEGMENTED_PIPELINE]
        case Scheme.SEQUENTIAL_FUSED:
            return context.pools[Scheme.SEQUENTIAL_FUSED]
        case Scheme.MERGED_PIPELINE:
            return {edge: piece for scheme in MERGED_POOLS for edge, piece in context.pools[scheme].items()}
        case _:
            return {}


MERGED_POOLS = (Scheme.SEQUENTIAL_FUSED, Scheme.SEGMENTED_PIPELINE, Scheme.MERGED_PIPELINE)


def _segmented(context: SearchContext) -> Path:
    """The segmented optimum, searched once: the merged search starts from it."""
    if context.segmented is None:
        context.segmented = segmented(context)
    return context.segmented


def _fused(context: SearchContext) -> tuple[Path, int]:
    """The fused optimum and its lower bound, searched once: the merged search starts from it."""
    if context.fused is None:
        context.fused = fused(context)
    return context.fused


def _certificate(
    context: SearchContext, scheme: Scheme, status: str, gap: float | None, states: int, start: str | None
) -> Certificate:
    return Certificate(status, gap, scheme_space(context, scheme), states, start)


def scheme_space(context: SearchContext, scheme: Scheme) -> int:
    """Schedules in the space of a scheme, exactly; see ``space.space_size``."""
    L, N, U = context.layers, context.model.machine.chiplets, len(context.micro)
    match scheme:
        case Scheme.SEQUENTIAL:
            return space_size(L, N, U, merged=False, one_cluster=True)
        case Scheme.FULL_PIPELINE:
            return space_size(L, N, U, segmented=False, merged=False)
        case Scheme.SEGMENTED_PIPELINE:
            return space_size(L, N, U, merged=False)
        case Scheme.SEQUENTIAL_FUSED:
            return space_size(L, N, U, one_cluster=True)
        case Scheme.MERGED_PIPELINE:
            return space_size(L, N, U)
        case Scheme.DATA_PARALLEL:
            return sum(
                space_size(L, N // (1 << e), U, one_cluster=True)
                for e in range(min(N, context.batch).bit_length())
            )
