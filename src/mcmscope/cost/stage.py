"""A stage: the layers of one cluster, run in turn on one region."""

from __future__ import annotations

from typing import NamedTuple

from mcmscope.cost.arrays import (
    ISP,
    OUTSIDE,
    SHARDED,
    SPLIT,
    TILED,
    Ints,
    NetworkArrays,
    Tilings,
    layer_row,
    operand_row,
)
from mcmscope.cost.compute import array_cycles, ceil_div, cycles_ps, share, vector_cycles, weight_share
from mcmscope.cost.machine import BARRED_CYCLES, Machine
from mcmscope.cost.memory import cluster_need, operand_stream, operand_window, output_stream, shard_window
from mcmscope.cost.nop import (
    drain_ps,
    exchange_ps,
    operand_exchange,
    operand_need,
    pool_exchange,
    shard_exchange,
)
from mcmscope.jit import inlined, inner, kernel


class LayerCost(NamedTuple):
    """One layer on one region for one beat, per chiplet."""

    time_ps: int
    compute_cycles: int
    vector_cycles: int
    read_cycles: int
    exchange_ps: int
    ingress_bytes: int
    swapped_bytes: int  # volume of the all-to-all, 0 if there is none
    stored_bytes: int  # weights in the buffer, copies counted
    distinct_bytes: int  # weights that had to come in
    read_bytes: int  # activations read from the buffer
    window_bytes: int  # held undivided in a cluster of several layers
    stream_bytes: int  # held as the only layer of a stage
    active: int  # chiplets that compute


@inner
def layer_cost(
    layer: Ints,
    l: int,
    operand: Ints,
    first_operand: int,
    end_operand: int,
    tiling: Ints,
    t: int,
    split: Ints,
    at: int,
    partition: int,
    partitions: Ints,
    first: int,
    n: int,
    u: int,
    tiles: tuple[int, int, int],
    machine: Machine,
) -> LayerCost:
    """Cost of a layer whose cluster begins at layer ``first`` and lies as ``partitions`` says before it."""
    row = layer_row(layer, l)
    g, k, samples, high, wide, active = share(row, split[at, 0], split[at, 1], partition, u, tiles)
    positions = samples * high * wide
    compute, copies, along_k = array_cycles(tiling, t, row.kernel, g, positions)
    compute += (machine.barred >> partition & 1) * BARRED_CYCLES
    vector = vector_cycles(row, partition, u, g, k, positions, machine.vector_lanes)
    ingress = shard_exchange(row, partition, n)
    arriving = 0
    swapped = 0
    worked = 0
    window = shard_window(row, machine) if partition == SHARDED else 0
    stream = window + output_stream(row, u, active)
    for o in range(first_operand, end_operand):
        op = operand_row(operand, o)
        need = operand_need(row, op, partition, u, tiles, g, k, samples, high, wide)
        layout = OUTSIDE
        if op.source >= first:
            layout = SPLIT if partitions[op.source] == ISP else TILED
        else:
            arriving += u * op.bytes
        taken, volume = operand_exchange(row, op, partition, layout, need, n, u, tiles, samples, high, wide)
        ingress += taken
        swapped += volume
        worked += need
        window += operand_window(row, op, partition, u, g, samples)
        stream += operand_stream(row, op, partition, u, g, k, samples, active)
    if partition != ISP:
        ingress += pool_exchange(row, tiles, samples, high, wide)
    distinct = weight_share(row, partition, n, g, k)
    reads = worked * ceil_div(k, machine.lanes_k * along_k)
    read = ceil_div(reads + machine.unified * distinct, machine.read_bytes_per_cycle)
    exchange = exchange_ps(arriving, ingress, swapped, n, machine)
    busy = cycles_ps(max(compute, max(vector, read)), machine.clock_mhz)
    together = busy + exchange if machine.serial == 1 else max(busy, exchange)
    return LayerCost(
        machine.start_ps + together,
        compute,
        vector,
        read,
        exchange,
        ingress,
        swapped,
        distinct * copies if machine.copies == 1 else distinct,
        distinct,
        reads,
        window,
        stream,
        active,
    )


@inlined
def cost_of(
    net: NetworkArrays,
    machine: Machine,
    tilings: Tilings,
    l: int,
    partition: int,
    partitions: Ints,
    first: int,
    n: int,
    u: int,
    tiles: tuple[int, int, int],
) -> LayerCost:
    """``layer_cost`` of layer ``l`` from the tables."""
    at = l * (machine.chiplets + 1) + n
    return layer_cost(
        net.layer,
        l,
        net.operand,
        net.operand_start[l],
        net.operand_start[l + 1],
        tilings.tiling,
        len(net.layer) + at if partition == ISP else l,
        tilings.split,
        at,
        partition,
        partitions,
        first,
        n,
        u,
        tiles,
        machine,
    )


class StageCost(NamedTuple):
    """One stage for one beat, per chiplet."""

    time_ps: int
    stored_bytes: int
    distinct_bytes: int
    need_bytes: int  # activations, without what it relays for others


@kernel
def stage_cost(
    net: NetworkArrays,
    machine: Machine,
    tilings: Tilings,
    i: int,
    j: int,
    partitions: Ints,
    n: int,
    u: int,
    tiles: tuple[int, int, int],
) -> StageCost:
    """Cost of cluster [i, j) with ``partitions[l]`` for each of its layers."""
    time = 0
    stored = 0
    distinct = 0
    window = 0
    stream = 0
    for l in range(i, j):
        cost = cost_of(net, machine, tilings, l, partitions[l], partitions, i, n, u, tiles)
        time += cost.time_ps
        stored += cost.stored_bytes
        distinct += cost.distinct_bytes
        window = max(window, cost.window_bytes)
        stream = cost.stream_bytes
    need = stream if j - i == 1 else cluster_need(net, i, j, n, u) + window
    return StageCost(max(time, drain_ps(net, machine, i, j, n, u)), stored, distinct, need)
