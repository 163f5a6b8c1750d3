"""Energy: what a beat, a load and standing still cost, in femtojoules for a whole region."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mcmscope.cost.arrays import DATA, ISP, OUTSIDE, RESIDUAL, SPLIT, TILED, Ints, layer_row, operand_row
from mcmscope.cost.compute import ceil_div, share, weight_share
from mcmscope.cost.machine import Machine, canonical_shape
from mcmscope.cost.nop import operand_exchange, operand_need, pool_exchange, shard_exchange
from mcmscope.cost.stage import LayerCost
from mcmscope.hardware.package import Edge, Package
from mcmscope.jit import inner
from mcmscope.workload.network import Network

# Places of an energy breakdown.
MAC, PE_BUFFERS, ACTIVATION_BUFFER, NOP, DRAM, STATIC = range(6)
ENERGY_TERMS = 6
ENERGY_NAMES = ("mac", "pe_buffers", "activation_buffer", "nop", "dram", "static")


class EnergyTerms(NamedTuple):
    """A profile for kernels; femtojoules per event, hops in 1/1000."""

    mac_fj: int
    input_value_fj: int  # one activation read in a PE, broadcast over the K lanes
    weight_byte_fj: int
    sum_value_fj: int  # one partial sum, read and written
    read_byte_fj: int
    write_byte_fj: int
    hop_byte_fj: int
    dram_byte_fj: int
    static_mw: int  # of the whole package: fJ per ps
    dram_milli_hops: int  # mean distance from a chiplet to the nearest DRAM port
    milli_hops: Ints  # [N + 1] one hop plus the mean distance inside a region's canonical shape


def mean_distance_milli(tall: int, wide: int) -> int:
    """Mean Manhattan distance between two chiplets of a tall x wide mesh, in 1/1000 hops."""
    return round(1000 * ((tall * tall - 1) / (3 * tall) + (wide * wide - 1) / (3 * wide)))


def dram_milli_hops(package: Package) -> int:
    """Mean hops from a chiplet to the nearest edge with DRAM, its port included, in 1/1000."""
    total = 0
    for row in range(package.rows):
        for column in range(package.columns):
            away = {
                Edge.LEFT: column,
                Edge.RIGHT: package.columns - 1 - column,
                Edge.TOP: row,
                Edge.BOTTOM: package.rows - 1 - row,
            }
            total += 1 + min(away[edge] for edge in package.dram.edges)
    return round(1000 * total / package.chiplets)


def energy_terms(network: Network, package: Package) -> EnergyTerms:
    """The package's energy profile at the network's precision; a MAC scales with the product of the bits."""
    profile = package.energy
    milli = np.zeros(package.chiplets + 1, dtype=np.int64)
    for n in range(1, package.chiplets + 1):
        shape = canonical_shape(n, package.strip_height, package.rows, package.columns)
        milli[n] = 1000 + mean_distance_milli(*shape)
    return EnergyTerms(
        mac_fj=round(profile.mac_fj * network.weight_bits * network.activation_bits / 64),
        input_value_fj=round(profile.input_buffer_read_fj_per_byte * network.activation_bits / 8),
        weight_byte_fj=profile.weight_buffer_read_fj_per_byte,
        sum_value_fj=round(2 * profile.accumulator_fj_per_byte * network.partial_sum_bits / 8),
        read_byte_fj=profile.activation_buffer_read_fj_per_byte,
        write_byte_fj=profile.activation_buffer_write_fj_per_byte,
        hop_byte_fj=profile.nop_hop_fj_per_byte,
        dram_byte_fj=profile.dram_fj_per_byte,
        static_mw=profile.static_mw_per_chiplet * package.chiplets,
        dram_milli_hops=dram_milli_hops(package),
        milli_hops=milli,
    )


@inner
def hop_fj(size: int, milli_hops: int, terms: EnergyTerms) -> int:
    """Energy of ``size`` bytes over ``milli_hops`` / 1000 hops."""
    return size * milli_hops // 1000 * terms.hop_byte_fj


@inner
def dram_fj(size: int, terms: EnergyTerms) -> tuple[int, int]:
    """Energy of ``size`` bytes to or from DRAM: in the DRAM, and on the mesh up to the port."""
    return size * terms.dram_byte_fj, hop_fj(size, terms.dram_milli_hops, terms)


@inner
def add_layer_energy(
    layer: Ints,
    l: int,
    operand: Ints,
    first_operand: int,
    end_operand: int,
    split: Ints,
    at: int,
    partition: int,
    partitions: Ints,
    first: int,
    n: int,
    u: int,
    tiles: tuple[int, int, int],
    cost: LayerCost,
    machine: Machine,
    terms: EnergyTerms,
    out: Ints,
) -> None:
    """Add one beat of one layer, on its whole region, to ``out[ENERGY_TERMS]``.

    PE buffers: weights are held, each read once per beat; an input is read once for all K lanes; a
    partial sum is read and written once for all C lanes.
    """
    row = layer_row(layer, l)
    g, k, samples, high, wide, active = share(row, split[at, 0], split[at, 1], partition, u, tiles)
    macs = row.macs * u
    used = weight_share(row, ISP if partition == ISP else 0, n, g, k)
    out[MAC] += macs * terms.mac_fj
    out[PE_BUFFERS] += (
        ceil_div(macs, machine.lanes_k) * terms.input_value_fj
        + ceil_div(macs, machine.lanes_c) * terms.sum_value_fj
        + used * active * terms.weight_byte_fj
    )
    out[ACTIVATION_BUFFER] += (
        cost.read_bytes * active * terms.read_byte_fj
        + (u * row.out_bytes + cost.ingress_bytes * active) * terms.write_byte_fj
    )
    near = shard_exchange(row, partition, n) * n  # along trees of single hops: multicast, gather, halo
    far = 0
    if partition != ISP:
        near += pool_exchange(row, tiles, samples, high, wide) * active
    for o in range(first_operand, end_operand):
        op = operand_row(operand, o)
        need = operand_need(row, op, partition, u, tiles, g, k, samples, high, wide)
        layout = OUTSIDE
        if op.source >= first:
            layout = SPLIT if partitions[op.source] == ISP else TILED
        taken, volume = operand_exchange(row, op, partition, layout, need, n, u, tiles, samples, high, wide)
        multicast = op.role != RESIDUAL and (partition == ISP) == (op.role == DATA)
        if volume > 0 or (layout == OUTSIDE and not multicast):
            far += taken * active
        else:
            near += taken * active
    out[NOP] += hop_fj(near, 1000, terms) + hop_fj(far, terms.milli_hops[n], terms)
