"""The whole schedule."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from mcmscope.hardware.package import Package
from mcmscope.schedule import Schedule
from mcmscope.workload.network import Network

from .layers import TERMS
from .mesh import Mesh, up
from .segments import Infeasible, Run, SegmentFigures, StageFigures
from .tensors import Tensors, work_of


@dataclass
class Figures:
    """Every figure of an evaluation."""

    batch_ps: int
    flow_ps: int
    latency_ps: int
    flow_latency_ps: int
    steady_samples_per_ps: Fraction
    energy: dict[str, int]
    bound_ps_per_sample: Fraction
    steady_bound_ps_per_sample: Fraction
    segments: list[SegmentFigures]

    @property
    def stages(self) -> Iterator[StageFigures]:
        """All stages in order."""
        return (stage for segment in self.segments for stage in segment.stages)


def evaluate(schedule: Schedule, network: Network, package: Package, batch: int) -> Figures:
    """Price ``schedule`` for ``batch`` samples; raises ``Infeasible`` with why it does not fit."""
    tensors, mesh = Tensors(network), Mesh(package)
    run = Run(schedule, network, tensors, mesh, batch, schedule.replicas)
    endless = replace(run, retaining=False)
    whole, steady = run.segments(), endless.segments()
    alone = replace(run, samples=1, replicas=1, alone=True)
    if not fits_as_well(alone, whole):
        alone = replace(alone, alone=False)
    one = alone.segments()
    resident = len(whole) == 1 and whole[0].passes == 1
    spared = one[0].load_ps if resident else 0
    batch_ps = run.total_ps(whole, [x.run_ps for x in whole])
    latency_ps = alone.total_ps(one, [x.run_ps for x in one]) - spared
    static = package.energy.static_mw_per_chiplet * mesh.chiplets  # 1 mW is 1 fJ per ps
    energy = {term: sum(x.energy[term] for x in whole) for term in TERMS}
    energy["static"] = static * batch_ps
    beats_per_sample = sum(
        Fraction(x.pass_ps, segment.micro_batch) for x, segment in zip(steady, schedule.segments, strict=True)
    )
    return Figures(
        batch_ps=batch_ps,
        flow_ps=run.total_ps(whole, [x.flow_ps for x in whole]),
        latency_ps=latency_ps,
        flow_latency_ps=alone.total_ps(one, [x.flow_ps for x in one]) - spared,
        steady_samples_per_ps=schedule.replicas / Fraction(beats_per_sample),
        energy=energy,
        bound_ps_per_sample=bound_ps(network, mesh, Fraction(1, batch)),
        steady_bound_ps_per_sample=bound_ps(network, mesh, Fraction(0)),
        segments=whole,
    )


def fits_as_well(alone: Run, whole: list[SegmentFigures]) -> bool:
    """Whether one sample alone, with beats of one sample, needs no more passes than the batch."""
    try:
        return all(x.passes <= y.passes for x, y in zip(alone.segments(), whole, strict=True))
    except Infeasible:
        return False


def bound_ps(network: Network, mesh: Mesh, weight_share: Fraction) -> Fraction:
    """Time per sample of an ideal machine: MACs at peak, or inputs, outputs and weights through DRAM."""
    works = [work_of(network, l) for l in range(len(network.layers))]
    chip = mesh.chip
    peak = mesh.chiplets * chip.pes * chip.lanes_k * chip.lanes_c * Fraction(chip.clock_mhz, 10**6)
    moved = sum(up(t.elements * network.activation_bits, 8) for t in network.inputs)
    moved += sum(works[l].out for l in network.outputs)
    weights = sum(work.weights for work in works)
    return max(
        sum(work.macs for work in works) / peak,
        (moved + weights * weight_share) * 10**6 / mesh.dram_mb_per_s,
    )
