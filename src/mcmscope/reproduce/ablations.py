"""Ablations: what each freedom of a merged pipeline brings, by searching without it."""

from __future__ import annotations

from dataclasses import replace
from time import perf_counter

from mcmscope.cost.arrays import ISP, SHARDED, WSP
from mcmscope.cost.code import Encoded, decode
from mcmscope.cost.evaluate import evaluate
from mcmscope.cost.model import price_code
from mcmscope.cost.reports import LOAD_PS, RUN_PS
from mcmscope.reproduce.case import Case, Outcome, Row
from mcmscope.reproduce.measure import (
    FUSED,
    MERGED,
    SEGMENTED,
    case_columns,
    context_of,
    evaluation_columns,
)
from mcmscope.reproduce.sets import about_s, simba
from mcmscope.schedule import Objective, Scheme
from mcmscope.search.context import Path, Piece, SearchContext, join
from mcmscope.search.descend import objective_value
from mcmscope.search.exact.family import Family
from mcmscope.search.exact.pipelines import best_pipelines
from mcmscope.search.limit import Limit
from mcmscope.search.run import search_scheme
from mcmscope.search.stages import Stages

TABLE = "ablations"
ALL, CLUSTERS, PIPELINING, ONE_SEGMENT = "nothing off", "clusters off", "pipelining off", "one segment only"
ONLY_WSP, ONLY_ISP, NO_SHARDED = "WSP only", "ISP only", "sharded weights off"
ONE_SAMPLE, EVEN = "micro-batch off", "region balancing off"
WITHOUT: dict[str, tuple[int, ...]] = {
    ALL: (),
    ONLY_WSP: (SHARDED, ISP),
    ONLY_ISP: (WSP, SHARDED),
    NO_SHARDED: (SHARDED,),
}
"""Partitions that are barred."""
BASELINES = {CLUSTERS: SEGMENTED, PIPELINING: FUSED}
VARIANTS = (ALL, CLUSTERS, PIPELINING, ONE_SEGMENT, ONLY_WSP, ONLY_ISP, NO_SHARDED, ONE_SAMPLE, EVEN)
_PAIRS = (
    ("vgg16", 64),
    ("darknet19", 64),
    ("resnet18", 64),
    ("resnet50", 64),
    ("resnet152", 64),
    ("mobilenet_v2", 64),
    ("vit_b_16", 64),
    ("vgg16", 256),
    ("darknet19", 256),
    ("resnet18", 256),
)
_QUICK = (("resnet18", 64),)
_SLOWER = 64
"""How many times the optimum's time a segment with all layers may take to count as one that fits."""


def cases(quick: bool) -> list[Case]:
    """A network on a package without one freedom: the variant."""
    return [
        Case(TABLE, network, simba(size), variant=variant, about_s=about_s(network, simba(size), 4))
        for network, size in (_QUICK if quick else _PAIRS)
        for variant in VARIANTS
    ]


def measure(case: Case) -> Outcome:
    """One row: the proven optimum of what is left, or (``EVEN``) the best that was found."""
    context = context_of(case, 1 if case.variant == ONE_SAMPLE else None)
    model = context.model
    begun = perf_counter()
    code, status = _best(case.variant, context)
    seconds = perf_counter() - begun
    schedule = decode(code, model.package) if code is not None else None
    evaluation = None
    if schedule is not None:
        evaluation = evaluate(schedule, model.network, model.package, case.batch)
        assert evaluation.feasible, f"{case.told}: {evaluation.reason}"
    row: Row = case_columns(case, context) | {"variant": case.variant, "status": status}
    return Outcome({TABLE: [row | evaluation_columns(evaluation, schedule)]}, {"all": seconds})


def _best(variant: str, context: SearchContext) -> tuple[Encoded | None, str]:
    """The best schedule without a freedom, and what is claimed of it; None if none fits."""
    if variant == ONE_SEGMENT:
        return one_segment(context)
    if variant == EVEN:
        return even_regions(context)
    without = WITHOUT.get(variant, ())
    return proven(barred(context, without) if without else context, BASELINES.get(variant, MERGED), without)


