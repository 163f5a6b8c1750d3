"""Bounds of all clusters that begin with the same layer: they know tile grids and layouts."""

from __future__ import annotations

import numpy as np

from mcmscope.cost.arrays import ISP, SHARDED, SOURCE, SPLIT, TILED, Ints, NetworkArrays
from mcmscope.cost.compute import ceil_div
from mcmscope.cost.machine import Machine
from mcmscope.jit import inner, kernel
from mcmscope.search.exact.costs import (
    BUSY,
    INGRESS,
    MOST_DIGITS,
    LayerCosts,
    RegionCosts,
    layer_ps,
    on_region,
)
from mcmscope.search.exact.front import MAX_BITS
from mcmscope.search.fused import MAX_SLOTS, fill_slots
from mcmscope.search.tables import MULTIPLIERS, NEVER


@kernel
def network_slots(net: NetworkArrays, slot: Ints, stay: Ints, own: Ints) -> int:
    """Bits of the layout word for the whole network; how many there are, ``MAX_SLOTS + 1`` if too many.

    ``stay[l]``: bits whose tensor is awaited behind layer l; ``own[l]``: the bit of its own output.
    """
    L = len(net.layer)
    free_after = np.zeros(L, dtype=np.int64)
    if not fill_slots(net, 0, L, slot, free_after):
        return MAX_SLOTS + 1
    bits = 0
    for l in range(L):
        bits = max(bits, slot[l] + 1)
        own[l] = 1 << slot[l] if slot[l] >= 0 else 0
        stay[l] = -1
    for t in range(L):
        if slot[t] >= 0:
            stay[free_after[t]] &= ~(1 << slot[t])
    return bits


@inner
def loose_ps(
    net: NetworkArrays,
    machine: Machine,
    base: Ints,
    move: Ints,
    begin: int,
    kind: int,
    l: int,
    i: int,
    n: int,
    g: int,
    p: int,
) -> int:
    """Time of layer l at least, every operand from inside [i, ..) lying as is best for it."""
    ingress = base[kind, g, p, INGRESS]
    arriving = 0
    swapped = 0
    for o in range(net.operand_start[l], net.operand_start[l + 1]):
        to = begin + o - net.operand_start[l]
        if net.operand[o, SOURCE] < i:
            ingress += move[to, g, p, 0, 0]
            swapped += move[to, g, p, 0, 1]
            arriving += move[to, g, p, 0, 2]
        else:
            ingress += min(move[to, g, p, TILED, 0], move[to, g, p, SPLIT, 0])
            swapped += min(move[to, g, p, TILED, 1], move[to, g, p, SPLIT, 1])
    return layer_ps(base[kind, g, p, BUSY], arriving, ingress, swapped, n, machine)


@kernel
def bound_regions(
    net: NetworkArrays,
    machine: Machine,
    costs: RegionCosts,
    kind: Ints,
    price: Ints,
    slot: Ints,
    stay: Ints,
    own: Ints,
    bits: int,
    shape: Ints,
    owner: Ints,
    limit: int,
    cap: int,
    bound: Ints,
) -> None:
    """``bound_rows`` on 1 to ``limit`` chiplets; ``price[N + 1, MULTIPLIERS]``."""
    for n in range(1, limit + 1):
        on = on_region(costs, n)
        bound_rows(net, machine, on, kind, price[n], slot, stay, own, bits, shape, owner, n, cap, bound)


@inner
def bound_rows(
    net: NetworkArrays,
    machine: Machine,
    costs: LayerCosts,
    kind: Ints,
    price: Ints,
    slot: Ints,
    stay: Ints,
    own: Ints,
    bits: int,
    shape: Ints,
    owner: Ints,
    n: int,
    cap: int,
    bound: Ints,
) -> None:
    """Raise ``bound[S, n]`` (ps) of all clusters of several layers, as far as ``cap``, on n chiplets.

    Layers are taken in turn; of all ways that leave the same layouts behind only the least time is kept, with
    what is stored charged at each of ``price[MULTIPLIERS]`` (ps per KiB). ``owner[s]`` is the first layer of
    some cluster of shape s: only that one is looked at. Other arguments: ``network_slots``.
    """
    base, move, start, timed, charge = costs
    L = len(net.layer)
    grids = base.shape[1]
    words = 1 << bits if bits <= MAX_BITS else 1
    paid = np.zeros(MULTIPLIERS, dtype=np.int64)
    for step in range(MULTIPLIERS):
        paid[step] = ceil_div(machine.weight_limit * price[step], 1024)
    now = np.zeros((grids, words, MULTIPLIERS), dtype=np.int64)
    then = np.zeros((words, MULTIPLIERS), dtype=np.int64)
    ended = np.zeros(grids, dtype=np.bool_)
    code = np.zeros(words, dtype=np.int64)
    for i in range(L - 1):
        last = 0
        for j in range(i + 2, L + 1):
            if owner[shape[i, j]] == i and bound[shape[i, j], n] <= cap:
                last = j
        now[:] = NEVER
        now[:, 0] = 0
        ended[:] = False
        for l in range(i, last):
            kin = kind[l]
            tabled = words > 1 and 0 < start[kin + 1] - start[kin] <= MOST_DIGITS
            for word in range(words):
                code[word] = 0
                digit = 1
                for o in range(net.operand_start[l], net.operand_start[l + 1] if tabled else 0):
                    source = net.operand[o, SOURCE]
                    if source >= i:
                        code[word] += digit * (1 + ((word >> slot[source]) & 1))
                    digit *= 3
            best: int = NEVER
            for g in range(grids):
                if ended[g]:
                    continue
                then[:] = NEVER
                for p in range(3):
                    if p == SHARDED and n == 1:
                        continue
                    time = 0
                    if not tabled:
                        time = loose_ps(net, machine, base, move, int(start[kin]), kin, l, i, n, g, p)
                    for word in range(words):
                        if now[g, word, 0] == NEVER:
                            continue
                        if tabled:
                            time = timed[kin, g, p, code[word]]
                        follow = 0
                        if words > 1:
                            follow = (word & stay[l]) | (own[l] if p == ISP else 0)
                        for step in range(MULTIPLIERS):
                            total = now[g, word, step] + time + charge[kin, g, p, step]
                            then[follow, step] = min(then[follow, step], total)
                least = 0
                for step in range(MULTIPLIERS):
                    lowest: int = NEVER
                    for word in range(words):
                        now[g, word, step] = then[word, step]
                        lowest = min(lowest, then[word, step])
                    least = max(least, lowest - paid[step])
                best = min(best, least)
                ended[g] = least > cap
            if l > i:
                s = shape[i, l + 1]
                bound[s, n] = max(bound[s, n], min(best, cap + 1))
            if best > cap:
                for j in range(l + 2, last + 1):
                    bound[shape[i, j], n] = max(bound[shape[i, j], n], cap + 1)
                break
