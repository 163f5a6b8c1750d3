"""Segments of one layer: the best of all ways, passes over slices of its weights included."""

from __future__ import annotations

import numpy as np

from mcmscope.cost.arrays import ISP, MACS, WEIGHT_BYTES, G, Ints, K, NetworkArrays, layer_row
from mcmscope.cost.compute import ceil_div, group_counts, isp_share, transfer_ps, weight_share
from mcmscope.cost.dram import load_mb_per_s
from mcmscope.cost.energy import ENERGY_TERMS, EnergyTerms
from mcmscope.cost.machine import Machine
from mcmscope.cost.memory import spill_ps
from mcmscope.cost.passes import price_passes, slice_stored, slices_of
from mcmscope.cost.reports import LOAD_PS, OK, RUN_PS, SEGMENT_REPORT, STAGE_REPORT
from mcmscope.jit import kernel
from mcmscope.search.tables import CHOICE, HELD, LOAD, NEVER, TIME


@kernel
def best_fitting(
    machine: Machine,
    alone: Ints,
    kind: int,
    micro: Ints,
    io: int,
    weights: int,
    m: int,
    replicas: int,
    limit: int,
    bound: int,
    choice: Ints,
) -> int:
    """Least time (ps) of a one-layer segment whose ``weights`` (bytes) fit on at most ``limit`` chiplets.

    ``choice`` gets (index of u, n, packed choice) when the result is below ``bound``.
    """
    best = bound
    for index in range(len(micro)):
        u = micro[index]
        beats = ceil_div(ceil_div(m, replicas), u)
        io_ps = transfer_ps(u * io * replicas, machine.dram_mb_per_s)
        for n in range(1, limit + 1):
            arrive_ps = transfer_ps(weights, load_mb_per_s(n, replicas, machine))
            for o in range(alone.shape[3]):
                time = alone[index, kind, n, o, TIME]
                if time == NEVER:
                    break
                spill = spill_ps(max(0, alone[index, kind, n, o, HELD] - machine.activation_free), machine)
                total = max(arrive_ps, alone[index, kind, n, o, LOAD]) + beats * max(time, io_ps + spill)
                if total < best:
                    best = total
                    choice[0] = index
                    choice[1] = n
                    choice[2] = alone[index, kind, n, o, CHOICE]
    return best


@kernel
def best_in_passes(
    net: NetworkArrays,
    machine: Machine,
    terms: EnergyTerms,
    l: int,
    index: int,
    u: int,
    grid_start: Ints,
    grids: Ints,
    m: int,
    replicas: int,
    kept_before: int,
    kept_after: int,
    limit: int,
    bound: int,
    choice: Ints,
) -> int:
    """As ``best_fitting`` for one micro-batch, over all ways in which the layer's weights do not fit."""
    best = bound
    beats = ceil_div(ceil_div(m, replicas), u)
    report = np.zeros(SEGMENT_REPORT, dtype=np.int64)
    stage = np.zeros(STAGE_REPORT, dtype=np.int64)
    energy = np.zeros(ENERGY_TERMS, dtype=np.int64)
    tiling = np.zeros((1, group_counts(machine.pes), 3), dtype=np.int64)
    split = np.zeros((1, 2), dtype=np.int64)
    dram_ps = transfer_ps(net.layer[l, WEIGHT_BYTES], machine.dram_mb_per_s)
    for n in range(limit, 0, -1):
        # Even a perfect use of the region's MACs takes this long; fewer chiplets only take longer.
        cycles = ceil_div(net.layer[l, MACS] * u, n * machine.pes * machine.lanes_k * machine.lanes_c)
        if dram_ps + beats * (cycles * 1_000_000 // machine.clock_mhz) >= best:
            break
        for g in range(grid_start[n], grid_start[n + 1]):
            tiles = (grids[g, 0], grids[g, 1], grids[g, 2])
            for partition in range(3):
                if partition == ISP and g > grid_start[n]:
                    continue
                g_share, k_share = isp_share(net.layer[l, K], net.layer[l, G], n)
                stored = weight_share(layer_row(net.layer, l), partition, n, g_share, k_share)
                if stored * (machine.pes if machine.copies == 1 else 1) <= machine.weight_limit:
                    continue  # it fits however often it is copied
                stored = slice_stored(
                    net.layer, l, slices_of(net.layer, l), partition, n, u, tiles, machine, tiling, split
                )
                if stored <= machine.weight_limit:
                    continue
                for column in range(SEGMENT_REPORT):
                    report[column] = 0
                status = price_passes(
                    net,
                    machine,
                    terms,
                    l,
                    partition,
                    n,
                    u,
                    tiles,
                    m,
                    replicas,
                    kept_before,
                    kept_after,
                    report,
                    stage,
                    energy,
                )
                total = report[LOAD_PS] + report[RUN_PS]
                if status == OK and total < best:
                    best = total
                    choice[0] = index
                    choice[1] = n
                    choice[2] = 3 * g + partition
    return best
