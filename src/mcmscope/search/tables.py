"""Tables that searches read: the best ways to run one layer on n chiplets, alone or inside a cluster."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mcmscope.cost.arrays import (
    ISP,
    MADE_BEFORE,
    OUTPUTS_MADE,
    SHARDED,
    SOURCE,
    USED_AFTER,
    WEIGHT_BYTES,
    Ints,
    NetworkArrays,
    Tilings,
)
from mcmscope.cost.compute import ceil_div, transfer_ps
from mcmscope.cost.dram import load_ps
from mcmscope.cost.machine import Machine
from mcmscope.cost.model import CostModel
from mcmscope.cost.nop import drain_ps, ingress_mb_per_s
from mcmscope.cost.stage import cost_of
from mcmscope.jit import kernel
from mcmscope.search.space import grid_table

# Columns of an option: one way to run one layer as a stage of its own.
TIME, HELD, LOAD, CHOICE = range(4)
OPTION_COLUMNS = 4
MAX_OPTIONS = 10
"""Options kept per layer and region size; more than these would have to be incomparable."""

MULTIPLIERS = 5
"""Prices of stored weights tried: 0, and up to what gathering them over the NoP costs."""

NEVER = 2**62
"""A time that no schedule reaches: the mark of what does not fit."""


@dataclass(frozen=True)
class Tables:
    """Per micro-batch u (first axis, in the order of ``micro``), kind of layer and region size n.

    ``alone[U, kinds, N + 1, MAX_OPTIONS, 4]``: the options of the layer as a stage of its own that no
    other beats in time (ps), bytes held and load time (ps) at once. Bytes that fit in any case count as the
    most that does, and a load time under that of the layer's weights from DRAM as 0: so few options are
    left. ``CHOICE`` packs the tile grid and the partition as ``3 * grid + partition``; unused rows have
    time ``NEVER``. ``inside[U, MULTIPLIERS, kinds, N + 1]``: a lower bound of the layer's time (ps) when its
    operands lie in its region as it wants them, each stored byte of weights charged at
    ``price[N + 1, MULTIPLIERS]`` (ps per KiB); ``first[U, MULTIPLIERS, kinds, N + 1]``: the same when they
    come from outside. (Lagrange multipliers: what a cluster stores in all is limited, so that the sum of
    these less the price of the whole buffer bounds its time.)
    """

    micro: tuple[int, ...]
    kind: Ints  # [L]: layers of one kind cost the same
    alone: Ints
    inside: Ints
    first: Ints
    price: Ints
    grid_start: Ints  # [U, N + 2]
    grids: tuple[Ints, ...]  # per u: [G, 3]
    overflow: bool  # options were dropped: the tables are not complete


def layer_kinds(net: NetworkArrays) -> tuple[Ints, Ints]:
    """Number the kinds of layers: ``kind[L]`` and the first layer of each kind."""
    known: dict[bytes, int] = {}
    kind: list[int] = []
    first: list[int] = []
    for l in range(len(net.layer)):
        operands = net.operand[net.operand_start[l] : net.operand_start[l + 1]].copy()
        operands[:, SOURCE] = np.clip(operands[:, SOURCE], -1, 0)  # an input always comes from outside
        leaving = net.span[[OUTPUTS_MADE, USED_AFTER], l, l + 1].sum()
        key = net.layer[l].tobytes() + operands.tobytes() + leaving.tobytes()
        if key not in known:
            known[key] = len(first)
            first.append(l)
        kind.append(known[key])
    return np.array(kind, dtype=np.int64), np.array(first, dtype=np.int64)


def tables(model: CostModel, micro: tuple[int, ...]) -> Tables:
    """Tables for every micro-batch of ``micro``."""
    kind, first = layer_kinds(model.net)
    L = len(model.net.layer)
    relayed = int(max(model.net.span[MADE_BEFORE, b, L] for b in range(L + 1)))
    N, U = model.machine.chiplets, len(micro)
    alone = np.zeros((U, len(first), N + 1, MAX_OPTIONS, OPTION_COLUMNS), dtype=np.int64)
    alone[..., TIME] = NEVER
    inside, outside = (np.full((U, MULTIPLIERS, len(first), N + 1), NEVER, dtype=np.int64) for _ in range(2))
    price = np.zeros((N + 1, MULTIPLIERS), dtype=np.int64)
    for step in range(1, MULTIPLIERS):
        for n in range(1, N + 1):
            gather = 1024 * 1_000_000 // ingress_mb_per_s(n, model.machine)
            price[n, step] = gather >> (MULTIPLIERS - 1 - step)
    starts, grids = zip(*(grid_table(N, u) for u in micro), strict=True)
    dropped = 0
    for index, u in enumerate(micro):
        dropped += fill_tables(
            model.net,
            model.machine,
            model.tilings,
            first,
            relayed,
            u,
            starts[index],
            grids[index],
            alone[index],
            inside[index],
            outside[index],
            price,
        )
    return Tables(micro, kind, alone, inside, outside, price, np.stack(starts), grids, dropped > 0)


@kernel
def fill_tables(
    net: NetworkArrays,
    machine: Machine,
    tilings: Tilings,
    first: Ints,
    relayed: int,
    u: int,
    grid_start: Ints,
    grids: Ints,
    alone: Ints,
    inside: Ints,
    outside: Ints,
    price: Ints,
) -> int:
    """Fill the tables of one micro-batch; returns how many options found no place."""
    dropped = 0
    layout = np.zeros(len(net.layer), dtype=np.int64)
    for kind in range(len(first)):
        l = first[kind]
        weights = net.layer[l, WEIGHT_BYTES]
        dram_ps = transfer_ps(weights, machine.dram_mb_per_s)
        for n in range(1, machine.chiplets + 1):
            fits = machine.activation_free - ceil_div(u * relayed, n)
            drain = drain_ps(net, machine, l, l + 1, n, u)
            for g in range(grid_start[n], grid_start[n + 1]):
                tiles = (grids[g, 0], grids[g, 1], grids[g, 2])
                for partition in range(3):
                    if partition == ISP and g > grid_start[n]:
                        continue  # tiles mean nothing to it
                    if partition == SHARDED and n == 1:
                        continue  # the same as WSP
                    cost = cost_of(net, machine, tilings, l, partition, layout, l + 1, n, u, tiles)
                    if cost.stored_bytes <= machine.weight_limit:
                        held = max(cost.stream_bytes + machine.unified * cost.stored_bytes, fits)
                        load = load_ps(weights, cost.distinct_bytes, n, 1, machine)
                        dropped += keep_option(
                            alone[kind, n],
                            max(cost.time_ps, drain),
                            held,
                            load if load > dram_ps else 0,
                            3 * g + partition,
                        )
                        alone_ps = cost.time_ps
                        for o in range(net.operand_start[l], net.operand_start[l + 1]):
                            if net.operand[o, SOURCE] >= 0:
                                layout[net.operand[o, SOURCE]] = partition
                        # min(l, 0) is 0: a literal would have the kernel compiled twice.
                        cost = cost_of(net, machine, tilings, l, partition, layout, min(l, 0), n, u, tiles)
                        for step in range(MULTIPLIERS):
                            charge = cost.stored_bytes * price[n, step] // 1024
                            outside[step, kind, n] = min(outside[step, kind, n], alone_ps + charge)
                            inside[step, kind, n] = min(inside[step, kind, n], cost.time_ps + charge)
    return dropped


@kernel
def keep_option(options: Ints, time: int, held: int, load: int, choice: int) -> int:
    """Keep an option unless another is as good in every way; 1 if it had to be dropped for want of room."""
    count = options.shape[0]
    for o in range(count):
        if options[o, TIME] == NEVER:
            break
        if options[o, TIME] <= time and options[o, HELD] <= held and options[o, LOAD] <= load:
            return 0
    write = 0
    for o in range(count):
        if options[o, TIME] == NEVER:
            break
        if options[o, TIME] >= time and options[o, HELD] >= held and options[o, LOAD] >= load:
            continue
        for column in range(OPTION_COLUMNS):
            options[write, column] = options[o, column]
        write += 1
    if write == count:
        return 1
    options[write, TIME] = time
    options[write, HELD] = held
    options[write, LOAD] = load
    options[write, CHOICE] = choice
    for o in range(write + 1, count):
        options[o, TIME] = NEVER
    return 0
