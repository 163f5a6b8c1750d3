"""A cluster on n chiplets: every way to run it that no other beats in time, memory, load and energy at once.

Layers are taken in turn, as in ``search.fused``. A label is a way to have run those so far; one that is no
better in anything than another with the same layouts of the tensors that are still awaited is dropped.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mcmscope.cost.arrays import ISP, OUTSIDE, SHARDED, SOURCE, SPLIT, TILED, Ints, NetworkArrays
from mcmscope.cost.machine import Machine
from mcmscope.cost.memory import cluster_need
from mcmscope.cost.nop import drain_ps, ingress_mb_per_s
from mcmscope.jit import inner, kernel
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
    STREAM,
    SWAPPED,
    TAKEN,
    WINDOW,
    LayerTable,
    layer_ps,
)
from mcmscope.search.fused import fill_slots

# Columns of a label. The first three of energy are fJ of a beat; COST is what they and the load come to.
TIME, STORE, BYTES, WIDE, LOADED, PE_FJ, ACTIVATION_FJ, NOP_FJ, COST, LAYOUTS, PARENT, PARTITION = range(12)
LABEL_COLUMNS = 12

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


@inner
def no_better(a: Ints, b: Ints, slack: int) -> bool:
    """Whether label or point ``b`` can go because of ``a`` as far as energies are concerned (columns of
    labels)."""
    if a[COST] + slack <= b[COST]:
        return True
    return (
        slack > 0
        and a[LOADED] <= b[LOADED]
        and a[PE_FJ] <= b[PE_FJ]
        and a[ACTIVATION_FJ] <= b[ACTIVATION_FJ]
        and a[NOP_FJ] <= b[NOP_FJ]
    )


@inner
def beats_label(a: Ints, b: Ints, slack: int) -> bool:
    """Whether ``a`` is as good as ``b`` in everything."""
    return (
        a[LAYOUTS] == b[LAYOUTS]
        and a[TIME] <= b[TIME]
        and a[STORE] <= b[STORE]
        and a[BYTES] <= b[BYTES]
        and a[WIDE] <= b[WIDE]
        and no_better(a, b, slack)
    )


@inner
def keep(labels: Ints, start: int, end: int, new: Ints, slack: int) -> int:
    """Add ``new`` to ``labels[start:end]`` unless another beats it; returns the new end, -1 for want of
    room."""
    for x in range(start, end):
        if beats_label(labels[x], new, slack):
            return end
    write = start
    for x in range(start, end):
        if beats_label(new, labels[x], slack):
            continue
        if write != x:
            for column in range(LABEL_COLUMNS):
                labels[write, column] = labels[x, column]
        write += 1
    if write == len(labels):
        return -1
    for column in range(LABEL_COLUMNS):
        labels[write, column] = new[column]
    return write + 1


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
    widest: int,
    m: int,
    inside_fj: Ints,
    labels: Ints,
    points: Ints,
    partitions: Ints,
) -> int:
    """Fill ``points[P, POINT_COLUMNS]`` and ``partitions[P, j - i]``; returns how many, -1 for want of room.

    Of cluster [i, j) on n chiplets, with ``relayed`` bytes per sample the most that may pass by, in a segment
    whose load takes at least ``dram_ps``. Ways that take more than ``most_fj`` for a batch of m, spilling
    apart, are left out, and those with a gather window over ``widest``: ``inside_fj`` of
    ``bounds.LayerBounds`` says what the layers ahead take at least. ``labels`` is scratch. Activations that
    fit in any case count as the most that does.
    """
    length = j - i
    level = np.zeros(length + 2, dtype=np.int64)
    slot = np.zeros(length, dtype=np.int64)
    free_after = np.zeros(length, dtype=np.int64)
    new = np.zeros(LABEL_COLUMNS, dtype=np.int64)
    if not fill_slots(net, i, j, slot, free_after):
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
    free_load = dram_ps // 1_000_000 * ingress_mb_per_s(n, machine)
    layout = np.zeros(len(net.layer), dtype=np.int64)
    found = 0
    for g in range(begin, table.grid_start[n + 1]):
        for column in range(LABEL_COLUMNS):
            labels[0, column] = 0
        level[0] = 0
        level[1] = 1
        for x in range(length):
            l = i + x
            kind = table.kind[l]
            first_operand = net.operand_start[l]
            fresh = level[x + 1]
            for parent in range(level[x], level[x + 1]):
                kept = labels[parent, LAYOUTS]
                for o in range(first_operand, net.operand_start[l + 1]):
                    source = net.operand[o, SOURCE]
                    if source >= i:
                        layout[source] = SPLIT if (kept >> slot[source - i]) & 1 else TILED
                for t in range(i, l):
                    if slot[t - i] >= 0 and free_after[t - i] == l:
                        kept &= ~(1 << slot[t - i])
                for p in range(3):
                    if p == SHARDED and n == 1:
                        continue
                    cell = table.base[kind, g, p]
                    ingress, swapped, far, near = cell[INGRESS], 0, 0, cell[NEAR]
                    arriving = 0
                    for o in range(first_operand, net.operand_start[l + 1]):
                        source = net.operand[o, SOURCE]
                        where = layout[source] if source >= i else OUTSIDE
                        move = table.move[table.start[kind] + o - first_operand, g, p, where]
                        ingress += move[TAKEN]
                        swapped += move[SWAPPED]
                        arriving += move[ARRIVING]
                        if move[FAR] == 1:
                            far += move[TAKEN] * cell[ACTIVE]
                        else:
                            near += move[TAKEN] * cell[ACTIVE]
                    new[TIME] = labels[parent, TIME] + layer_ps(
                        cell[BUSY], arriving, ingress, swapped, n, machine
                    )
                    stored = labels[parent, STORE] + cell[STORED]
                    if stored + least[x + 1] > machine.weight_limit:
                        continue
                    bytes_in = labels[parent, LOADED] + cell[DISTINCT]
                    wide = max(labels[parent, WIDE], cell[STREAM] if length == 1 else cell[WINDOW])
                    if length > 1 and wide > widest:
                        continue
                    # Amounts that cannot matter any more count as the most that does not matter.
                    new[STORE] = stored
                    if machine.unified == 0:
                        new[STORE] = max(stored, machine.weight_limit - most[x + 1])
                    new[LOADED] = bytes_in
                    new[BYTES] = max(bytes_in, free_load - most[x + 1])
                    new[WIDE] = max(wide, fits - base - machine.unified * (stored + most[x + 1]))
                    new[PE_FJ] = labels[parent, PE_FJ] + cell[PE]
                    new[ACTIVATION_FJ] = (
                        labels[parent, ACTIVATION_FJ] + cell[READ] + ingress * cell[ACTIVE] * scale.write_fj
                    )
                    new[NOP_FJ] = labels[parent, NOP_FJ] + scale.hop_fj * (
                        near + far * table.milli_hops[n] // 1000
                    )
                    beat_fj = new[PE_FJ] + new[ACTIVATION_FJ] + new[NOP_FJ]
                    new[COST] = cost_fj(beat_fj, bytes_in * n, scale)
                    spent = m * beat_fj // u + bytes_in * n * scale.hop_fj
                    ahead = 0
                    for step in range(len(inside_fj)):
                        room = (machine.weight_limit - stored) * price_fj(
                            step, n, m, scale.hop_fj
                        ) // 1024 + 1
                        ahead = max(ahead, inside_fj[step, j, n] - inside_fj[step, l + 1, n] - room)
                    if spent + ahead > most_fj:
                        continue
                    new[LAYOUTS] = kept
                    if p == ISP and slot[x] >= 0:
                        new[LAYOUTS] = kept | (1 << slot[x])
                    new[PARENT] = parent
                    new[PARTITION] = p
                    fresh = keep(labels, level[x + 1], fresh, new, scale.slack)
                    if fresh < 0:
                        return -1
            level[x + 2] = fresh
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
