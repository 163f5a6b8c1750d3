"""Entries of one cluster: all ways to run it, or what they take at least."""

from __future__ import annotations

import numpy as np

from mcmscope.cost.arrays import Ints, NetworkArrays
from mcmscope.cost.compute import ceil_div
from mcmscope.cost.machine import Machine
from mcmscope.jit import inner, kernel
from mcmscope.search.front.bounds import (
    ENTRY_FJ,
    ENTRY_HELD,
    ENTRY_LOADED,
    ENTRY_POINT,
    ENTRY_PS,
    HIGH,
    HOPELESS,
    IN_VAIN,
    LATEST,
    LOW,
    NARROW,
    PAID,
    WIDE,
    LayerBounds,
    bound_entry,
)
from mcmscope.search.front.cluster import (
    ACTIVATION_BEAT,
    HELD_BYTES,
    LOADED_BYTES,
    NOP_BEAT,
    PE_BEAT,
    POINT_PS,
    Scale,
    cluster_floors,
    cluster_points,
)
from mcmscope.search.front.layers import LayerTable
from mcmscope.search.front.steps import BEYOND, ROOMS, SLOPES, fill_prices
from mcmscope.search.tables import NEVER

NEAR = 64
"""Floors of energy that differ by less than one part in so many are one."""


@kernel
def one_bound(
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
) -> int:
    """``bounds.bound_entry`` for Python; how many were filled."""
    return (
        1
        if bound_entry(net, machine, bounds, i, j, low, high, u, relayed, m, hop_fj, narrow, wide, entry)
        else 0
    )


@kernel
def prices_of(
    machine: Machine, n: int, u: int, m: int, hop_fj: int, slope: int, most_ps: int, prices: Ints
) -> None:
    """``steps.fill_prices`` for Python."""
    fill_prices(machine, n, u, m, hop_fj, slope, most_ps, prices)


@inner
def copy_entry(entries: Ints, to: int, of: int) -> None:
    """Make entry ``to`` the same as entry ``of``."""
    for column in range(entries.shape[1]):
        entries[to, column] = entries[of, column]


@kernel
def paid_entries(
    net: NetworkArrays,
    machine: Machine,
    table: LayerTable,
    bounds: LayerBounds,
    scale: Scale,
    i: int,
    j: int,
    low: int,
    high: int,
    u: int,
    m: int,
    relayed: int,
    earliest: int,
    latest: int,
    least_fj: int,
    narrow: int,
    wide: int,
    levels: Ints,
    floors: Ints,
    entries: Ints,
) -> int:
    """Fill ``entries`` with bounds of cluster [i, j) as a whole on ``low`` to ``high`` chiplets; how many.

    Of ways that take ``earliest`` to ``latest`` ps and at least ``least_fj``, with windows of ``narrow`` to
    ``wide`` bytes: one for each stretch of time in which they do not differ much. ``levels`` (ps) are times
    at which they are told apart, as many as ``floors`` (scratch) has room for.
    """
    end = 0
    for n in range(low, high + 1):
        if not bound_entry(
            net, machine, bounds, i, j, n, n, u, relayed, m, scale.hop_fj, narrow, wide, entries[end]
        ):
            continue
        begin = end
        quickest, thriftiest = entries[begin, ENTRY_PS], entries[begin, ENTRY_FJ]
        first = 0
        while first < len(levels) - 1 and levels[first] < max(quickest, earliest):
            first += 1
        last = first
        while last < len(levels) - 1 and last - first < len(floors) - 2 and levels[last] < latest:
            last += 1
        times = levels[first : last + 1].copy()
        open_end = latest > times[-1]
        if not open_end:
            times[-1] = latest
        soonest = cluster_floors(
            net,
            machine,
            table,
            scale,
            i,
            j,
            n,
            u,
            narrow,
            wide,
            m,
            thriftiest // max(quickest, 1),
            times,
            floors[: len(times) + 1],
        )
        if soonest < 0:
            entries[begin, ENTRY_PS] = max(quickest, earliest)
            entries[begin, LATEST] = latest
            entries[begin, ENTRY_FJ] = max(thriftiest, least_fj)
            entries[begin, ENTRY_POINT] = HOPELESS
            end += 1
            continue
        since = max(soonest, earliest)
        top = NEVER
        count = len(times) + 1 if open_end else len(times)
        for v in range(count):
            until = times[v] if v < len(times) else latest
            if floors[v] >= BEYOND or until < since:
                continue
            floor = max(max(floors[v], thriftiest), least_fj)
            if end > begin and floor >= top // NEAR * (NEAR - 1):
                entries[end - 1, ENTRY_FJ] = min(entries[end - 1, ENTRY_FJ], floor)
                entries[end - 1, LATEST] = until
            else:
                copy_entry(entries, end, begin)
                entries[end, ENTRY_PS] = since
                entries[end, LATEST] = until
                entries[end, ENTRY_FJ] = floor
                entries[end, ENTRY_POINT] = PAID
                top = floor
                end += 1
            since = until + 1
    return end


