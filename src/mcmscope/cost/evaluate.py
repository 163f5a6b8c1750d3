"""The evaluator: one function that prices any schedule, with the breakdown behind every figure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

import numpy as np

from mcmscope.cost.arrays import Ints, Machine, NetworkArrays, Tilings, machine, network_arrays
from mcmscope.cost.compute import tilings
from mcmscope.cost.energy import ENERGY_NAMES, ENERGY_TERMS, STATIC, EnergyTerms, energy_terms
from mcmscope.cost.price import (
    BEAT_PS,
    BEATS,
    CUT_PS,
    FLOW_PS,
    IO_BYTES,
    IO_PS,
    LAYER_REPORT,
    LOAD_BYTES,
    LOAD_PS,
    NO_SLICE_FITS,
    OK,
    PASS_PS,
    PASSES,
    RUN_PS,
    SEGMENT_REPORT,
    SPILL_BYTES,
    SPILL_PS,
    STAGE_CUT,
    STAGE_EXCESS,
    STAGE_NEED,
    STAGE_RELAYED,
    STAGE_REPORT,
    STAGE_STORED,
    STAGE_TIME,
    price,
    total_ps,
)
from mcmscope.cost.stage import LayerCost
from mcmscope.errors import InputError
from mcmscope.hardware.package import Package
from mcmscope.schedule import Cluster, Partition, Schedule, Segment, schedule_faults, serpentine
from mcmscope.workload.network import Network

PARTITIONS = (Partition.WSP, Partition.WSP_SHARDED, Partition.ISP)
PS_PER_S = 10**12
FJ_PER_J = 10**15


@dataclass(frozen=True, slots=True)
class LayerEvaluation:
    """One layer for one beat on its region: what one chiplet does. ``binds`` names what its time goes to."""

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
    binds: str


@dataclass(frozen=True, slots=True)
class StageEvaluation:
    """One cluster for one beat. Bytes are per chiplet; ``spilled_bytes`` do not fit its buffer."""

    layers: tuple[int, int]
    chiplets: int
    time_s: float
    stored_weight_bytes: int
    activation_bytes: int
    relayed_bytes: int
    spilled_bytes: int
    cut_s: float
    binds: str
    details: tuple[LayerEvaluation, ...]


@dataclass(frozen=True, slots=True)
class SegmentEvaluation:
    """One segment over the whole batch: load, then ``beats`` (+ fill and drain) of ``beat_s``.

    The beat is the longest of ``slowest_stage_s``, ``cut_s`` and ``io_s + spill_s``.
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
    run_s: float
    dram_bytes_per_beat: int
    load_bytes: int
    binds: str
    stages: tuple[StageEvaluation, ...]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The figures of one schedule; an infeasible one has a ``reason`` and no figures (zeros, no segments).

    Times are those of the synchronous pipeline unless named ``flow_line``. ``bound_throughput_per_s`` is
    what no schedule of this network on this package beats at this batch.
    """

    feasible: bool
    reason: str
    batch: int
    throughput_per_s: float = 0.0
    steady_throughput_per_s: float = 0.0
    flow_line_throughput_per_s: float = 0.0
    latency_s: float = 0.0
    flow_line_latency_s: float = 0.0
    batch_latency_s: float = 0.0
    energy_j_per_sample: float = 0.0
    energy_breakdown_j: dict[str, float] | None = None
    latency_energy_j: float = 0.0
    utilization: float = 0.0
    bound_throughput_per_s: float = 0.0
    steady_bound_throughput_per_s: float = 0.0
    batch_ps: int = 0
    latency_ps: int = 0
    energy_fj: int = 0
    segments: tuple[SegmentEvaluation, ...] = ()


@dataclass(frozen=True)
class CostModel:
    """A network on a package, prepared for the kernels."""

    network: Network
    package: Package
    net: NetworkArrays
    machine: Machine
    tilings: Tilings
    terms: EnergyTerms


@lru_cache(maxsize=8)
def cost_model(network: Network, package: Package) -> CostModel:
    """Tables for pricing schedules of ``network`` on ``package``; built once, kept for the last eight pairs.

    Raises ``InputError`` for a network of too many layers.
    """
    net, mach = network_arrays(network), machine(package)
    return CostModel(network, package, net, mach, tilings(net, mach), energy_terms(network, package))


@dataclass(frozen=True)
class Encoded:
    """A schedule as the arrays that ``price`` reads."""

    segments: Ints
    clusters: Ints
    partitions: Ints
    replicas: int = 1


def encode(schedule: Schedule) -> Encoded:
    """``schedule`` as arrays; of a region only its size counts."""
    return Encoded(
        segments=np.array([[s.layers[1], s.micro_batch] for s in schedule.segments], dtype=np.int64),
        clusters=np.array(
            [[c.layers[1], len(c.chiplets), *c.tiles] for c in schedule.clusters], dtype=np.int64
        ),
        partitions=np.array(
            [PARTITIONS.index(p) for c in schedule.clusters for p in c.partitions], dtype=np.int64
        ),
        replicas=schedule.replicas,
    )


def decode(code: Encoded, package: Package) -> Schedule:
    """The schedule of ``code``, its regions laid one after another along the serpentine order."""
    order = serpentine(package.rows, package.columns, package.strip_height)
    segments: list[Segment] = []
    c = 0
    a = 0
    partitions: list[int] = code.partitions.tolist()
    for end, micro_batch in code.segments.tolist():
        clusters: list[Cluster] = []
        i, place = a, 0
        while i < end:
            j, n, *tiles = code.clusters[c].tolist()
            clusters.append(
                Cluster(
                    layers=(i, j),
                    chiplets=order[place : place + n],
                    tiles=(tiles[0], tiles[1], tiles[2]),
                    partitions=tuple(PARTITIONS[p] for p in partitions[i:j]),
                )
            )
            i, place, c = j, place + n, c + 1
        segments.append(Segment((a, end), micro_batch, tuple(clusters)))
        a = end
    return Schedule(tuple(segments), code.replicas)


@dataclass(frozen=True)
class Priced:
    """What ``price`` reported: picoseconds, bytes, femtojoules."""

    status: int
    layers: Ints
    stages: Ints
    segments: Ints
    energy: Ints
    total_ps: int
    flow_ps: int


def price_code(
    model: CostModel, code: Encoded, m: int, *, alone: bool = False, steady: bool = False, layers: bool = True
) -> Priced:
    """Price arrays: a batch of m, one sample ``alone`` (m = u = 1, one replica), or the ``steady`` state."""
    layer_report = np.zeros((len(code.partitions) if layers else 0, LAYER_REPORT), dtype=np.int64)
    stage_report = np.zeros((len(code.clusters), STAGE_REPORT), dtype=np.int64)
    segment_report = np.zeros((len(code.segments), SEGMENT_REPORT), dtype=np.int64)
    energy = np.zeros((len(code.segments), ENERGY_TERMS), dtype=np.int64)
    status = price(
        model.net,
        model.machine,
        model.tilings,
        model.terms,
        code.segments,
        code.clusters,
        code.partitions,
        1 if alone else m,
        1 if alone else 0,
        int(steady),
        1 if alone else code.replicas,
        layer_report,
        stage_report,
        segment_report,
        energy,
    )
    total = flow = 0
    if status == OK:
        copies = 1 if alone else code.replicas
        total = int(total_ps(segment_report, model.machine, copies, RUN_PS))
        flow = int(total_ps(segment_report, model.machine, copies, FLOW_PS))
    return Priced(int(status), layer_report, stage_report, segment_report, energy, total, flow)


def evaluate(schedule: Schedule, network: Network, package: Package, batch: int = 64) -> Evaluation:
    """Price ``schedule`` for ``batch`` samples.

    Raises ``InputError`` with all faults if it is no schedule of this network on this package; a schedule
    that is one but does not fit comes back with ``feasible`` false and the reason.
    """
    faults = schedule_faults(schedule, len(network), package.chiplets)
    if batch < 1:
        faults.append(f"batch: expected 1 or more, got {batch}")
    if faults:
        raise InputError(faults)
    return evaluate_code(cost_model(network, package), encode(schedule), batch)


def bound_s(model: CostModel, weight_share: float) -> float:
    """Seconds per sample that no schedule beats: compute at peak, or compulsory DRAM traffic.

    ``weight_share`` of the weights is charged to each sample (1 / batch; 0 in steady state).
    """
    network, package = model.network, model.package
    moved = network.input_bytes + network.output_bytes + network.weight_bytes * weight_share
    return max(network.macs / package.peak_macs_per_s, moved / (package.dram_mb_per_s * 1e6))


def evaluate_code(model: CostModel, code: Encoded, batch: int) -> Evaluation:
    """``evaluate`` for a schedule that is already encoded and known to be sound."""
    run = price_code(model, code, batch)
    if run.status != OK:
        return Evaluation(False, infeasible_reason(model, run), batch)
    alone = price_code(model, code, batch, alone=True)
    if alone.status != OK or np.any(alone.segments[:, PASSES] > run.segments[:, PASSES]):
        # At u = 1 the best tiling may store more copies of the weights than fit: the sample then runs in
        # a beat of the schedule's own micro-batch, whose weights do fit.
        alone = price_code(model, replace(code, replicas=1), 1)
    steady = price_code(model, code, batch, steady=True, layers=False)
    resident = len(code.segments) == 1 and int(run.segments[0, PASSES]) == 1
    spared = int(alone.segments[0, LOAD_PS]) if resident else 0
    latency = alone.total_ps - spared
    per_sample = sum(
        beat / u
        for beat, u in zip(steady.segments[:, PASS_PS].tolist(), code.segments[:, 1].tolist(), strict=True)
    )
    terms: list[int] = run.energy.sum(axis=0).tolist()
    terms[STATIC] = model.terms.static_mw * run.total_ps
    alone_fj = int(alone.energy.sum()) + model.terms.static_mw * latency
    throughput = batch * PS_PER_S / run.total_ps
    return Evaluation(
        feasible=True,
        reason="",
        batch=batch,
        throughput_per_s=throughput,
        steady_throughput_per_s=code.replicas * PS_PER_S / per_sample,
        flow_line_throughput_per_s=batch * PS_PER_S / run.flow_ps,
        latency_s=latency / PS_PER_S,
        flow_line_latency_s=(alone.flow_ps - spared) / PS_PER_S,
        batch_latency_s=run.total_ps / PS_PER_S,
        energy_j_per_sample=sum(terms) / batch / FJ_PER_J,
        energy_breakdown_j={
            name: fj / batch / FJ_PER_J for name, fj in zip(ENERGY_NAMES, terms, strict=True)
        },
        latency_energy_j=alone_fj / FJ_PER_J,
        utilization=model.network.macs * throughput / model.package.peak_macs_per_s,
        bound_throughput_per_s=1 / bound_s(model, 1 / batch),
        steady_bound_throughput_per_s=1 / bound_s(model, 0.0),
        batch_ps=run.total_ps,
        latency_ps=latency,
        energy_fj=sum(terms),
        segments=_segments(model, code, run),
    )


def infeasible_reason(model: CostModel, run: Priced) -> str:
    """Why a priced schedule does not fit."""
    limit = model.machine.weight_limit
    if run.status == NO_SLICE_FITS:
        return f"not even one output channel of a layer fits into {limit} bytes for weights of a chiplet"
    return f"the weights of a cluster do not fit into the {limit} bytes that a chiplet has for them"


def _layer_binds(model: CostModel, cost: list[int]) -> str:
    named = LayerCost(*cost)
    cycle_ps = 1_000_000 / model.machine.clock_mhz
    times = {
        "compute": named.compute_cycles * cycle_ps,
        "vector": named.vector_cycles * cycle_ps,
        "memory": named.read_cycles * cycle_ps,
        "NoP": float(named.exchange_ps),
        "start": float(model.machine.start_ps),
    }
    return max(times, key=lambda name: times[name])


def _segments(model: CostModel, code: Encoded, run: Priced) -> tuple[SegmentEvaluation, ...]:
    layers, stages = run.layers.tolist(), run.stages.tolist()
    clusters, partitions = code.clusters.tolist(), code.partitions.tolist()
    names = [layer.name for layer in model.network.layers]
    out: list[SegmentEvaluation] = []
    c = 0
    bounds = [0, *code.segments[:, 0].tolist()]
    for (a, b), report, micro_batch in zip(
        pairwise(bounds), run.segments.tolist(), code.segments[:, 1].tolist(), strict=True
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
                run_s=report[RUN_PS] / PS_PER_S,
                dram_bytes_per_beat=report[IO_BYTES] + report[SPILL_BYTES],
                load_bytes=report[LOAD_BYTES],
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
    named = LayerCost(*cost)
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
        binds=_layer_binds(model, cost),
    )
