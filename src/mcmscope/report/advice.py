"""What would help a segment: one line for each thing that holds it up."""

from __future__ import annotations

from mcmscope.cost.breakdown import (
    LayerEvaluation,
    SegmentEvaluation,
    StageEvaluation,
)
from mcmscope.cost.causes import CUT, DRAM, SPILL, beat_cause, slowest, stage_cause
from mcmscope.report.words import data, duration, percent, plural
from mcmscope.schedule import Partition
from mcmscope.schedule_file import SavedSchedule

_MUCH = 0.2
"""A wait or a load of this share is worth a line."""
_WELL_FILLED = 0.5


def advice(segment: SegmentEvaluation, saved: SavedSchedule) -> list[str]:
    """What binds the segment's beat, its balance, its spills, its load: each with what would help."""
    cause = beat_cause(segment)
    if cause == CUT:
        lines = [_cut(segment)]
    elif cause == DRAM:
        lines = [_dram(segment)]
    elif cause == SPILL:
        lines = []
    else:
        lines = [_stage(segment, saved), *_balance(segment)]
    lines += _spills(segment, saved)
    if segment.passes > 1:
        lines.append(
            f"Its weights do not fit: it runs in {segment.passes} passes and reads its input anew in each; "
            "more or larger weight buffers would save passes."
        )
    if saved.package.prefetch and segment.layers[0] > 0:
        return lines  # its load goes on while the segment before it runs
    share = segment.load_s / (segment.load_s + segment.run_s)
    load = (
        f"Loading {data(segment.load_bytes)} of weights takes {percent(share)} of its time: a larger batch "
        "spreads it over more samples."
    )
    if share > 1 - share:
        return [load, *lines]
    return [*lines, load] if share >= _MUCH else lines


def _cut(segment: SegmentEvaluation) -> str:
    cuts = [stage.cut_s for stage in segment.stages]
    index = cuts.index(max(cuts))
    return (
        f"Cut: the tensors that pass from stage {index + 1} to {index + 2} need {duration(segment.cut_s)} "
        "of each beat on the links between the regions: merge the two stages, cut elsewhere, or faster links."
    )


def _dram(segment: SegmentEvaluation) -> str:
    share = segment.io_s / segment.beat_s
    return (
        f"DRAM: activations cross DRAM for {duration(segment.io_s)} of each beat ({percent(share)}): "
        "a longer segment keeps them on the package, or more DRAM bandwidth."
    )


def _spills(segment: SegmentEvaluation, saved: SavedSchedule) -> list[str]:
    spilling = [index for index, stage in enumerate(segment.stages) if stage.spilled_bytes]
    if not spilling:
        return []
    most = max(spilling, key=lambda index: segment.stages[index].spilled_bytes)
    stage = segment.stages[most]
    others = f", the most of {len(spilling)} stages" if len(spilling) > 1 else ""
    start = (
        f"Memory: stage {most + 1} spills {data(stage.spilled_bytes)} per chiplet to DRAM and back in each "
        f"beat{others}, which takes {duration(segment.spill_s)}"
    )
    if beat_cause(segment) not in (SPILL, DRAM):
        return [f"{start} and does not set the beat."]
    moves = ["a smaller micro-batch"] if segment.micro_batch > 1 else []
    moves += ["more chiplets here"] if _more_chiplets(stage, segment, saved) else []
    moves += ["fewer merged layers here"] if stage.layers[1] - stage.layers[0] > 1 else []
    return [f"{start} of it: {', '.join([*moves, 'or larger buffers' if moves else 'larger buffers'])}."]


def _more_chiplets(stage: StageEvaluation, segment: SegmentEvaluation, saved: SavedSchedule) -> bool:
    """Whether the stage's replica has chiplets that other stages use or nobody does."""
    used = sum(other.chiplets for other in segment.stages)
    return used > stage.chiplets or used < saved.package.chiplets // saved.schedule.replicas


