"""One priced schedule, figure by figure."""

from __future__ import annotations

from mcmscope.cost.evaluate import Evaluation
from mcmscope.report.sentences import binding, distance, title
from mcmscope.report.words import duration, percent, significant
from mcmscope.schedule_file import SavedSchedule

_LABEL_WIDTH = 26


def evaluation_lines(saved: SavedSchedule, evaluation: Evaluation) -> list[str]:
    """What ``mcmscope evaluate`` prints."""
    lines = [
        *title(saved.network, saved.package, saved.batch, saved.objective),
        f"as {saved.scheme.value}",
        "",
    ]
    if not evaluation.feasible:
        return [*lines, f"It does not fit: {evaluation.reason}."]
    rows = (
        ("throughput", f"{significant(evaluation.throughput_per_s)} samples/s at batch {saved.batch}"),
        ("  in steady state", f"{significant(evaluation.steady_throughput_per_s)} samples/s"),
        ("  as a flow line", f"{significant(evaluation.flow_line_throughput_per_s)} samples/s"),
        ("latency of one sample", duration(evaluation.latency_s)),
        ("  as a flow line", duration(evaluation.flow_line_latency_s)),
        ("latency of the batch", duration(evaluation.batch_latency_s)),
        ("utilization", percent(evaluation.utilization)),
        (
            "energy per sample",
            f"{significant(1000 * evaluation.energy_j_per_sample)} mJ, profile {saved.package.energy.name}",
        ),
        *(
            (f"  {name.replace('_', ' ')}", f"{significant(1000 * joules)} mJ")
            for name, joules in (evaluation.energy_breakdown_j or {}).items()
        ),
    )
    lines += [f"{label:<{_LABEL_WIDTH}}{text}" for label, text in rows]
    return [*lines, "", binding(saved.scheme, evaluation), distance(evaluation)]
