"""What a segment's time goes to, as causes that can be named and summed."""

from __future__ import annotations

from mcmscope.cost.breakdown import SegmentEvaluation, StageEvaluation
from mcmscope.cost.evaluate import Evaluation

LOAD = "load"
CUT = "cut"
DRAM = "DRAM"
SPILL = "spill"

CAUSES = {
    "compute": "compute",
    "vector": "vector work",
    "memory": "buffer reads",
    "NoP": "exchanges over the NoP",
    "start": "layer start-up",
    CUT: "the links between regions",
    DRAM: "DRAM traffic of activations",
    SPILL: "spilled activations",
    LOAD: "weight loads",
}
"""Cause of a beat, or of a segment's load, in words."""

PLURAL = frozenset({"memory", "NoP", CUT, SPILL, LOAD})
"""Causes whose words are plural."""


def slowest(segment: SegmentEvaluation) -> int:
    """Index of the segment's slowest stage."""
    times = [stage.time_s for stage in segment.stages]
    return times.index(max(times))


def stage_cause(stage: StageEvaluation) -> tuple[str, float]:
    """What most of a stage's time goes to, and its share of that time."""
    shares: dict[str, float] = {}
    for layer in stage.details:
        shares[layer.binds] = shares.get(layer.binds, 0.0) + layer.time_s
    total = sum(shares.values())
    cause = max(shares, key=lambda name: shares[name])
    return cause, shares[cause] / total if total else 1.0


def beat_cause(segment: SegmentEvaluation) -> str:
    """What sets the segment's beat: its slowest stage's cause, or a floor under it."""
    floor = segment.io_s + segment.spill_s
    if segment.slowest_stage_s >= max(segment.cut_s, floor):
        return stage_cause(segment.stages[slowest(segment)])[0]
    if segment.cut_s >= floor:
        return CUT
    return SPILL if segment.spill_s > segment.io_s else DRAM


def exposed_loads_s(evaluation: Evaluation) -> float:
    """Time of the batch in which weights are loaded and nothing runs."""
    return max(0.0, evaluation.batch_latency_s - sum(segment.run_s for segment in evaluation.segments))


def time_by_cause(evaluation: Evaluation) -> dict[str, float]:
    """Shares of the batch's time, largest first: each segment's run under what sets its beat, and loads."""
    shares = {LOAD: exposed_loads_s(evaluation)}
    for segment in evaluation.segments:
        cause = beat_cause(segment)
        shares[cause] = shares.get(cause, 0.0) + segment.run_s
    total = sum(shares.values())
    order = sorted(shares, key=lambda name: -shares[name])
    return {name: shares[name] / total for name in order if shares[name] > 0}
