"""What one layer takes in time, memory and energy inside a cluster, for every tile grid and partition."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mcmscope.cost.arrays import (
    DATA,
    ISP,
    OUTSIDE,
    RESIDUAL,
    Ints,
    NetworkArrays,
    Tilings,
    layer_row,
    operand_row,
)
from mcmscope.cost.compute import cycles_ps, share
from mcmscope.cost.energy import ENERGY_TERMS, PE_BUFFERS, EnergyTerms, add_layer_energy
from mcmscope.cost.machine import Machine
from mcmscope.cost.model import CostModel
from mcmscope.cost.nop import exchange_ps, operand_exchange, operand_need, pool_exchange, shard_exchange
from mcmscope.cost.stage import cost_of
from mcmscope.jit import inner, kernel
from mcmscope.search.space import grid_table
from mcmscope.search.tables import layer_kinds

# Columns of LayerTable.base: what does not depend on where operands lie.
BUSY, INGRESS, STORED, DISTINCT, WINDOW, STREAM, ACTIVE, PE, READ, NEAR = range(10)
BASE_COLUMNS = 10
# Columns of LayerTable.move: bytes taken in per chiplet, volume of an all-to-all, 1 if it goes far, and bytes
# that cross the border of the region.
TAKEN, SWAPPED, FAR, ARRIVING = range(4)
MOVE_COLUMNS = 4


class LayerTable(NamedTuple):
    """Every kind of layer for one micro-batch, per tile grid (of all region sizes) and partition.

    Operands only add to what is taken in and swapped, so time and energy follow from sums over them.
    """

    base: Ints  # [kinds, G, 3, BASE_COLUMNS]: ps, bytes, chiplets, fJ per beat of the region
    move: Ints  # [operands of all kinds, G, 3, 3 layouts, MOVE_COLUMNS]
    start: Ints  # [kinds + 1] into move
    kind: Ints  # [L]
    grid_start: Ints  # [N + 2] into grids
    grids: Ints  # [G, 3]
    milli_hops: Ints  # [N + 1], see EnergyTerms


def layer_table(model: CostModel, u: int) -> LayerTable:
    """The table of ``model`` for micro-batch ``u``."""
    net = model.net
    kind, first = layer_kinds(net)
    grid_start, grids = grid_table(model.machine.chiplets, u)
    counts = net.operand_start[first + 1] - net.operand_start[first]
    start = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts)])
    base = np.zeros((len(first), len(grids), 3, BASE_COLUMNS), dtype=np.int64)
    move = np.zeros((int(start[-1]), len(grids), 3, 3, MOVE_COLUMNS), dtype=np.int64)
    table = LayerTable(base, move, start, kind, grid_start, grids, model.terms.milli_hops)
    fill_layers(net, model.machine, model.tilings, model.terms, first, u, table)
    return table


@kernel
def fill_layers(
    net: NetworkArrays,
    machine: Machine,
    tilings: Tilings,
    terms: EnergyTerms,
    first: Ints,
    u: int,
    table: LayerTable,
) -> None:
    """Fill ``table.base`` and ``table.move``; ``first[kinds]`` is a layer of each kind."""
    nowhere = np.zeros(len(net.layer), dtype=np.int64)
    fj = np.zeros(ENERGY_TERMS, dtype=np.int64)
    for kind in range(len(first)):
        l = int(first[kind])
        row = layer_row(net.layer, l)
        begin = net.operand_start[l]
        end = net.operand_start[l + 1]
        for n in range(1, machine.chiplets + 1):
            at = l * (machine.chiplets + 1) + n
            for g in range(table.grid_start[n], table.grid_start[n + 1]):
                tiles = (table.grids[g, 0], table.grids[g, 1], table.grids[g, 2])
                for p in range(3):
                    cost = cost_of(net, machine, tilings, l, p, nowhere, l + 1, n, u, tiles)
                    for term in range(ENERGY_TERMS):
                        fj[term] = 0
                    add_layer_energy(
                        net.layer,
                        l,
                        net.operand,
                        begin,
                        end,
                        tilings.split,
                        at,
                        p,
                        nowhere,
                        l + 1,
                        n,
                        u,
                        tiles,
                        cost,
                        machine,
                        terms,
                        fj,
                    )
                    group, k, samples, high, wide, active = share(
                        row, tilings.split[at, 0], tilings.split[at, 1], p, u, tiles
                    )
                    own = cost.ingress_bytes
                    for o in range(begin, end):
                        op = operand_row(net.operand, o)
                        need = operand_need(row, op, p, u, tiles, group, k, samples, high, wide)
                        own -= need
                        to = table.start[kind] + o - begin
                        multicast = op.role != RESIDUAL and (p == ISP) == (op.role == DATA)
                        for layout in range(3):
                            taken, volume = operand_exchange(
                                row, op, p, layout, need, n, u, tiles, samples, high, wide
                            )
                            table.move[to, g, p, layout, TAKEN] = taken
                            table.move[to, g, p, layout, SWAPPED] = volume
                            if layout == OUTSIDE:
                                table.move[to, g, p, layout, ARRIVING] = u * op.bytes
                            if volume > 0 or (layout == OUTSIDE and not multicast):
                                table.move[to, g, p, layout, FAR] = 1
                    near = shard_exchange(row, p, n) * n
                    if p != ISP:
                        near += pool_exchange(row, tiles, samples, high, wide) * active
                    cycles = max(cost.compute_cycles, max(cost.vector_cycles, cost.read_cycles))
                    cell = table.base[kind, g, p]
                    cell[BUSY] = cycles_ps(cycles, machine.clock_mhz)
                    cell[INGRESS] = own
                    cell[STORED] = cost.stored_bytes
                    cell[DISTINCT] = cost.distinct_bytes
                    cell[WINDOW] = cost.window_bytes
                    cell[STREAM] = cost.stream_bytes
                    cell[ACTIVE] = active
                    cell[PE] = fj[PE_BUFFERS]
                    cell[READ] = (
                        cost.read_bytes * active * terms.read_byte_fj
                        + u * row.out_bytes * terms.write_byte_fj
                    )
                    cell[NEAR] = near


@inner
def layer_ps(busy: int, arriving: int, ingress: int, swapped: int, n: int, machine: Machine) -> int:
    """Time of a layer whose array is busy so long and that exchanges so much; as in ``cost.stage``."""
    exchange = exchange_ps(arriving, ingress, swapped, n, machine)
    return machine.start_ps + (busy + exchange if machine.serial == 1 else max(busy, exchange))