def proven(
    context: SearchContext, scheme: Scheme = MERGED, without: tuple[int, ...] = ()
) -> tuple[Encoded | None, str]:
    """The optimum of a scheme; None if it takes partitions that it must not, for want of others that fit."""
    found = search_scheme(
        context.model, scheme, context.batch, Objective.THROUGHPUT, search="exact", context=context
    )
    if found.code is None or set(found.code.partitions.tolist()) & set(without):
        return None, "infeasible"
    return found.code, found.certificate.status


def barred(context: SearchContext, partitions: tuple[int, ...]) -> SearchContext:
    """The context of a machine that lacks these partitions."""
    machine = context.model.machine._replace(barred=sum(1 << partition for partition in partitions))
    return SearchContext(replace(context.model, machine=machine), context.batch, context.fixed)


def one_segment(context: SearchContext) -> tuple[Encoded | None, str]:
    """The best merged pipeline of all layers in one segment."""
    code, _ = proven(context)
    if code is None:
        return None, "infeasible"
    batch_ps = objective_value(context.model, code, context.batch, Objective.THROUGHPUT)
    assert batch_ps is not None
    whole = Family(context.layers, context.layers, whole=True)
    path, _ = best_pipelines(context, whole, {}, _SLOWER * batch_ps, Limit())
    return (join(path), "optimal") if path is not None else (None, "infeasible")


def even_regions(context: SearchContext) -> tuple[Encoded | None, str]:
    """The segments that searches priced, their regions made even: a shortest path over what is left of them.

    Each cluster runs as is best on its even region. Segments of one cluster stay as they are.
    """
    code, _ = proven(context)
    if code is None:
        return None, "infeasible"
    stages = Stages(context)
    priced = [*context.pools[MERGED].items(), *pieces_of(context, code)]
    best: dict[int, tuple[int, Path]] = {0: (0, [])}
    by_end: dict[int, list[tuple[int, Piece]]] = {}
    for (a, b), piece in priced:
        even = piece if len(piece.clusters) == 1 else _even(stages, a, piece)
        if even is not None:
            by_end.setdefault(b, []).append((a, even))
    for b in range(1, context.layers + 1):
        reached = [(best[a][0] + piece.time_ps, a, piece) for a, piece in by_end.get(b, []) if a in best]
        if reached:
            total, a, piece = min(reached, key=lambda one: one[:2])
            best[b] = (total, [*best[a][1], (b, piece)])
    if context.layers not in best:
        return None, "infeasible"
    return join(best[context.layers][1]), "heuristic"


def _even(stages: Stages, a: int, piece: Piece) -> Piece | None:
    """The segment from layer a on with its chiplets shared out evenly; None if that does not fit."""
    count, N = len(piece.clusters), stages.context.model.machine.chiplets
    sizes = [N // count + (cluster < N % count) for cluster in range(count)]
    index = stages.context.micro.index(piece.micro_batch)
    return stages.segment(index, a, [cluster[0] for cluster in piece.clusters], sizes)


def pieces_of(context: SearchContext, code: Encoded) -> list[tuple[tuple[int, int], Piece]]:
    """The segments of a schedule, each with its time."""
    run = price_code(context.model, code, context.batch, layers=False)
    times: list[int] = (run.segments[:, LOAD_PS] + run.segments[:, RUN_PS]).tolist()
    clusters = [(end, n, *tiles) for end, n, *tiles in code.clusters.tolist()]
    found: list[tuple[tuple[int, int], Piece]] = []
    a = 0
    for (b, micro_batch), time_ps in zip(code.segments.tolist(), times, strict=True):
        own = tuple((end, n, s, r, c) for end, n, s, r, c in clusters if a < end <= b)
        found.append(((a, b), Piece(time_ps, micro_batch, own, tuple(code.partitions[a:b].tolist()))))
        a = b
    return found
