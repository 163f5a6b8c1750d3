"""Passes: a layer whose weights do not fit runs over slices of them, alone in its segment."""

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
    POSITION_BYTES,
    POSITION_SUM_BYTES,
    ROLE,
    SHARDED,
    VECTOR,
    WEIGHT_BYTES,
    C,
    G,
    Ints,
    K,
    NetworkArrays,
    P,
    Q,
)
from mcmscope.cost.compute import array_cycles, ceil_div, fill_tiling, group_counts, isp_share, transfer_ps
from mcmscope.cost.dram import for_samples, io_bytes, load_ps
from mcmscope.cost.energy import ENERGY_TERMS, NOP, EnergyTerms, add_layer_energy, hop_fj
from mcmscope.cost.machine import Machine
from mcmscope.cost.memory import excess_bytes, spill_ps
from mcmscope.cost.nop import border_mb_per_s, shared_ps
from mcmscope.cost.reports import (
    BEAT_PS,
    BEATS,
    FLOW_PS,
    IO_BYTES,
    IO_PS,
    LAST_BEAT_PS,
    LAST_LOAD_PS,
    LAST_SLOWEST_PS,
    LINKS_PS,
    LOAD_BYTES,
    LOAD_PS,
    NO_SLICE_FITS,
    OK,
    PASS_PS,
    PASSES,
    RUN_PS,
    SLOWEST_PS,
    SPILL_BYTES,
    SPILL_PS,
    STAGE_DISTINCT,
    STAGE_EXCESS,
    STAGE_LINKS,
    STAGE_NEED,
    STAGE_STORED,
    STAGE_TIME,
    STAGES_PS,
)
from mcmscope.cost.stage import layer_cost
from mcmscope.jit import inner


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
        load = load_ps(row[0, WEIGHT_BYTES], cost.distinct_bytes, n, replicas, machine)
        io_ps = transfer_ps(u * io * replicas, machine.dram_mb_per_s)
        floor = io_ps + spill_ps(excess, machine)
        leaving = transfer_ps(u * row[0, OUT_BYTES], border_mb_per_s(n, machine))
        time = max(cost.time_ps, leaving)
        beat = max(time, floor)
        arriving = 0
        for o in range(count):
            arriving += u * operand[o, BYTES]
        links = shared_ps(cost.exchange_ps, arriving, leaving + floor - io_ps, n, machine) + io_ps // 2
        spilled = 2 * excess * n
        report[LOAD_PS] += repeats * load
        report[RUN_PS] += repeats * beats * beat
        report[FLOW_PS] += repeats * beats * max(beat, links)
        report[PASS_PS] += repeats * beat
        report[IO_BYTES] += repeats * u * io
        report[SPILL_BYTES] += repeats * spilled
        report[LOAD_BYTES] += repeats * row[0, WEIGHT_BYTES]
        report[PASSES] += repeats
        report[LAST_LOAD_PS] = load
        report[LAST_BEAT_PS] = beat
        report[LAST_SLOWEST_PS] = time
        if which == 0:
            report[BEAT_PS] = beat
            report[SLOWEST_PS] = time
            report[STAGES_PS] = time
            report[IO_PS] = io_ps
            report[SPILL_PS] = floor - io_ps
            report[LINKS_PS] = links
            stage[STAGE_TIME] = time
            stage[STAGE_STORED] = cost.stored_bytes
            stage[STAGE_DISTINCT] = cost.distinct_bytes
            stage[STAGE_LINKS] = links - io_ps // 2
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
    return OK