@kernel
def exact_entries(
    net: NetworkArrays,
    machine: Machine,
    table: LayerTable,
    bounds: LayerBounds,
    scale: Scale,
    i: int,
    j: int,
    low: int,
    high: int,
    u: int,
    m: int,
    relayed: int,
    dram_ps: int,
    earliest: int,
    latest: int,
    least_fj: int,
    most_fj: int,
    narrow: int,
    wide: int,
    in_vain: int,
    labels: Ints,
    points: Ints,
    partitions: Ints,
    entries: Ints,
) -> int:
    """Fill ``entries`` with the ways to run cluster [i, j) on ``low`` to ``high`` chiplets; returns how many,
    -1: no room.

    Of those with windows of ``narrow`` to ``wide`` bytes that take ``earliest`` to ``latest`` ps and
    ``least_fj`` to ``most_fj``; a bound stands for the others, and where there are more than can be followed.
    """
    end = 0
    prices = np.zeros((SLOPES * ROOMS, 2), dtype=np.int64)
    for n in range(low, high + 1):
        bounded = bound_entry(
            net, machine, bounds, i, j, n, n, u, relayed, m, scale.hop_fj, narrow, wide, entries[end]
        )
        if not bounded:
            continue
        entries[end, ENTRY_PS] = max(entries[end, ENTRY_PS], earliest)
        entries[end, LATEST] = latest
        entries[end, ENTRY_FJ] = max(entries[end, ENTRY_FJ], least_fj)
        entries[end, ENTRY_POINT] = PAID
        count = 0
        if most_fj < NEVER:
            count = len(prices) if latest < NEVER else ROOMS
            slope = most_fj // max(entries[end, ENTRY_PS], 1)
            fill_prices(machine, n, u, m, scale.hop_fj, slope, latest if latest < NEVER else 1, prices)
        found = cluster_points(
            net,
            machine,
            table,
            scale,
            i,
            j,
            n,
            u,
            relayed,
            dram_ps,
            most_fj,
            latest,
            narrow,
            wide,
            m,
            prices[:count],
            labels,
            points,
            partitions,
        )
        if end + max(found, 0) + 2 > len(entries):
            return -1
        if found < 0:
            entries[end, ENTRY_POINT] = HOPELESS
            if j - i == 1:  # a layer alone streams, and may hold less than the bound says of clusters
                entries[end, ENTRY_HELD] = machine.activation_free - ceil_div(u * relayed, n)
            end += 1
        elif most_fj < NEVER:
            entries[end, ENTRY_FJ] = most_fj + 1
            end += 1
        rest = end - 1
        for x in range(found):
            point = points[x]
            beat = point[PE_BEAT] + point[ACTIVATION_BEAT] + point[NOP_BEAT]
            spent = m * beat // u + point[LOADED_BYTES] * n * scale.hop_fj
            if point[POINT_PS] < earliest or spent < least_fj:
                continue  # another entry stands for it
            entry = entries[end]
            entry[LOW] = n
            entry[HIGH] = n
            entry[ENTRY_PS] = point[POINT_PS]
            entry[LATEST] = point[POINT_PS]
            entry[ENTRY_FJ] = spent
            entry[ENTRY_HELD] = point[HELD_BYTES]
            entry[ENTRY_LOADED] = point[LOADED_BYTES]
            entry[ENTRY_POINT] = 0
            entry[NARROW] = narrow
            entry[WIDE] = wide
            entry[IN_VAIN] = 0
            end += 1
        if most_fj < NEVER and found >= 0:
            entries[rest, IN_VAIN] = in_vain + 1 if end == rest + 1 else 0
    return end
