"""The evaluator: one function that prices any schedule, with the breakdown behind every figure."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mcmscope.cost.breakdown import PS_PER_S, SegmentEvaluation, segment_breakdown
from mcmscope.cost.code import Encoded, encode
from mcmscope.cost.energy import ENERGY_NAMES, STATIC
from mcmscope.cost.model import CostModel, Priced, cost_model, price_code
from mcmscope.cost.reports import LOAD_PS, NO_SLICE_FITS, OK, PASS_PS, PASSES
from mcmscope.errors import InputError
from mcmscope.hardware.package import Package
from mcmscope.schedule import Schedule, schedule_faults
from mcmscope.workload.network import Network

FJ_PER_J = 10**15
MOST_FJ = 2**62
"""Energy of a segment (by its terms) up to which kernels count in 64 bits."""
SURELY_COUNTED_FJ = 2**52
"""A batch whose MACs, each as dear as the dearest event, take less is not looked at any closer."""
PARTS = 1024
"""In how many parts a batch is taken to tell its energy."""


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
    utilization: float = 0.0
    bound_throughput_per_s: float = 0.0
    steady_bound_throughput_per_s: float = 0.0
    batch_ps: int = 0
    latency_ps: int = 0
    energy_fj: int = 0
    segments: tuple[SegmentEvaluation, ...] = ()


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
    refuse_overflow(model, code, batch)
    terms = [sum(fj) for fj in run.energy.T.tolist()]  # of any size: not numpy's sum
    terms[STATIC] = model.terms.static_mw * run.total_ps
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
        utilization=model.network.macs * throughput / model.package.peak_macs_per_s,
        bound_throughput_per_s=1 / bound_s(model, 1 / batch),
        steady_bound_throughput_per_s=1 / bound_s(model, 0.0),
        batch_ps=run.total_ps,
        latency_ps=latency,
        energy_fj=sum(terms),
        segments=segment_breakdown(model, code, run),
    )


def refuse_overflow(model: CostModel, code: Encoded, batch: int) -> None:
    """Refuse a batch of which a segment may take more energy than 64 bits hold, told by a small part of it.

    Raises:
        InputError: it may.
    """
    terms = model.terms
    dearest = max(terms.mac_fj, terms.hop_byte_fj, terms.dram_byte_fj, terms.write_byte_fj)
    if batch * model.network.macs * dearest < SURELY_COUNTED_FJ:
        return
    part = -(-batch // PARTS)
    once, twice = (price_code(model, code, times * part).energy.astype(object) for times in (1, 2))
    most = int((once + (twice - once) * -(-batch // part)).max())  # loads of weights come once
    if most > MOST_FJ:
        raise InputError(
            f"batch: the energy of {batch:,} samples is too large to be counted in femtojoules; "
            f"take at most {max(1, batch * MOST_FJ * 9 // (most * 10)):,}"
        )


def infeasible_reason(model: CostModel, run: Priced) -> str:
    """Why a priced schedule does not fit."""
    limit = model.machine.weight_limit
    if run.status == NO_SLICE_FITS:
        return f"not even one output channel of a layer fits into {limit} bytes for weights of a chiplet"
    return f"the weights of a cluster do not fit into the {limit} bytes that a chiplet has for them"
