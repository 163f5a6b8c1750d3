"""Weighted sums of energy and time of segments: bounds of all of them, and the least of one at a beat."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mcmscope.cost.arrays import Ints, NetworkArrays
from mcmscope.cost.compute import ceil_div
from mcmscope.cost.dram import load_ps
from mcmscope.cost.energy import EnergyTerms, dram_fj
from mcmscope.cost.machine import Machine
from mcmscope.cost.memory import cut_bytes, relayed_bytes, spill_ps
from mcmscope.jit import inner, kernel
from mcmscope.search.front.bounds import (
    ENTRY_FJ,
    ENTRY_HELD,
    ENTRY_LOADED,
    ENTRY_POINT,
    ENTRY_PS,
    HIGH,
    LOW,
)
from mcmscope.search.tables import NEVER

FAR = 2**61
"""A weighted sum that no schedule reaches."""
MOST_COST = 2**57
"""A cluster whose weighted energy is above this is never worth having."""


@inner
def entry_cost(
    entry: Ints, relay: int, hi: int, io_ps: int, u: int, m: int, q: int, machine: Machine, terms: EnergyTerms
) -> int:
    """``q`` times the energy (fJ of the batch) of an entry that keeps to a beat of ``hi`` ps; ``FAR``: it
    does not."""
    if entry[ENTRY_PS] > hi or entry[ENTRY_FJ] > MOST_COST // max(q, 1):
        return FAR
    excess = entry[ENTRY_HELD] + ceil_div(u * relay, entry[HIGH]) - machine.activation_free
    if excess <= 0:
        return q * entry[ENTRY_FJ]
    if io_ps + spill_ps(excess, machine) > hi:
        return FAR
    in_dram, on_mesh = dram_fj(m * 2 * excess * entry[LOW] // u, terms)
    spent = entry[ENTRY_FJ] + in_dram + on_mesh
    return q * spent if spent <= MOST_COST // max(q, 1) else FAR


@kernel
def bound_sums(
    machine: Machine,
    terms: EnergyTerms,
    shape: Ints,
    entries: Ints,
    begin: Ints,
    levels: Ints,
    prices: Ints,
    io_ps: Ints,
    dram_ps: Ints,
    fixed: Ints,
    u: int,
    m: int,
    p: int,
    q: int,
    one_layer: int,
    one_cluster: int,
    each: Ints,
) -> None:
    """Fill ``each[V, a, b]`` with a lower bound of ``p * time + q * energy`` of segment [a, b) per range of
    beats.

    Beats of range v lie from ``levels[v]`` to below ``levels[v + 1]``. Chiplets are not counted but paid for,
    at each of ``prices`` (weighted fJ); the most that this proves is the bound. ``shape[i, j]``: row of
    ``begin``, where the entries of that cluster are. ``fixed[a, b]``: energy that any way to run the segment
    takes.
    """
    L = shape.shape[0] - 1
    beats = ceil_div(m, u)
    count = len(prices)
    best = np.zeros((len(begin), count), dtype=np.int64)
    sums = np.zeros((L + 1, L + 1), dtype=np.int64)
    for v in range(len(levels) - 1):
        lo, hi = levels[v], levels[v + 1] - 1
        for s in range(len(begin)):
            for x in range(count):
                best[s, x] = FAR
            cheapest, dear = FAR, FAR
            for e in range(begin[s, 0], begin[s, 1]):
                # Entries come by their chiplets: one that costs no less than a smaller one is not needed.
                if entries[e, ENTRY_PS] > hi or entries[e, ENTRY_FJ] > dear:
                    continue
                cost = entry_cost(entries[e], 0, hi, 0, u, m, q, machine, terms)
                if cost >= cheapest:
                    continue
                cheapest, dear = cost, cost // max(q, 1)
                for x in range(count):
                    best[s, x] = min(best[s, x], cost + prices[x] * entries[e, LOW])
        for x in range(count):
            for j in range(1, L + 1):
                for a in range(L + 1):
                    sums[j, a] = FAR
            for j in range(1, L + 1):
                for i in range(j):
                    if one_layer == 1 and j - i > 1:
                        continue
                    cost = best[shape[i, j], x]
                    if cost >= FAR:
                        continue
                    cost += p * lo
                    sums[j, i] = min(sums[j, i], cost)
                    if one_cluster == 0:
                        for a in range(i):
                            sums[j, a] = min(sums[j, a], sums[i, a] + cost)
            for a in range(L):
                for b in range(a + 1, L + 1):
                    value = FAR
                    if io_ps[a, b] <= hi and sums[b, a] < FAR:
                        wait = dram_ps[a, b] + (beats - 1) * max(lo, io_ps[a, b])
                        value = sums[b, a] + p * wait + q * fixed[a, b] - prices[x] * machine.chiplets
                    if x == 0 or value > each[v, a, b]:
                        each[v, a, b] = value


@kernel
def segment_traffic(net: NetworkArrays, a: int, b: int, relay: Ints, cut: Ints) -> None:
    """Fill ``relay[i - a, j - a]`` and ``cut[j - a]`` (bytes per sample) of the clusters of segment [a,
    b)."""
    for i in range(a, b):
        for j in range(i + 1, b + 1):
            relay[i - a, j - a] = relayed_bytes(net, a, b, i, j)
    for j in range(a + 1, b):
        cut[j - a] = cut_bytes(net, a, b, j)


class Box(NamedTuple):
    """Ways to run segment [a, b), and what is made least of them: ``p * time + q * energy``."""

    a: int
    b: int
    u: int
    m: int
    p: int
    q: int
    io_ps: int
    """DRAM traffic of a beat."""
    lo: int
    """The shortest beat (ps) of them, for which all wait."""
    hi: int
    """The longest: what clusters cost."""
    least_load: int
    """What the segment loads for at least (ps), and all pay for."""
    most_load: int
    """For how long a cluster may load; ``NEVER``: as it likes."""
    one_layer: int
    """1: clusters are single layers."""
    one_cluster: int
    """1: they are whole segments."""


@inner
def is_cluster(box: Box, x: int, y: int) -> bool:
    """Whether the layers from a + x to a + y may be a cluster of the segment."""
    if box.one_layer == 1 and y - x > 1:
        return False
    return box.one_cluster == 0 or (x == 0 and y == box.b - box.a)


@inner
def way_cost(
    box: Box,
    entry: Ints,
    came: int,
    relay: int,
    io_ps: int,
    alone: bool,
    machine: Machine,
    terms: EnergyTerms,
) -> int:
    """What an entry costs in a segment, its beat apart; ``came`` bytes are its weights. ``FAR``: not allowed.

    ``alone``: it is all of the segment, which then pays p for each ps that it loads longer than
    ``least_load``.
    """
    late = 0
    # What only bounds has no load of its own.
    if entry[ENTRY_POINT] >= 0 and (alone or box.most_load < NEVER):
        load = load_ps(came, entry[ENTRY_LOADED], entry[LOW], 1, machine)
        if load > box.most_load:
            return FAR
        late = max(0, load - box.least_load) if alone else 0
    spent = entry_cost(entry, relay, box.hi, io_ps, box.u, box.m, box.q, machine, terms)
    return min(FAR, spent + box.p * late)


@inner
def relax(least: Ints, sums: Ints, cost: int) -> None:
    """``sums[c]`` at most ``least[c] + cost``; without branches, so that several are done at a time."""
    for c in range(len(sums)):
        sums[c] = min(sums[c], least[c] + cost)


@kernel
def least_sums(
    machine: Machine,
    terms: EnergyTerms,
    weights: Ints,
    shape: Ints,
    entries: Ints,
    begin: Ints,
    relay: Ints,
    cut: Ints,
    box: Box,
    stale: NDArray[np.bool_],
    cost: Ints,
    least: Ints,
    t: int,
    price: int,
    limits: Ints,
    sums: Ints,
    chains: Ints,
    counts: Ints,
) -> None:
    """Least sums over clusters of ``p * lo + q * energy`` of a box on at most all chiplets, by their number.

    Of k clusters (the last: or more) those below ``limits[k]``; none where that is 0. ``stale``, ``cost`` and
    ``least`` are those of ``chains.priced_chains``, ``t`` and ``price`` one of its prices: what cannot be
    below by them is left out. ``weights[L + 1]``: bytes before each layer. Fills ``sums[K + 1]`` (``FAR``:
    none), ``chains[K + 1, length, 2]`` with the end and the entry of each cluster, last first, and
    ``counts[K + 1]`` with their number.
    """
    N, length, most = machine.chiplets, box.b - box.a, len(limits) - 1
    # What the layers from y on take in so many clusters; then how much those before may have taken.
    behind = np.full((most + 1, length + 1), FAR)
    behind[0, length] = 0
    for x in range(length - 1, -1, -1):
        for y in range(x + 1, length + 1):
            if stale[x, y] or cost[x, y, 0] >= FAR:
                continue
            for k in range(min(length - y, most) + 1):
                if behind[k, y] < FAR:
                    to = min(k + 1, most)
                    total = behind[k, y] + cost[x, y, t] + box.p * box.lo
                    behind[to, x] = min(behind[to, x], total)
    room = np.full((most + 1, length + 1), -FAR)
    for y in range(length + 1):
        for k in range(most + 1):
            for more in range(most + 1):
                limit = limits[min(k + more, most)]
                if limit > 0 and behind[more, y] < FAR:
                    room[k, y] = max(room[k, y], limit + price * N - behind[more, y])
    table = np.full((most + 1, length + 1, N + 1), FAR)
    table[0, 0] = 0
    for y in range(1, length + 1):
        for x in range(y - 1, -1, -1):
            if stale[x, y] or cost[x, y, 0] >= FAR:
                continue
            first, last = most + 1, -1
            for k in range(min(x, most) + 1):
                total = least[k, x, t] + cost[x, y, t] + box.p * box.lo
                if least[k, x, t] < FAR and total < room[min(k + 1, most), y]:
                    first, last = min(first, k), k
            if last < 0:
                continue
            s, came = shape[box.a + x, box.a + y], weights[box.a + y] - weights[box.a + x]
            alone = x == 0 and y == length
            cheapest, dear = FAR, FAR
            for e in range(begin[s, 0], begin[s, 1]):
                # Entries come by their chiplets: one that costs no less than a smaller one is not needed.
                if entries[e, ENTRY_PS] > box.hi or entries[e, ENTRY_FJ] > dear:
                    continue
                spent = way_cost(box, entries[e], came, relay[x, y], box.io_ps, alone, machine, terms)
                if spent >= cheapest:
                    continue
                cheapest, dear = spent, spent // max(box.q, 1)
                spent += box.p * box.lo
                n = entries[e, LOW]
                for k in range(first, last + 1):
                    to = min(k + 1, most)
                    if least[k, x, t] + spent + price * n < room[to, y]:
                        relax(table[k, x, : N + 1 - n], table[to, y, n:], spent)
    for k in range(most + 1):
        sums[k] = FAR
        counts[k] = 0
        at = 0
        for c in range(N + 1):
            if limits[k] > 0 and table[k, length, c] < min(sums[k], limits[k]):
                sums[k] = table[k, length, c]
                at = c
        # Back: the clusters whose costs make up the sum.
        y, left = (length, k) if sums[k] < FAR else (0, 0)
        while y > 0:
            found, x = False, y
            while not found and x > 0:
                x -= 1
                if stale[x, y] or cost[x, y, 0] >= FAR:
                    continue
                s, came = shape[box.a + x, box.a + y], weights[box.a + y] - weights[box.a + x]
                alone = x == 0 and y == length
                for e in range(begin[s, 0], begin[s, 1]):
                    n = entries[e, LOW]
                    if n > at or entries[e, ENTRY_PS] > box.hi:
                        continue
                    before = left - 1
                    if left == most and table[left, x, at - n] < FAR:
                        before = left
                    if table[before, x, at - n] >= FAR:
                        continue
                    spent = way_cost(box, entries[e], came, relay[x, y], box.io_ps, alone, machine, terms)
                    if spent >= FAR:
                        continue
                    rest = table[left, y, at] - spent - box.p * box.lo
                    if left == most and table[most - 1, x, at - n] == rest:
                        before = most - 1
                    if table[before, x, at - n] == rest:
                        chains[k, counts[k], 0] = box.a + y
                        chains[k, counts[k], 1] = e
                        counts[k] += 1
                        at -= n
                        left = before
                        found = True
                        break
            y = x
