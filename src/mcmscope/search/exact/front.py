"""All ways worth having to run a cluster of several layers on n chiplets: a Pareto front, by labels.

Layers are taken in turn. A label is a way to have run those so far: its time, the weights that it stores, its
widest gather window, and the layout of every tensor that is still awaited. What the layers ahead take at
least, from a pass backwards over the same layouts, prunes what cannot keep to the beat.
"""

from __future__ import annotations

import numpy as np

from mcmscope.cost.arrays import ISP, SHARDED, SOURCE, SPLIT, TILED, Ints, NetworkArrays
from mcmscope.cost.compute import ceil_div, transfer_ps
from mcmscope.cost.dram import load_mb_per_s
from mcmscope.cost.machine import Machine, region_hops
from mcmscope.cost.memory import cluster_need, spill_ps
from mcmscope.cost.nop import drain_ps, ingress_mb_per_s
from mcmscope.jit import inner
from mcmscope.search.exact.costs import (
    BUSY,
    DISTINCT,
    INGRESS,
    MOST_DIGITS,
    STORED,
    WINDOW,
    LayerCosts,
    layer_ps,
)
from mcmscope.search.fused import fill_slots
from mcmscope.search.tables import NEVER

# Columns of a label.
TIME, KEPT, SENT, GATHER, LAYOUTS, PARENT, PARTITION = range(7)
LABEL_COLUMNS = 7

# Columns of a front: ps, bytes, ps, index of the tile grid.
FRONT_TIME, FRONT_HELD, FRONT_LOAD, FRONT_GRID = range(4)
FRONT_COLUMNS = 4

MAX_BITS = 6
"""Tensors awaited at once up to which the bound of the layers ahead knows their layouts."""

NO_ROOM_FOR_LABELS, NO_ROOM_FOR_WAYS, TOO_MANY_TENSORS = -1, -2, -3
"""Returned instead of a count."""


@inner
def step_ps(
    net: NetworkArrays,
    machine: Machine,
    base: Ints,
    move: Ints,
    start: int,
    kind: int,
    l: int,
    i: int,
    n: int,
    g: int,
    p: int,
    word: int,
    slot: Ints,
    known: bool,
) -> int:
    """Time of layer l under partition p; bit ``slot[t - i]`` of ``word``: tensor t lies split.

    Without ``known`` every operand from inside lies as is best for it.
    """
    ingress = base[kind, g, p, INGRESS]
    arriving = 0
    swapped = 0
    for o in range(net.operand_start[l], net.operand_start[l + 1]):
        source = net.operand[o, SOURCE]
        to = start + o - net.operand_start[l]
        if source < i:
            ingress += move[to, g, p, 0, 0]
            swapped += move[to, g, p, 0, 1]
            arriving += move[to, g, p, 0, 2]
        elif known:
            layout = SPLIT if (word >> slot[source - i]) & 1 == 1 else TILED
            ingress += move[to, g, p, layout, 0]
            swapped += move[to, g, p, layout, 1]
        else:
            ingress += min(move[to, g, p, TILED, 0], move[to, g, p, SPLIT, 0])
            swapped += min(move[to, g, p, TILED, 1], move[to, g, p, SPLIT, 1])
    return layer_ps(base[kind, g, p, BUSY], arriving, ingress, swapped, n, machine)