def _balance(segment: SegmentEvaluation) -> list[str]:
    """Imbalance: what the other stages' chiplets wait for the beat."""
    if len(segment.stages) == 1 or not segment.beat_s:
        return []
    chiplets = sum(stage.chiplets for stage in segment.stages)
    waits = [1 - stage.time_s / segment.beat_s for stage in segment.stages]
    mean = sum(wait * stage.chiplets for wait, stage in zip(waits, segment.stages, strict=True)) / chiplets
    worst = waits.index(max(waits))
    if mean < _MUCH and waits[worst] < 2 * _MUCH:
        return []
    helps = (
        "merge it with a neighbour" if segment.stages[worst].chiplets == 1 else "it could give chiplets away"
    )
    return [
        f"Imbalance: chiplets wait {percent(mean)} of the beat on average; stage {worst + 1} waits "
        f"{percent(waits[worst])} of it: {helps}."
    ]


def _stage(segment: SegmentEvaluation, saved: SavedSchedule) -> str:
    index = slowest(segment)
    stage = segment.stages[index]
    cause, share = stage_cause(stage)
    start = f"Stage {index + 1} on {plural(stage.chiplets, 'chiplet')} is bound"
    if len(segment.stages) > 1:
        start = f"Stage {index + 1} on {plural(stage.chiplets, 'chiplet')} is the slowest and bound"
    more = "more chiplets here or " if _more_chiplets(stage, segment, saved) else ""
    match cause:
        case "compute":
            return f"{start} by compute ({percent(share)} of its time): {_compute(stage, segment, saved)}."
        case "NoP":
            return f"{start} by exchanges over the NoP: {_exchange(stage)}."
        case "start":
            return f"{start} by layer start-up ({percent(share)}): a larger micro-batch spreads it."
        case "vector":
            return f"{start} by vector work ({percent(share)}): {more}more vector lanes."
        case _:
            return f"{start} by buffer reads ({percent(share)}): {more}wider reads."


def _compute(stage: StageEvaluation, segment: SegmentEvaluation, saved: SavedSchedule) -> str:
    """How well the MACs are used, the worst layer by name, and whether there are more chiplets to give."""
    chiplet = saved.package.chiplet
    layers = saved.network.layers[slice(*stage.layers)]
    cycles = [detail.compute_cycles for detail in stage.details]
    macs_per_cycle = chiplet.macs_per_cycle * stage.chiplets
    worked = segment.micro_batch * sum(layer.macs for layer in layers)
    filled = min(1.0, worked / (sum(cycles) * macs_per_cycle)) if any(cycles) else 1.0
    if filled >= _WELL_FILLED:
        left = _more_chiplets(stage, segment, saved)
        more = "more chiplets here would help" if left else "no chiplet is left to help"
        return f"its MACs are {percent(filled)} busy while it computes; {more}"
    idle = [
        count * macs_per_cycle - segment.micro_batch * layer.macs
        for count, layer in zip(cycles, layers, strict=True)
    ]
    worst = layers[idle.index(max(idle))]
    return (
        f"only {percent(filled)} of its MACs have work while it computes, since layer {worst.name} "
        f"({worst.out_channels} x {worst.in_channels} channels, {plural(worst.groups, 'group')}, "
        f"{worst.out_height} x {worst.out_width} positions) does not fill {chiplet.pes} PEs of "
        f"{chiplet.lanes_k} x {chiplet.lanes_c} lanes per chiplet; another partition or micro-batch may"
    )


def _exchange(stage: StageEvaluation) -> str:
    """The dearest exchange of a stage, by name."""
    index = max(range(len(stage.details)), key=lambda at: stage.details[at].exchange_s)
    layer = stage.details[index]
    kind = _kind(layer, stage.details[index - 1] if index else None)
    return (
        f"{kind} before layer {layer.name} brings {data(layer.ingress_bytes)} to each chiplet "
        f"in {duration(layer.exchange_s)}, {percent(layer.exchange_s / layer.time_s)} of the layer's time; "
        "fewer chiplets here, another partition or faster links would help"
    )


def _kind(layer: LayerEvaluation, before: LayerEvaluation | None) -> str:
    if layer.partition is Partition.WSP_SHARDED:
        return "the gathering of the input and of sharded weights"
    if before is None:
        return f"the input from outside the region ({layer.partition.value})"
    if layer.partition is Partition.ISP:
        return f"the all-gather ({before.partition.value} to {layer.partition.value})"
    if before.partition is Partition.ISP:
        return f"the all-to-all ({before.partition.value} to {layer.partition.value})"
    return f"the halo ({before.partition.value} to {layer.partition.value})"
