"""How often each set of (time, energy) pairs occurs among schedules: for the energy-delay product.

A schedule has one pair for each choice of its tile grids that no other beats in both; its product is the
least of theirs. Time and energy are sums over segments, their product is not, so the pairs are kept.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from mcmscope.cost.arrays import Ints
from mcmscope.jit import inner, threaded


@dataclass(frozen=True)
class Pairs:
    """(Parts of) schedules: row r has pairs ``start[r]`` to ``start[r + 1]`` and stands for ``count[r]``."""

    start: Ints
    time: Ints
    energy: Ints
    count: Ints

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.count)

    @property
    def total(self) -> int:
        """Number of schedules."""
        return int(self.count.sum())


def _ints(*values: int) -> Ints:
    return np.array(values, dtype=np.int64)


NO_PAIRS = Pairs(_ints(0), _ints(), _ints(), _ints())
NOTHING = Pairs(_ints(0, 1), _ints(0), _ints(0), _ints(1))
"""The one way to schedule no layers."""


def pairs_of(time: Ints, energy: Ints, points: Ints) -> Pairs:
    """One schedule per entry of ``points``, with so many pairs; those without any do not fit."""
    points = points[points > 0]
    start = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(points)])
    return _counted(Pairs(start, time, energy, np.ones(len(points), dtype=np.int64)))


def merged(parts: Iterable[Pairs]) -> Pairs:
    """All of them together."""
    some = [part for part in parts if part.rows]
    if not some:
        return NO_PAIRS
    if len(some) == 1:
        return some[0]
    starts = [_ints(0)]
    past = 0
    for part in some:
        starts.append(part.start[1:] + past)
        past += len(part.time)
    return _counted(
        Pairs(
            np.concatenate(starts),
            np.concatenate([part.time for part in some]),
            np.concatenate([part.energy for part in some]),
            np.concatenate([part.count for part in some]),
        )
    )


def joined(left: Pairs, right: Pairs) -> Pairs:
    """Every one of ``left`` followed by every one of ``right``, with the sums of their pairs that count."""
    if left.rows == 0 or right.rows == 0:
        return NO_PAIRS
    rows = left.rows * right.rows
    room = int(np.dot(np.diff(left.start), np.ones(left.rows, dtype=np.int64)) * len(right.time))
    start = np.zeros(rows + 1, dtype=np.int64)
    time = np.zeros(room, dtype=np.int64)
    energy = np.zeros(room, dtype=np.int64)
    used = add_rows(
        left.start, left.time, left.energy, right.start, right.time, right.energy, start, time, energy
    )
    return _counted(
        Pairs(start, time[:used], energy[:used], np.multiply.outer(left.count, right.count).ravel())
    )


def below(left: Pairs, right: Pairs, limits: list[int]) -> list[int]:
    """How many of ``left`` followed by one of ``right`` have a product less than each of ascending limits."""
    limits = [min(limit, (1 << 128) - 1) for limit in limits]
    high = np.array([limit >> 64 for limit in limits], dtype=np.uint64)
    low = np.array([limit & (1 << 64) - 1 for limit in limits], dtype=np.uint64)
    near = np.array([float(limit) for limit in limits])
    cores = os.cpu_count() or 1

    def part(core: int) -> Ints:
        tally = np.zeros(len(limits) + 1, dtype=np.int64)
        count_products(
            left.start,
            left.time,
            left.energy,
            left.count,
            core * left.rows // cores,
            (core + 1) * left.rows // cores,
            right.start,
            right.time,
            right.energy,
            right.count,
            near,
            high,
            low,
            tally,
        )
        return tally

    with ThreadPoolExecutor(cores) as pool:
        tally = np.sum(list(pool.map(part, range(cores))), axis=0)
    return np.cumsum(tally)[:-1].tolist()


def _counted(pairs: Pairs) -> Pairs:
    """Equal rows as one."""
    if pairs.rows < 2:
        return pairs
    # Rows are ordered by their number of pairs and first pair; only neighbours can then be equal, so some
    # equal rows stay apart, which costs time and nothing else.
    first = pairs.start[:-1]
    sizes = np.diff(pairs.start)
    order = np.lexsort((pairs.energy[first], pairs.time[first], sizes))
    start, time, energy = _taken(pairs, order)
    count = pairs.count[order]
    new = distinct_rows(start, time, energy)
    rows = np.flatnonzero(new)
    start, time, energy = _taken(Pairs(start, time, energy, count), rows)
    return Pairs(start, time, energy, np.add.reduceat(count, rows))


def _taken(pairs: Pairs, order: Ints) -> tuple[Ints, Ints, Ints]:
    """The rows of ``order``."""
    sizes = np.diff(pairs.start)[order]
    start = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(sizes)])
    shift: Ints = pairs.start[:-1][order] - start[:-1]
    at: Ints = np.repeat(shift, sizes) + np.arange(start[-1], dtype=np.int64)
    return start, pairs.time[at], pairs.energy[at]


@threaded
def distinct_rows(start: Ints, time: Ints, energy: Ints) -> Ints:
    """1 for each row that differs from the one before it."""
    rows = len(start) - 1
    new = np.ones(rows, dtype=np.int64)
    for r in range(1, rows):
        size = start[r + 1] - start[r]
        if size != start[r] - start[r - 1]:
            continue
        equal = True
        for x in range(size):
            here, there = start[r] + x, start[r - 1] + x
            if time[here] != time[there] or energy[here] != energy[there]:
                equal = False
                break
        if equal:
            new[r] = 0
    return new


@threaded
def add_rows(
    start_l: Ints,
    time_l: Ints,
    energy_l: Ints,
    start_r: Ints,
    time_r: Ints,
    energy_r: Ints,
    start: Ints,
    time: Ints,
    energy: Ints,
) -> int:
    """All sums of a left and a right row, ``start[rows + 1]`` into ``time`` and ``energy``; pairs written."""
    used = 0
    row = 0
    for l in range(len(start_l) - 1):
        for r in range(len(start_r) - 1):
            begin = used
            for x in range(start_l[l], start_l[l + 1]):
                for y in range(start_r[r], start_r[r + 1]):
                    ps = time_l[x] + time_r[y]
                    fj = energy_l[x] + energy_r[y]
                    # Ascending in time, descending in energy.
                    at = begin
                    while at < used and time[at] < ps:
                        at += 1
                    if (at > begin and energy[at - 1] <= fj) or (
                        at < used and time[at] == ps and energy[at] <= fj
                    ):
                        continue
                    drop = at
                    while drop < used and energy[drop] >= fj:
                        drop += 1
                    if drop == at:
                        for z in range(used, at, -1):
                            time[z], energy[z] = time[z - 1], energy[z - 1]
                        used += 1
                    else:
                        for z in range(drop, used):
                            time[z - drop + at + 1], energy[z - drop + at + 1] = time[z], energy[z]
                        used -= drop - at - 1
                    time[at], energy[at] = ps, fj
            row += 1
            start[row] = used
    return used


@inner
def product_below(ps: int, fj: int, high: int, low: int) -> bool:
    """Whether ps * fj is less than the 128-bit number of two unsigned halves; both are 0 or more."""
    mask = np.uint64(0xFFFFFFFF)
    shift = np.uint64(32)
    a, b = np.uint64(ps), np.uint64(fj)
    a0, a1, b0, b1 = a & mask, a >> shift, b & mask, b >> shift
    middle = a1 * b0 + ((a0 * b0) >> shift)
    other = a0 * b1 + (middle & mask)
    top = a1 * b1 + (middle >> shift) + (other >> shift)
    if top != high:
        return bool(top < high)
    return bool(a * b < low)


@threaded
def count_products(
    start_l: Ints,
    time_l: Ints,
    energy_l: Ints,
    count_l: Ints,
    begin: int,
    end: int,
    start_r: Ints,
    time_r: Ints,
    energy_r: Ints,
    count_r: Ints,
    near: np.ndarray[tuple[int], np.dtype[np.float64]],
    high: np.ndarray[tuple[int], np.dtype[np.uint64]],
    low: np.ndarray[tuple[int], np.dtype[np.uint64]],
    tally: Ints,
) -> None:
    """Add left rows [begin, end), each followed by every right one, to ``tally``.

    ``tally[t]`` counts those whose product is less than limit t and no lesser limit.
    """
    K = len(near)
    for l in range(begin, end):
        for r in range(len(count_r)):
            place = K
            for x in range(start_l[l], start_l[l + 1]):
                for y in range(start_r[r], start_r[r + 1]):
                    ps = time_l[x] + time_r[y]
                    fj = energy_l[x] + energy_r[y]
                    product = float(ps) * float(fj)
                    # A product of rounded factors is off by less than this; nearer ones are compared exactly.
                    clearly = product * (1 + 1e-14)
                    first, last = 0, K
                    while first < last:
                        middle = (first + last) // 2
                        if near[middle] > clearly:
                            last = middle
                        else:
                            first = middle + 1
                    while first > 0 and near[first - 1] > product * (1 - 1e-14):
                        if not product_below(ps, fj, high[first - 1], low[first - 1]):
                            break
                        first -= 1
                    place = min(place, first)
            tally[place] += count_l[l] * count_r[r]
