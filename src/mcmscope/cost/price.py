"""The price of a whole schedule: the one place where segments, stages and layers become time and energy."""

from __future__ import annotations

import numpy as np

from mcmscope.cost.arrays import (
    BYTES,
    DATA,
    INPUTS_READ,
    ISP,
    LAYER_COLUMNS,
    MACS,
    MADE_BEFORE,
    OPERAND_COLUMNS,
    OUT_BYTES,
    OUTPUTS_MADE,
    PASSING,
    POSITION_BYTES,
    POSITION_SUM_BYTES,
    ROLE,
    SHARDED,
    USED_AFTER,
    VECTOR,
    WEIGHT_BYTES,
    C,
    G,
    Ints,
    K,
    Machine,
    NetworkArrays,
    P,
    Q,
    Tilings,
)
from mcmscope.cost.compute import array_cycles, ceil_div, fill_tiling, group_counts, isp_share, transfer_ps
from mcmscope.cost.energy import DRAM, ENERGY_TERMS, NOP, EnergyTerms, add_layer_energy, dram_fj, hop_fj
from mcmscope.cost.jit import inner, kernel
from mcmscope.cost.memory import cluster_need, cut_bytes, excess_bytes, relayed_bytes, spill_ps
from mcmscope.cost.nop import ingress_mb_per_s
from mcmscope.cost.stage import LayerCost, cost_of, layer_cost

# Columns of the encoded schedule.
SEGMENT_END, MICRO_BATCH = range(2)
CLUSTER_END, REGION, TILE_SAMPLES, TILE_ROWS, TILE_COLUMNS = range(5)

# Columns of what ``price`` reports per layer, stage and segment.
LAYER_REPORT = len(LayerCost._fields)
STAGE_TIME, STAGE_STORED, STAGE_DISTINCT, STAGE_NEED, STAGE_RELAYED, STAGE_EXCESS, STAGE_CUT = range(7)
STAGE_REPORT = 7
(
    LOAD_PS,
    BEATS,
    BEAT_PS,
    SLOWEST_PS,
    STAGES_PS,
    CUT_PS,
    IO_PS,
    SPILL_PS,
    RUN_PS,
    FLOW_PS,
    IO_BYTES,
    SPILL_BYTES,
    LOAD_BYTES,
    PASSES,
    PASS_PS,
) = range(15)
SEGMENT_REPORT = 15

OK, TOO_MUCH_WEIGHT, NO_SLICE_FITS = range(3)


@inner
def io_bytes(net: NetworkArrays, a: int, b: int, kept_before: int, kept_after: int) -> int:
    """DRAM bytes per sample of segment [a, b).

    A boundary whose live tensors stay on the package costs nothing; what passes over the segment is
    written or read only where one of its two boundaries is kept and the other is not.
    """
    total = net.span[INPUTS_READ, a, b] + net.span[OUTPUTS_MADE, a, b]
    if kept_before == 0:
        total += net.span[MADE_BEFORE, a, b]
    if kept_after == 0:
        total += net.span[USED_AFTER, a, b]
    if kept_before != kept_after:
        total += net.span[PASSING, a, b]
    return total


@inner
def is_kept(net: NetworkArrays, machine: Machine, b: int, m: int) -> int:
    """1 if all that is alive at boundary b for m samples stays on the package (m = 0: never)."""
    L = len(net.layer)
    if m == 0 or b == 0 or b == L:
        return 0
    return 1 if m * net.span[MADE_BEFORE, b, L] <= machine.retained_limit else 0


@inner
def for_samples(per_beat: int, m: int, u: int) -> int:
    """What m samples cost when a beat of u samples costs ``per_beat``; a beat that is not full costs less."""
    return m // u * per_beat + ceil_div(per_beat * (m % u), u)


@inner
def load_ps(weights: int, stored: int, n: int, machine: Machine) -> int:
    """Time to load ``weights`` bytes from DRAM when a chiplet of a region of n must take in ``stored``."""
    return max(transfer_ps(weights, machine.dram_mb_per_s), transfer_ps(stored, ingress_mb_per_s(n, machine)))


@inner
def slices_of(layer: Ints, l: int) -> int:
    """Slices into which a layer can be cut: its output channels, or its groups."""
    return layer[l, G] if layer[l, G] > 1 else layer[l, K]


