"""What is known of clusters: bounds, made exact where that is asked for."""

from __future__ import annotations

from typing import NamedTuple

from mcmscope.cost.arrays import Ints, NetworkArrays
from mcmscope.cost.machine import Machine
from mcmscope.cost.memory import spill_ps
from mcmscope.jit import inlined, inner, kernel
from mcmscope.search.exact.costs import RegionCosts, on_region
from mcmscope.search.exact.front import (
    FRONT_COLUMNS,
    FRONT_GRID,
    FRONT_HELD,
    FRONT_LOAD,
    FRONT_TIME,
    cluster_front,
)
from mcmscope.search.tables import CHOICE, HELD, LOAD, NEVER, TIME

NO_ROOM_FOR_ALL = -4
"""Returned where ``Known.ways`` is too short."""

# Places of Known.tally: rows of ``ways`` in use, labels made, times that a segment was asked about.
USED, MADE, PROBED = range(3)
TALLIES = 3


class Known(NamedTuple):
    """What is known of clusters of S shapes on up to N chiplets."""

    shape: Ints  # [L + 1, L + 1]: of cluster [i, j)
    bound: Ints  # [S, N + 1]: lower bound (ps) of a stage on n chiplets, its own spill included
    least: Ints  # [S, N + 1]: the same on at most n
    row: Ints  # [S, N + 1]: where its ways begin in ``ways``, -1 while only bounded
    many: Ints  # [S, N + 1]: how many ways there are
    cap: Ints  # [S, N + 1]: slower stages (ps) were not looked at: such a bound is more than the cap
    ways: Ints  # [:, FRONT_COLUMNS]
    tally: Ints  # [TALLIES]


class Setting(NamedTuple):
    """What the ways to run clusters follow from."""

    costs: RegionCosts
    kind: Ints  # [L]
    price: Ints  # [N + 1, MULTIPLIERS]
    dram_ps: Ints  # [L + 1, L + 1]: to load the weights of layers [i, j)
    u: int
    replicas: int
    relayed: int  # bytes per sample that pass a segment at most


class Room(NamedTuple):
    """Scratch for ``cluster_front``."""

    labels: Ints
    front: Ints
    partitions: Ints


@inner
def is_known(own: Known, s: int, n: int, beat: int) -> bool:
    """Whether all ways to run a cluster of shape s on n chiplets in a beat of so many ps are known."""
    return own.row[s, n] >= 0 and own.cap[s, n] >= beat


@inlined
def settle(
    net: NetworkArrays,
    machine: Machine,
    setting: Setting,
    own: Known,
    room: Room,
    i: int,
    j: int,
    n: int,
    most: int,
    beat: int,
    cap: int,
) -> int:
    """Find the fewest chiplets, n to ``most``, on which cluster [i, j) does keep to ``beat`` (ps).

    Ways are looked for up to ``cap`` ps. Below 0: there was no room, as in ``refine``.
    """
    s = own.shape[i, j]
    told = 0
    for size in range(n, most + 1):
        if own.bound[s, size] > beat:
            continue
        if not is_known(own, s, size, beat):
            told = refine(net, machine, setting, own, room, i, j, size, cap)
        if told < 0 or own.bound[s, size] <= beat:
            break
    for size in range(n, own.bound.shape[1]):
        own.least[s, size] = min(own.least[s, size - 1], own.bound[s, size])
    return told


@inlined
def refine(
    net: NetworkArrays,
    machine: Machine,
    setting: Setting,
    own: Known,
    room: Room,
    i: int,
    j: int,
    n: int,
    cap: int,
) -> int:
    """Find all ways to run cluster [i, j) on n chiplets that keep to a beat of ``cap`` ps.

    Below 0: there was no room, as in ``cluster_front``, or ``NO_ROOM_FOR_ALL``.
    """
    begin = own.tally[USED]
    if begin + len(room.front) > len(own.ways):
        return NO_ROOM_FOR_ALL
    count = ways_of(net, machine, setting, own, room, i, j, n, cap)
    if count < 0:
        return count
    s = own.shape[i, j]
    own.cap[s, n] = cap
    if count == 0:
        own.bound[s, n] = max(own.bound[s, n], cap + 1)
        return 0
    for w in range(count):
        for column in range(FRONT_COLUMNS):
            own.ways[begin + w, column] = room.front[w, column]
    keep(machine, own, s, n, count)
    return 0


@kernel
def ways_of(
    net: NetworkArrays,
    machine: Machine,
    setting: Setting,
    own: Known,
    room: Room,
    i: int,
    j: int,
    n: int,
    cap: int,
) -> int:
    """Fill ``room`` with the ways to run a cluster; see ``cluster_front``."""
    count, made = cluster_front(
        net,
        machine,
        on_region(setting.costs, n),
        setting.kind,
        setting.price[n],
        i,
        j,
        n,
        setting.u,
        setting.replicas,
        setting.relayed,
        setting.dram_ps[i, j],
        cap,
        room.labels,
        room.front,
        room.partitions,
    )
    own.tally[MADE] += made
    return count


@inner
def keep(machine: Machine, own: Known, s: int, n: int, count: int) -> None:
    """The next so many of ``own.ways`` are those of shape s on n chiplets."""
    begin = own.tally[USED]
    own.tally[USED] += count
    own.row[s, n] = begin
    own.many[s, n] = count
    own.bound[s, n] = NEVER
    for w in range(begin, begin + count):
        spill = spill_ps(max(0, own.ways[w, FRONT_HELD] - machine.activation_free), machine)
        own.bound[s, n] = min(own.bound[s, n], max(own.ways[w, FRONT_TIME], spill))


@kernel
def fill_singles(machine: Machine, kind: Ints, alone: Ints, limit: int, own: Known) -> None:
    """Clusters of one layer: all their ways are ``alone[kinds, N + 1, MAX_OPTIONS]``, see ``Tables``."""
    for l in range(len(kind)):
        s = own.shape[l, l + 1]
        if own.cap[s, 1] == NEVER:
            continue
        for n in range(1, limit + 1):
            count = 0
            for option in alone[kind[l], n]:
                if option[TIME] == NEVER:
                    break
                way = own.ways[own.tally[USED] + count]
                way[FRONT_TIME] = option[TIME]
                way[FRONT_HELD] = option[HELD]
                way[FRONT_LOAD] = option[LOAD]
                way[FRONT_GRID] = option[CHOICE]
                count += 1
            keep(machine, own, s, n, count)
            own.cap[s, n] = NEVER
