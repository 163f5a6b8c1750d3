"""The event loop: activities that wait for each other, and flows that share links fairly."""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heappop, heappush

import numpy as np
from numpy.typing import NDArray

from mcmscope.jit import inner, kernel

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_CLOSE = 1.0 + 1e-9
"""Rates and times this near to each other are the same: sums of floats have an order."""


@dataclass(frozen=True, eq=False)
class Patterns:
    """Kinds of flows: what share of each link one uses when it runs alone at its full speed.

    Pattern p takes ``alone_ps[p]`` alone; its links are ``link[start[p]:start[p + 1]]`` with the shares
    ``use`` (1 at its bottleneck).
    """

    alone_ps: Floats
    start: Ints
    link: Ints
    use: Floats


@inner
def fair_speeds(
    active: Ints,
    count: int,
    pattern: Ints,
    start: Ints,
    link: Ints,
    use: Floats,
    speed: Floats,
    left: Floats,
    load: Floats,
    bound: Floats,
    level: Floats,
) -> None:
    """Max-min fair speeds (0 to 1, relative to running alone) of the ``count`` active flows.

    Progressive filling: all flows speed up together; those on a link that is full keep the speed they have
    reached, the others go on. A link whose flows are bound nowhere else is filled at once, so that far
    parts of a mesh do not wait for each other. ``left``, ``load`` and ``bound`` are scratch per link,
    ``level`` per flow.
    """
    for f in range(count):
        p = pattern[active[f]]
        speed[f] = -1.0
        for e in range(start[p], start[p + 1]):
            left[link[e]] = 1.0
            load[link[e]] = 0.0
    for f in range(count):
        p = pattern[active[f]]
        for e in range(start[p], start[p + 1]):
            load[link[e]] += use[e]
    open_flows = count
    while open_flows > 0:
        for f in range(count):
            if speed[f] >= 0.0:
                continue
            p = pattern[active[f]]
            least = 1.0
            for e in range(start[p], start[p + 1]):
                x = link[e]
                bound[x] = 2.0
                if load[x] * least > left[x]:
                    least = left[x] / load[x]
            level[f] = max(least, 1e-12)
        for f in range(count):
            if speed[f] >= 0.0:
                continue
            p = pattern[active[f]]
            for e in range(start[p], start[p + 1]):
                bound[link[e]] = min(bound[link[e]], level[f])
        frozen = 0
        for f in range(count):
            if speed[f] >= 0.0:
                continue
            # Of the flows on the link that binds this one, none may be bound more elsewhere.
            p = pattern[active[f]]
            settled = True
            for e in range(start[p], start[p + 1]):
                x = link[e]
                if load[x] * level[f] * _CLOSE >= left[x] and bound[x] * _CLOSE < level[f]:
                    settled = False
                    break
            if settled:
                level[f] = -1.0 - level[f]  # marked; links are filled after all have been looked at
                frozen += 1
        for f in range(count):
            if speed[f] < 0.0 and level[f] <= -1.0:
                p = pattern[active[f]]
                speed[f] = -1.0 - level[f]
                for e in range(start[p], start[p + 1]):
                    left[link[e]] = max(0.0, left[link[e]] - use[e] * speed[f])
                    load[link[e]] -= use[e]
        open_flows -= frozen


@inner
def add_moved(moved: Floats, p: int, begin: float, end: float, width: float, rate: float) -> None:
    """Count ``rate`` per ps of pattern p from ``begin`` to ``end`` in the bins that the time lies in."""
    last = len(moved) - 1
    low, high = min(last, int(begin / width)), min(last, int(end / width))
    for b in range(low, high + 1):
        since = max(begin, b * width) if b > low else begin
        until = min(end, (b + 1) * width) if b < high else end
        moved[b, p] += rate * (until - since)


@kernel
def run_activities(
    length: Floats,
    pattern: Ints,
    waits: Ints,
    successor_start: Ints,
    successor: Ints,
    alone: Floats,
    start: Ints,
    link: Ints,
    use: Floats,
    links: int,
    shared: int,
    begun: Floats,
    ended: Floats,
    moved: Floats,
    early: float,
    width: float,
) -> int:
    """Run A activities, each once all that it waits for have ended; returns how many ended (A: no deadlock).

    ``pattern[A]`` is -1 for a plain delay of ``length[A]`` ps; else the activity is a flow of that pattern,
    which ends ``length`` ps after its last byte has left (the latency of its hops). ``waits[A]`` counts
    predecessors and is used up. ``shared`` 0: every flow runs as if alone. Fills ``begun[A]`` and
    ``ended[A]`` (ps). Adds to ``moved[bins, P]`` how many flows of a pattern went through, parts counted, in
    each bin of ``width`` ps, the first of which began ``early`` ps before all; no bins: nothing is counted.
    """
    A = len(length)
    now = 0.0
    queue: list[tuple[float, int]] = [(0.0, -1)]
    ready = np.empty(A, dtype=np.int64)
    readies = 0
    for a in range(A):
        if waits[a] == 0:
            ready[readies] = a
            readies += 1
    active = np.empty(A, dtype=np.int64)
    rest, speed, level = np.empty(A), np.ones(A), np.empty(A)
    left, load, bound = np.ones(links), np.zeros(links), np.ones(links)
    count = 0
    done = 0
    stale = False
    while True:
        while readies > 0:
            readies -= 1
            a = ready[readies]
            begun[a] = now
            if pattern[a] < 0:
                heappush(queue, (now + float(length[a]), a))
            else:
                active[count] = a
                rest[count] = alone[pattern[a]]
                count += 1
                stale = True
        if stale:
            if shared == 1:
                fair_speeds(active, count, pattern, start, link, use, speed, left, load, bound, level)
            else:
                speed[:count] = 1.0
            stale = False
        step = np.inf
        for f in range(count):
            step = min(step, rest[f] / speed[f])
        then = now + step
        if len(queue) > 0 and queue[0][0] <= then:
            then = queue[0][0]
        if then == np.inf:
            break
        if len(moved) > 0 and then > now:
            for f in range(count):
                p = int(pattern[active[f]])
                add_moved(moved, p, now + early, then + early, width, speed[f] / alone[p])
        write = 0
        for f in range(count):
            rest[f] -= (then - now) * speed[f]
            if rest[f] <= 1e-3:  # a thousandth of a picosecond
                heappush(queue, (then + float(length[active[f]]), int(active[f])))
                stale = True
            else:
                if write != f:
                    active[write], rest[write], speed[write] = active[f], rest[f], speed[f]
                write += 1
        count = write
        now = then
        while len(queue) > 0 and queue[0][0] <= now:
            _, a = heappop(queue)
            if a < 0:
                continue
            ended[a] = now
            done += 1
            for e in range(successor_start[a], successor_start[a + 1]):
                waits[successor[e]] -= 1
                if waits[successor[e]] == 0:
                    ready[readies] = successor[e]
                    readies += 1
    return done
