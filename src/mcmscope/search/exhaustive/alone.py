"""Segments of one layer: every region size, partition and tile grid, in passes where weights do not fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mcmscope.cost.arrays import Ints, NetworkArrays, Tilings
from mcmscope.cost.compute import transfer_ps
from mcmscope.cost.dram import for_samples, load_ps
from mcmscope.cost.energy import DRAM, ENERGY_TERMS, NOP, EnergyTerms, add_layer_energy, dram_fj, hop_fj
from mcmscope.cost.machine import Machine
from mcmscope.cost.memory import excess_bytes, spill_ps
from mcmscope.cost.nop import drain_ps
from mcmscope.cost.passes import price_passes
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
from mcmscope.cost.stage import cost_of
from mcmscope.jit import kernel
from mcmscope.search.exhaustive.case import Case
from mcmscope.search.exhaustive.trace import Point
from mcmscope.search.exhaustive.walk import NEVER, Facts
from mcmscope.search.space import grid_table, tile_grids


@dataclass(frozen=True)
class Alone:
    """A segment of one layer at one micro-batch: ps and fJ for every n - 1, partition and tile grid."""

    time_ps: Ints
    energy_fj: Ints
    grid_start: Ints
    grids: Ints


def alone(case: Case, l: int, u: int) -> Alone:
    """Every way to run layer l as a segment of its own; ``NEVER`` where it does not fit."""
    model, N = case.model, case.chiplets
    grid_start, grids = grid_table(N, u)
    most = max(int(grid_start[n + 1] - grid_start[n]) for n in range(1, N + 1))
    time = np.full((N, 3, most), NEVER, dtype=np.int64)
    energy = np.full((N, 3, most), NEVER, dtype=np.int64)
    fill_alone(
        model.net,
        model.machine,
        model.tilings,
        model.terms,
        case.facts(l, l + 1, u),
        grid_start,
        grids,
        time,
        energy,
    )
    return Alone(time, energy, grid_start, grids)


@kernel
def fill_alone(
    net: NetworkArrays,
    machine: Machine,
    tilings: Tilings,
    terms: EnergyTerms,
    facts: Facts,
    grid_start: Ints,
    grids: Ints,
    time_ps: Ints,
    energy_fj: Ints,
) -> None:
    """Fill ``time_ps`` and ``energy_fj`` [n - 1, partition, grid] where the segment fits."""
    l, u, m, replicas = facts.a, facts.u, facts.m, facts.replicas
    partitions = np.zeros(l + 1, dtype=np.int64)
    stage = np.zeros(STAGE_REPORT, dtype=np.int64)
    for n in range(1, facts.chiplets + 1):
        for partition in range(3):
            partitions[l] = partition
            for g in range(grid_start[n], grid_start[n + 1]):
                tiles = (grids[g, 0], grids[g, 1], grids[g, 2])
                report = np.zeros(SEGMENT_REPORT, dtype=np.int64)
                energy = np.zeros(ENERGY_TERMS, dtype=np.int64)
                cost = cost_of(net, machine, tilings, l, partition, partitions, l, n, u, tiles)
                if cost.stored_bytes > machine.weight_limit:
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
                        facts.kept_before,
                        facts.kept_after,
                        report,
                        stage,
                        energy,
                    )
                    if status != OK:
                        continue
                    time = report[LOAD_PS] + report[RUN_PS]
                else:
                    excess = excess_bytes(cost.stream_bytes, cost.stored_bytes, machine)
                    io_ps = transfer_ps(facts.io_bytes * replicas, machine.dram_mb_per_s)
                    beat = max(
                        max(cost.time_ps, drain_ps(net, machine, l, l + 1, n, u)),
                        io_ps + spill_ps(excess, machine),
                    )
                    load = load_ps(facts.weight_bytes, cost.distinct_bytes, n, replicas, machine)
                    time = facts.load_paid * load + facts.beats * beat
                    report[IO_BYTES] = facts.io_bytes
                    report[SPILL_BYTES] = 2 * excess * n
                    report[LOAD_BYTES] = facts.weight_bytes
                    add_layer_energy(
                        net.layer,
                        l,
                        net.operand,
                        net.operand_start[l],
                        net.operand_start[l + 1],
                        tilings.split,
                        l * (machine.chiplets + 1) + n,
                        partition,
                        partitions,
                        l,
                        n,
                        u,
                        tiles,
                        cost,
                        machine,
                        terms,
                        energy,
                    )
                    for term in range(ENERGY_TERMS):
                        energy[term] = for_samples(energy[term], m, u)
                    energy[NOP] += hop_fj(cost.distinct_bytes * n * replicas, 1000, terms)
                moved = for_samples(report[IO_BYTES] + report[SPILL_BYTES], m, u)
                in_dram, on_mesh = dram_fj(moved + report[LOAD_BYTES], terms)
                energy[DRAM] += in_dram
                energy[NOP] += on_mesh
                time_ps[n - 1, partition, g - grid_start[n]] = time
                energy_fj[n - 1, partition, g - grid_start[n]] = energy.sum() + terms.static_mw * time


def alone_choices(case: Case, l: int, u: int, n: int, partition: int) -> list[Point]:
    """Layer l as a segment on n chiplets under one partition: a point per tile grid that fits."""
    model = case.model
    grids = tile_grids(n, u)
    start = np.array([0] * (n + 1) + [len(grids)], dtype=np.int64)
    time = np.full((n, 3, len(grids)), NEVER, dtype=np.int64)
    energy = np.full((n, 3, len(grids)), NEVER, dtype=np.int64)
    fill_alone(
        model.net,
        model.machine,
        model.tilings,
        model.terms,
        case.facts(l, l + 1, u)._replace(chiplets=n),
        start,
        np.array(grids, dtype=np.int64),
        time,
        energy,
    )
    pairs = zip(time[n - 1, partition].tolist(), energy[n - 1, partition].tolist(), strict=True)
    return [Point(t, e, (grid,)) for grid, (t, e) in zip(grids, pairs, strict=True) if t < NEVER]
