"""Stages of several layers: all that begin with the same layer are found in one pass over the layers.

Chosen are the tile grids that promise most, what stored weights are charged, and how long layers may take for
a stage to be of use; then the best stages, from the rows that are run so.
"""

from __future__ import annotations

import numpy as np

from mcmscope.cost.arrays import SPLIT, TILED, Ints, NetworkArrays
from mcmscope.cost.compute import ceil_div, transfer_ps
from mcmscope.cost.machine import Machine
from mcmscope.cost.memory import cluster_need, spill_ps
from mcmscope.cost.nop import border_mb_per_s, draining_bytes, ingress_mb_per_s
from mcmscope.jit import inner, kernel
from mcmscope.search.exact.costs import BUSY, INGRESS, STORED, LayerCosts, layer_ps
from mcmscope.search.rows import (
    LOADED,
    PARENT,
    PARTITION,
    PASSED,
    WIDEST,
    Words,
    held_ps,
    make_scratch,
    run_row,
)
from mcmscope.search.tables import MULTIPLIERS, NEVER

FEW_BEATS = 16
"""Up to so many beats, stages are chosen with an eye to how long they load."""
BOUND = 3
"""Of the prices of stored weights, the one at which labels are bounded where they are charged none."""


@inner
def is_run(step: int, beats: int, tight: bool, machine: Machine) -> bool:
    """Whether rows are run at the price of a step: while weights want room; at last, where loads count."""
    if step == MULTIPLIERS:
        return beats <= FEW_BEATS
    return step == 0 or tight or machine.unified == 1


@inner
def charge_of(price: Ints, step: int, beats: int) -> int:
    """What stored weights are charged at a step, ps per KiB; at last a beat's share of their load."""
    return price[step] if step < MULTIPLIERS else price[MULTIPLIERS - 1] // beats


@inner
def fill_quick(machine: Machine, costs: LayerCosts, n: int, price: Ints, quick: Ints) -> None:
    """``quick[MULTIPLIERS, kinds, G]``: time of a layer of each kind at least, stored weights charged.

    Its operands lie inside as is best for it.
    """
    quick[:] = NEVER
    for kin in range(quick.shape[1]):
        for g in range(quick.shape[2]):
            for p in range(3):
                ingress = costs.base[kin, g, p, INGRESS]
                swapped = 0
                for to in range(costs.start[kin], costs.start[kin + 1]):
                    ingress += min(costs.move[to, g, p, TILED, 0], costs.move[to, g, p, SPLIT, 0])
                    swapped += min(costs.move[to, g, p, TILED, 1], costs.move[to, g, p, SPLIT, 1])
                time = layer_ps(costs.base[kin, g, p, BUSY], 0, ingress, swapped, n, machine)
                for step in range(MULTIPLIERS):
                    charged = time + costs.base[kin, g, p, STORED] * price[step] // 1024
                    quick[step, kin, g] = min(quick[step, kin, g], charged)


@inner
def pick_grids(quick: Ints, kind: Ints, i: int, last: int, sums: Ints, picked: Ints) -> None:
    """Mark in ``picked`` the two tile grids that promise most for the next 2, 4, 8 .. layers from i on."""
    grids = quick.shape[1]
    for g in range(grids):
        sums[g] = 0
        picked[g] = 0
    wanted = 2
    for x in range(1, last - i + 1):
        for g in range(grids):
            sums[g] += quick[kind[i + x - 1], g]
        if x < wanted and x < last - i:
            continue
        wanted *= 2
        best = 0
        second = 0
        for g in range(1, grids):
            if sums[g] < sums[best]:
                second = best
                best = g
            elif second == best or sums[g] < sums[second]:
                second = g
        picked[best] = 1
        picked[second] = 1


@inner
def fill_caps(quick: Ints, kind: Ints, g: int, i: int, last: int, goal: Ints, room: int, caps: Ints) -> bool:
    """``caps[x]``: what x layers from i on may take for a stage of so many or more still to be of use.

    A stage of x layers is if it takes at most ``goal[x]`` ps (-1: never); layers take at least what
    ``quick[kinds, G]`` says of the g-th tile grid. Where that charges stored weights, ``room`` is what all
    that a chiplet can store is charged. False if no stage can be of use.
    """
    most = -NEVER
    for x in range(last - i, 0, -1):
        if goal[x] >= 0:
            most = max(most, goal[x] + room)
        caps[x] = most
        most -= quick[kind[i + x - 1], g]
    return most >= 0


