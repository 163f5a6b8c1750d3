"""Lower bounds of clusters of several layers: which tile grids and region sizes promise most.

Each layer is taken at its best under what it stores, charged at several prices (Lagrange multipliers).
"""

from __future__ import annotations

import numpy as np

from mcmscope.cost.arrays import SOURCE, Ints, NetworkArrays, Tilings
from mcmscope.cost.compute import ceil_div, transfer_ps
from mcmscope.cost.machine import Machine
from mcmscope.cost.memory import cluster_need, spill_ps
from mcmscope.cost.nop import border_mb_per_s, draining_bytes
from mcmscope.cost.stage import cost_of
from mcmscope.jit import inner, kernel
from mcmscope.search.tables import NEVER


@inner
def promising_grids(
    net: NetworkArrays,
    machine: Machine,
    tilings: Tilings,
    i: int,
    j: int,
    n: int,
    u: int,
    grids: Ints,
    price: Ints,
    most: int,
) -> Ints:
    """The ``most`` tile grids with the least lower bounds of the time of cluster [i, j), best first."""
    layout = np.zeros(len(net.layer), dtype=np.int64)
    bound = np.zeros(len(grids), dtype=np.int64)
    for g in range(len(grids)):
        tiles = (grids[g, 0], grids[g, 1], grids[g, 2])
        time = np.zeros(len(price), dtype=np.int64)
        for l in range(i, j):
            least = np.full(len(price), NEVER)
            for p in range(3):
                for o in range(net.operand_start[l], net.operand_start[l + 1]):
                    if net.operand[o, SOURCE] >= i:
                        layout[net.operand[o, SOURCE]] = p
                cost = cost_of(net, machine, tilings, l, p, layout, i, n, u, tiles)
                for step in range(len(price)):
                    least[step] = min(least[step], cost.time_ps + cost.stored_bytes * price[step] // 1024)
            for step in range(len(price)):
                time[step] += least[step]
        for step in range(len(price)):
            bound[g] = max(bound[g], time[step] - machine.weight_limit * price[step] // 1024)
    order = np.zeros(most, dtype=np.int64)
    for place in range(most):
        best = 0
        for g in range(len(grids)):
            if bound[g] < bound[best]:
                best = g
        order[place] = best
        bound[best] = NEVER
    return order


@inner
def bound_cluster(
    net: NetworkArrays,
    machine: Machine,
    a: int,
    b: int,
    n: int,
    u: int,
    border: int,
    replicas: int,
    steps: int,
    io: int,
    time: int,
) -> int:
    """Time (ps) of segment [a, b) as one cluster whose layers take at least ``time`` together.

    ``border`` is ``border_mb_per_s`` of n.
    """
    weights = net.weights[b] - net.weights[a]
    held = cluster_need(net, a, b, n, u) + machine.unified * ceil_div(weights, n)
    spill = spill_ps(max(0, held - machine.activation_free), machine)
    drain = transfer_ps(u * draining_bytes(net, a, b), border)
    floor = max(drain, transfer_ps(u * io * replicas, machine.dram_mb_per_s) + spill)
    return transfer_ps(weights, machine.dram_mb_per_s) + steps * max(time, floor)


@kernel
def bound_clusters(
    net: NetworkArrays,
    machine: Machine,
    io: Ints,
    inside: Ints,
    first: Ints,
    price: Ints,
    kind: Ints,
    micro: Ints,
    m: int,
    replicas: int,
    limit: int,
    value: Ints,
) -> None:
    """Lower ``value[a, b]`` to a bound of the least time (ps) of [a, b) as one cluster on at most ``limit``.

    Each layer is taken at its best, what it stores charged at each of the multipliers.
    """
    L = len(net.layer)
    time = np.zeros(price.shape[1], dtype=np.int64)
    for index in range(len(micro)):
        u = micro[index]
        beats = ceil_div(ceil_div(m, replicas), u)
        for n in range(limit, 0, -1):
            border = border_mb_per_s(n, machine)
            for a in range(L - 1):
                if first[index, 0, kind[a], n] == NEVER:
                    continue
                for step in range(len(time)):
                    paid = ceil_div(machine.weight_limit * price[n, step], 1024)
                    time[step] = first[index, step, kind[a], n] - paid
                for b in range(a + 2, L + 1):
                    weights = net.weights[b] - net.weights[a]
                    if inside[index, 0, kind[b - 1], n] == NEVER or weights > n * machine.weight_limit:
                        break
                    least = 0
                    for step in range(len(time)):
                        time[step] += inside[index, step, kind[b - 1], n]
                        least = max(least, time[step])
                    if beats * least >= value[a, b]:
                        continue
                    bound = bound_cluster(net, machine, a, b, n, u, border, replicas, beats, io[a, b], least)
                    value[a, b] = min(value[a, b], bound)


@kernel
def rank_sizes(
    net: NetworkArrays,
    machine: Machine,
    a: int,
    b: int,
    io: int,
    inside: Ints,
    first: Ints,
    price: Ints,
    kind: Ints,
    micro: Ints,
    m: int,
    replicas: int,
    limit: int,
    bounds: Ints,
) -> None:
    """As ``bound_clusters`` for one cluster: ``bounds[U, limit + 1]`` per micro-batch and region size."""
    for index in range(len(micro)):
        u = micro[index]
        beats = ceil_div(ceil_div(m, replicas), u)
        for n in range(1, limit + 1):
            bounds[index, n] = NEVER
            if net.weights[b] - net.weights[a] > n * machine.weight_limit:
                continue
            least = 0
            fits = True
            for step in range(price.shape[1]):
                time = first[index, step, kind[a], n] - ceil_div(machine.weight_limit * price[n, step], 1024)
                for l in range(a + 1, b):
                    fits = fits and inside[index, step, kind[l], n] < NEVER
                    time += inside[index, step, kind[l], n] if fits else 0
                least = max(least, time)
            if fits and first[index, 0, kind[a], n] < NEVER:
                bounds[index, n] = bound_cluster(
                    net, machine, a, b, n, u, border_mb_per_s(n, machine), replicas, beats, io, least
                )
