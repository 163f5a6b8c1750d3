"""A layer that runs in passes, since its weights do not fit: every pair of time and energy worth having."""

from __future__ import annotations

import numpy as np

from mcmscope.cost.arrays import ISP, SHARDED, Ints, NetworkArrays
from mcmscope.cost.compute import group_counts
from mcmscope.cost.dram import for_samples
from mcmscope.cost.energy import DRAM, ENERGY_TERMS, NOP, EnergyTerms, dram_fj
from mcmscope.cost.machine import Machine
from mcmscope.cost.passes import price_passes, slice_stored, slices_of
from mcmscope.cost.reports import (
    IO_BYTES,
    LOAD_BYTES,
    LOAD_PS,
    OK,
    RUN_PS,
    SEGMENT_REPORT,
    SPILL_BYTES,
    STAGE_REPORT,
)
from mcmscope.jit import kernel
from mcmscope.search.front.segment import keep_pair


@kernel
def passes_points(
    net: NetworkArrays,
    machine: Machine,
    terms: EnergyTerms,
    l: int,
    u: int,
    grid_start: Ints,
    grids: Ints,
    m: int,
    replicas: int,
    kept_before: int,
    kept_after: int,
    out: Ints,
) -> int:
    """Fill ``out[P, 3]`` with time (ps), energy (fJ) and ``(n * grids + grid) * 3 + partition``; returns how
    many.

    Of all ways to run layer ``l`` alone in a segment in which its weights do not fit; -1 for want of room.
    """
    report = np.zeros(SEGMENT_REPORT, dtype=np.int64)
    stage = np.zeros(STAGE_REPORT, dtype=np.int64)
    energy = np.zeros(ENERGY_TERMS, dtype=np.int64)
    tiling = np.zeros((1, group_counts(machine.pes), 3), dtype=np.int64)
    split = np.zeros((1, 2), dtype=np.int64)
    found = 0
    for n in range(1, machine.chiplets // replicas + 1):
        for g in range(grid_start[n], grid_start[n + 1]):
            tiles = (grids[g, 0], grids[g, 1], grids[g, 2])
            for partition in range(3):
                if (partition == ISP and g > grid_start[n]) or (partition == SHARDED and n == 1):
                    continue
                stored = slice_stored(
                    net.layer, l, slices_of(net.layer, l), partition, n, u, tiles, machine, tiling, split
                )
                if stored <= machine.weight_limit:
                    continue
                report[:] = 0
                energy[:] = 0
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
                if status != OK:
                    continue
                moved = for_samples(report[IO_BYTES] + report[SPILL_BYTES], m, u)
                in_dram, on_mesh = dram_fj(moved + report[LOAD_BYTES], terms)
                energy[DRAM] += in_dram
                energy[NOP] += on_mesh
                which = (n * len(grids) + g) * 3 + partition
                found = keep_pair(out, found, report[LOAD_PS] + report[RUN_PS], energy.sum(), which)
                if found < 0:
                    return -1
    return found
