"""A cluster of several layers on n chiplets: the best partitions and tile grid, exactly.

Layers are taken in turn. A label is a way to have run those so far: its time, the weights that it stores,
its widest gather window, and the layout of every tensor that is still needed. A label that is no better in
any of these than another with the same layouts is dropped.
"""

from __future__ import annotations

import numpy as np

from mcmscope.cost.arrays import ISP, SHARDED, SOURCE, WSP, Ints, NetworkArrays, Tilings, layer_row
from mcmscope.cost.compute import ceil_div, transfer_ps, weight_share
from mcmscope.cost.machine import Machine
from mcmscope.cost.memory import cluster_need, relayed_bytes, spill_ps
from mcmscope.cost.nop import drain_ps, ingress_mb_per_s
from mcmscope.cost.stage import cost_of
from mcmscope.jit import inner, kernel
from mcmscope.search.fused_bounds import promising_grids

LABEL_TIME, STORED, DISTINCT, WINDOW, LAYOUTS, PARENT, PARTITION = range(7)
LABEL_COLUMNS = 7
MAX_LABELS = 128
"""Labels kept per layer in an exact search; the caller learns when that was too few."""
MAX_SLOTS = 60
"""Tensors of a cluster that can be awaiting a reader at once."""


@inner
def fill_slots(net: NetworkArrays, i: int, j: int, slot: Ints, free_after: Ints) -> bool:
    """Give each tensor that is read inside [i, j) a bit of the layout word until its last reader has run."""
    busy = np.zeros(MAX_SLOTS, dtype=np.int64)
    for t in range(i, j):
        slot[t - i] = -1
        last = -1
        for e in range(net.use_start[t], net.use_start[t + 1]):
            if net.use[e] < j:
                last = net.use[e]
        free_after[t - i] = last
        if last < 0:
            continue
        for s in range(MAX_SLOTS):
            if busy[s] <= t:
                slot[t - i] = s
                busy[s] = last
                break
        if slot[t - i] < 0:
            return False
    return True


@inner
def keep_label(labels: Ints, start: int, end: int, new: Ints, most: int) -> tuple[int, bool]:
    """Add ``new`` to ``labels[start:end]`` unless another is as good in all.

    Returns the new end, and whether a label had to go for want of room (of ``most``): the slowest.
    """
    for x in range(start, end):
        if (
            labels[x, LAYOUTS] == new[LAYOUTS]
            and labels[x, LABEL_TIME] <= new[LABEL_TIME]
            and labels[x, STORED] <= new[STORED]
            and labels[x, DISTINCT] <= new[DISTINCT]
            and labels[x, WINDOW] <= new[WINDOW]
        ):
            return end, False
    write = start
    for x in range(start, end):
        if (
            labels[x, LAYOUTS] == new[LAYOUTS]
            and labels[x, LABEL_TIME] >= new[LABEL_TIME]
            and labels[x, STORED] >= new[STORED]
            and labels[x, DISTINCT] >= new[DISTINCT]
            and labels[x, WINDOW] >= new[WINDOW]
        ):
            continue
        if write != x:
            for column in range(LABEL_COLUMNS):
                labels[write, column] = labels[x, column]
        write += 1
    full = write - start >= most
    slowest = start
    if full:
        for x in range(start + 1, write):
            if labels[x, LABEL_TIME] > labels[slowest, LABEL_TIME]:
                slowest = x
        if labels[slowest, LABEL_TIME] <= new[LABEL_TIME]:
            return write, True
    place = slowest if full else write
    for column in range(LABEL_COLUMNS):
        labels[place, column] = new[column]
    return write if full else write + 1, full


