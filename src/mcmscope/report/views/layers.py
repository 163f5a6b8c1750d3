"""The table of layers: where each runs, what it takes, what binds it."""

from __future__ import annotations

from dataclasses import dataclass

from mcmscope.cost.evaluate import Evaluation
from mcmscope.schedule_file import SavedSchedule
from mcmscope.workload.network import bytes_of


@dataclass(frozen=True, slots=True)
class LayerRow:
    """One layer in one beat of its stage; cycles, ``time_s`` and ``ingress_bytes`` are those of a chiplet.

    ``stored_weight_bytes``: per chiplet, copies counted; ``weight_bytes``: of the layer. ``utilization``:
    MACs done over those that its region could do in the layer's time. ``energy_j``: per sample, without
    weight loads, DRAM and static power, which are not a layer's. A layer in passes has the figures of an
    unsliced one; only its energy is that of all passes.
    """

    layer: int
    name: str
    op: str
    segment: int
    stage: int
    partition: str
    tiles: tuple[int, int, int]
    chiplets: int
    active_chiplets: int
    macs: int
    time_s: float
    compute_cycles: int
    vector_cycles: int
    buffer_cycles: int
    exchange_s: float
    ingress_bytes: int
    weight_bytes: int
    stored_weight_bytes: int
    output_bytes: int
    utilization: float
    energy_j: float
    binds: str


def layer_rows(saved: SavedSchedule, evaluation: Evaluation) -> tuple[LayerRow, ...]:
    """Every layer in order."""
    chiplet, network = saved.package.chiplet, saved.network
    peak_per_s = chiplet.macs_per_cycle * chiplet.clock_mhz * 1e6
    rows: list[LayerRow] = []
    for s, (segment, plan) in enumerate(zip(evaluation.segments, saved.schedule.segments, strict=True)):
        for c, (stage, cluster) in enumerate(zip(segment.stages, plan.clusters, strict=True)):
            for l, detail in zip(range(*stage.layers), stage.details, strict=True):
                layer = network.layers[l]
                could = detail.time_s * peak_per_s * stage.chiplets
                rows.append(
                    LayerRow(
                        layer=l,
                        name=layer.name,
                        op=layer.op.value,
                        segment=s,
                        stage=c,
                        partition=detail.partition.value,
                        tiles=cluster.tiles,
                        chiplets=stage.chiplets,
                        active_chiplets=detail.active_chiplets,
                        macs=layer.macs,
                        time_s=detail.time_s,
                        compute_cycles=detail.compute_cycles,
                        vector_cycles=detail.vector_cycles,
                        buffer_cycles=detail.buffer_cycles,
                        exchange_s=detail.exchange_s,
                        ingress_bytes=detail.ingress_bytes,
                        weight_bytes=bytes_of(layer.weights, network.weight_bits),
                        stored_weight_bytes=detail.stored_weight_bytes,
                        output_bytes=bytes_of(layer.output_elements, network.activation_bits),
                        utilization=segment.micro_batch * layer.macs / could if could else 0.0,
                        energy_j=sum(detail.energy_fj.values()) / segment.micro_batch / 1e15,
                        binds=detail.binds,
                    )
                )
    return tuple(rows)
