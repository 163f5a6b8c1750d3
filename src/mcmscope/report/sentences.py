"""A result in plain sentences: what was run, which scheme is best, what binds it, what does not fit."""

from __future__ import annotations

from mcmscope.cost.causes import CAUSES, time_by_cause
from mcmscope.cost.evaluate import (
    Evaluation,
    evaluate,
)
from mcmscope.hardware.package import Package
from mcmscope.report.streaming import streaming
from mcmscope.report.words import count, data, duration, listed, percent, plural, ratio, significant
from mcmscope.result import Result, SchemeResult, cost_of
from mcmscope.schedule import Objective, Scheme
from mcmscope.workload.network import Network

_LEAST_SHARE = 0.05
_AIMS = {
    Objective.THROUGHPUT: "throughput",
    Objective.LATENCY: "latency",
    Objective.ENERGY: "energy",
    Objective.EDP: "energy-delay product",
}


def title(network: Network, package: Package, batch: int, objective: Objective) -> list[str]:
    """What the figures below are of."""
    return [
        f"{network.name} ({plural(len(network), 'layer')}, {count(network.macs, 'MACs')} and "
        f"{data(network.weight_bytes)} of weights, {network.weight_bits}-bit weights, "
        f"{network.activation_bits}-bit activations)",
        f"on {package.name} ({package.rows} x {package.columns} chiplets), batch {batch}, "
        f"objective {objective.value}",
    ]


def sentences(result: Result) -> list[str]:
    """What to read after the table, one sentence a line."""
    best = result.best
    lines: list[str] = []
    if best is None or best.evaluation is None:
        lines.append("No scheme fits.")
    else:
        priced = priced_for(result, best, best.evaluation)
        lines += [*headline(result, best), binding(best.scheme, priced)]
        lines += streaming(priced, result.network, result.package)
        lines += [distance(priced), *certainty(result)]
    if result.interrupted:
        lines.append("The run was broken off: schemes after the last one here were not searched.")
    return lines + [
        f"{row.scheme.value} does not fit: {row.reason}." for row in result.schemes if not row.feasible
    ]


def priced_for(result: Result, row: SchemeResult, evaluation: Evaluation) -> Evaluation:
    """The evaluation whose time the objective is about: that of one sample alone for latency."""
    alone = row.schedule is not None and all(segment.micro_batch == 1 for segment in row.schedule.segments)
    if result.objective is not Objective.LATENCY or not alone or row.schedule is None:
        return evaluation
    return evaluate(row.schedule, result.network, result.package, 1)


def headline(result: Result, best: SchemeResult) -> list[str]:
    """The best scheme, and the merged pipeline if that is another, against the segmented pipeline."""
    told = compared(result, best)
    lines = [f"Best {_AIMS[result.objective]}: {best.scheme.value}" + (f", {told}." if told else ".")]
    for row in result.schemes:
        if row.scheme is Scheme.MERGED_PIPELINE and row is not best:
            told = compared(result, row)
            lines += [f"{row.scheme.value}: {told}."] if told else []
    return lines


def certainty(result: Result) -> list[str]:
    """Which searches proved their schedule the best of their scheme, and how far others may be from it."""
    proven = [row.scheme.value for row in result.schemes if row.certificate.status == "optimal"]
    lines = [f"Proven the best of their schemes, among the micro-batches tried: {listed(proven)}."]
    lines = (lines if proven else []) + [
        f"{row.scheme.value} is at most {percent(row.certificate.gap)} from the best of its scheme, "
        "among the micro-batches tried."
        for row in result.schemes
        if row.certificate.status == "bounded" and row.certificate.gap is not None
    ]
    if not lines and result.objective is not Objective.THROUGHPUT:
        return ["Nothing is proven for this objective."]
    return lines or (["Nothing is proven with prefetch."] if result.package.prefetch else [])


def compared(result: Result, row: SchemeResult) -> str:
    """A scheme against the run's segmented pipeline, by the objective; empty without one."""
    base = next((row for row in result.schemes if row.scheme is Scheme.SEGMENTED_PIPELINE), None)
    if base is None or base.evaluation is None or row.evaluation is None or row is base:
        return ""
    against = f"the {_AIMS[result.objective]} of {base.scheme.value}"
    if result.objective is not Objective.THROUGHPUT:
        share = cost_of(row.evaluation, result.objective) / cost_of(base.evaluation, result.objective)
        return f"{ratio(share)} {against}"
    plain = row.evaluation.throughput_per_s / base.evaluation.throughput_per_s
    flow = row.evaluation.flow_line_throughput_per_s / base.evaluation.flow_line_throughput_per_s
    return (
        f"{ratio(min(plain, flow))} {against} "
        f"(the smaller of {ratio(plain)} in step and {ratio(flow)} as a flow line)"
    )


def binding(scheme: Scheme, evaluation: Evaluation) -> str:
    """What the batch's time goes to."""
    shares = time_by_cause(evaluation)
    told = [
        f"{CAUSES[name]} ({percent(share)} of the time)"
        for name, share in shares.items()
        if share >= _LEAST_SHARE
    ]
    segments = plural(len(evaluation.segments), "segment")
    return f"What binds {scheme.value} at batch {evaluation.batch}, in {segments}: {listed(told[:3])}."


def distance(evaluation: Evaluation) -> str:
    """How far the bound is."""
    share = evaluation.throughput_per_s / evaluation.bound_throughput_per_s
    return (
        f"No schedule beats {significant(evaluation.bound_throughput_per_s)} samples/s "
        f"at batch {evaluation.batch} (peak compute and compulsory DRAM traffic); "
        f"this one reaches {percent(share)} of that. The batch takes {duration(evaluation.batch_latency_s)}."
    )
