"""The answer in one sentence, and a scheme's figures in a row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from mcmscope.cost.causes import CAUSES, PLURAL, time_by_cause
from mcmscope.report.sentences import priced_for
from mcmscope.report.words import duration, listed, percent, ratio, significant
from mcmscope.result import Result, SchemeResult, cost_of
from mcmscope.schedule import Objective, Scheme


@dataclass(frozen=True, slots=True)
class SummaryRow:
    """A scheme as in ``result.json``; figures are None if it does not fit. ``of_bound``: 0 to 1."""

    scheme: str
    best: bool
    reason: str | None
    throughput_per_s: float | None
    steady_throughput_per_s: float | None
    speedup_over_segmented: float | None
    latency_s: float | None
    batch_latency_s: float | None
    energy_j_per_sample: float | None
    utilization: float | None
    of_bound: float | None
    segments: int
    stages: int
    causes: tuple[tuple[str, float], ...]
    status: str
    gap: float | None
    space_size: int
    search: str
    search_s: float


def summary_rows(result: Result) -> tuple[SummaryRow, ...]:
    """All schemes in the order of the result; ``causes`` has (what binds in words, share of the time)."""
    best = result.best
    return tuple(_row(row, row is best) for row in result.schemes)


def _row(row: SchemeResult, best: bool) -> SummaryRow:
    found, certificate = row.evaluation, row.certificate
    causes = time_by_cause(found) if found else {}
    return SummaryRow(
        scheme=row.scheme.value,
        best=best,
        reason=row.reason,
        throughput_per_s=row.throughput_per_s,
        steady_throughput_per_s=row.steady_throughput_per_s,
        speedup_over_segmented=row.speedup_over_segmented,
        latency_s=row.latency_s,
        batch_latency_s=row.batch_latency_s,
        energy_j_per_sample=row.energy_j_per_sample,
        utilization=row.utilization,
        of_bound=found.throughput_per_s / found.bound_throughput_per_s if found else None,
        segments=len(found.segments) if found else 0,
        stages=sum(len(segment.stages) for segment in found.segments) if found else 0,
        causes=tuple((CAUSES[name], share) for name, share in causes.items()),
        status=certificate.status,
        gap=certificate.gap,
        space_size=certificate.space_size,
        search=row.search,
        search_s=row.search_s,
    )


def answer(result: Result) -> str:
    """What the run was for, in one sentence."""
    best = result.best
    network, package = result.network.name, result.package.name
    if best is None or best.evaluation is None:
        return f"No scheme fits {network} on {package}."
    found = best.evaluation
    match result.objective:
        case Objective.THROUGHPUT:
            figure = f"at {significant(found.throughput_per_s)} samples/s"
        case Objective.LATENCY:
            figure = f"in {duration(found.latency_s)} per sample"
        case Objective.ENERGY:
            figure = f"for {significant(1000 * found.energy_j_per_sample)} mJ per sample"
        case Objective.EDP:
            figure = (
                f"for {significant(1000 * found.energy_j_per_sample)} mJ per sample at "
                f"{significant(found.throughput_per_s)} samples/s"
            )
    cause, share = next(iter(time_by_cause(priced_for(result, best, found)).items()))
    verb = "bind" if cause in PLURAL else "binds"
    return (
        f"{best.scheme.value} runs {network} on {package} {figure}{_against(result, best)}; "
        f"{CAUSES[cause]} {verb} {percent(share)} of the time."
    )


def answers(results: Sequence[Result]) -> str:
    """The answer of one result; of several, how often each scheme is best, the most frequent first."""
    if len(results) == 1:
        return answer(results[0])
    best = Counter(result.best.scheme.value if result.best else "no scheme" for result in results)
    told = [f"{name} is best in {times}" for name, times in best.most_common() if name != "no scheme"]
    told += [f"no scheme fits in {best['no scheme']}"] if best["no scheme"] else []
    return f"{len(results)} results: {listed(told)}."


def _against(result: Result, best: SchemeResult) -> str:
    """The best scheme against the best segmented pipeline, as the headline has it."""
    base = next((row for row in result.schemes if row.scheme is Scheme.SEGMENTED_PIPELINE), None)
    if base is None or base.evaluation is None or best.evaluation is None or base is best:
        return ""
    if result.objective is Objective.THROUGHPUT and best.speedup_over_segmented is not None:
        return f", {ratio(best.speedup_over_segmented)} the best segmented pipeline"
    share = cost_of(best.evaluation, result.objective) / cost_of(base.evaluation, result.objective)
    aim = {
        Objective.LATENCY: "latency",
        Objective.ENERGY: "energy",
        Objective.EDP: "energy-delay product",
    }[result.objective]
    return f", {ratio(share)} the {aim} of the best segmented pipeline"
