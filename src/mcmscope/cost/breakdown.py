"""The breakdown behind the figures: what each segment, stage and layer takes, and what binds it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from mcmscope.cost.code import PARTITIONS, Encoded
from mcmscope.cost.energy import ENERGY_NAMES
from mcmscope.cost.model import CostModel, Priced
from mcmscope.cost.reports import (
    BEAT_PS,
    BEATS,
    CUT_PS,
    FLOW_PS,
    IO_BYTES,
    IO_PS,
    LAST_BEAT_PS,
    LAST_LOAD_PS,
    LAST_SLOWEST_PS,
    LAYER_ENERGY,
    LINKS_PS,
    LOAD_BYTES,
    LOAD_PS,
    PASSES,
    RUN_PS,
    SPILL_BYTES,
    SPILL_PS,
    STAGE_CUT,
    STAGE_EXCESS,
    STAGE_LINKS,
    STAGE_NEED,
    STAGE_RELAYED,
    STAGE_STORED,
    STAGE_TIME,
)
from mcmscope.cost.stage import LayerCost
from mcmscope.schedule import Partition

PS_PER_S = 10**12


@dataclass(frozen=True, slots=True)
class LayerEvaluation:
    """One layer for one beat on its region: what one chiplet does. ``binds`` names what its time goes to.

    ``energy_fj`` is that of the whole region for one beat, by ``ENERGY_NAMES``. Weight loads and DRAM traffic
    are the segment's and not in it; in passes it is a beat's share of all of them, loads over the NoP too.
    """

    name: str
    partition: Partition
    active_chiplets: int
    time_s: float
    compute_cycles: int
    vector_cycles: int
    buffer_cycles: int
    exchange_s: float
    ingress_bytes: int
    stored_weight_bytes: int
    energy_fj: dict[str, int]
    binds: str


@dataclass(frozen=True, slots=True)
class StageEvaluation:
    """One cluster for one beat. Bytes are per chiplet; ``spilled_bytes`` do not fit its buffer.

    ``links_s``: for how long its flows keep the links that they share busy.
    """

    layers: tuple[int, int]
    chiplets: int
    time_s: float
    stored_weight_bytes: int
    activation_bytes: int
    relayed_bytes: int
    spilled_bytes: int
    cut_s: float
    links_s: float
    binds: str
    details: tuple[LayerEvaluation, ...]


@dataclass(frozen=True, slots=True)
class SegmentEvaluation:
    """One segment over the whole batch: load, then ``beats`` (+ fill and drain) of ``beat_s``.

    The beat is the longest of ``slowest_stage_s``, ``cut_s`` and ``io_s + spill_s``. In passes, loads, bytes
    and ``run_s`` are those of all of them, the beat and its parts those of the first; ``last_`` figures are
    those of the last, which may be smaller. ``energy_fj`` is that of the whole batch without static power, by
    ``ENERGY_NAMES``. A flow line takes no less than ``links_s`` for a beat: what flows that share links take.
    """

    layers: tuple[int, int]
    micro_batch: int
    beats: int
    passes: int
    load_s: float
    beat_s: float
    slowest_stage_s: float
    cut_s: float
    io_s: float
    spill_s: float
    links_s: float
    run_s: float
    flow_line_run_s: float
    dram_bytes_per_beat: int
    load_bytes: int
    last_load_s: float
    last_beat_s: float
    last_slowest_stage_s: float
    energy_fj: dict[str, int]
    binds: str
    stages: tuple[StageEvaluation, ...]


def segment_breakdown(model: CostModel, code: Encoded, run: Priced) -> tuple[SegmentEvaluation, ...]:
    """Every segment of a schedule with its stages and layers, from what ``price`` reported."""
    layers, stages = run.layers.tolist(), run.stages.tolist()
    clusters, partitions = code.clusters.tolist(), code.partitions.tolist()
    names = [layer.name for layer in model.network.layers]
    out: list[SegmentEvaluation] = []
    c = 0
    bounds = [0, *code.segments[:, 0].tolist()]
    for (a, b), report, micro_batch, energy in zip(
        pairwise(bounds),
        run.segments.tolist(),
        code.segments[:, 1].tolist(),
        run.energy.tolist(),
        strict=True,
    ):
        inside: list[StageEvaluation] = []
        i = a
        while i < b:
            j = clusters[c][0]
            details = tuple(_layer(model, names[l], partitions[l], layers[l]) for l in range(i, j))
            shares: dict[str, float] = {}
            for detail in details:
                shares[detail.binds] = shares.get(detail.binds, 0.0) + detail.time_s
            stage = stages[c]
            inside.append(
                StageEvaluation(
                    layers=(i, j),
                    chiplets=clusters[c][1],
                    time_s=stage[STAGE_TIME] / PS_PER_S,
                    stored_weight_bytes=stage[STAGE_STORED],
                    activation_bytes=stage[STAGE_NEED],
                    relayed_bytes=stage[STAGE_RELAYED],
                    spilled_bytes=stage[STAGE_EXCESS],
                    cut_s=stage[STAGE_CUT] / PS_PER_S,
                    links_s=stage[STAGE_LINKS] / PS_PER_S,
                    binds=max(shares, key=lambda name: shares[name]),
                    details=details,
                )
            )
            i, c = j, c + 1
        out.append(
            SegmentEvaluation(
                layers=(a, b),
                micro_batch=micro_batch,
                beats=report[BEATS],
                passes=report[PASSES],
                load_s=report[LOAD_PS] / PS_PER_S,
                beat_s=report[BEAT_PS] / PS_PER_S,
                slowest_stage_s=max(stage.time_s for stage in inside),
                cut_s=report[CUT_PS] / PS_PER_S,
                io_s=report[IO_PS] / PS_PER_S,
                spill_s=report[SPILL_PS] / PS_PER_S,
                links_s=report[LINKS_PS] / PS_PER_S,
                run_s=report[RUN_PS] / PS_PER_S,
                flow_line_run_s=report[FLOW_PS] / PS_PER_S,
                dram_bytes_per_beat=report[IO_BYTES] + report[SPILL_BYTES],
                load_bytes=report[LOAD_BYTES],
                last_load_s=report[LAST_LOAD_PS] / PS_PER_S,
                last_beat_s=report[LAST_BEAT_PS] / PS_PER_S,
                last_slowest_stage_s=report[LAST_SLOWEST_PS] / PS_PER_S,
                energy_fj=dict(zip(ENERGY_NAMES, energy, strict=True)),
                binds=_segment_binds(report, inside),
                stages=tuple(inside),
            )
        )
    return tuple(out)


def _segment_binds(report: list[int], stages: list[StageEvaluation]) -> str:
    slowest = max(stages, key=lambda stage: stage.time_s)
    times = {
        slowest.binds: slowest.time_s * PS_PER_S,
        "cut": float(report[CUT_PS]),
        "memory" if report[SPILL_PS] > report[IO_PS] else "DRAM": float(report[IO_PS] + report[SPILL_PS]),
    }
    if report[LOAD_PS] > report[RUN_PS]:
        return "DRAM"
    return max(times, key=lambda name: times[name])


def _layer(model: CostModel, name: str, partition: int, cost: list[int]) -> LayerEvaluation:
    named = LayerCost(*cost[:LAYER_ENERGY])
    return LayerEvaluation(
        name=name,
        partition=PARTITIONS[partition],
        active_chiplets=named.active,
        time_s=named.time_ps / PS_PER_S,
        compute_cycles=named.compute_cycles,
        vector_cycles=named.vector_cycles,
        buffer_cycles=named.read_cycles,
        exchange_s=named.exchange_ps / PS_PER_S,
        ingress_bytes=named.ingress_bytes,
        stored_weight_bytes=named.stored_bytes,
        energy_fj=dict(zip(ENERGY_NAMES, cost[LAYER_ENERGY:], strict=True)),
        binds=_layer_binds(model, named),
    )


def _layer_binds(model: CostModel, named: LayerCost) -> str:
    cycle_ps = 1_000_000 / model.machine.clock_mhz
    times = {
        "compute": named.compute_cycles * cycle_ps,
        "vector": named.vector_cycles * cycle_ps,
        "memory": named.read_cycles * cycle_ps,
        "NoP": float(named.exchange_ps),
        "start": float(model.machine.start_ps),
    }
    return max(times, key=lambda name: times[name])
