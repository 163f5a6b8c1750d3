"""Some good ways to run every cluster, found in one pass over the layers per first layer: no proof, but soon.

As in ``search.choose``: under the tile grids that promise most, with time and stored weights paid for at a
few prices, the best way to each layout of the awaited tensors is kept.
"""

from __future__ import annotations

import numpy as np

from mcmscope.cost.arrays import Ints, NetworkArrays
from mcmscope.cost.energy import EnergyTerms, dram_fj
from mcmscope.cost.machine import Machine
from mcmscope.cost.memory import cluster_need
from mcmscope.cost.nop import drain_ps, ingress_mb_per_s
from mcmscope.jit import inner, kernel
from mcmscope.search.choose import pick_grids
from mcmscope.search.front.cluster import (
    ACTIVATION_BEAT,
    GRID,
    LOADED_BYTES,
    NOP_BEAT,
    PE_BEAT,
    POINT_PS,
)
from mcmscope.search.front.layers import (
    BUSY,
    DISTINCT,
    INGRESS,
    NEAR,
    PE,
    READ,
    STREAM,
    LayerTable,
    layer_ps,
)
from mcmscope.search.front.steps import (
    BEYOND,
    SPENT,
    STEP_ACTIVATION,
    STEP_LOADED,
    STEP_NOP,
    STEP_PE,
    STEP_PS,
    STEP_STORED,
    STEP_WINDOW,
    TO,
    UNIT,
    Steps,
    fill_states,
    fill_steps,
    make_steps,
)
from mcmscope.search.fused import fill_slots
from mcmscope.search.tables import NEVER

SHARES = (1, 8, 32, 256)
"""Prices of a ps: so many 32nds of what the network spends in one."""
PRICES = 2 * len(SHARES)
"""Pairs of prices: each of these with stored weights for free, and at a quarter of what gathering costs."""
WINDOWS = 3
"""Limits of the gather window tried: none, the room for activations, and a quarter of it."""

# Columns of a way: what it has come to. BEHIND: where it came from, 4 times the layouts plus the partition.
SCORE, WAY_PS, WAY_STORED, WAY_LOADED, WAY_WINDOW, WAY_PE, WAY_ACTIVATION, WAY_NOP, BEHIND = range(9)
WAY_COLUMNS = 9
# Columns of what is found of a shape on n chiplets at a price.
FOUND_SCORE, FOUND_PS, FOUND_FJ, FOUND_HELD, FOUND_LOADED = range(5)
# Where it was found: in a run up to which layer, under which tile grid, window's limit and pair of prices.
FOUND_LAST, FOUND_GRID, FOUND_WINDOW, FOUND_PRICE = range(5, 9)
FOUND_COLUMNS = 9


@inner
def window_limit(which: int, machine: Machine) -> int:
    """The widest gather window (bytes) that is tried."""
    return NEVER if which == 0 else machine.activation_free >> (2 * (which - 1))


@inner
def fill_quick(
    machine: Machine, table: LayerTable, n: int, u: int, m: int, hop_fj: int, spent: Ints, taken: Ints
) -> None:
    """``spent[kinds, G]`` (fJ of the batch) and ``taken`` (ps of a beat) of layers whose operands are in
    place."""
    begin = table.grid_start[n]
    for kind in range(spent.shape[0]):
        for x in range(spent.shape[1]):
            spent[kind, x] = BEYOND
            taken[kind, x] = BEYOND
            for p in range(3):
                cell = table.base[kind, begin + x, p]
                fj = m * (cell[PE] + cell[READ] + hop_fj * cell[NEAR]) // u + cell[DISTINCT] * n * hop_fj
                spent[kind, x] = min(spent[kind, x], fj)
                taken[kind, x] = min(taken[kind, x], layer_ps(cell[BUSY], 0, cell[INGRESS], 0, n, machine))


