"""Energy of what was simulated: events of a beat, bytes over links and DRAM."""

from __future__ import annotations

from mcmscope.hardware.package import Package
from mcmscope.simulate.mesh import CHANNEL, Floats, Mesh
from mcmscope.simulate.plan import Kind, Plan
from mcmscope.workload.network import Layer, Network, bytes_of

ENERGY_NAMES = ("mac", "pe_buffers", "activation_buffer", "nop", "dram", "static")


def beat_energy_fj(
    plan: Plan, layers: tuple[Layer, ...], network: Network, package: Package
) -> dict[str, float]:
    """Femtojoules of one beat of all stages, without links and DRAM.

    Weights are held in the PEs, each read once per beat; an input is read once for all lanes along K, a
    partial sum read and written once for all lanes along C.
    """
    profile, chip = package.energy, package.chiplet
    mac_fj = profile.mac_fj * network.weight_bits * network.activation_bits / 64
    input_fj = profile.input_buffer_read_fj_per_byte * network.activation_bits / 8
    sum_fj = 2 * profile.accumulator_fj_per_byte * network.partial_sum_bits / 8
    out: dict[str, float] = dict.fromkeys(ENERGY_NAMES, 0.0)
    for stage in plan.stages:
        for l, work, done in zip(stage.layers, stage.works, stage.executed, strict=True):
            layer = layers[l]
            macs = layer.macs * done
            out["mac"] += macs * mac_fj
            out["pe_buffers"] += macs * (input_fj / chip.lanes_k + sum_fj / chip.lanes_c)
            if stage.samples == 0:
                continue
            out["pe_buffers"] += work.used_bytes * work.active * profile.weight_buffer_read_fj_per_byte
            written = stage.samples * bytes_of(layer.output_elements, network.activation_bits)
            out["activation_buffer"] += (
                work.read_bytes * work.active * profile.activation_buffer_read_fj_per_byte
                + written * profile.activation_buffer_write_fj_per_byte
            )
    for activity in plan.activities:
        if activity.flow is not None and activity.kind in (Kind.ARRIVE, Kind.EXCHANGE):
            taken = float(activity.flow.received.sum())
            out["activation_buffer"] += taken * profile.activation_buffer_write_fj_per_byte
    return out


def traffic_energy_fj(link_bytes: Floats, mesh: Mesh, package: Package) -> tuple[float, float]:
    """Femtojoules of all bytes over links (ports' links too), and of all bytes in DRAM."""
    ports = link_bytes[mesh.links :].reshape(-1, 3)
    hops = float(link_bytes[: mesh.links].sum() + ports[:, :CHANNEL].sum())
    dram = float(ports[:, CHANNEL].sum())
    return hops * package.energy.nop_hop_fj_per_byte, dram * package.energy.dram_fj_per_byte
