"""A segment of few layers on few chiplets: every pair of time and energy that no other pair beats."""

from __future__ import annotations

import numpy as np

from mcmscope.cost.arrays import Ints, NetworkArrays
from mcmscope.cost.compute import ceil_div, transfer_ps
from mcmscope.cost.dram import for_samples, load_ps
from mcmscope.cost.energy import EnergyTerms, dram_fj
from mcmscope.cost.machine import Machine
from mcmscope.cost.memory import cut_bytes, relayed_bytes, spill_ps
from mcmscope.jit import inner, kernel
from mcmscope.search.front.cluster import (
    ACTIVATION_BEAT,
    HELD_BYTES,
    LOADED_BYTES,
    NOP_BEAT,
    PE_BEAT,
    POINT_PS,
    Scale,
    cost_fj,
)

# Columns of a label: clusters so far on how many chiplets, the beat and load that they need at least, the
# worst excess, bytes spilled per beat, bytes loaded; energies of a beat and what they come to; how it came.
USED, COUNT, BEAT, LOAD, EXCESS, SPILLED, LOADED, PE_FJ, ACTIVATION_FJ, NOP_FJ, COST = range(11)
PARENT, POINT, REGION = range(11, 14)
LABEL_COLUMNS = 14
AMOUNTS = 6
"""Columns of which less is never worse, the energies apart."""


@inner
def beats(first: Ints, a: int, second: Ints, b: int, slack: int) -> bool:
    """Whether label ``first[a]`` is as good as ``second[b]`` in everything.

    (Rows of their own would cost more than the comparison.)
    """
    for column in range(AMOUNTS):
        if first[a, column] > second[b, column]:
            return False
    if first[a, COST] + slack <= second[b, COST]:
        return True
    return (
        slack > 0
        and first[a, LOADED] <= second[b, LOADED]
        and first[a, PE_FJ] <= second[b, PE_FJ]
        and first[a, ACTIVATION_FJ] <= second[b, ACTIVATION_FJ]
        and first[a, NOP_FJ] <= second[b, NOP_FJ]
    )


@inner
def keep(labels: Ints, start: int, end: int, fresh: Ints, slack: int) -> int:
    """Add ``fresh[0]`` to ``labels[start:end]`` unless another beats it; returns the new end, -1 for want of
    room."""
    for x in range(start, end):
        if beats(labels, x, fresh, 0, slack):
            return end
    write = start
    for x in range(start, end):
        if beats(fresh, 0, labels, x, slack):
            continue
        if write != x:
            for column in range(LABEL_COLUMNS):
                labels[write, column] = labels[x, column]
        write += 1
    if write == len(labels):
        return -1
    for column in range(LABEL_COLUMNS):
        labels[write, column] = fresh[0, column]
    return write + 1


@kernel
def segment_points(
    net: NetworkArrays,
    machine: Machine,
    terms: EnergyTerms,
    scale: Scale,
    points: Ints,
    where: Ints,
    a: int,
    b: int,
    u: int,
    m: int,
    replicas: int,
    io: int,
    dram_ps: int,
    macs_fj: int,
    labels: Ints,
    out: Ints,
) -> int:
    """Price all segments [a, b) of the clusters ``points[where[i, j, n, 0] : where[i, j, n, 1]]``.

    Fills ``out[P, 3]`` with time (ps), energy of the batch without static power (fJ) and the label behind
    each; returns how many, -1 for want of room. ``labels`` stay as they are for ``trace``.
    """
    limit = machine.chiplets // replicas
    io_ps = transfer_ps(u * io * replicas, machine.dram_mb_per_s)
    level = np.zeros(b - a + 2, dtype=np.int64)
    new = np.zeros((1, LABEL_COLUMNS), dtype=np.int64)
    new[0, BEAT] = io_ps
    new[0, LOAD] = dram_ps
    labels[:1] = new
    level[1] = 1
    for j in range(a + 1, b + 1):
        begin = level[j - a]
        end = begin
        cut = transfer_ps(u * cut_bytes(net, a, b, j), machine.cut_mb_per_s) if j < b else 0
        for i in range(a, j):
            relay = u * relayed_bytes(net, a, b, i, j)
            for parent in range(level[i - a], level[i - a + 1]):
                for n in range(1, limit - labels[parent, USED] + 1):
                    for x in range(where[i, j, n, 0], where[i, j, n, 1]):
                        point = points[x]
                        held = point[HELD_BYTES] + ceil_div(relay, n)
                        excess = max(0, held - machine.activation_free)
                        loaded = load_ps(
                            net.weights[j] - net.weights[i], point[LOADED_BYTES], n, replicas, machine
                        )
                        old = labels[parent]
                        new[0, USED] = old[USED] + n
                        new[0, COUNT] = old[COUNT] + 1
                        new[0, BEAT] = max(max(old[BEAT], cut), point[POINT_PS])
                        new[0, LOAD] = max(old[LOAD], loaded)
                        new[0, EXCESS] = max(old[EXCESS], excess)
                        new[0, SPILLED] = old[SPILLED] + 2 * excess * n
                        new[0, LOADED] = old[LOADED] + point[LOADED_BYTES] * n
                        new[0, PE_FJ] = old[PE_FJ] + point[PE_BEAT]
                        new[0, ACTIVATION_FJ] = old[ACTIVATION_FJ] + point[ACTIVATION_BEAT]
                        new[0, NOP_FJ] = old[NOP_FJ] + point[NOP_BEAT]
                        beat_fj = new[0, PE_FJ] + new[0, ACTIVATION_FJ] + new[0, NOP_FJ]
                        new[0, COST] = cost_fj(beat_fj, new[0, LOADED], scale)
                        new[0, PARENT] = parent
                        new[0, POINT] = x
                        new[0, REGION] = n
                        end = keep(labels, begin, end, new, scale.slack)
                        if end < 0:
                            return -1
        level[j - a + 1] = end
    found = 0
    count = ceil_div(ceil_div(m, replicas), u)
    weights = net.weights[b] - net.weights[a]
    for x in range(level[b - a], level[b - a + 1]):
        last = labels[x]
        beat = max(last[BEAT], io_ps + spill_ps(last[EXCESS], machine))
        time = last[LOAD] + (count + last[COUNT] - 1) * beat
        moved = for_samples(u * io + last[SPILLED], m, u)
        in_dram, on_mesh = dram_fj(moved + weights, terms)
        spent = (
            macs_fj
            + for_samples(last[PE_FJ], m, u)
            + for_samples(last[ACTIVATION_FJ], m, u)
            + for_samples(last[NOP_FJ], m, u)
            + last[LOADED] * replicas * terms.hop_byte_fj
            + in_dram
            + on_mesh
        )
        found = keep_pair(out, found, time, spent, x)
        if found < 0:
            return -1
    return found


@inner
def keep_pair(out: Ints, found: int, time: int, spent: int, which: int) -> int:
    """Add (time, energy, which) to ``out[:found]`` unless another pair beats it; -1 for want of room."""
    for x in range(found):
        if out[x, 0] <= time and out[x, 1] <= spent:
            return found
    write = 0
    for x in range(found):
        if out[x, 0] >= time and out[x, 1] >= spent:
            continue
        for column in range(3):
            out[write, column] = out[x, column]
        write += 1
    if write == len(out):
        return -1
    out[write, 0] = time
    out[write, 1] = spent
    out[write, 2] = which
    return write + 1