@inner
def run_ways(steps: Steps, length: int, per_ps: int, per_unit: int, room: int, ways: Ints) -> int:
    """Fill ``ways[x, y]`` with the cheapest way to layouts y behind x layers; returns how many layers were
    run."""
    for column in range(WAY_COLUMNS):
        ways[0, 0, column] = 0
    for x in range(length):
        for y in range(steps.layouts[x + 1]):
            ways[x + 1, y, SCORE] = BEYOND
        any_way = False
        for y in range(steps.layouts[x]):
            old = ways[x, y]
            if old[SCORE] >= BEYOND:
                continue
            for p in range(3):
                step = steps.step[x, y, p]
                to = step[TO]
                stored = old[WAY_STORED] + step[STEP_STORED]
                if to < 0 or stored > room:
                    continue
                score = old[SCORE] + step[SPENT] + per_ps * step[STEP_PS]
                score += per_unit * (step[STEP_STORED] // UNIT)
                new = ways[x + 1, to]
                if score >= new[SCORE]:
                    continue
                any_way = True
                new[SCORE] = score
                new[WAY_PS] = old[WAY_PS] + step[STEP_PS]
                new[WAY_STORED] = stored
                new[WAY_LOADED] = old[WAY_LOADED] + step[STEP_LOADED]
                new[WAY_WINDOW] = max(old[WAY_WINDOW], step[STEP_WINDOW])
                new[WAY_PE] = old[WAY_PE] + step[STEP_PE]
                new[WAY_ACTIVATION] = old[WAY_ACTIVATION] + step[STEP_ACTIVATION]
                new[WAY_NOP] = old[WAY_NOP] + step[STEP_NOP]
                new[BEHIND] = 4 * y + p
        if not any_way:
            return x
    return length


@inner
def best_way(ways: Ints, count: int) -> int:
    """The layouts with the least score."""
    best = 0
    for y in range(1, count):
        if ways[y, SCORE] < ways[best, SCORE]:
            best = y
    return best


@inner
def price_pair(machine: Machine, k: int, n: int, u: int, m: int, hop_fj: int, slope: int) -> tuple[int, int]:
    """The k-th pair of prices: of a ps, and of ``UNIT`` of stored weights."""
    per_ps = slope * SHARES[k // 2] // 32
    if k % 2 == 0:
        return per_ps, 0
    gathered_ps = UNIT * 1_000_000 // ingress_mb_per_s(n, machine) + 1
    return per_ps, (UNIT * n * hop_fj * m // u + per_ps * gathered_ps) // 4


@kernel
def slope_of(machine: Machine, table: LayerTable, n: int, u: int, m: int, hop_fj: int) -> int:
    """About how many fJ of the batch the network spends in a ps of its layers' time on n chiplets."""
    grids = table.grid_start[n + 1] - table.grid_start[n]
    spent = np.zeros((len(table.base), grids), dtype=np.int64)
    taken = np.zeros((len(table.base), grids), dtype=np.int64)
    fill_quick(machine, table, n, u, m, hop_fj, spent, taken)
    energy = 0
    time = 1
    for l in range(len(table.kind)):
        energy += spent[table.kind[l]].min()
        time += taken[table.kind[l]].min()
    return energy // time


@kernel
def fill_found(
    net: NetworkArrays,
    machine: Machine,
    terms: EnergyTerms,
    table: LayerTable,
    shape: Ints,
    owner: Ints,
    n: int,
    u: int,
    m: int,
    write_fj: int,
    slope: int,
    relayed: int,
    longest: int,
    found: Ints,
) -> int:
    """Fill ``found[S, PRICES, FOUND_COLUMNS]`` with good ways to run every shape on n chiplets.

    ``owner[s]`` is the first layer that shape s begins with. Returns how many ways were looked at.
    """
    L = len(net.layer)
    hop = terms.hop_byte_fj
    begin = table.grid_start[n]
    grids = table.grid_start[n + 1] - begin
    spent = np.zeros((len(table.base), grids), dtype=np.int64)
    taken = np.zeros((len(table.base), grids), dtype=np.int64)
    fill_quick(machine, table, n, u, m, hop, spent, taken)
    sums = np.zeros(grids, dtype=np.int64)
    once = np.zeros(grids, dtype=np.int64)
    picked = np.zeros(grids, dtype=np.int64)
    steps = make_steps(longest, 0)
    ways = np.zeros((longest + 1, steps.word.shape[1], WAY_COLUMNS), dtype=np.int64)
    slot = np.zeros(longest, dtype=np.int64)
    free_after = np.zeros(longest, dtype=np.int64)
    base = np.zeros(longest + 1, dtype=np.int64)
    drain = np.zeros(longest + 1, dtype=np.int64)
    fits = machine.activation_free - (u * relayed + n - 1) // n
    made = 0
    for i in range(L):
        last = reach_of(net, machine, shape, owner, i, n, longest)
        while last > i and not (
            fill_slots(net, i, last, slot, free_after) and fill_states(net, i, last, slot, free_after, steps)
        ):
            last = i + (last - i) // 2
        if last == i:
            continue
        length = last - i
        for x in range(1, length + 1):
            base[x] = cluster_need(net, i, i + x, n, u) if x > 1 else 0
            drain[x] = drain_ps(net, machine, i, i + x, n, u)
        picked[:] = 0
        for share in (1, 32):
            pick_grids(spent + slope * share // 32 * taken, table.kind, i, last, sums, once)
            picked |= once
        for x in range(grids):
            if picked[x] == 0:
                continue
            g = begin + x
            for w in range(WINDOWS):
                limit = window_limit(w, machine)
                fill_steps(net, machine, table, i, last, n, g, u, m, hop, write_fj, limit, slot, steps)
                for k in range(PRICES):
                    per_ps, per_unit = price_pair(machine, k, n, u, m, hop, slope)
                    done = run_ways(steps, length, per_ps, per_unit, machine.weight_limit, ways)
                    for y in range(1, done + 1):
                        s = shape[i, i + y]
                        if owner[s] != i:
                            continue
                        made += 1
                        way = ways[y, best_way(ways[y], steps.layouts[y])]
                        time = max(way[WAY_PS], drain[y])
                        window = way[WAY_WINDOW]
                        if y == 1:
                            window = table.base[table.kind[i], g, way[BEHIND] & 3, STREAM]
                        held = max(base[y] + window + machine.unified * way[WAY_STORED], fits)
                        beat = way[WAY_PE] + way[WAY_ACTIVATION] + way[WAY_NOP]
                        fj = m * beat // u + way[WAY_LOADED] * n * hop
                        excess = max(0, held - machine.activation_free)
                        in_dram, on_mesh = dram_fj(m * 2 * excess * n // u, terms)
                        score = fj + in_dram + on_mesh + per_ps * time
                        if score < found[s, k, FOUND_SCORE]:
                            old = found[s, k]
                            old[FOUND_SCORE] = score
                            old[FOUND_PS] = time
                            old[FOUND_FJ] = fj
                            old[FOUND_HELD] = held
                            old[FOUND_LOADED] = way[WAY_LOADED]
                            old[FOUND_LAST] = last
                            old[FOUND_GRID] = g
                            old[FOUND_WINDOW] = w
                            old[FOUND_PRICE] = k
    return made


@inner
def reach_of(
    net: NetworkArrays, machine: Machine, shape: Ints, owner: Ints, i: int, n: int, longest: int
) -> int:
    """Where the longest cluster ends that begins with layer i, is of a shape of its own and fits."""
    last = i
    for j in range(i + 1, min(i + longest, len(net.layer)) + 1):
        if net.weights[j] - net.weights[i] > n * machine.weight_limit:
            break
        if owner[shape[i, j]] == i:
            last = j
    return last


@kernel
def trace_way(
    net: NetworkArrays,
    machine: Machine,
    table: LayerTable,
    i: int,
    j: int,
    n: int,
    u: int,
    m: int,
    hop: int,
    write_fj: int,
    slope: int,
    row: Ints,
    point: Ints,
    partitions: Ints,
) -> None:
    """Fill ``partitions[j - i]`` of the way behind a row that ``fill_found`` filled, and of
    ``point[POINT_COLUMNS]`` its time, loads, energies of a beat and tile grid."""
    last, g = row[FOUND_LAST], row[FOUND_GRID]
    length = last - i
    steps = make_steps(length, 0)
    ways = np.zeros((length + 1, steps.word.shape[1], WAY_COLUMNS), dtype=np.int64)
    slot = np.zeros(length, dtype=np.int64)
    free_after = np.zeros(length, dtype=np.int64)
    fill_slots(net, i, last, slot, free_after)
    fill_states(net, i, last, slot, free_after, steps)
    limit = window_limit(row[FOUND_WINDOW], machine)
    fill_steps(net, machine, table, i, last, n, g, u, m, hop, write_fj, limit, slot, steps)
    per_ps, per_unit = price_pair(machine, row[FOUND_PRICE], n, u, m, hop, slope)
    run_ways(steps, length, per_ps, per_unit, machine.weight_limit, ways)
    x = j - i
    y = best_way(ways[x], steps.layouts[x])
    way = ways[x, y]
    point[POINT_PS] = max(way[WAY_PS], drain_ps(net, machine, i, j, n, u))
    point[LOADED_BYTES] = way[WAY_LOADED]
    point[PE_BEAT] = way[WAY_PE]
    point[ACTIVATION_BEAT] = way[WAY_ACTIVATION]
    point[NOP_BEAT] = way[WAY_NOP]
    point[GRID] = g
    for back in range(x - 1, -1, -1):
        behind = ways[back + 1, y, BEHIND]
        partitions[back] = behind & 3
        y = behind >> 2