@kernel
def best_cluster(
    net: NetworkArrays,
    machine: Machine,
    tilings: Tilings,
    a: int,
    b: int,
    i: int,
    j: int,
    n: int,
    u: int,
    grids: Ints,
    rest: Ints,
    price: Ints,
    io_ps: int,
    arrive_ps: int,
    steps: int,
    bound: int,
    width: int,
    most_grids: int,
    partitions: Ints,
    tiles_out: Ints,
) -> tuple[int, int, bool]:
    """Best way to run cluster [i, j) of segment [a, b): least ``load + steps * max(time, io + spill)`` (ps).

    At most ``width`` labels are kept per layer and, where there are more, ``most_grids`` tile grids tried.
    Only below ``bound``, else ``bound`` comes back. ``rest[MULTIPLIERS, l - i]`` is a lower bound of the time
    of layers [l, j) with what they store charged at ``price[MULTIPLIERS]`` (ps per KiB). Fills
    ``partitions[i:j]`` and ``tiles_out[3]``. Also returns the labels made, and whether any had to be
    dropped (then the result need not be the best).
    """
    length = j - i
    labels = np.zeros(((length + 1) * (width + 1), LABEL_COLUMNS), dtype=np.int64)
    level = np.zeros(length + 2, dtype=np.int64)
    slot = np.zeros(length, dtype=np.int64)
    free_after = np.zeros(length, dtype=np.int64)
    layout = np.zeros(len(net.layer), dtype=np.int64)
    new = np.zeros(LABEL_COLUMNS, dtype=np.int64)
    cache = np.zeros((3, 16, 5), dtype=np.int64)
    made = 0
    best = bound
    if not fill_slots(net, i, j, slot, free_after):
        return best, made, True
    dropped = False
    relay = ceil_div(u * relayed_bytes(net, a, b, i, j), n)
    base = cluster_need(net, i, j, n, u) + relay
    drain = drain_ps(net, machine, i, j, n, u)
    # What every choice stores at least and at most from layer l on: beyond doubt, labels need not differ.
    least = np.zeros(length + 1, dtype=np.int64)
    most = np.zeros(length + 1, dtype=np.int64)
    for x in range(length - 1, -1, -1):
        l = i + x
        at = l * (machine.chiplets + 1) + n
        row = layer_row(net.layer, l)
        split = weight_share(row, ISP, n, tilings.split[at, 0], tilings.split[at, 1])
        sharded = weight_share(row, SHARDED, n, 1, 1)
        whole = weight_share(row, WSP, n, 1, 1)
        least[x] = least[x + 1] + min(split, sharded)
        most[x] = most[x + 1] + whole * (machine.pes if machine.copies == 1 else 1)
    ingress = ingress_mb_per_s(n, machine)
    free_load = arrive_ps // 1_000_000 * ingress
    if least[0] > machine.weight_limit:
        return best, made, False
    tried = np.arange(len(grids))
    if most_grids < len(grids):
        tried = promising_grids(net, machine, tilings, i, j, n, u, grids, price, most_grids)
    for g in tried:
        tiles = (grids[g, 0], grids[g, 1], grids[g, 2])
        for column in range(LABEL_COLUMNS):
            labels[0, column] = 0
        level[0] = 0
        level[1] = 1
        alive = True
        for x in range(length):
            l = i + x
            start, end = level[x], level[x + 1]
            fresh = end
            for p in range(3):
                for pattern in range(16):
                    cache[p, pattern, 0] = -1
            for parent in range(start, end):
                layouts = labels[parent, LAYOUTS]
                pattern = 0
                position = 0
                for o in range(net.operand_start[l], net.operand_start[l + 1]):
                    source = net.operand[o, SOURCE]
                    if source >= i:
                        bit = (layouts >> slot[source - i]) & 1
                        layout[source] = ISP if bit == 1 else WSP
                        if position < 4:
                            pattern |= bit << position
                        position += 1
                cached = position <= 4
                kept = layouts
                for t in range(i, l):
                    if slot[t - i] >= 0 and free_after[t - i] == l:
                        kept &= ~(1 << slot[t - i])
                for p in range(3):
                    if p == SHARDED and n == 1:
                        continue
                    if not cached or cache[p, pattern, 0] < 0:
                        cost = cost_of(net, machine, tilings, l, p, layout, i, n, u, tiles)
                        cache[p, pattern, 0] = cost.time_ps
                        cache[p, pattern, 1] = cost.stored_bytes
                        cache[p, pattern, 2] = cost.distinct_bytes
                        cache[p, pattern, 3] = cost.window_bytes
                    time = labels[parent, LABEL_TIME] + cache[p, pattern, 0]
                    stored = labels[parent, STORED] + cache[p, pattern, 1]
                    if stored + least[x + 1] > machine.weight_limit:
                        continue
                    ahead = rest[0, x + 1]
                    for step in range(1, len(price)):
                        room = ceil_div((machine.weight_limit - stored) * price[step], 1024)
                        ahead = max(ahead, rest[step, x + 1] - room)
                    if arrive_ps + steps * max(max(time + ahead, drain), io_ps) >= best:
                        continue
                    distinct = labels[parent, DISTINCT] + cache[p, pattern, 2]
                    window = max(labels[parent, WINDOW], cache[p, pattern, 3])
                    # Amounts that cannot matter any more count as the most that does not matter.
                    new[LABEL_TIME] = time
                    new[STORED] = stored
                    if machine.unified == 0:
                        new[STORED] = max(stored, machine.weight_limit - most[x + 1])
                    new[DISTINCT] = max(distinct, free_load - most[x + 1])
                    new[WINDOW] = max(
                        window, machine.activation_free - base - machine.unified * (stored + most[x + 1])
                    )
                    new[LAYOUTS] = kept
                    if p == ISP and slot[x] >= 0:
                        new[LAYOUTS] = kept | (1 << slot[x])
                    new[PARENT] = parent
                    new[PARTITION] = p
                    made += 1
                    fresh, full = keep_label(labels, end, fresh, new, width)
                    dropped = dropped or full
            level[x + 2] = fresh
            alive = fresh > end
            if not alive:
                break
        if alive:
            for last in range(level[length], level[length + 1]):
                load = max(arrive_ps, transfer_ps(max(labels[last, DISTINCT], 0), ingress))
                held = base + labels[last, WINDOW] + machine.unified * labels[last, STORED]
                spill = spill_ps(max(0, held - machine.activation_free), machine)
                total = load + steps * max(max(labels[last, LABEL_TIME], drain), io_ps + spill)
                if total < best:
                    best = total
                    tiles_out[0], tiles_out[1], tiles_out[2] = tiles
                    at = last
                    for x in range(length - 1, -1, -1):
                        partitions[i + x] = labels[at, PARTITION]
                        at = labels[at, PARENT]
    return best, made, dropped
