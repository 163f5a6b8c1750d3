"""What most experiments measure: schedules that searches find, and their figures as a row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import log10
from time import perf_counter

from mcmscope.cost.causes import time_by_cause
from mcmscope.cost.code import decode
from mcmscope.cost.evaluate import Evaluation, evaluate
from mcmscope.cost.model import CostModel, cost_model
from mcmscope.reproduce.case import Case, Row
from mcmscope.reproduce.inputs import network_of, package_of
from mcmscope.result import Certificate
from mcmscope.schedule import Objective, Schedule, Scheme
from mcmscope.search.context import Found, SearchContext
from mcmscope.search.run import search_scheme

FUSED, SEGMENTED, MERGED = Scheme.SEQUENTIAL_FUSED, Scheme.SEGMENTED_PIPELINE, Scheme.MERGED_PIPELINE
THREE = (FUSED, SEGMENTED, MERGED)
"""The machine that runs layers in turn, the pipeline of layers, and the merged pipeline."""


@dataclass(frozen=True, slots=True)
class Searched:
    """A scheme's schedule as a search found it; None and the reason if none fits."""

    scheme: Scheme
    search: str
    certificate: Certificate
    reason: str | None
    schedule: Schedule | None
    evaluation: Evaluation | None
    seconds: float


def context_of(case: Case, micro_batch: int | None = None) -> SearchContext:
    """What the searches of a case share."""
    return SearchContext(model_of(case), case.batch, micro_batch)


def model_of(case: Case) -> CostModel:
    """The case's network on its package."""
    return cost_model(network_of(case), package_of(case))


def searched(context: SearchContext, scheme: Scheme, search: str = "linear") -> Searched:
    """The schedule of a scheme with the most throughput, priced again by the evaluator."""
    begun = perf_counter()
    found = search_scheme(
        context.model, scheme, context.batch, Objective.THROUGHPUT, search=search, context=context
    )
    return priced(context, scheme, search, found, perf_counter() - begun)


def priced(context: SearchContext, scheme: Scheme, search: str, found: Found, seconds: float) -> Searched:
    """What a search found, priced."""
    model = context.model
    schedule = decode(found.code, model.package) if found.code is not None else None
    evaluation = None
    if schedule is not None:
        evaluation = evaluate(schedule, model.network, model.package, context.batch)
        assert evaluation.feasible, f"{scheme} by {search} on {model.package.name}: {evaluation.reason}"
    return Searched(scheme, search, found.certificate, found.reason, schedule, evaluation, seconds)


def all_schemes(context: SearchContext, schemes: Iterable[Scheme] = tuple(Scheme)) -> Iterator[Searched]:
    """Schemes by the default search."""
    return (searched(context, scheme) for scheme in schemes)


def case_columns(case: Case, context: SearchContext) -> Row:
    """What a row is about."""
    network, package = context.model.network, context.model.package
    return {
        "network": case.network,
        "layers": len(network),
        "package": case.package,
        "chiplets": package.chiplets,
        "batch": case.batch,
    }


def figures(found: Searched, base: Searched | None = None) -> Row:
    """A schedule's figures; ``speedup`` is over ``base``, the smaller of in step and as a flow line."""
    certificate, evaluation = found.certificate, found.evaluation
    row: Row = {
        "scheme": found.scheme.value,
        "search": found.search,
        "status": certificate.status,
        "gap": certificate.gap,
        "states": certificate.states,
        "space": str(certificate.space_size),
        "reason": found.reason,
    }
    return row | evaluation_columns(evaluation, found.schedule) | speedups(evaluation, base)


def evaluation_columns(evaluation: Evaluation | None, schedule: Schedule | None) -> Row:
    """Figures of a priced schedule; None if there is none."""
    if evaluation is None or schedule is None:
        return dict.fromkeys(_FIGURES)
    causes = time_by_cause(evaluation)
    first = next(iter(causes))
    values = (
        evaluation.throughput_per_s,
        evaluation.flow_line_throughput_per_s,
        evaluation.steady_throughput_per_s,
        evaluation.latency_s,
        evaluation.utilization,
        evaluation.throughput_per_s / evaluation.bound_throughput_per_s,
        1000 * evaluation.energy_j_per_sample,
        len(schedule.segments),
        len(list(schedule.clusters)),
        max(segment.micro_batch for segment in schedule.segments),
        schedule.replicas,
        first,
        causes[first],
    )
    return dict(zip(_FIGURES, values, strict=True))


_FIGURES = (
    "throughput_per_s",
    "flow_line_per_s",
    "steady_per_s",
    "latency_s",
    "utilization",
    "of_bound",
    "mj_per_sample",
    "segments",
    "clusters",
    "most_micro_batch",
    "replicas",
    "binds",
    "binds_share",
)


def speedups(evaluation: Evaluation | None, base: Searched | None) -> Row:
    """Ratios of throughput over that of ``base``: in step, as a flow line, and the smaller of both."""
    names = ("speedup", "speedup_in_step", "speedup_flow_line")
    other = base.evaluation if base is not None else None
    if evaluation is None or other is None:
        return dict.fromkeys(names)
    in_step = evaluation.throughput_per_s / other.throughput_per_s
    flow = evaluation.flow_line_throughput_per_s / other.flow_line_throughput_per_s
    return dict(zip(names, (min(in_step, flow), in_step, flow), strict=True))


def digits(space: str) -> float:
    """log10 of a count that is given in digits."""
    return log10(int(space[:15])) + max(0, len(space) - 15)