@inner
def fill_regret(
    net: NetworkArrays,
    machine: Machine,
    move: Ints,
    start: int,
    l: int,
    i: int,
    n: int,
    g: int,
    slot: Ints,
    stay: int,
    own: int,
    later: Ints,
    regret: Ints,
) -> None:
    """``regret[s, layout]``: the most (ps) that layers from l on lose if the tensor of bit s lies so.

    ``layout`` is 1 if it lies split (and tiled would be as good as any), 0 if tiled. ``later`` is the same
    from layer l + 1 on; ``stay`` are the bits whose tensors are awaited behind l, ``own`` that of its output.
    """
    ingress = ingress_mb_per_s(n, machine)
    bisection = 4 * min(int(np.sqrt(n)), machine.strip_height) * machine.link_mb_per_s
    hops = machine.hop_ps * region_hops(n, machine.strip_height, machine.rows, machine.columns)
    for s in range(regret.shape[0]):
        alive = (stay >> s) & 1 == 1 and own != (1 << s)
        for layout in range(2):
            regret[s, layout] = later[s, layout] if alive else 0
    for o in range(net.operand_start[l], net.operand_start[l + 1]):
        source = net.operand[o, SOURCE]
        if source < i:
            continue
        to = start + o - net.operand_start[l]
        for layout in range(2):
            lies = SPLIT if layout == 1 else TILED
            other = TILED if layout == 1 else SPLIT
            worst = 0
            for p in range(3):
                more = max(0, move[to, g, p, lies, 0] - move[to, g, p, other, 0])
                swapped = max(0, move[to, g, p, lies, 1] - move[to, g, p, other, 1])
                if more > 0 or swapped > 0:
                    lost = max(transfer_ps(more, ingress), transfer_ps(swapped, bisection))
                    worst = max(worst, lost + hops)
            regret[slot[source - i], layout] += worst


@inner
def beats_label(one: Ints, two: Ints, regret: Ints) -> bool:
    """Whether label ``one`` makes label ``two`` needless: as good in all, whatever the layouts cost it."""
    if one[TIME] > two[TIME] or one[KEPT] > two[KEPT] or one[SENT] > two[SENT] or one[GATHER] > two[GATHER]:
        return False
    time = one[TIME]
    differ = one[LAYOUTS] ^ two[LAYOUTS]
    s = 0
    while differ > 0 and time <= two[TIME]:
        if differ & 1 == 1:
            time += regret[s, (one[LAYOUTS] >> s) & 1]
        differ >>= 1
        s += 1
    return time <= two[TIME]


@inner
def keep_label(labels: Ints, begin: int, end: int, new: Ints, regret: Ints) -> int:
    """Add ``new`` to ``labels[begin:end]`` unless another makes it needless; the new end."""
    for x in range(begin, end):
        if beats_label(labels[x], new, regret):
            return end
    write = begin
    for x in range(begin, end):
        if beats_label(new, labels[x], regret):
            continue
        if write != x:
            for column in range(LABEL_COLUMNS):
                labels[write, column] = labels[x, column]
        write += 1
    for column in range(LABEL_COLUMNS):
        labels[write, column] = new[column]
    return write + 1


@inner
def keep_way(front: Ints, ways: Ints, count: int, time: int, held: int, load: int) -> tuple[int, int]:
    """Make room in a front for a new way unless another is as good; (its place or -1, the new count)."""
    for x in range(count):
        if front[x, FRONT_TIME] <= time and front[x, FRONT_HELD] <= held and front[x, FRONT_LOAD] <= load:
            return -1, count
    write = 0
    for x in range(count):
        if front[x, FRONT_TIME] >= time and front[x, FRONT_HELD] >= held and front[x, FRONT_LOAD] >= load:
            continue
        if write != x:
            for column in range(FRONT_COLUMNS):
                front[write, column] = front[x, column]
            for column in range(ways.shape[1]):
                ways[write, column] = ways[x, column]
        write += 1
    return write, write + 1


