"""Cluster division by merging: from one layer per cluster, the least loaded neighbours become one."""

from __future__ import annotations

import numpy as np

from mcmscope.cost.arrays import Ints, NetworkArrays
from mcmscope.cost.compute import ceil_div, transfer_ps
from mcmscope.cost.machine import Machine
from mcmscope.cost.memory import cluster_need, cut_bytes, spill_ps
from mcmscope.jit import inner, kernel
from mcmscope.search.tables import NEVER


@inner
def merge_down(load: Ints, a: int, b: int, clusters: int, cuts: Ints) -> int:
    """Divide layers [a, b) into ``clusters``: merge the least loaded neighbours until so many are left.

    ``load`` holds prefix sums of the layers' loads. Fills ``cuts`` with the clusters' ends.
    """
    count = b - a
    for x in range(count):
        cuts[x] = a + x + 1
    while count > clusters:
        best = -1
        least = NEVER
        for x in range(count - 1):
            start = cuts[x - 1] if x > 0 else a
            pair = load[cuts[x + 1]] - load[start]
            if pair < least:
                least = pair
                best = x
        for x in range(best, count - 1):
            cuts[x] = cuts[x + 1]
        count -= 1
    return count


@inner
def estimated_size(
    net: NetworkArrays,
    machine: Machine,
    first: Ints,
    sums: Ints,
    i: int,
    j: int,
    u: int,
    io_ps: int,
    beat: int,
    limit: int,
) -> int:
    """Fewest chiplets on which cluster [i, j) should keep to ``beat`` (ps); ``limit + 1``: not even all.

    ``first[L, N + 1]`` bounds a layer's time with operands from outside, ``sums[L + 1, N + 1]`` is the
    prefix sum of the times inside a cluster.
    """
    weights = net.weights[j] - net.weights[i]
    low = max(1, ceil_div(weights, machine.weight_limit))
    high = limit + 1
    while low < high:
        n = (low + high) // 2
        time = first[i, n] + sums[j, n] - sums[i + 1, n]
        if time <= beat and j - i > 1:
            held = cluster_need(net, i, j, n, u) + machine.unified * ceil_div(weights, n)
            excess = held - machine.activation_free
            if excess > 0:
                time = max(time, io_ps + spill_ps(excess, machine))
        if time <= beat:
            high = n
        else:
            low = n + 1
    return low


@kernel
def estimate_segment(
    net: NetworkArrays,
    machine: Machine,
    first: Ints,
    sums: Ints,
    load: Ints,
    a: int,
    b: int,
    clusters: int,
    u: int,
    beats: int,
    io: int,
    dram_ps: int,
    bound: int,
    cuts: Ints,
    regions: Ints,
) -> int:
    """Estimated time (ps) of segment [a, b) in ``clusters`` merged clusters; ``bound`` if it is not below.

    Fills ``cuts`` (ends of the clusters) and ``regions`` (their sizes at the least estimated beat).
    """
    k = merge_down(load, a, b, clusters, cuts)
    steps = beats + k - 1
    io_ps = transfer_ps(u * io, machine.dram_mb_per_s)
    floor = io_ps
    for x in range(k - 1):
        floor = max(floor, transfer_ps(u * cut_bytes(net, a, b, cuts[x]), machine.cut_mb_per_s))
    high = (bound - 1 - dram_ps) // steps
    low = floor
    feasible = False
    while low < high or (low == high and not feasible):
        beat = (low + high) // 2 if feasible else high
        left = machine.chiplets
        i = a
        for x in range(k):
            n = estimated_size(net, machine, first, sums, i, cuts[x], u, io_ps, beat, left)
            left -= n
            if left < 0:
                break
            i = cuts[x]
        if left >= 0:
            feasible = True
            high = beat
        elif not feasible:
            return bound
        else:
            low = beat + max(1, (high - low) // 64)  # an estimate needs no last digit
    if not feasible:
        return bound
    i = a
    for x in range(k):
        regions[x] = estimated_size(net, machine, first, sums, i, cuts[x], u, io_ps, high, machine.chiplets)
        i = cuts[x]
    return dram_ps + steps * high


@kernel
def estimate_segments(
    net: NetworkArrays,
    machine: Machine,
    first: Ints,
    sums: Ints,
    load: Ints,
    lengths: Ints,
    shares: Ints,
    micro: Ints,
    m: int,
    io: Ints,
    dram_ps: Ints,
    value: Ints,
    choice: Ints,
) -> int:
    """Estimate merged segments of the given ``lengths`` from every layer, below what ``value[a, b]`` holds.

    ``shares`` (in 1/100) says into how many clusters per layer a segment is divided. ``choice[a, b]`` gets
    (index of u, clusters) where an estimate lowered ``value``. Returns how many were made. First index of
    ``first``, ``sums``, ``load``: micro-batch.
    """
    L = len(net.layer)
    cuts = np.zeros(L, dtype=np.int64)
    regions = np.zeros(L, dtype=np.int64)
    made = 0
    for a in range(L):
        for x in range(len(lengths)):
            b = a + lengths[x]
            if b > L:
                break
            for index in range(len(micro)):
                u = micro[index]
                beats = ceil_div(m, u)
                last = 0
                for y in range(len(shares)):
                    clusters = max(1, lengths[x] * shares[y] // 100)
                    if clusters == last or clusters > machine.chiplets:
                        continue
                    last = clusters
                    work = (load[index, b] - load[index, a]) // machine.chiplets
                    if dram_ps[a, b] + (beats + clusters - 1) * work >= value[a, b]:
                        continue
                    time = estimate_segment(
                        net,
                        machine,
                        first[index],
                        sums[index],
                        load[index],
                        a,
                        b,
                        clusters,
                        u,
                        beats,
                        io[a, b],
                        dram_ps[a, b],
                        value[a, b],
                        cuts,
                        regions,
                    )
                    made += 1
                    if time < value[a, b]:
                        value[a, b] = time
                        choice[a, b, 0] = index
                        choice[a, b, 1] = clusters
    return made
