"""Lower bounds of time and energy of a cluster, from layers each run as is best for it alone."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mcmscope.cost.arrays import OUTSIDE, SHARDED, SOURCE, Ints, NetworkArrays
from mcmscope.cost.compute import ceil_div
from mcmscope.cost.machine import Machine
from mcmscope.cost.memory import cluster_need
from mcmscope.jit import inner, kernel
from mcmscope.search.front.cluster import price_fj
from mcmscope.search.front.layers import (
    ACTIVE,
    ARRIVING,
    BUSY,
    DISTINCT,
    FAR,
    INGRESS,
    NEAR,
    PE,
    READ,
    STORED,
    SWAPPED,
    TAKEN,
    WINDOW,
    LayerTable,
    layer_ps,
)
from mcmscope.search.tables import NEVER

# Columns of an entry: one way (or a bound of ways) to run a cluster, on LOW to HIGH chiplets.
# It takes ENTRY_PS to LATEST ps; its gather window is of NARROW to WIDE bytes.
# IN_VAIN: how often in a row nothing was found just above its energy.
LOW, HIGH, ENTRY_PS, LATEST, ENTRY_FJ, ENTRY_HELD, ENTRY_LOADED, ENTRY_POINT, NARROW, WIDE = range(10)
IN_VAIN = 10
ENTRY_COLUMNS = 11
# ENTRY_POINT of an entry that is only a bound: of layers each by itself; of the cluster as a whole, time and
# stored weights paid for; or of what cannot be made exact.
BOUND, PAID, HOPELESS = -1, -2, -3


class LayerBounds(NamedTuple):
    """Prefix sums over the layers of what each takes at least inside a cluster on n chiplets, for one u.

    The first axis is the class of the widest gather window. ``first_*[.., L, N + 1]`` are those of layer l
    with its operands from outside; ``inside_*[.., L + 1, N + 1]`` sums of the layers before l with operands
    as is best. Picoseconds of a beat, femtojoules of the batch; to these (second axis: multiplier) the price
    of what the layer stores is added. (A cluster stores no more than the buffer holds: the sums less the
    price of the buffer bound its energy.)
    """

    classes: Ints
    """The narrowest and the widest window (bytes) of each class, ascending: [C, 2]."""
    first_ps: Ints
    first_fj: Ints
    inside_ps: Ints
    inside_fj: Ints


MOST_CLASSES = 12
"""Gather windows, or ranges of them, that are bounded apart: what a window makes spill weighs much."""

MULTIPLIERS = 6
"""Prices of stored weights tried, the first of them 0."""

FAR_AWAY = 2**50
"""Stands for a layer that cannot run on so few chiplets; sums of it do not overflow."""


def window_classes(windows: Ints) -> Ints:
    """Classes ``[C, 2]`` of the gather windows (bytes, ascending) that layers have: each its own, if they are
    few."""
    parts: list[Ints] = np.array_split(windows, min(len(windows), MOST_CLASSES))
    return np.array([[part[0], part[-1]] for part in parts], dtype=np.int64)


@inner
def class_of(window: int, classes: Ints) -> int:
    """The class of a gather window of so many bytes; the last for any that is wider."""
    c = 0
    while c < len(classes) - 1 and window > classes[c, 1]:
        c += 1
    return c


@kernel
def layer_bounds(
    net: NetworkArrays,
    machine: Machine,
    table: LayerTable,
    u: int,
    m: int,
    hop_fj: int,
    write_fj: int,
    load_fj: int,
    classes: Ints,
) -> tuple[Ints, Ints, Ints, Ints]:
    """What ``LayerBounds`` of these ``classes`` hold besides them."""
    L, N, C = len(net.layer), machine.chiplets, len(classes)
    first_ps = np.full((C, L, N + 1), FAR_AWAY)
    first_fj = np.full((C, MULTIPLIERS, L, N + 1), FAR_AWAY)
    inside_ps = np.zeros((C, L + 1, N + 1), dtype=np.int64)
    inside_fj = np.zeros((C, MULTIPLIERS, L + 1, N + 1), dtype=np.int64)
    least_ps = np.zeros(C, dtype=np.int64)
    least_fj = np.zeros((C, MULTIPLIERS), dtype=np.int64)
    for l in range(L):
        kind = table.kind[l]
        for n in range(1, N + 1):
            for c in range(C):
                least_ps[c] = FAR_AWAY
                for step in range(MULTIPLIERS):
                    least_fj[c, step] = FAR_AWAY
            for g in range(table.grid_start[n], table.grid_start[n + 1]):
                for p in range(3):
                    cell = table.base[kind, g, p]
                    if (p == SHARDED and n == 1) or cell[STORED] > machine.weight_limit:
                        continue
                    ingress, swapped, far, near = cell[INGRESS], 0, 0, cell[NEAR]
                    best_in, best_swap, best_hops = cell[INGRESS], 0, cell[NEAR]
                    arriving, best_arriving = 0, 0
                    for o in range(net.operand_start[l], net.operand_start[l + 1]):
                        moves = table.move[table.start[kind] + o - net.operand_start[l], g, p]
                        ingress += moves[OUTSIDE, TAKEN]
                        swapped += moves[OUTSIDE, SWAPPED]
                        arriving += moves[OUTSIDE, ARRIVING]
                        if net.operand[o, SOURCE] < 0:
                            best_arriving += moves[OUTSIDE, ARRIVING]
                        if moves[OUTSIDE, FAR] == 1:
                            far += moves[OUTSIDE, TAKEN] * cell[ACTIVE]
                        else:
                            near += moves[OUTSIDE, TAKEN] * cell[ACTIVE]
                        least_in, least_swap, least_hops = NEVER, NEVER, NEVER
                        for layout in range(3):
                            taken = moves[layout, TAKEN]
                            if net.operand[o, SOURCE] < 0 and layout != OUTSIDE:
                                continue
                            hops = taken * cell[ACTIVE]
                            if moves[layout, FAR] == 1:
                                hops = hops * table.milli_hops[n] // 1000
                            least_in = min(least_in, taken)
                            least_swap = min(least_swap, moves[layout, SWAPPED])
                            least_hops = min(least_hops, hops)
                        best_in += least_in
                        best_swap += least_swap
                        best_hops += least_hops
                    loads = cell[DISTINCT] * n * load_fj
                    own = cell[PE] + cell[READ]
                    time = layer_ps(cell[BUSY], arriving, ingress, swapped, n, machine)
                    beat = own + ingress * cell[ACTIVE] * write_fj
                    beat += hop_fj * (near + far * table.milli_hops[n] // 1000)
                    spent = m * beat // u + loads
                    within = layer_ps(cell[BUSY], best_arriving, best_in, best_swap, n, machine)
                    beat = own + best_in * cell[ACTIVE] * write_fj + hop_fj * best_hops
                    spent_within = m * beat // u + loads
                    for c in range(C - 1, -1, -1):
                        if cell[WINDOW] > classes[c, 1]:
                            break
                        first_ps[c, l, n] = min(first_ps[c, l, n], time)
                        least_ps[c] = min(least_ps[c], within)
                        for step in range(MULTIPLIERS):
                            charge = cell[STORED] * price_fj(step, n, m, hop_fj) // 1024
                            first_fj[c, step, l, n] = min(first_fj[c, step, l, n], spent + charge)
                            least_fj[c, step] = min(least_fj[c, step], spent_within + charge)
            for c in range(C):
                inside_ps[c, l + 1, n] = inside_ps[c, l, n] + least_ps[c]
                for step in range(MULTIPLIERS):
                    inside_fj[c, step, l + 1, n] = inside_fj[c, step, l, n] + least_fj[c, step]
    return first_ps, first_fj, inside_ps, inside_fj


@inner
def bound_entry(
    net: NetworkArrays,
    machine: Machine,
    bounds: LayerBounds,
    i: int,
    j: int,
    low: int,
    high: int,
    u: int,
    relayed: int,
    m: int,
    hop_fj: int,
    narrow: int,
    wide: int,
    entry: Ints,
) -> bool:
    """Fill ``entry`` with a lower bound of cluster [i, j) on any of ``low`` to ``high`` chiplets; False: none
    fits.

    Of its ways whose gather window is of ``narrow`` to ``wide`` bytes.
    """
    c = class_of(wide, bounds.classes)
    weights = net.weights[j] - net.weights[i]
    if ceil_div(weights, high) > machine.weight_limit:
        return False
    least_ps, least_fj = NEVER, NEVER
    for n in range(low, high + 1):
        time = bounds.first_ps[c, i, n] + bounds.inside_ps[c, j, n] - bounds.inside_ps[c, i + 1, n]
        if time >= FAR_AWAY:
            continue
        spent = 0
        for step in range(MULTIPLIERS):
            total = bounds.first_fj[c, step, i, n]
            total += bounds.inside_fj[c, step, j, n] - bounds.inside_fj[c, step, i + 1, n]
            spent = max(spent, total - ceil_div(machine.weight_limit * price_fj(step, n, m, hop_fj), 1024))
        least_ps = min(least_ps, time)
        least_fj = min(least_fj, spent)
    if least_ps == NEVER:
        return False
    held = cluster_need(net, i, j, high, u) + machine.unified * ceil_div(weights, high)
    held += narrow
    entry[LOW] = low
    entry[HIGH] = high
    entry[ENTRY_PS] = least_ps
    entry[LATEST] = NEVER
    entry[ENTRY_FJ] = least_fj
    entry[ENTRY_HELD] = max(held, machine.activation_free - ceil_div(u * relayed, low))
    entry[ENTRY_LOADED] = 0
    entry[ENTRY_POINT] = BOUND
    entry[NARROW] = narrow
    entry[WIDE] = wide
    entry[IN_VAIN] = 0
    return True


@inner
def bound_classes(
    net: NetworkArrays,
    machine: Machine,
    bounds: LayerBounds,
    i: int,
    j: int,
    low: int,
    high: int,
    u: int,
    relayed: int,
    m: int,
    hop_fj: int,
    entries: Ints,
    end: int,
) -> int:
    """Put bounds of all classes of cluster [i, j) behind ``entries[:end]``; returns the new end.

    Where wider windows allow little that is better, there is one bound for both, of the wider's class.
    """
    first = end
    for c in range(len(bounds.classes)):
        narrow, wide = bounds.classes[c]
        if bound_entry(
            net, machine, bounds, i, j, low, high, u, relayed, m, hop_fj, narrow, wide, entries[end]
        ):
            new = entries[end]
            old = entries[end - 1]
            if (
                end > first
                and new[ENTRY_FJ] >= old[ENTRY_FJ] // 64 * 62
                and new[ENTRY_PS] >= old[ENTRY_PS] // 8 * 7
            ):
                old[ENTRY_FJ] = min(old[ENTRY_FJ], new[ENTRY_FJ])
                old[ENTRY_PS] = min(old[ENTRY_PS], new[ENTRY_PS])
                old[WIDE] = wide
            else:
                end += 1
    return end


@kernel
def bound_entries(
    net: NetworkArrays,
    machine: Machine,
    bounds: LayerBounds,
    spans: Ints,
    sizes: Ints,
    u: int,
    relayed: int,
    m: int,
    hop_fj: int,
    entries: Ints,
    begin: Ints,
) -> None:
    """Fill ``entries`` with bounds of each cluster ``spans[S, 2]`` on each run of ``sizes[B, 2]`` chiplets.

    ``begin[S, 2]`` gets where those of a cluster are.
    """
    end = 0
    for s in range(len(spans)):
        begin[s, 0] = end
        for x in range(len(sizes)):
            end = bound_classes(
                net,
                machine,
                bounds,
                spans[s, 0],
                spans[s, 1],
                sizes[x, 0],
                sizes[x, 1],
                u,
                relayed,
                m,
                hop_fj,
                entries,
                end,
            )
        begin[s, 1] = end