@inner
def cluster_front(
    net: NetworkArrays,
    machine: Machine,
    costs: LayerCosts,
    kind: Ints,
    price: Ints,
    i: int,
    j: int,
    n: int,
    u: int,
    replicas: int,
    relayed: int,
    dram_ps: int,
    cap: int,
    labels: Ints,
    front: Ints,
    ways: Ints,
) -> tuple[int, int]:
    """Ways to run cluster [i, j) on n chiplets whose time and spill (ps) are at most ``cap``.

    ``price[MULTIPLIERS]``: prices of stored weights (ps per KiB). Bytes held that fit even with ``relayed``
    bytes per sample passing by, and loads up to ``dram_ps``, are as good as none. Fills
    ``front[:, FRONT_COLUMNS]`` and the partitions ``ways[:, j - i]``; returns their number and that of the
    labels made. ``labels`` is scratch. The number is below 0 if one of these was too short.
    """
    base, move, start, timed, charge = costs
    length = j - i
    slot = np.zeros(length, dtype=np.int64)
    free_after = np.zeros(length, dtype=np.int64)
    if not fill_slots(net, i, j, slot, free_after):
        return TOO_MANY_TENSORS, 0
    bits = 0
    for x in range(length):
        bits = max(bits, slot[x] + 1)
    known = bits <= MAX_BITS
    words = 1 << bits if known else 1
    steps = len(price)
    ahead = np.zeros((length + 1, words, steps), dtype=np.int64)
    time_of = np.zeros((length, words, 3), dtype=np.int64)
    after = np.zeros((length, 2), dtype=np.int64)  # bits that stay, bit of the layer's own output
    regret = np.zeros((length + 1, max(1, bits), 2), dtype=np.int64)
    level = np.zeros(length + 2, dtype=np.int64)
    least = np.zeros(length + 1, dtype=np.int64)
    most = np.zeros(length + 1, dtype=np.int64)
    most_sent = np.zeros(length + 1, dtype=np.int64)
    window_ahead = np.zeros(length + 1, dtype=np.int64)
    new = np.zeros(LABEL_COLUMNS, dtype=np.int64)
    need = cluster_need(net, i, j, n, u)
    held_floor = machine.activation_free - ceil_div(u * relayed, n)
    ingress = ingress_mb_per_s(n, machine)
    free_load = dram_ps // 1_000_000 * ingress
    limit = machine.weight_limit
    drain = drain_ps(net, machine, i, j, n, u)
    arrive = transfer_ps(net.weights[j] - net.weights[i], load_mb_per_s(n, replicas, machine))
    for x in range(length):
        after[x, 0] = -1
        after[x, 1] = 1 << slot[x] if slot[x] >= 0 else 0
    for x in range(length):
        if slot[x] >= 0:
            after[free_after[x] - i, 0] &= ~(1 << slot[x])
    # A gather window wider than this spills for longer than the cap.
    spare = cap // 1_000_000 * machine.dram_mb_per_s // (2 * machine.chiplets)
    spare += (cap % 1_000_000) * machine.dram_mb_per_s // (2 * machine.chiplets * 1_000_000) + 1
    widest = machine.activation_free + spare - need
    if machine.unified == 1:
        limit = min(limit, widest)  # stored weights spill as well
    made = 0
    count = 0
    for g in range(base.shape[1]):
        for x in range(length - 1, -1, -1):
            l = i + x
            own = kind[l]
            low = NEVER
            high = 0
            high_sent = 0
            window = 0
            for p in range(3):
                low = min(low, base[own, g, p, STORED])
                high = max(high, base[own, g, p, STORED])
                high_sent = max(high_sent, base[own, g, p, DISTINCT])
                if base[own, g, p, WINDOW] <= widest:
                    window = max(window, base[own, g, p, WINDOW])
            least[x] = least[x + 1] + low
            most[x] = most[x + 1] + high
            most_sent[x] = most_sent[x + 1] + high_sent
            window_ahead[x] = max(window_ahead[x + 1], window)
            fill_regret(
                net,
                machine,
                move,
                int(start[own]),
                l,
                i,
                n,
                g,
                slot,
                int(after[x, 0]),
                int(after[x, 1]),
                regret[x + 1],
                regret[x],
            )
            table = known and start[own + 1] - start[own] <= MOST_DIGITS
            for word in range(words):
                for step in range(steps):
                    ahead[x, word, step] = NEVER
                code = 0
                if table:
                    digit = 1
                    for o in range(net.operand_start[l], net.operand_start[l + 1]):
                        source = net.operand[o, SOURCE]
                        if source >= i:
                            code += digit * (1 + ((word >> slot[source - i]) & 1))
                        digit *= 3
                for p in range(3):
                    if p == SHARDED and n == 1:
                        continue
                    if base[own, g, p, WINDOW] > widest:
                        continue
                    if table:
                        time = timed[own, g, p, code]
                    else:
                        time = step_ps(
                            net, machine, base, move, int(start[own]), own, l, i, n, g, p, word, slot, known
                        )
                    time_of[x, word, p] = time
                    follow = 0
                    if known:
                        follow = (word & after[x, 0]) | (after[x, 1] if p == ISP else 0)
                    for step in range(steps):
                        total = time + charge[own, g, p, step] + ahead[x + 1, follow, step]
                        ahead[x, word, step] = min(ahead[x, word, step], total)
        hopeless = least[0] > limit
        for step in range(steps):
            room = ceil_div(limit * price[step], 1024)
            hopeless = hopeless or ahead[0, 0, step] - room > cap
        if hopeless:
            continue
        for column in range(LABEL_COLUMNS):
            labels[0, column] = 0
        level[0] = 0
        level[1] = 1
        begin = fresh = 0
        for x in range(length):
            l = i + x
            own = kind[l]
            begin = level[x + 1]
            fresh = begin
            for parent in range(level[x], begin):
                layouts = labels[parent, LAYOUTS]
                for p in range(3):
                    if p == SHARDED and n == 1:
                        continue
                    if base[own, g, p, WINDOW] > widest:
                        continue
                    if known:
                        time = time_of[x, layouts, p]
                    else:
                        time = step_ps(
                            net, machine, base, move, int(start[own]), own, l, i, n, g, p, layouts, slot, True
                        )
                    time += labels[parent, TIME]
                    stored = labels[parent, KEPT] + base[own, g, p, STORED]
                    if stored + least[x + 1] > limit:
                        continue
                    follow = (layouts & after[x, 0]) | (after[x, 1] if p == ISP else 0)
                    place = follow if known else 0
                    fits = time + ahead[x + 1, place, 0] <= cap
                    for step in range(1, steps):
                        room = ceil_div((limit - stored) * price[step], 1024)
                        fits = fits and time + ahead[x + 1, place, step] - room <= cap
                    if not fits:
                        continue
                    window = max(labels[parent, GATHER], base[own, g, p, WINDOW])
                    held = need + window + machine.unified * (stored + least[x + 1])
                    if spill_ps(max(0, held - machine.activation_free), machine) > cap:
                        continue
                    # Amounts that cannot matter any more count as the most that does not matter.
                    new[TIME] = time
                    new[KEPT] = stored
                    room = limit
                    if machine.unified == 1:
                        room = min(limit, held_floor - need - max(window, window_ahead[x + 1]))
                    new[KEPT] = max(stored, room - most[x + 1])
                    sent = labels[parent, SENT] + base[own, g, p, DISTINCT]
                    new[SENT] = max(sent, free_load - most_sent[x + 1])
                    new[GATHER] = max(window, held_floor - need - machine.unified * (new[KEPT] + most[x + 1]))
                    new[LAYOUTS] = follow
                    new[PARENT] = parent
                    new[PARTITION] = p
                    made += 1
                    if fresh == len(labels):
                        return NO_ROOM_FOR_LABELS, made
                    fresh = keep_label(labels, begin, fresh, new, regret[x + 1])
            level[x + 2] = fresh
            if fresh == begin:
                break
        if fresh == begin:
            continue
        for last in range(level[length], level[length + 1]):
            time = max(labels[last, TIME], drain)
            load = max(arrive, transfer_ps(max(labels[last, SENT], 0), ingress))
            load = load if load > dram_ps else 0
            held = need + labels[last, GATHER] + machine.unified * labels[last, KEPT]
            held = max(held, held_floor)
            if time > cap or spill_ps(max(0, held - machine.activation_free), machine) > cap:
                continue
            if count == len(front):
                return NO_ROOM_FOR_WAYS, made
            place, count = keep_way(front, ways, count, time, held, load)
            if place < 0:
                continue
            front[place, FRONT_TIME] = time
            front[place, FRONT_HELD] = held
            front[place, FRONT_LOAD] = load
            front[place, FRONT_GRID] = g
            at = last
            for x in range(length - 1, -1, -1):
                ways[place, x] = labels[at, PARTITION]
                at = labels[at, PARENT]
            if load == 0 and held == held_floor:
                cap = min(cap, time - 1)  # nothing slower is worth having
    return count, made
