"""What one layer costs inside a cluster, for every tile grid, partition and layout of its operands."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mcmscope.cost.arrays import (
    OUTSIDE,
    Ints,
    NetworkArrays,
    Tilings,
    layer_row,
    operand_row,
)
from mcmscope.cost.compute import cycles_ps, share
from mcmscope.cost.machine import Machine
from mcmscope.cost.nop import exchange_ps, operand_exchange, operand_need
from mcmscope.cost.stage import cost_of
from mcmscope.jit import inner, kernel

MOST_DIGITS = 3
PATTERNS = 27
"""Layers of up to three operands have their times in a table, by each operand's layout."""

# Columns of LayerCosts.base.
BUSY, INGRESS, STORED, DISTINCT, WINDOW = range(5)
BASE_COLUMNS = 5


class LayerCosts(NamedTuple):
    """Costs of every kind of layer on a region of n for one micro-batch; G tile grids.

    Operands only add to what is taken in and swapped, so a layer's time follows from sums.
    """

    base: Ints  # [kinds, G, 3, BASE_COLUMNS]: ps and bytes, without what operands take in
    move: Ints  # [operands of all kinds, G, 3, 3, 3]: bytes taken in, swapped and from outside, by layout
    start: Ints  # [kinds + 1] into move
    timed: Ints  # [kinds, G, 3, PATTERNS]: ps, by the layouts of up to MOST_DIGITS operands (base 3)
    charge: Ints  # [kinds, G, 3, MULTIPLIERS]: price of what is stored, ps


class RegionCosts(NamedTuple):
    """``LayerCosts`` of regions of 1, 2, .. chiplets, one behind the other."""

    base: Ints
    move: Ints
    timed: Ints
    charge: Ints
    start: Ints
    grid_start: Ints  # [N + 2]: the tile grids of each size


def operand_starts(net: NetworkArrays, first: Ints) -> Ints:
    """Where the operands of each kind begin in ``LayerCosts.move``; ``first[kinds]`` is a layer of each."""
    counts = net.operand_start[first + 1] - net.operand_start[first]
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts)])


def layer_costs(
    net: NetworkArrays,
    machine: Machine,
    tilings: Tilings,
    first: Ints,
    price: Ints,
    n: int,
    u: int,
    grids: Ints,
) -> LayerCosts:
    """Costs of the layers ``first[kinds]`` on n chiplets under each of ``grids[G, 3]``.

    ``price[MULTIPLIERS]``: prices of stored weights, ps per KiB.
    """
    start = operand_starts(net, first)
    base = np.zeros((len(first), len(grids), 3, BASE_COLUMNS), dtype=np.int64)
    move = np.zeros((int(start[-1]), len(grids), 3, 3, 3), dtype=np.int64)
    timed = np.zeros((len(first), len(grids), 3, PATTERNS), dtype=np.int64)
    fill_costs(net, machine, tilings, first, n, u, grids, base, move, start)
    fill_times(machine, base, move, start, n, timed)
    charge = np.zeros((len(first), len(grids), 3, len(price)), dtype=np.int64)
    fill_charges(base, price, charge)
    return LayerCosts(base, move, start, timed, charge)


def region_costs(
    net: NetworkArrays,
    machine: Machine,
    tilings: Tilings,
    first: Ints,
    price: Ints,
    limit: int,
    u: int,
    grid_start: Ints,
    grids: Ints,
) -> RegionCosts:
    """Costs of the layers ``first[kinds]`` on 1 to ``limit`` chiplets; ``price[N + 1, MULTIPLIERS]``."""
    start = operand_starts(net, first)
    places = int(grid_start[limit + 1]) * 3
    base = np.zeros(len(first) * places * BASE_COLUMNS, dtype=np.int64)
    move = np.zeros(int(start[-1]) * places * 9, dtype=np.int64)
    timed = np.zeros(len(first) * places * PATTERNS, dtype=np.int64)
    charge = np.zeros(len(first) * places * price.shape[1], dtype=np.int64)
    costs = RegionCosts(base, move, timed, charge, start, grid_start)
    fill_regions(net, machine, tilings, first, price, limit, u, grids, costs)
    return costs


@inner
def on_region(costs: RegionCosts, n: int) -> LayerCosts:
    """The costs on n chiplets."""
    kinds = len(costs.start) - 1
    moves = costs.start[kinds]
    begin, end = costs.grid_start[n] * 3, costs.grid_start[n + 1] * 3
    grids = costs.grid_start[n + 1] - costs.grid_start[n]
    steps = len(costs.charge) * PATTERNS // len(costs.timed)
    row, patterns = kinds * BASE_COLUMNS, kinds * PATTERNS
    return LayerCosts(
        costs.base[begin * row : end * row].reshape((kinds, grids, 3, BASE_COLUMNS)),
        costs.move[begin * moves * 9 : end * moves * 9].reshape((moves, grids, 3, 3, 3)),
        costs.start,
        costs.timed[begin * patterns : end * patterns].reshape((kinds, grids, 3, PATTERNS)),
        costs.charge[begin * kinds * steps : end * kinds * steps].reshape((kinds, grids, 3, steps)),
    )