@inner
def longest_below(trial: Ints, time: int) -> int:
    """The longest of the falling ``trial`` beats that is below ``time``; -1: none."""
    low = 0
    high = len(trial)
    while low < high:
        middle = (low + high) // 2
        if trial[middle] < time:
            high = middle
        else:
            low = middle + 1
    return int(trial[low]) if low < len(trial) else -1


@inner
def goal_ps(times: Ints, loads: Ints, s: int, floor: int, dram: int, trial: Ints, beats: int) -> int:
    """In how much time (ps) one more way to run stage s is of use; -1: never. It takes ``floor`` at least."""
    if beats > FEW_BEATS:  # only beats are asked for
        goal = longest_below(trial, times[0, s])
    elif times[1, s] == NEVER:
        goal = trial[0]
    else:
        spared = ceil_div(max(0, loads[1, s] - dram), beats)
        goal = min(trial[0], max(times[0, s], times[1, s] + spared) - 1)
    return goal if goal >= floor else -1


@kernel
def fill_stages(
    net: NetworkArrays,
    machine: Machine,
    costs: LayerCosts,
    kind: Ints,
    price: Ints,
    words: Words,
    shape: Ints,
    owner: Ints,
    n: int,
    u: int,
    trial: Ints,
    beats: int,
    times: Ints,
    loads: Ints,
    spills: Ints,
) -> int:
    """Lower ``times[W, S]`` (ps) to what stages of several layers take on n chiplets, own spill included.

    First of the quickest way to run a stage; then, over few ``beats``, of the quickest with its load, as far
    as its weights take longer into a chiplet than from DRAM. They take ``loads[W, S]`` (ps; 0 over many)
    to load, and spill for ``spills[W, S]`` (ps).
    ``shape[i, x]`` numbers the stage of the x + 1 layers from i on, -1 past the end; ``owner[s]`` is the
    first layer that stage s begins with. Stages that take longer than the first of the falling ``trial``
    beats are left out, and over many beats what is quicker, but no help to keep to any of them.
    ``price[MULTIPLIERS]``: prices of stored weights, ps per KiB. Returns how many labels there were.
    """
    L, longest = shape.shape
    scratch = make_scratch(longest)
    labels, count = scratch.labels, scratch.made
    quick = np.zeros((MULTIPLIERS, len(costs.base), costs.base.shape[1]), dtype=np.int64)
    sums, picked = np.zeros((2, costs.base.shape[1]), dtype=np.int64)
    fill_quick(machine, costs, n, price, quick)
    need = np.zeros(longest + 1, dtype=np.int64)
    dram = np.zeros(longest + 1, dtype=np.int64)
    floor = np.zeros(longest + 1, dtype=np.int64)
    goal = np.zeros(longest + 1, dtype=np.int64)
    caps = np.zeros((2, longest + 1), dtype=np.int64)
    ingress = ingress_mb_per_s(n, machine)
    border = border_mb_per_s(n, machine)
    made = 0
    for i in range(L - 1):
        last = 0
        for x in range(1, longest):
            if shape[i, x] >= 0 and owner[shape[i, x]] == i:
                if net.weights[i + x + 1] - net.weights[i] > n * machine.weight_limit:
                    break
                last = i + x + 1
        if last == 0:
            continue
        goal[1] = -1
        for x in range(2, last - i + 1):
            goal[x] = -1
            if owner[shape[i, x - 1]] == i:
                need[x] = cluster_need(net, i, i + x, n, u)
                drain = transfer_ps(u * draining_bytes(net, i, i + x), border)
                dram[x] = transfer_ps(net.weights[i + x] - net.weights[i], machine.dram_mb_per_s)
                floor[x] = max(drain, spill_ps(max(0, need[x] - machine.activation_free), machine))
                goal[x] = goal_ps(times, loads, shape[i, x - 1], floor[x], dram[x], trial, beats)
        pick_grids(quick[0], kind, i, last, sums, picked)
        for g in range(len(picked)):
            if picked[g] == 0:
                continue
            scratch.seen[:] = 0
            tight = True
            for step in range(MULTIPLIERS + 1):
                if not is_run(step, beats, tight, machine):
                    continue
                by = step if 0 < step < MULTIPLIERS else BOUND
                room = machine.weight_limit * price[by] // 1024
                if not fill_caps(quick[0], kind, g, i, last, goal, 0, caps[0]):
                    break
                if not fill_caps(quick[by], kind, g, i, last, goal, room, caps[1]):
                    break
                charge = charge_of(price, step, beats)
                reached, tight = run_row(
                    net, machine, costs, kind, words, i, last, n, g, charge, price[by], caps, NEVER, scratch
                )
                for x in range(2, reached + 1):
                    s = shape[i, x - 1]
                    made += count[x]
                    lowered = False
                    for y in range(count[x]):
                        if labels[x, y, PASSED] > goal[x]:
                            continue
                        spill = held_ps(machine, labels[x, y], need[x])
                        time = max(floor[x], labels[x, y, PASSED], spill)
                        if beats > FEW_BEATS:
                            if time <= goal[x] and time < times[0, s]:
                                times[0, s] = time
                                spills[0, s] = spill
                                lowered = True
                            continue
                        load = transfer_ps(labels[x, y, LOADED], ingress)
                        late = max(0, load - dram[x]) - max(0, loads[1, s] - dram[x])
                        if time < times[0, s]:
                            times[0, s] = time
                            loads[0, s] = load
                            spills[0, s] = spill
                            lowered = True
                        if times[1, s] == NEVER or time + late // beats < times[1, s]:
                            times[1, s] = time
                            loads[1, s] = load
                            spills[1, s] = spill
                            lowered = True
                    if lowered:
                        goal[x] = goal_ps(times, loads, s, floor[x], dram[x], trial, beats)
    return made


