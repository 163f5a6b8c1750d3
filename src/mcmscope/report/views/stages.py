"""What a stage's beat goes to: its work, and what it waits for, in parts that sum to the beat."""

from __future__ import annotations

from dataclasses import dataclass

from mcmscope.cost.breakdown import LayerEvaluation, SegmentEvaluation, StageEvaluation
from mcmscope.cost.causes import beat_cause, slowest, stage_cause
from mcmscope.cost.evaluate import Evaluation
from mcmscope.hardware.package import Overlap, Package
from mcmscope.schedule_file import SavedSchedule

PARTS: tuple[str, ...] = ("compute", "on_chip", "start", "exchange", "links", "dram", "spill", "idle")
"""Parts of a beat: MACs; vector work and buffer reads beyond them; layer start-up; exchanges that are not
hidden; then waits: for the links between regions, for DRAM, for spills, and for the slowest stage."""


@dataclass(frozen=True, slots=True)
class StageRow:
    """One stage against its segment's beat. ``parts_s`` has an entry for each of ``PARTS``.

    ``sets_beat``: the slowest stage of a segment whose beat no floor sets. Of a segment in passes it is the
    first pass. ``filled``: MACs done over those that its chiplets could do in the beat. ``intensity``: MACs
    per byte that comes into its chiplets.
    """

    segment: int
    stage: int
    layers: tuple[int, int]
    chiplets: int
    time_s: float
    beat_s: float
    parts_s: dict[str, float]
    cause: str
    cause_share: float
    sets_beat: bool
    weight_bytes: int
    activation_bytes: int
    spilled_bytes: int
    ingress_bytes: int
    macs: int
    filled: float
    intensity: float


@dataclass(frozen=True, slots=True)
class SegmentRow:
    """One segment: its share of the batch's time, what sets its beat, its DRAM traffic, its stages."""

    segment: int
    layers: tuple[int, int]
    micro_batch: int
    beats: int
    passes: int
    load_s: float
    beat_s: float
    run_s: float
    share: float
    cause: str
    load_bytes: int
    dram_bytes_per_beat: int
    macs: int
    energy_j: dict[str, float]
    stages: tuple[StageRow, ...]


def segment_rows(saved: SavedSchedule, evaluation: Evaluation) -> tuple[SegmentRow, ...]:
    """Every segment with its stages, numbered from 0; energies are per sample, without static power."""
    total = evaluation.batch_latency_s
    macs = [layer.macs for layer in saved.network.layers]
    rows: list[SegmentRow] = []
    for s, segment in enumerate(evaluation.segments):
        hidden = saved.package.prefetch and s > 0
        exposed_s = segment.run_s + (0.0 if hidden else segment.load_s)
        rows.append(
            SegmentRow(
                segment=s,
                layers=segment.layers,
                micro_batch=segment.micro_batch,
                beats=segment.beats,
                passes=segment.passes,
                load_s=segment.load_s,
                beat_s=segment.beat_s,
                run_s=segment.run_s,
                share=exposed_s / total if total else 0.0,
                cause=beat_cause(segment),
                load_bytes=segment.load_bytes,
                dram_bytes_per_beat=segment.dram_bytes_per_beat,
                macs=sum(macs[slice(*segment.layers)]),
                energy_j={name: fj / evaluation.batch / 1e15 for name, fj in segment.energy_fj.items()},
                stages=_stages(s, segment, saved.package, macs),
            )
        )
    return tuple(rows)


def _stages(s: int, segment: SegmentEvaluation, package: Package, macs: list[int]) -> tuple[StageRow, ...]:
    floor = max(segment.cut_s, segment.io_s + segment.spill_s)
    longest = slowest(segment) if segment.slowest_stage_s >= floor else -1
    rows: list[StageRow] = []
    for c, stage in enumerate(segment.stages):
        cause, share = stage_cause(stage)
        worked = segment.micro_batch * sum(macs[slice(*stage.layers)])
        peak = package.chiplet.macs_per_cycle * package.chiplet.clock_mhz * 1e6 * stage.chiplets
        ingress = sum(layer.ingress_bytes for layer in stage.details)
        taken_s = segment.beat_s if segment.passes == 1 else segment.run_s / segment.beats
        rows.append(
            StageRow(
                segment=s,
                stage=c,
                layers=stage.layers,
                chiplets=stage.chiplets,
                time_s=stage.time_s,
                beat_s=segment.beat_s,
                parts_s=beat_parts_s(segment, stage, package),
                cause=cause,
                cause_share=share,
                sets_beat=c == longest,
                weight_bytes=stage.stored_weight_bytes,
                activation_bytes=stage.activation_bytes + stage.relayed_bytes,
                spilled_bytes=stage.spilled_bytes,
                ingress_bytes=ingress,
                macs=worked,
                filled=worked / (taken_s * peak) if taken_s else 0.0,
                intensity=worked / (ingress * stage.chiplets) if ingress else 0.0,
            )
        )
    return tuple(rows)


def beat_parts_s(segment: SegmentEvaluation, stage: StageEvaluation, package: Package) -> dict[str, float]:
    """Seconds of a beat by ``PARTS``: work up to the stage's own time, then what sets a longer beat.

    The waits say how much longer each floor makes the beat beyond the one before it: the slowest stage, the
    links between regions, DRAM, DRAM with spills.
    """
    parts = dict.fromkeys(PARTS, 0.0)
    for layer in stage.details:
        for name, seconds in layer_parts_s(layer, package).items():
            parts[name] += seconds
    worked = sum(parts.values())
    if segment.passes > 1 and worked > 0:  # layers are priced whole, the pass is a slice of one
        parts = {name: seconds * stage.time_s / worked for name, seconds in parts.items()}
    parts["exchange"] += max(0.0, stage.time_s - sum(parts.values()))  # what drains longer than it works
    paced = max(segment.slowest_stage_s, segment.cut_s)
    parts["idle"] = segment.slowest_stage_s - stage.time_s
    parts["links"] = paced - segment.slowest_stage_s
    parts["dram"] = max(paced, segment.io_s) - paced
    parts["spill"] = segment.beat_s - max(paced, segment.io_s)
    return parts


def layer_parts_s(layer: LayerEvaluation, package: Package) -> dict[str, float]:
    """Seconds of a layer's beat by the first four of ``PARTS``; they sum to its time."""
    cycle_s = 1e-6 / package.chiplet.clock_mhz
    compute = layer.compute_cycles * cycle_s
    busy = max(layer.compute_cycles, layer.vector_cycles, layer.buffer_cycles) * cycle_s
    start = package.chiplet.layer_start_ns * 1e-9
    hidden = busy if package.overlap is Overlap.FULL else 0.0
    return {
        "compute": compute,
        "on_chip": busy - compute,
        "start": start,
        "exchange": max(0.0, layer.exchange_s - hidden),
    }
