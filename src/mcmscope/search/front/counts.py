"""The least energy of a segment by its number of clusters: where chiplets are paid for, and where counted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mcmscope.cost.arrays import Ints
from mcmscope.cost.compute import transfer_ps
from mcmscope.cost.energy import EnergyTerms
from mcmscope.cost.machine import Machine
from mcmscope.jit import kernel
from mcmscope.search.front.bounds import ENTRY_FJ, ENTRY_PS, LOW
from mcmscope.search.front.chains import Known, fill_cheapest
from mcmscope.search.front.sums import FAR, Box, is_cluster, relax, way_cost


@kernel
def priced_by_count(
    machine: Machine,
    terms: EnergyTerms,
    weights: Ints,
    shape: Ints,
    entries: Ints,
    begin: Ints,
    relay: Ints,
    cut: Ints,
    box: Box,
    prices: Ints,
    known: Known,
    stale: NDArray[np.bool_],
    cost: Ints,
    via: Ints,
    least: Ints,
    floors: Ints,
    at: Ints,
) -> None:
    """As ``chains.priced_chain``, of chains of 1, 2, .. clusters apart; the last count stands for more, too.

    Fills ``floors[K + 1]`` with a lower bound for each number of clusters (``FAR``: no chain), ``at[K + 1]``
    with the one of ``prices`` that proves it, and ``least[K + 1, length + 1, prices]`` with sums of the first
    layers in so many clusters.
    """
    fill_cheapest(
        machine, terms, weights, shape, entries, begin, relay, cut, box, prices, known, stale, cost, via
    )
    length, most, count = box.b - box.a, len(floors) - 1, len(prices)
    least[:] = FAR
    least[0, 0] = 0
    for y in range(1, length + 1):
        for x in range(y):
            if stale[x, y] or cost[x, y, 0] >= FAR:
                continue
            for k in range(min(x, most) + 1):
                if least[k, x, 0] >= FAR:
                    continue
                to = min(k + 1, most)
                for t in range(count):
                    least[to, y, t] = min(least[to, y, t], least[k, x, t] + cost[x, y, t])
    for k in range(most + 1):
        floors[k] = FAR
        at[k] = 0
        if k == 0 or least[k, length, 0] >= FAR:
            continue
        floors[k] = -FAR
        for t in range(count):
            bound = least[k, length, t] - prices[t] * machine.chiplets
            if bound > floors[k]:
                floors[k] = bound
                at[k] = t


@kernel
def chain_by_count(
    box: Box, stale: NDArray[np.bool_], cost: Ints, via: Ints, least: Ints, k: int, t: int, chain: Ints
) -> int:
    """Fill ``chain[K, 2]`` with end and entry of the clusters behind ``least[k, -1, t]``, last first; how
    many."""
    most, y, found = least.shape[0] - 1, box.b - box.a, 0
    while y > 0:
        for x in range(y - 1, -1, -1):
            if stale[x, y] or cost[x, y, 0] >= FAR:
                continue
            before = -1
            if least[k - 1, x, t] + cost[x, y, t] == least[k, y, t]:
                before = k - 1
            elif k == most and least[k, x, t] + cost[x, y, t] == least[k, y, t]:
                before = k
            if before >= 0:
                chain[found, 0] = box.a + y
                chain[found, 1] = via[x, y, t]
                found += 1
                y = x
                k = before
                break
    return found


@kernel
def least_by_count(
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
) -> None:
    """As ``sums.least_sum``, of chains of k clusters apart, each below ``limits[k]``; none where that is 0.

    ``cost`` and ``least`` are those of ``priced_by_count``, ``t`` and ``price`` one of its prices: what
    cannot be below by them is left out. Fills ``sums[K + 1]``, ``FAR`` where there is no such chain, and
    ``chains[K + 1, K, 2]`` with the end and the entry of each cluster, last first.
    """
    N, length, most = machine.chiplets, box.b - box.a, len(limits) - 1
    # What the layers from y on take in k clusters; then how much those before may have taken.
    behind = np.full((most + 1, length + 1), FAR)
    behind[0, length] = 0
    for x in range(length - 1, -1, -1):
        for y in range(x + 1, length + 1):
            if stale[x, y] or cost[x, y, 0] >= FAR:
                continue
            for k in range(min(length - y, most - 1) + 1):
                if behind[k, y] < FAR:
                    behind[k + 1, x] = min(behind[k + 1, x], behind[k, y] + cost[x, y, t])
    room = np.zeros((most + 1, length + 1), dtype=np.int64)
    for y in range(length + 1):
        for k in range(most + 1):
            room[k, y] = -FAR
            for more in range(most - k + 1):
                if limits[k + more] > 0 and behind[more, y] < FAR:
                    room[k, y] = max(room[k, y], limits[k + more] + price * N - behind[more, y])
    table = np.full((most + 1, length + 1, N + 1), FAR)
    table[0, 0] = 0
    for y in range(1, length + 1):
        if y < length and transfer_ps(box.u * cut[y], machine.cut_mb_per_s) > box.hi:
            continue
        for x in range(y - 1, -1, -1):
            if stale[x, y] or cost[x, y, 0] >= FAR or not is_cluster(box, x, y):
                continue
            first, last = most, -1
            for k in range(min(x, most - 1) + 1):
                if least[k, x, t] < FAR and least[k, x, t] + cost[x, y, t] < room[k + 1, y]:
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
                n = entries[e, LOW]
                for k in range(first, last + 1):
                    if least[k, x, t] + spent + price * n < room[k + 1, y]:
                        relax(table[k, x, : N + 1 - n], table[k + 1, y, n:], spent)
    for k in range(1, most + 1):
        sums[k] = FAR
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
                if stale[x, y] or cost[x, y, 0] >= FAR or not is_cluster(box, x, y):
                    continue
                s, came = shape[box.a + x, box.a + y], weights[box.a + y] - weights[box.a + x]
                alone = x == 0 and y == length
                for e in range(begin[s, 0], begin[s, 1]):
                    n = entries[e, LOW]
                    if n > at or entries[e, ENTRY_PS] > box.hi or table[left - 1, x, at - n] >= FAR:
                        continue
                    spent = way_cost(box, entries[e], came, relay[x, y], box.io_ps, alone, machine, terms)
                    if spent < FAR and table[left - 1, x, at - n] + spent == table[left, y, at]:
                        chains[k, k - left, 0] = box.a + y
                        chains[k, k - left, 1] = e
                        at -= n
                        left -= 1
                        found = True
                        break
            y = x