@inner
def slice_stored(
    layer: Ints,
    l: int,
    part: int,
    partition: int,
    n: int,
    u: int,
    tiles: tuple[int, int, int],
    machine: Machine,
    tiling: Ints,
    split: Ints,
) -> int:
    """Bytes of weights that a chiplet stores for ``part`` slices; fills ``tiling`` and ``split`` for them."""
    k = layer[l, K] * part // slices_of(layer, l)
    groups = part if layer[l, G] > 1 else 1
    split[0, 0], split[0, 1] = isp_share(k, groups, n)
    fill_tiling(split[0, 1] if partition == ISP else k // groups, layer[l, C], machine, tiling, 0)
    if partition == ISP:
        positions = u * layer[l, P] * layer[l, Q]
    else:
        positions = ceil_div(u, tiles[0]) * ceil_div(layer[l, P], tiles[1]) * ceil_div(layer[l, Q], tiles[2])
    _, copies, _ = array_cycles(tiling, 0, 1, 1, positions)
    weights = ceil_div(layer[l, WEIGHT_BYTES] * part, slices_of(layer, l))
    if partition == ISP:
        weights = ceil_div(weights * split[0, 0] * split[0, 1], k)
    elif partition == SHARDED:
        weights = ceil_div(weights, n)
    return weights * copies if machine.copies == 1 else weights


@inner
def pass_size(
    layer: Ints,
    l: int,
    partition: int,
    n: int,
    u: int,
    tiles: tuple[int, int, int],
    machine: Machine,
    tiling: Ints,
    split: Ints,
) -> int:
    """Slices per pass, for the fewest even passes whose weights fit; 0 if not even one slice does."""
    whole = slices_of(layer, l)
    passes = 1
    while passes <= whole:
        part = ceil_div(whole, passes)
        stored = slice_stored(layer, l, part, partition, n, u, tiles, machine, tiling, split)
        if stored <= machine.weight_limit:
            return part
        # The next smaller part. A longer jump could miss one: copies and rounding do not fall in step.
        passes = ceil_div(whole, part - 1) if part > 1 else whole + 1
    return 0


@inner
def slice_layer(net: NetworkArrays, l: int, part: int, row: Ints, operand: Ints) -> None:
    """Layer ``l`` with only ``part`` of its slices."""
    for column in range(LAYER_COLUMNS):
        row[0, column] = net.layer[l, column]
    whole = slices_of(row, 0)
    grouped = row[0, G] > 1
    for o in range(operand.shape[0]):
        for column in range(OPERAND_COLUMNS):
            operand[o, column] = net.operand[net.operand_start[l] + o, column]
        if grouped or operand[o, ROLE] != DATA:
            operand[o, BYTES] = ceil_div(operand[o, BYTES] * part, whole)
    row[0, K] = row[0, K] * part // whole
    if grouped:
        row[0, G] = part
    for column in range(LAYER_COLUMNS):
        if column in (WEIGHT_BYTES, VECTOR, OUT_BYTES, MACS, POSITION_BYTES, POSITION_SUM_BYTES):
            row[0, column] = ceil_div(row[0, column] * part, whole)


@inner
def price_passes(
    net: NetworkArrays,
    machine: Machine,
    terms: EnergyTerms,
    l: int,
    partition: int,
    n: int,
    u: int,
    tiles: tuple[int, int, int],
    m: int,
    replicas: int,
    kept_before: int,
    kept_after: int,
    report: Ints,
    stage: Ints,
    energy: Ints,
) -> int:
    """Price a one-layer segment whose weights do not fit: passes over slices of K, input read each time."""
    count = net.operand_start[l + 1] - net.operand_start[l]
    row = np.zeros((1, LAYER_COLUMNS), dtype=np.int64)
    operand = np.zeros((count, OPERAND_COLUMNS), dtype=np.int64)
    split = np.zeros((1, 2), dtype=np.int64)
    nowhere = np.zeros(1, dtype=np.int64)  # the only layer of its cluster has no earlier ones
    tiling = np.zeros((1, group_counts(machine.pes), 3), dtype=np.int64)
    one = np.zeros(ENERGY_TERMS, dtype=np.int64)
    whole = slices_of(net.layer, l)
    size = pass_size(net.layer, l, partition, n, u, tiles, machine, tiling, split)
    if size == 0:
        return NO_SLICE_FITS
    beats = ceil_div(ceil_div(m, replicas), u)
    incoming = net.span[INPUTS_READ, l, l + 1] + (0 if kept_before else net.span[MADE_BEFORE, l, l + 1])
    outgoing = io_bytes(net, l, l + 1, kept_before, kept_after) - incoming
    full = whole // size
    for which in range(2):
        part = size if which == 0 else whole - full * size
        repeats = full if which == 0 else 1
        if part == 0:
            continue
        slice_stored(net.layer, l, part, partition, n, u, tiles, machine, tiling, split)
        slice_layer(net, l, part, row, operand)
        cost = layer_cost(
            row, 0, operand, 0, count, tiling, 0, split, 0, partition, nowhere, l + 1, n, u, tiles, machine
        )
        excess = excess_bytes(cost.stream_bytes, cost.stored_bytes, machine)
        io = incoming + ceil_div(outgoing * part, whole)
        load = load_ps(row[0, WEIGHT_BYTES], cost.distinct_bytes, n, machine)
        io_ps = transfer_ps(u * io * replicas, machine.dram_mb_per_s)
        floor = io_ps + spill_ps(excess, machine)
        beat = max(cost.time_ps, floor)
        spilled = 2 * excess * n
        report[LOAD_PS] += repeats * load
        report[RUN_PS] += repeats * beats * beat
        report[PASS_PS] += repeats * beat
        report[IO_BYTES] += repeats * u * io
        report[SPILL_BYTES] += repeats * spilled
        report[LOAD_BYTES] += repeats * row[0, WEIGHT_BYTES]
        report[PASSES] += repeats
        if which == 0:
            report[BEAT_PS] = beat
            report[SLOWEST_PS] = cost.time_ps
            report[STAGES_PS] = cost.time_ps
            report[IO_PS] = io_ps
            report[SPILL_PS] = floor - io_ps
            stage[STAGE_TIME] = cost.time_ps
            stage[STAGE_STORED] = cost.stored_bytes
            stage[STAGE_DISTINCT] = cost.distinct_bytes
            stage[STAGE_NEED] = cost.stream_bytes
            stage[STAGE_EXCESS] = excess
        for term in range(ENERGY_TERMS):
            one[term] = 0
        add_layer_energy(
            row,
            0,
            operand,
            0,
            count,
            split,
            0,
            partition,
            nowhere,
            l + 1,
            n,
            u,
            tiles,
            cost,
            machine,
            terms,
            one,
        )
        for term in range(ENERGY_TERMS):
            energy[term] += repeats * for_samples(one[term], m, u)
        energy[NOP] += repeats * hop_fj(cost.distinct_bytes * n * replicas, 1000, terms)
    report[BEATS] = beats
    report[FLOW_PS] = report[RUN_PS]
    return OK


@kernel
def price(
    net: NetworkArrays,
    machine: Machine,
    tilings: Tilings,
    terms: EnergyTerms,
    segments: Ints,
    clusters: Ints,
    partitions: Ints,
    m: int,
    micro_batch: int,
    steady: int,
    replicas: int,
    layer_report: Ints,
    stage_report: Ints,
    segment_report: Ints,
    energy: Ints,
) -> int:
    """Price a schedule; returns ``OK``, or why it is infeasible.

    ``segments[S, 2]``, ``clusters[C, 5]`` and ``partitions[L]`` encode it. ``m`` samples per batch;
    ``micro_batch`` > 0 replaces each segment's own; ``steady`` = 1: nothing is retained. ``layer_report``
    may have no rows: then layers and energies of layers are not reported. Adds to the reports (given as
    zeros; per beat) and to ``energy[S, ENERGY_TERMS]``: femtojoules of the whole batch per segment, without
    static power.
    """
    a = 0
    c = 0
    share_m = ceil_div(m, replicas)
    for s in range(segments.shape[0]):
        b = segments[s, SEGMENT_END]
        u = micro_batch if micro_batch > 0 else segments[s, MICRO_BATCH]
        beats = ceil_div(share_m, u)
        kept_before = is_kept(net, machine, a, 0 if steady else m)
        kept_after = is_kept(net, machine, b, 0 if steady else m)
        report = segment_report[s]
        io = io_bytes(net, a, b, kept_before, kept_after)
        weights = net.weights[b] - net.weights[a]
        first_cluster = c
        i = a
        load = transfer_ps(weights, machine.dram_mb_per_s)
        worst_excess = 0
        per_beat = np.zeros(ENERGY_TERMS, dtype=np.int64)
        delivered = 0
        in_passes = False
        while i < b:
            j = clusters[c, CLUSTER_END]
            n = clusters[c, REGION]
            tiles = (clusters[c, TILE_SAMPLES], clusters[c, TILE_ROWS], clusters[c, TILE_COLUMNS])
            time = 0
            stored = 0
            distinct = 0
            window = 0
            stream = 0
            for l in range(i, j):
                cost = cost_of(net, machine, tilings, l, partitions[l], partitions, i, n, u, tiles)
                time += cost.time_ps
                stored += cost.stored_bytes
                distinct += cost.distinct_bytes
                window = max(window, cost.window_bytes)
                stream = cost.stream_bytes
                if layer_report.shape[0] > 0:
                    for column, value in enumerate(cost):
                        layer_report[l, column] = value
                    add_layer_energy(
                        net.layer,
                        l,
                        net.operand,
                        net.operand_start[l],
                        net.operand_start[l + 1],
                        tilings.split,
                        l * (machine.chiplets + 1) + n,
                        partitions[l],
                        partitions,
                        i,
                        n,
                        u,
                        tiles,
                        cost,
                        machine,
                        terms,
                        per_beat,
                    )
            stage = stage_report[c]
            if stored > machine.weight_limit:
                if j - i > 1 or i > a or j < b:
                    return TOO_MUCH_WEIGHT
                status = price_passes(
                    net,
                    machine,
                    terms,
                    i,
                    partitions[i],
                    n,
                    u,
                    tiles,
                    m,
                    replicas,
                    kept_before,
                    kept_after,
                    report,
                    stage,
                    energy[s],
                )
                if status != OK:
                    return status
                in_passes = True
            else:
                need = stream if j - i == 1 else cluster_need(net, i, j, n, u) + window
                relayed = ceil_div(u * relayed_bytes(net, a, b, i, j), n)
                excess = excess_bytes(need + relayed, stored, machine)
                cut = transfer_ps(u * cut_bytes(net, a, b, j), machine.cut_mb_per_s) if j < b else 0
                worst_excess = max(worst_excess, excess)
                load = max(load, load_ps(weights, distinct, n, machine))
                delivered += distinct * n
                report[SLOWEST_PS] = max(report[SLOWEST_PS], time)
                report[STAGES_PS] += time
                report[CUT_PS] = max(report[CUT_PS], cut)
                report[SPILL_BYTES] += 2 * excess * n
                stage[STAGE_TIME] = time
                stage[STAGE_STORED] = stored
                stage[STAGE_DISTINCT] = distinct
                stage[STAGE_NEED] = need
                stage[STAGE_RELAYED] = relayed
                stage[STAGE_EXCESS] = excess
                stage[STAGE_CUT] = cut
            i = j
            c += 1
        if not in_passes:
            k = c - first_cluster
            io_time = transfer_ps(u * io * replicas, machine.dram_mb_per_s)
            spill = spill_ps(worst_excess, machine)
            beat = max(max(report[SLOWEST_PS], report[CUT_PS]), io_time + spill)
            report[LOAD_PS] = load
            report[BEATS] = beats
            report[BEAT_PS] = beat
            report[IO_PS] = io_time
            report[SPILL_PS] = spill
            report[RUN_PS] = (beats + k - 1) * beat
            report[FLOW_PS] = max(report[STAGES_PS], beat) + (beats - 1) * beat
            report[IO_BYTES] = u * io
            report[LOAD_BYTES] = weights
            report[PASSES] = 1
            report[PASS_PS] = beat
            for term in range(ENERGY_TERMS):
                energy[s, term] = for_samples(per_beat[term], m, u)
            energy[s, NOP] += hop_fj(delivered * replicas, 1000, terms)
        moved = for_samples(report[IO_BYTES] + report[SPILL_BYTES], m, u)
        in_dram, on_mesh = dram_fj(moved + report[LOAD_BYTES], terms)
        energy[s, DRAM] += in_dram
        energy[s, NOP] += on_mesh
        a = b
    return OK


@kernel
def total_ps(report: Ints, machine: Machine, replicas: int, column: int) -> int:
    """Time of the whole batch from the segments' reports; ``column`` is ``RUN_PS`` or ``FLOW_PS``.

    With prefetch a segment lasts at least as long as its own DRAM traffic (of all replicas) and the next
    load take together.
    """
    total = report[0, LOAD_PS]
    for s in range(report.shape[0]):
        run = report[s, column]
        if s + 1 < report.shape[0]:
            if machine.prefetch == 1:
                moved = replicas * report[s, BEATS] * (report[s, IO_BYTES] + report[s, SPILL_BYTES])
                busy = transfer_ps(moved + report[s + 1, LOAD_BYTES], machine.dram_mb_per_s)
                run = max(run, max(busy, report[s + 1, LOAD_PS]))
            else:
                run += report[s + 1, LOAD_PS]
        total += run
    return total
