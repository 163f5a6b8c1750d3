"""What every cluster of a space costs: any partitions of its layers, on any region, per tile grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mcmscope.cost.arrays import ISP, Ints, NetworkArrays, Tilings
from mcmscope.cost.dram import load_ps
from mcmscope.cost.energy import (
    ACTIVATION_BUFFER,
    ENERGY_TERMS,
    NOP,
    PE_BUFFERS,
    EnergyTerms,
    add_layer_energy,
)
from mcmscope.cost.machine import Machine
from mcmscope.cost.memory import cluster_need
from mcmscope.cost.nop import drain_ps
from mcmscope.cost.stage import cost_of
from mcmscope.jit import kernel
from mcmscope.search.exhaustive.case import ANY_CLUSTERS, ONE_CLUSTER, Case
from mcmscope.search.exhaustive.trace import Stage
from mcmscope.search.exhaustive.walk import (
    BUFFER_FJ,
    GRID,
    HOLD_BYTES,
    NOP_FJ,
    OPTION_COLUMNS,
    SRAM_FJ,
    STEP_PS,
    TIME,
)
from mcmscope.search.space import grid_table, tile_grids


@dataclass(frozen=True)
class Clusters:
    """Options of all clusters [i, j) at one micro-batch.

    Row ``first_row[i, j] + (n - 1) * 3^(j - i) + code`` is cluster [i, j) on n chiplets, layer i + x
    partitioned as digit x of ``code`` (the lowest first) says. Its options lie from ``start[row]`` to
    ``start[row + 1]`` in ``option``: the tile grids that no other beats in time, memory and energies at
    once, among those whose weights fit. ``load_ps[row]``, ``distinct[row]``: what its weights need to come
    in, and their bytes per chiplet.
    """

    first_row: Ints
    start: Ints
    option: Ints
    load_ps: Ints
    distinct: Ints
    grid_start: Ints
    grids: Ints

    def row(self, i: int, j: int, n: int, code: int) -> int:
        """The row of a cluster."""
        return int(self.first_row[i, j]) + (n - 1) * 3 ** (j - i) + code

    def grid(self, n: int, index: int) -> tuple[int, int, int]:
        """A tile grid by its number among those of n chiplets."""
        samples, rows, columns = self.grids[int(self.grid_start[n]) + index].tolist()
        return samples, rows, columns


def digits(code: int, length: int) -> list[int]:
    """The partitions of so many layers."""
    return [code // 3**x % 3 for x in range(length)]


def cluster_options(case: Case, u: int) -> Clusters:
    """The options of every cluster that the case may use at micro-batch u."""
    model, N, L = case.model, case.chiplets, case.layers
    grid_start, grids = grid_table(N, u)
    first_row = np.full((L + 1, L + 1), -1, dtype=np.int64)
    starts: list[Ints] = [np.zeros(1, dtype=np.int64)]
    options: list[Ints] = []
    loads: list[Ints] = []
    distincts: list[Ints] = []
    rows = written = 0
    most = max(int(grid_start[n + 1] - grid_start[n]) for n in range(1, N + 1))
    for i, j in _used(case):
        count = N * 3 ** (j - i)
        start = np.zeros(count, dtype=np.int64)
        option = np.zeros((count * most, OPTION_COLUMNS), dtype=np.int64)
        load = np.zeros(count, dtype=np.int64)
        distinct = np.zeros(count, dtype=np.int64)
        clipped = model.machine.activation_free - _most_relayed(case, i, j, u)
        used = fill_options(
            model.net,
            model.machine,
            model.tilings,
            model.terms,
            i,
            j,
            u,
            N,
            case.sharing,
            clipped,
            case.mode,
            grid_start,
            grids,
            start,
            option,
            load,
            distinct,
        )
        first_row[i, j] = rows
        rows += count
        starts.append(start + written)
        written += used
        options.append(option[:used].copy())
        loads.append(load)
        distincts.append(distinct)
    return Clusters(
        first_row,
        np.concatenate(starts),
        np.concatenate(options),
        np.concatenate(loads),
        np.concatenate(distincts),
        grid_start,
        grids,
    )


def _used(case: Case) -> list[tuple[int, int]]:
    """The clusters [i, j) that some segment of several layers may have."""
    runs = {(a, b) for a, b in case.segments() if b - a > 1}
    if case.clusters == ONE_CLUSTER:
        found = runs
    else:
        found = {(i, j) for a, b in runs for i in range(a, b) for j in range(i + 1, b + 1)}
        if case.clusters != ANY_CLUSTERS:
            found = {(i, j) for i, j in found if j - i == 1}
    return sorted(found) or [(0, 1)]


def _most_relayed(case: Case, i: int, j: int, u: int) -> int:
    """The most bytes of a beat that can pass by cluster [i, j) in any segment."""
    return u * max(case.relayed(a, b, i, j) for a in range(i + 1) for b in range(j, case.layers + 1))


@kernel
def fill_options(
    net: NetworkArrays,
    machine: Machine,
    tilings: Tilings,
    terms: EnergyTerms,
    i: int,
    j: int,
    u: int,
    N: int,
    replicas: int,
    clipped: int,
    mode: int,
    grid_start: Ints,
    grids: Ints,
    start: Ints,
    option: Ints,
    load: Ints,
    distinct: Ints,
) -> int:
    """Options of cluster [i, j): ``start[r]`` is where those of row r end; returns their number."""
    partitions = np.zeros(j, dtype=np.int64)
    weights = np.zeros(2, dtype=np.int64)
    codes = 1
    for _ in range(i, j):
        codes *= 3
    written = 0
    for n in range(1, N + 1):
        for code in range(codes):
            rest = code
            for l in range(i, j):
                partitions[l] = rest % 3
                rest //= 3
            written = price_grids(
                net,
                machine,
                tilings,
                terms,
                i,
                j,
                partitions,
                n,
                u,
                replicas,
                clipped,
                mode,
                grids,
                grid_start[n],
                grid_start[n + 1],
                option,
                written,
                weights,
            )
            row = (n - 1) * codes + code
            load[row] = weights[0]
            distinct[row] = weights[1]
            start[row] = written
    return written


@kernel
def price_grids(
    net: NetworkArrays,
    machine: Machine,
    tilings: Tilings,
    terms: EnergyTerms,
    i: int,
    j: int,
    partitions: Ints,
    n: int,
    u: int,
    replicas: int,
    clipped: int,
    mode: int,
    grids: Ints,
    first_grid: int,
    end_grid: int,
    option: Ints,
    begin: int,
    weights: Ints,
) -> int:
    """Options of cluster [i, j) with ``partitions[l]`` on n chiplets, from ``option[begin]`` on; their end.

    Options that another is no worse than are dropped; less memory held than ``clipped`` (bytes of activations
    and, in a unified buffer, weights) is as good. ``weights``: ps to come in from a neighbour, and bytes.
    """
    energy = np.zeros(ENERGY_TERMS, dtype=np.int64)
    tiled = False
    for l in range(i, j):
        tiled = tiled or partitions[l] != ISP
    written = begin
    for g in range(first_grid, end_grid):
        if not tiled and g > first_grid:
            break  # no layer is tiled: all grids are the same
        tiles = (grids[g, 0], grids[g, 1], grids[g, 2])
        time = 0
        stored = 0
        came = 0
        window = 0
        stream = 0
        energy[:] = 0
        for l in range(i, j):
            cost = cost_of(net, machine, tilings, l, partitions[l], partitions, i, n, u, tiles)
            time += cost.time_ps
            stored += cost.stored_bytes
            came += cost.distinct_bytes
            window = max(window, cost.window_bytes)
            stream = cost.stream_bytes
            if mode != TIME:
                add_layer_energy(
                    net.layer,
                    l,
                    net.operand,
                    net.operand_start[l],
                    net.operand_start[l + 1],
                    tilings.split,
                    l * (machine.chiplets + 1) + n,
                    partitions[l],
                    partitions,
                    i,
                    n,
                    u,
                    tiles,
                    cost,
                    machine,
                    terms,
                    energy,
                )
        weights[0] = load_ps(net.weights[j] - net.weights[i], came, n, replicas, machine)
        weights[1] = came
        if stored > machine.weight_limit:
            continue
        time = max(time, drain_ps(net, machine, i, j, n, u))
        need = stream if j - i == 1 else cluster_need(net, i, j, n, u) + window
        hold = max(clipped, need + machine.unified * stored)
        beaten = False
        y = begin
        while y < written:
            if (
                option[y, STEP_PS] <= time
                and option[y, HOLD_BYTES] <= hold
                and option[y, BUFFER_FJ] <= energy[PE_BUFFERS]
                and option[y, SRAM_FJ] <= energy[ACTIVATION_BUFFER]
                and option[y, NOP_FJ] <= energy[NOP]
            ):
                beaten = True
                break
            if (
                option[y, STEP_PS] >= time
                and option[y, HOLD_BYTES] >= hold
                and option[y, BUFFER_FJ] >= energy[PE_BUFFERS]
                and option[y, SRAM_FJ] >= energy[ACTIVATION_BUFFER]
                and option[y, NOP_FJ] >= energy[NOP]
            ):
                written -= 1
                for column in range(OPTION_COLUMNS):
                    option[y, column] = option[written, column]
            else:
                y += 1
        if not beaten:
            option[written, STEP_PS] = time
            option[written, HOLD_BYTES] = hold
            option[written, BUFFER_FJ] = energy[PE_BUFFERS]
            option[written, SRAM_FJ] = energy[ACTIVATION_BUFFER]
            option[written, NOP_FJ] = energy[NOP]
            option[written, GRID] = g - first_grid
            written += 1
    return written


def cluster_stage(case: Case, i: int, j: int, n: int, u: int, partitions: tuple[int, ...]) -> Stage:
    """Cluster [i, j) on n chiplets with one partition per layer, at every tile grid worth trying."""
    model = case.model
    grids = np.array(tile_grids(n, u), dtype=np.int64)
    placed = np.zeros(j, dtype=np.int64)
    placed[i:] = partitions
    option = np.zeros((len(grids), OPTION_COLUMNS), dtype=np.int64)
    weights = np.zeros(2, dtype=np.int64)
    used = price_grids(
        model.net,
        model.machine,
        model.tilings,
        model.terms,
        i,
        j,
        placed,
        n,
        u,
        case.sharing,
        0,
        case.mode,
        grids,
        0,
        len(grids),
        option,
        0,
        weights,
    )
    chosen = [tuple(row) for row in grids[option[:used, GRID]].tolist()]
    return Stage(i, j, n, option[:used], int(weights[0]), int(weights[1]), tuple(chosen))
