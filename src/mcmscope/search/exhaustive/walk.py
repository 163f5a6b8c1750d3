"""Every pipeline of a segment in turn: clusters, region sizes, partitions, each with its best tile grids."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mcmscope.cost.arrays import Ints
from mcmscope.cost.compute import ceil_div
from mcmscope.cost.dram import for_samples
from mcmscope.cost.energy import EnergyTerms, dram_fj, hop_fj
from mcmscope.cost.machine import Machine
from mcmscope.cost.memory import spill_ps
from mcmscope.jit import threaded

NEVER = np.iinfo(np.int64).max // 4
"""The figure of a pipeline that does not fit."""

TIME, ENERGY, PAIRS = range(3)
"""What ``walk`` writes of a pipeline: least ps, least fJ, or all (ps, fJ) that no other tile grids beat."""

NO_ROOM_FOR_LABELS, NO_ROOM_FOR_POINTS = -1, -2
"""What ``walk`` returns if an array was too small."""

# Columns of an option (one tile grid of a cluster) and of a label (grids of all clusters so far).
STEP_PS, HOLD_BYTES, BUFFER_FJ, SRAM_FJ, NOP_FJ, GRID = range(6)
OPTION_COLUMNS = 6
SLOWEST_PS, EXCESS_BYTES, SPILL_BYTES, BUFFERS_FJ, SRAMS_FJ, NOPS_FJ = range(6)
LABEL_COLUMNS = 6


class Facts(NamedTuple):
    """What all pipelines of segment [a, b) at micro-batch u share; scalars only."""

    a: int
    b: int
    u: int
    m: int
    replicas: int
    chiplets: int
    beats: int
    io_bytes: int  # of one beat
    io_ps: int
    weight_bytes: int
    load_ps: int  # from DRAM
    load_paid: int  # 0: the weights are resident
    mac_fj: int  # of one beat
    clusters: int  # 0: any, 1: one, 2: one per layer
    kept_before: int
    kept_after: int


@threaded
def walk(
    facts: Facts,
    machine: Machine,
    terms: EnergyTerms,
    first_row: Ints,
    option_start: Ints,
    option: Ints,
    row_load: Ints,
    row_distinct: Ints,
    cut_ps: Ints,
    relay: Ints,
    only: Ints,
    mode: int,
    stop: int,
    label: Ints,
    first: Ints,
    second: Ints,
    points: Ints,
    path: Ints,
) -> int:
    """Price every pipeline of a segment whose first clusters are ``only[d] = (end, n, code or -1)``.

    Row ``first_row[i, j] + (n - 1) * 3^(j - i) + code`` of the options is cluster [i, j) on n chiplets whose
    partitions are the digits of ``code``. A label is a choice of tile grids for the clusters so far; only
    labels that no other beats are kept, so the figure is that of the best grids. Fills ``first`` (and, for
    pairs, ``second`` with ``points[p]`` entries for pipeline p, ascending in time); returns the number of
    pipelines. After pipeline ``stop`` it leaves, that pipeline's (end, n, code) in ``path``.
    """
    a, b, u = facts.a, facts.b, facts.u
    depth = b - a + 1
    free = machine.activation_free
    start = np.zeros(depth, dtype=np.int64)
    end = np.zeros(depth, dtype=np.int64)
    size = np.zeros(depth, dtype=np.int64)
    code = np.zeros(depth, dtype=np.int64)
    left = np.zeros(depth, dtype=np.int64)
    load = np.zeros(depth, dtype=np.int64)
    floor = np.zeros(depth, dtype=np.int64)
    delivered = np.zeros(depth, dtype=np.int64)
    begin = np.zeros(depth + 1, dtype=np.int64)  # labels before cluster d: [begin[d], begin[d + 1])
    codes = np.ones(depth, dtype=np.int64)  # 3^length
    for x in range(1, depth):
        codes[x] = 3 * codes[x - 1]
    fixed = only.shape[0]
    start[0] = a
    left[0] = facts.chiplets
    load[0] = facts.load_ps
    label[0, :] = 0
    begin[1] = 1
    visited = 0
    written = 0
    d = 0
    fresh = True
    while d >= 0:
        i = start[d]
        # The next choice of cluster d: its partitions count fastest, then its size, then its end.
        if d < fixed:
            if fresh:
                end[d], size[d], code[d] = only[d, 0], only[d, 1], max(0, only[d, 2])
            else:
                code[d] += 1
                if only[d, 2] >= 0 or code[d] == codes[end[d] - i]:
                    d -= 1
                    continue
        elif fresh:
            end[d] = b if facts.clusters == 1 or left[d] == 1 else i + 1
            size[d] = 1
            code[d] = 0
            if facts.clusters == 2 and end[d] - i > 1:
                fresh = False
                d -= 1
                continue
        else:
            code[d] += 1
            if code[d] == codes[end[d] - i]:
                code[d] = 0
                size[d] += 1
                if size[d] > left[d] - (0 if end[d] == b else 1):
                    size[d] = 1
                    if facts.clusters != 0 or end[d] == b:
                        d -= 1
                        continue
                    end[d] += 1
        fresh = False
        j = end[d]
        n = size[d]
        row = first_row[i, j] + (n - 1) * codes[j - i] + code[d]
        relayed = ceil_div(u * int(relay[i, j]), int(n))
        loaded = max(load[d], row_load[row])
        slowest_cut = max(floor[d], cut_ps[j]) if j < b else floor[d]
        sent = delivered[d] + row_distinct[row] * n
        out = begin[d + 1]
        if j < b:
            # Labels of cluster d + 1: each label with each option, those that others beat dropped.
            for x in range(begin[d], begin[d + 1]):
                for o in range(option_start[row], option_start[row + 1]):
                    excess = max(0, option[o, HOLD_BYTES] + relayed - free)
                    step = max(label[x, SLOWEST_PS], option[o, STEP_PS])
                    worst = max(label[x, EXCESS_BYTES], excess)
                    spilled = 0
                    buffers = 0
                    srams = 0
                    nops = 0
                    if mode != TIME:
                        spilled = label[x, SPILL_BYTES] + 2 * excess * n
                        buffers = label[x, BUFFERS_FJ] + option[o, BUFFER_FJ]
                        srams = label[x, SRAMS_FJ] + option[o, SRAM_FJ]
                        nops = label[x, NOPS_FJ] + option[o, NOP_FJ]
                    beaten = False
                    y = begin[d + 1]
                    while y < out:
                        if (
                            label[y, SLOWEST_PS] <= step
                            and label[y, EXCESS_BYTES] <= worst
                            and label[y, SPILL_BYTES] <= spilled
                            and label[y, BUFFERS_FJ] <= buffers
                            and label[y, SRAMS_FJ] <= srams
                            and label[y, NOPS_FJ] <= nops
                        ):
                            beaten = True
                            break
                        if (
                            label[y, SLOWEST_PS] >= step
                            and label[y, EXCESS_BYTES] >= worst
                            and label[y, SPILL_BYTES] >= spilled
                            and label[y, BUFFERS_FJ] >= buffers
                            and label[y, SRAMS_FJ] >= srams
                            and label[y, NOPS_FJ] >= nops
                        ):
                            out -= 1
                            for column in range(LABEL_COLUMNS):
                                label[y, column] = label[out, column]
                        else:
                            y += 1
                    if beaten:
                        continue
                    if out == label.shape[0]:
                        return NO_ROOM_FOR_LABELS
                    label[out, SLOWEST_PS] = step
                    label[out, EXCESS_BYTES] = worst
                    label[out, SPILL_BYTES] = spilled
                    label[out, BUFFERS_FJ] = buffers
                    label[out, SRAMS_FJ] = srams
                    label[out, NOPS_FJ] = nops
                    out += 1
            start[d + 1] = j
            left[d + 1] = left[d] - n
            load[d + 1] = loaded
            floor[d + 1] = slowest_cut
            delivered[d + 1] = sent
            begin[d + 2] = out
            d += 1
            fresh = True
            continue
        best = NEVER
        found = written
        for x in range(begin[d], begin[d + 1]):
            for o in range(option_start[row], option_start[row + 1]):
                excess = max(0, option[o, HOLD_BYTES] + relayed - free)
                worst = max(label[x, EXCESS_BYTES], excess)
                busy = facts.io_ps + (spill_ps(worst, machine) if worst > 0 else 0)
                beat = max(max(max(label[x, SLOWEST_PS], option[o, STEP_PS]), slowest_cut), busy)
                time = facts.load_paid * loaded + (facts.beats + d) * beat
                if mode == TIME:
                    best = min(best, time)
                    continue
                moved = facts.io_bytes + label[x, SPILL_BYTES] + 2 * excess * n
                in_dram, on_mesh = dram_fj(for_samples(moved, facts.m, u) + facts.weight_bytes, terms)
                energy = (
                    for_samples(facts.mac_fj, facts.m, u)
                    + for_samples(label[x, BUFFERS_FJ] + option[o, BUFFER_FJ], facts.m, u)
                    + for_samples(label[x, SRAMS_FJ] + option[o, SRAM_FJ], facts.m, u)
                    + for_samples(label[x, NOPS_FJ] + option[o, NOP_FJ], facts.m, u)
                    + hop_fj(sent * facts.replicas, 1000, terms)
                    + in_dram
                    + on_mesh
                    + terms.static_mw * time
                )
                if mode == ENERGY:
                    best = min(best, energy)
                    continue
                # Keep the pairs of this pipeline that no other beats, ascending in time.
                at = written
                while at < found and first[at] < time:
                    at += 1
                if at > written and second[at - 1] <= energy:
                    continue
                if at < found and first[at] == time and second[at] <= energy:
                    continue
                drop = at
                while drop < found and second[drop] >= energy:
                    drop += 1
                if drop == at:
                    if found == first.shape[0]:
                        return NO_ROOM_FOR_POINTS
                    for y in range(found, at, -1):
                        first[y] = first[y - 1]
                        second[y] = second[y - 1]
                    found += 1
                else:
                    for y in range(drop, found):
                        first[y - drop + at + 1] = first[y]
                        second[y - drop + at + 1] = second[y]
                    found -= drop - at - 1
                first[at] = time
                second[at] = energy
        if mode == PAIRS:
            points[visited] = found - written
            written = found
        else:
            first[visited] = best
        visited += 1
        if stop == visited - 1:
            for x in range(d + 1):
                path[x, 0] = end[x]
                path[x, 1] = size[x]
                path[x, 2] = code[x]
            return visited
    return visited