@kernel
def best_stage(
    net: NetworkArrays,
    machine: Machine,
    costs: LayerCosts,
    kind: Ints,
    price: Ints,
    words: Words,
    i: int,
    j: int,
    n: int,
    u: int,
    io_ps: int,
    beats: int,
    free_ps: int,
    partitions: Ints,
) -> int:
    """The tile grid that is best for stage [i, j) on n chiplets, -1: none; fills ``partitions[i:j]``.

    ``io_ps``: DRAM traffic of a beat, to which spill adds. While spill binds, narrower gather windows are
    tried. What chiplets load for longer than ``free_ps`` is spread over ``beats``.
    """
    x = j - i
    scratch = make_scratch(x)
    labels, count = scratch.labels, scratch.made
    caps = np.full((2, x + 1), NEVER)
    need = cluster_need(net, i, j, n, u)
    ingress = ingress_mb_per_s(n, machine)
    best: int = NEVER
    grid = -1
    widest_bytes: int = NEVER
    narrower: int = NEVER
    better = True
    while better:
        better = False
        for g in range(costs.base.shape[1]):
            scratch.seen[:] = 0
            tight = True
            for step in range(MULTIPLIERS + 1):
                if not is_run(step, beats, tight, machine):
                    continue
                caps[0, :] = best
                charge = charge_of(price, step, beats)
                if step == MULTIPLIERS - 1 and widest_bytes < NEVER:
                    charge *= 64  # where spill binds: as if nothing but stored weights counted
                reached, tight = run_row(
                    net, machine, costs, kind, words, i, j, n, g, charge, 0, caps, widest_bytes, scratch
                )
                for y in range(count[x] if reached == x else 0):
                    time = max(labels[x, y, PASSED], io_ps + held_ps(machine, labels[x, y], need))
                    load = transfer_ps(labels[x, y, LOADED], ingress)
                    late = max(0, load - free_ps) // beats
                    if time + late < best:
                        best = time + late
                        grid = g
                        better = time > max(labels[x, y, PASSED], io_ps)
                        narrower = labels[x, y, WIDEST] - 1
                        at = y
                        for back in range(x, 0, -1):
                            partitions[i + back - 1] = labels[back, at, PARTITION]
                            at = labels[back, at, PARENT]
        if better:
            widest_bytes = narrower
    return grid