@kernel
def fill_regions(
    net: NetworkArrays,
    machine: Machine,
    tilings: Tilings,
    first: Ints,
    price: Ints,
    limit: int,
    u: int,
    grids: Ints,
    costs: RegionCosts,
) -> None:
    """Fill the arrays of ``RegionCosts``."""
    for n in range(1, limit + 1):
        on = on_region(costs, n)
        tried = grids[costs.grid_start[n] : costs.grid_start[n + 1]]
        fill_costs(net, machine, tilings, first, n, u, tried, on.base, on.move, on.start)
        fill_times(machine, on.base, on.move, on.start, n, on.timed)
        fill_charges(on.base, price[n], on.charge)


@kernel
def fill_costs(
    net: NetworkArrays,
    machine: Machine,
    tilings: Tilings,
    first: Ints,
    n: int,
    u: int,
    grids: Ints,
    base: Ints,
    move: Ints,
    start: Ints,
) -> None:
    """Fill the arrays of ``LayerCosts``."""
    nowhere = np.zeros(len(net.layer), dtype=np.int64)
    for kind in range(len(first)):
        l = first[kind]
        row = layer_row(net.layer, l)
        at = l * (machine.chiplets + 1) + n
        for g in range(len(grids)):
            tiles = (grids[g, 0], grids[g, 1], grids[g, 2])
            for p in range(3):
                cost = cost_of(net, machine, tilings, l, p, nowhere, l + 1, n, u, tiles)
                group, k, samples, high, wide, _ = share(
                    row, tilings.split[at, 0], tilings.split[at, 1], p, u, tiles
                )
                taken_in = cost.ingress_bytes
                for o in range(net.operand_start[l], net.operand_start[l + 1]):
                    op = operand_row(net.operand, o)
                    need = operand_need(row, op, p, u, tiles, group, k, samples, high, wide)
                    taken_in -= need
                    to = start[kind] + o - net.operand_start[l]
                    for layout in range(3):
                        taken, volume = operand_exchange(
                            row, op, p, layout, need, n, u, tiles, samples, high, wide
                        )
                        move[to, g, p, layout, 0] = taken
                        move[to, g, p, layout, 1] = volume
                        move[to, g, p, layout, 2] = u * op.bytes if layout == OUTSIDE else 0
                cycles = max(cost.compute_cycles, max(cost.vector_cycles, cost.read_cycles))
                base[kind, g, p, BUSY] = cycles_ps(cycles, machine.clock_mhz)
                base[kind, g, p, INGRESS] = taken_in
                base[kind, g, p, STORED] = cost.stored_bytes
                base[kind, g, p, DISTINCT] = cost.distinct_bytes
                base[kind, g, p, WINDOW] = cost.window_bytes


@inner
def layer_ps(busy: int, arriving: int, ingress: int, swapped: int, n: int, machine: Machine) -> int:
    """Time of a layer whose array is busy so long and which exchanges so much; as in ``cost.stage``."""
    exchange = exchange_ps(arriving, ingress, swapped, n, machine)
    return machine.start_ps + (busy + exchange if machine.serial == 1 else max(busy, exchange))


@kernel
def fill_times(machine: Machine, base: Ints, move: Ints, start: Ints, n: int, timed: Ints) -> None:
    """Fill ``LayerCosts.timed``: the first operand's layout is the lowest digit."""
    for kind in range(len(start) - 1):
        if start[kind + 1] - start[kind] > MOST_DIGITS:
            continue
        for g in range(base.shape[1]):
            for p in range(3):
                for pattern in range(3 ** (start[kind + 1] - start[kind])):
                    ingress = base[kind, g, p, INGRESS]
                    arriving = 0
                    swapped = 0
                    code = pattern
                    for to in range(start[kind], start[kind + 1]):
                        ingress += move[to, g, p, code % 3, 0]
                        swapped += move[to, g, p, code % 3, 1]
                        arriving += move[to, g, p, code % 3, 2]
                        code //= 3
                    timed[kind, g, p, pattern] = layer_ps(
                        base[kind, g, p, BUSY], arriving, ingress, swapped, n, machine
                    )


@kernel
def fill_charges(base: Ints, price: Ints, charge: Ints) -> None:
    """Fill ``LayerCosts.charge``; ``price[MULTIPLIERS]``: ps per KiB."""
    for kind in range(base.shape[0]):
        for g in range(base.shape[1]):
            for p in range(3):
                for step in range(len(price)):
                    charge[kind, g, p, step] = base[kind, g, p, STORED] * price[step] // 1024
