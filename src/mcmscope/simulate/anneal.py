"""Anneal a placement: swap chiplets so that a beat keeps its busiest links and stages busy for less time."""

from __future__ import annotations

import numpy as np

from mcmscope.jit import inner, kernel
from mcmscope.simulate.beat import Beat
from mcmscope.simulate.mesh import Floats, Ints
from mcmscope.simulate.traffic import add_exchange


@inner
def flow_load(
    f: int, beat: Beat, at: Ints, rows: int, columns: int, capacity: Floats, routes: Floats, out: Floats
) -> None:
    """Fill ``out[R]``: picoseconds that flow f keeps each link busy. ``at[2 N]``: the chiplet of each place.

    Multicasts run along rows and along columns in equal parts.
    """
    R = len(capacity)
    loads = np.zeros((3, R))
    received = np.zeros(rows * columns)
    for x in range(beat.transfer[f], beat.transfer[f + 1]):
        a, b, c, d = beat.ends[x, 0], beat.ends[x, 1], beat.ends[x, 2], beat.ends[x, 3]
        add_exchange(
            at[beat.place[a:b]],
            beat.boxes[a:b],
            at[beat.place[c:d]],
            beat.boxes[c:d],
            beat.mixed[x],
            beat.sample_bytes[x],
            rows,
            columns,
            loads,
            received,
        )
    for i in range(beat.access[f], beat.access[f + 1]):
        chiplet = at[beat.access_place[i]]
        read, written = beat.access_bytes[i, 0], beat.access_bytes[i, 1]
        for r in range(R):
            loads[0, r] += read * routes[chiplet, 0, r] + written * routes[chiplet, 1, r]
    for r in range(R):
        out[r] = (loads[0, r] + 0.5 * (loads[1, r] + loads[2, r])) / capacity[r]


@inner
def merit(total: Floats, alone: Floats, beat: Beat, span: Floats, busy: Floats) -> float:
    """A smooth maximum (ps) of the times that a beat keeps each link, ``total``, and each stage busy.

    It is their 4-norm: flows that meet slow each other down before any one link is full. ``alone[F]``: what
    each flow takes alone. ``span`` and ``busy`` are scratch per part and stage.
    """
    span[:] = 0.0
    busy[:] = 0.0
    for f in range(len(alone)):
        if beat.part[f] >= 0:
            span[beat.part[f]] = max(span[beat.part[f]], alone[f])
    for p in range(len(span)):
        if beat.in_turn == 1:
            busy[beat.stage[p]] += beat.part_ps[p] + span[p]
        else:
            busy[beat.stage[p]] += max(beat.part_ps[p], span[p])
    out = 0.0
    for time in total:
        out += time**4
    for time in busy:
        out += time**4
    return out**0.25


@kernel
def anneal(
    slots: Ints,
    beat: Beat,
    rows: int,
    columns: int,
    capacity: Floats,
    routes: Floats,
    moves: int,
    warmth: float,
    seed: int,
) -> float:
    """Make ``slots[N]``, the chiplet of each slot, better by ``moves`` swaps; returns the merit (ps).

    Every other swap is of chiplets at most two rows and columns apart. ``warmth``: a rise that is taken with
    probability 1/e at first, as a share of the first merit; it falls to nothing. ``routes``: those of
    ``port_routes``.
    """
    cluster, touches = beat.cluster, beat.touches
    N, R, F, k = len(slots), len(capacity), len(touches), touches.shape[1] - 1
    at, slot_of = np.empty(2 * N, dtype=np.int64), np.empty(N, dtype=np.int64)
    for s in range(N):
        at[s], at[N + s] = slots[s], s
        slot_of[slots[s]] = s
    loads, new_loads = np.zeros((F, R)), np.zeros((F, R))
    total, new_total = np.zeros(R), np.zeros(R)
    alone, new_alone = np.zeros(F), np.zeros(F)
    span, busy = np.zeros(len(beat.part_ps)), np.zeros(k)
    for f in range(F):
        flow_load(f, beat, at, rows, columns, capacity, routes, loads[f])
        for r in range(R):
            total[r] += loads[f, r]
            alone[f] = max(alone[f], loads[f, r])
    now = merit(total, alone, beat, span, busy)
    best = now
    heat = warmth * now
    np.random.seed(seed)
    for move in range(moves):
        s, t = np.random.randint(N), np.random.randint(N)
        if move % 2 == 0:
            row, column = at[s] // columns + t % 5 - 2, at[s] % columns + t // 5 % 5 - 2
            if row < 0 or row >= rows or column < 0 or column >= columns:
                continue
            t = slot_of[row * columns + column]
        if s == t or (cluster[s] == k and cluster[t] == k):
            continue
        at[s], at[t] = at[t], at[s]
        for r in range(R):
            new_total[r] = total[r]
        for f in range(F):
            new_alone[f] = alone[f]
            if touches[f, cluster[s]] == 0 and touches[f, cluster[t]] == 0:
                continue
            flow_load(f, beat, at, rows, columns, capacity, routes, new_loads[f])
            new_alone[f] = 0.0
            for r in range(R):
                new_total[r] = max(0.0, new_total[r] + new_loads[f, r] - loads[f, r])
                new_alone[f] = max(new_alone[f], new_loads[f, r])
        new = merit(new_total, new_alone, beat, span, busy)
        rise = heat * (1.0 - (move + 1) / moves)
        if new > now and (rise <= 0.0 or np.random.random() >= np.exp((now - new) / rise)):
            at[s], at[t] = at[t], at[s]
            continue
        now = new
        slot_of[at[s]], slot_of[at[t]] = s, t
        for r in range(R):
            total[r] = new_total[r]
        for f in range(F):
            alone[f] = new_alone[f]
            if touches[f, cluster[s]] == 1 or touches[f, cluster[t]] == 1:
                for r in range(R):
                    loads[f, r] = new_loads[f, r]
        if now < best:
            best = now
            for x in range(N):
                slots[x] = at[x]
    return best
