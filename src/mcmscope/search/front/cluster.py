"""A cluster on n chiplets: every way to run it that no other beats in time, memory, load and energy at once.

Layers are taken in turn, as in ``search.fused``. A label is a way to have run those so far; one that is no
better in anything than another with the same layouts of the tensors that are still awaited is dropped.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mcmscope.cost.arrays import Ints, NetworkArrays
from mcmscope.cost.machine import Machine
from mcmscope.cost.memory import cluster_need
from mcmscope.cost.nop import drain_ps, ingress_mb_per_s
from mcmscope.jit import inner, kernel
from mcmscope.search.front.labels import (
    ACTIVATION_FJ,
    BYTES,
    COST,
    LABEL_COLUMNS,
    LOADED,
    NOP_FJ,
    PARENT,
    PARTITION,
    PE_FJ,
    STATE,
    STORE,
    TIME,
    WIDE,
    close_gaps,
    keep,
)
from mcmscope.search.front.layers import STORED, LayerTable
from mcmscope.search.front.steps import (
    BEYOND,
    MOST_STATES,
    ROOMS,
    SLOPES,
    STEP_ACTIVATION,
    STEP_LOADED,
    STEP_NOP,
    STEP_PE,
    STEP_PS,
    STEP_STORED,
    STEP_WINDOW,
    TO,
    fill_ahead,
    fill_prices,
    fill_states,
    fill_steps,
    least_spent,
    make_steps,
    next_state,
)
from mcmscope.search.fused import fill_slots

# Columns of a point: one way to run a cluster. LOADED_BYTES come in per chiplet, HELD_BYTES stay there.
POINT_PS, LOADED_BYTES, HELD_BYTES, PE_BEAT, ACTIVATION_BEAT, NOP_BEAT, POINT_COST, GRID = range(8)
POINT_COLUMNS = 8


class Scale(NamedTuple):
    """Energies as one whole number, and when that number decides.

    ``cost = beats * (fJ of a beat) + (bytes of weights that come in) * load_fj // per``. Where the batch is
    whole beats it is the energy of the batch. Else it is that of one beat, rounded, and of two schedules the
    one of less cost need have less energy only if they differ by ``slack``.
    """

    beats: int
    load_fj: int
    per: int
    slack: int
    hop_fj: int
    write_fj: int


@inner
def cost_fj(beat_fj: int, loaded: int, scale: Scale) -> int:
    """See ``Scale``."""
    return scale.beats * beat_fj + loaded * scale.load_fj // scale.per


@inner
def price_fj(step: int, n: int, m: int, hop_fj: int) -> int:
    """The price of storing a KiB on each chiplet of a region of n: 0, or what gathering some bytes costs."""
    return 0 if step == 0 else (n * m * hop_fj * 8) << (2 * (step - 1)) >> 2


@kernel
def cluster_points(
    net: NetworkArrays,
    machine: Machine,
    table: LayerTable,
    scale: Scale,
    i: int,
    j: int,
    n: int,
    u: int,
    relayed: int,
    dram_ps: int,
    most_fj: int,
    most_ps: int,
    narrow: int,
    widest: int,
    m: int,
    prices: Ints,
    labels: Ints,
    points: Ints,
    partitions: Ints,
) -> int:
    """Fill ``points[P, POINT_COLUMNS]`` and ``partitions[P, j - i]``; returns how many, -1 for want of room.

    Of cluster [i, j) on n chiplets, with ``relayed`` bytes per sample the most that may pass by, in a segment
    whose load takes at least ``dram_ps``. Left out are ways that take more than ``most_fj`` for a batch of m,
    spilling apart, that take over ``most_ps``, or whose widest gather window is not from ``narrow`` to
    ``widest`` bytes: what is ahead is bounded at ``prices[K, 2]`` of ``steps.fill_prices``. ``labels`` is
    scratch. Activations that fit in any case count as the most that does.
    """
    length = j - i
    needed = narrow if length > 1 else 0
    begun = 1 if needed == 0 else 0
    level = np.zeros(length + 2, dtype=np.int64)
    slot = np.zeros(length, dtype=np.int64)
    free_after = np.zeros(length, dtype=np.int64)
    new = np.zeros((1, LABEL_COLUMNS), dtype=np.int64)
    chains, after = np.full(2 * MOST_STATES + 1, -1), np.empty(len(labels), dtype=np.int64)
    steps = make_steps(length, len(prices))
    if not fill_slots(net, i, j, slot, free_after) or not fill_states(net, i, j, slot, free_after, steps):
        return -1
    base = cluster_need(net, i, j, n, u) if length > 1 else 0
    fits = machine.activation_free - (u * relayed + n - 1) // n
    begin = table.grid_start[n]
    # What layers from x on store at least and at most: beyond doubt, labels need not differ.
    least = np.zeros(length + 1, dtype=np.int64)
    most = np.zeros(length + 1, dtype=np.int64)
    for x in range(length - 1, -1, -1):
        low, high = machine.weight_limit + 1, 0
        for g in range(begin, table.grid_start[n + 1]):
            for p in range(3):
                low = min(low, table.base[table.kind[i + x], g, p, STORED])
                high = max(high, table.base[table.kind[i + x], g, p, STORED])
        least[x] = least[x + 1] + low
        most[x] = most[x + 1] + high
    if least[0] > machine.weight_limit:
        return 0
    drain = drain_ps(net, machine, i, j, n, u)
    if drain > most_ps:
        return 0
    free_load = dram_ps // 1_000_000 * ingress_mb_per_s(n, machine)
    found = 0
    for g in range(begin, table.grid_start[n + 1]):
        fill_steps(net, machine, table, i, j, n, g, u, m, scale.hop_fj, scale.write_fj, widest, slot, steps)
        fill_ahead(length, prices, most_ps, needed, steps)
        for column in range(LABEL_COLUMNS):
            labels[0, column] = 0
        labels[0, STATE] = begun
        level[0] = 0
        level[1] = 1
        for x in range(length):
            fresh = level[x + 1]
            for parent in range(level[x], level[x + 1]):
                for p in range(3):
                    step = steps.step[x, labels[parent, STATE] >> 1, p]
                    if step[TO] < 0:
                        continue
                    to = next_state(labels[parent, STATE], step, needed)
                    if steps.ahead_ps[x + 1, to] >= BEYOND:
                        continue
                    new[0, TIME] = labels[parent, TIME] + step[STEP_PS]
                    if new[0, TIME] + steps.ahead_ps[x + 1, to] > most_ps:
                        continue
                    stored = labels[parent, STORE] + step[STEP_STORED]
                    if stored + least[x + 1] > machine.weight_limit:
                        continue
                    bytes_in = labels[parent, LOADED] + step[STEP_LOADED]
                    new[0, PE_FJ] = labels[parent, PE_FJ] + step[STEP_PE]
                    new[0, ACTIVATION_FJ] = labels[parent, ACTIVATION_FJ] + step[STEP_ACTIVATION]
                    new[0, NOP_FJ] = labels[parent, NOP_FJ] + step[STEP_NOP]
                    beat_fj = new[0, PE_FJ] + new[0, ACTIVATION_FJ] + new[0, NOP_FJ]
                    spent = m * beat_fj // u + bytes_in * n * scale.hop_fj
                    left_ps, left_bytes = most_ps - new[0, TIME], machine.weight_limit - stored
                    if spent + least_spent(steps.ahead[x + 1, to], prices, left_ps, left_bytes) > most_fj:
                        continue
                    # Amounts that cannot matter any more count as the most that does not matter.
                    new[0, STORE] = stored
                    if machine.unified == 0:
                        new[0, STORE] = max(stored, machine.weight_limit - most[x + 1])
                    new[0, LOADED] = bytes_in
                    new[0, BYTES] = max(bytes_in, free_load - most[x + 1])
                    wide = max(labels[parent, WIDE], step[STEP_WINDOW])
                    new[0, WIDE] = max(wide, fits - base - machine.unified * (stored + most[x + 1]))
                    new[0, COST] = cost_fj(beat_fj, bytes_in * n, scale)
                    new[0, STATE] = to
                    new[0, PARENT] = parent
                    new[0, PARTITION] = p
                    fresh = keep(labels, fresh, new, scale.slack, chains, after)
                    if fresh < 0:
                        return -1
            level[x + 2] = close_gaps(labels, level[x + 1], fresh, chains, after)
        for last in range(level[length], level[length + 1]):
            # From here on the columns of a label mean what they mean in a point.
            held = base + labels[last, WIDE] + machine.unified * labels[last, STORE]
            labels[last, TIME] = max(labels[last, TIME], drain)
            found = keep_point(
                points, partitions, found, labels, last, length, max(held, fits), g, scale.slack
            )
            if found < 0:
                return -1
    return found


@kernel
def cluster_floors(
    net: NetworkArrays,
    machine: Machine,
    table: LayerTable,
    scale: Scale,
    i: int,
    j: int,
    n: int,
    u: int,
    narrow: int,
    widest: int,
    m: int,
    slope: int,
    times: Ints,
    floors: Ints,
) -> int:
    """The least energy (fJ of a batch of m, spilling apart) of cluster [i, j) in a given time, at least.

    Fills ``floors[V + 1]``: in each of ``times[V]`` (ps), at last in any; ``BEYOND``: there is no way. Its
    widest gather window is from ``narrow`` to ``widest`` bytes. ``slope``: about the fJ that go with a ps.
    Returns its least time, -1: clusters like this are not priced.
    """
    length = j - i
    needed = narrow if length > 1 else 0
    begun = 1 if needed == 0 else 0
    slot = np.zeros(length, dtype=np.int64)
    free_after = np.zeros(length, dtype=np.int64)
    prices = np.zeros((SLOPES * ROOMS, 2), dtype=np.int64)
    steps = make_steps(length, len(prices))
    for v in range(len(floors)):
        floors[v] = BEYOND
    if not fill_slots(net, i, j, slot, free_after) or not fill_states(net, i, j, slot, free_after, steps):
        return -1
    fill_prices(machine, n, u, m, scale.hop_fj, slope, times[-1], prices)
    soonest: int = BEYOND
    for g in range(table.grid_start[n], table.grid_start[n + 1]):
        fill_steps(net, machine, table, i, j, n, g, u, m, scale.hop_fj, scale.write_fj, widest, slot, steps)
        fill_ahead(length, prices, times[-1], needed, steps)
        if steps.ahead_ps[0, begun] >= BEYOND:
            continue
        soonest = min(soonest, steps.ahead_ps[0, begun])
        for v in range(len(times)):
            if steps.ahead_ps[0, begun] <= times[v]:
                floors[v] = min(
                    floors[v], least_spent(steps.ahead[0, begun], prices, times[v], machine.weight_limit)
                )
        floors[-1] = min(
            floors[-1], least_spent(steps.ahead[0, begun], prices[:ROOMS], 0, machine.weight_limit)
        )
    return max(soonest, drain_ps(net, machine, i, j, n, u))


@inner
def keep_point(
    points: Ints,
    partitions: Ints,
    found: int,
    labels: Ints,
    last: int,
    length: int,
    held: int,
    g: int,
    slack: int,
) -> int:
    """Add the point of label ``last`` unless another beats it; returns how many there are, -1 for want of
    room."""
    new = labels[last]
    for x in range(found):
        old = points[x]
        if (
            old[POINT_PS] <= new[TIME]
            and old[HELD_BYTES] <= held
            and old[LOADED_BYTES] <= new[LOADED]
            and (
                old[POINT_COST] + slack <= new[COST]
                or (
                    slack > 0
                    and old[PE_BEAT] <= new[PE_FJ]
                    and old[ACTIVATION_BEAT] <= new[ACTIVATION_FJ]
                    and old[NOP_BEAT] <= new[NOP_FJ]
                )
            )
        ):
            return found
    write = 0
    for x in range(found):
        old = points[x]
        if (
            old[POINT_PS] >= new[TIME]
            and old[HELD_BYTES] >= held
            and old[LOADED_BYTES] >= new[LOADED]
            and (
                old[POINT_COST] >= new[COST] + slack
                or (
                    slack > 0
                    and old[PE_BEAT] >= new[PE_FJ]
                    and old[ACTIVATION_BEAT] >= new[ACTIVATION_FJ]
                    and old[NOP_BEAT] >= new[NOP_FJ]
                )
            )
        ):
            continue
        if write != x:
            for column in range(POINT_COLUMNS):
                points[write, column] = points[x, column]
            for y in range(length):
                partitions[write, y] = partitions[x, y]
        write += 1
    if write == len(points):
        return -1
    points[write, POINT_PS] = new[TIME]
    points[write, LOADED_BYTES] = new[LOADED]
    points[write, HELD_BYTES] = held
    points[write, PE_BEAT] = new[PE_FJ]
    points[write, ACTIVATION_BEAT] = new[ACTIVATION_FJ]
    points[write, NOP_BEAT] = new[NOP_FJ]
    points[write, POINT_COST] = new[COST]
    points[write, GRID] = g
    at = last
    for y in range(length - 1, -1, -1):
        partitions[write, y] = labels[at, PARTITION]
        at = labels[at, PARENT]
    return write + 1
