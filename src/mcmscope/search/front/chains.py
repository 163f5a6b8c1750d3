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
    ``priced_chains``."""
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
def priced_chains(
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
    """As ``sums.least_sums``, but chiplets are paid for, each number of clusters at the price that proves
    most.

    ``prices`` are weighted fJ of a chiplet; less that of all chiplets, the least sum is a lower bound.
    ``cost[x, y, prices]`` and ``via`` are the cheapest entries of the layers from a + x to a + y, made anew
    where ``stale[x, y]`` (what stays stale is no cluster); ``known`` are those that nothing passes by, at any
    DRAM traffic: they serve every segment. Fills ``least[K + 1, length + 1, prices]`` with sums of the first
    layers in so many clusters (the last: or more), ``floors[K + 1]`` with the bounds (``FAR``: no chain) and
    ``at[K + 1]`` with the numbers of their prices.
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
                    # No sum is above 2 * FAR.
                    least[to, y, t] = min(least[to, y, t], least[k, x, t] + cost[x, y, t] + box.p * box.lo)
    for k in range(most + 1):
        floors[k] = FAR
        at[k] = 0
        if least[k, length, 0] >= FAR:
            continue
        floors[k] = -FAR
        for t in range(count):
            bound = least[k, length, t] - prices[t] * machine.chiplets
            if bound > floors[k]:
                floors[k] = bound
                at[k] = t


@kernel
def chain_behind(
    box: Box, stale: NDArray[np.bool_], cost: Ints, via: Ints, least: Ints, k: int, t: int, chain: Ints
) -> int:
    """Fill ``chain[length, 2]`` with the clusters behind ``least[k, -1, t]``, last first: end and entry of
    each; how many.

    Arguments as ``priced_chains`` leaves them.
    """
    most, y, found = least.shape[0] - 1, box.b - box.a, 0
    while y > 0:
        x, before = y, -1
        while before < 0:
            x -= 1
            if stale[x, y] or cost[x, y, 0] >= FAR:
                continue
            rest = least[k, y, t] - cost[x, y, t] - box.p * box.lo
            if least[k - 1, x, t] == rest:
                before = k - 1
            elif k == most and least[k, x, t] == rest:
                before = k
        chain[found, 0] = box.a + y
        chain[found, 1] = via[x, y, t]
        found += 1
        y = x
        k = before
    return found
