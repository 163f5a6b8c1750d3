"""A segment as a chain of clusters at a price of chiplets: a lower bound, and what it rests on."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mcmscope.cost.arrays import Ints
from mcmscope.cost.compute import transfer_ps
from mcmscope.cost.energy import EnergyTerms
from mcmscope.cost.machine import Machine
from mcmscope.jit import inner, kernel
from mcmscope.search.front.bounds import ENTRY_FJ, ENTRY_PS, LOW
from mcmscope.search.front.sums import FAR, Box, is_cluster, way_cost


class Known(NamedTuple):
    """The cheapest entries of every shape at every price, where nothing passes by and loads do not matter.

    Without shapes: nothing is known.
    """

    cost: Ints  # [S, prices]
    via: Ints  # [S, prices]: entries
    made: Ints  # [S]: of which version of their entries
    version: Ints  # [S]: how often the entries of a shape were replaced, so far


@inner
def cheapest_ways(
    box: Box,
    entries: Ints,
    begin: int,
    end: int,
    came: int,
    relay: int,
    io_ps: int,
    alone: bool,
    machine: Machine,
    terms: EnergyTerms,
    prices: Ints,
    cost: Ints,
    via: Ints,
) -> None:
    """Fill ``cost`` and ``via`` with the cheapest of ``entries[begin:end]`` at each of ``prices``."""
    for t in range(len(prices)):
        cost[t] = FAR
    cheapest, dear = FAR, FAR
    for e in range(begin, end):
        # Entries come by their chiplets: one that costs no less than a smaller one is not needed.
        if entries[e, ENTRY_PS] > box.hi or entries[e, ENTRY_FJ] > dear:
            continue
        entry = entries[e]
        spent = way_cost(box, entry, came, relay, io_ps, alone, machine, terms)
        if spent >= cheapest:
            continue
        cheapest, dear = spent, spent // max(box.q, 1)
        for t in range(len(prices)):
            paid = spent + prices[t] * entry[LOW]
            if paid < cost[t]:
                cost[t] = paid
                via[t] = e


@inner
def fill_cheapest(
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
) -> None:
    """Make ``cost[x, y, prices]`` and ``via`` anew where ``stale[x, y]``, with what is ``known``; see
    ``priced_chain``."""
    length = box.b - box.a
    for y in range(1, length + 1):
        if y < length and transfer_ps(box.u * cut[y], machine.cut_mb_per_s) > box.hi:
            continue
        for x in range(y - 1, -1, -1):
            if not stale[x, y] or not is_cluster(box, x, y):
                continue
            stale[x, y] = False
            s = shape[box.a + x, box.a + y]
            came = weights[box.a + y] - weights[box.a + x]
            alone = x == 0 and y == length
            shared = len(known.made) > 0 and relay[x, y] == 0 and not alone
            if not shared or known.made[s] != known.version[s]:
                cheapest_ways(
                    box,
                    entries,
                    begin[s, 0],
                    begin[s, 1],
                    came,
                    relay[x, y],
                    0 if shared else box.io_ps,
                    alone,
                    machine,
                    terms,
                    prices,
                    cost[x, y],
                    via[x, y],
                )
            if not shared:
                continue
            if known.made[s] != known.version[s]:
                known.made[s] = known.version[s]
                known.cost[s] = cost[x, y]
                known.via[s] = via[x, y]
            else:
                cost[x, y] = known.cost[s]
                via[x, y] = known.via[s]


@kernel
def priced_chain(
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
    chain: Ints,
    ahead: Ints,
    behind: Ints,
) -> tuple[int, int, int]:
    """As ``sums.least_sum``, but chiplets are paid for, at the one of ``prices`` that proves most.

    Prices are weighted fJ of a chiplet; less that of all chiplets, the least sum is a lower bound.
    ``cost[x, y, prices]`` and ``via`` are the cheapest entries of the layers from a + x to a + y, made anew
    where ``stale[x, y]`` (what stays stale is no cluster); ``known`` are those that nothing passes by, at any
    DRAM traffic: they serve every segment. Fills ``chain[K, 2]`` and, at the price that proves most, the
    least sums ``ahead[x]`` of the layers before and ``behind[x]`` of those from a + x on. Returns the bound
    (``FAR``: none), K and that price.
    """
    length, count = box.b - box.a, len(prices)
    fill_cheapest(
        machine, terms, weights, shape, entries, begin, relay, cut, box, prices, known, stale, cost, via
    )
    least = np.full((length + 1, count), FAR)
    least[0] = 0
    for y in range(1, length + 1):
        for x in range(y):
            if stale[x, y] or cost[x, y, 0] >= FAR:
                continue
            for t in range(count):
                # No sum is above 2 * FAR.
                least[y, t] = min(least[y, t], least[x, t] + cost[x, y, t] + box.p * box.lo)
    best, at = np.int64(-1), 0
    for t in range(count):
        if least[length, t] >= FAR:
            return FAR, 0, 0
        bound = least[length, t] - prices[t] * machine.chiplets
        if bound > best:
            best = bound
            at = t
    for x in range(length + 1):
        ahead[x] = least[x, at]
        behind[x] = FAR
    behind[length] = 0
    for x in range(length - 1, -1, -1):
        for y in range(x + 1, length + 1):
            if stale[x, y] or cost[x, y, 0] >= FAR:
                continue
            behind[x] = min(behind[x], cost[x, y, at] + box.p * box.lo + behind[y])
    k = 0
    y = length
    while y > 0:
        x = 0
        while stale[x, y] or ahead[x] + cost[x, y, at] + box.p * box.lo != ahead[y]:
            x += 1
        chain[k, 0] = box.a + y
        chain[k, 1] = via[x, y, at]
        k += 1
        y = x
    return int(best), k, int(prices[at])
