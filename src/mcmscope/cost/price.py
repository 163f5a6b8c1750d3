"""The price of a whole schedule: the one place where segments, stages and layers become time and energy."""

from __future__ import annotations

import numpy as np

from mcmscope.cost.arrays import Ints, NetworkArrays, Tilings
from mcmscope.cost.compute import ceil_div, transfer_ps
from mcmscope.cost.dram import for_samples, io_bytes, is_kept, load_ps
from mcmscope.cost.energy import DRAM, ENERGY_TERMS, NOP, EnergyTerms, add_layer_energy, dram_fj, hop_fj
from mcmscope.cost.machine import Machine
from mcmscope.cost.memory import cluster_need, cut_bytes, excess_bytes, relayed_bytes, spill_ps
from mcmscope.cost.nop import drain_ps, links_ps
from mcmscope.cost.passes import price_passes
from mcmscope.cost.reports import (
    BEAT_PS,
    BEATS,
    CLUSTER_END,
    CUT_PS,
    FLOW_PS,
    IO_BYTES,
    IO_PS,
    LAST_BEAT_PS,
    LAST_LOAD_PS,
    LAST_SLOWEST_PS,
    LAYER_ENERGY,
    LINKS_PS,
    LOAD_BYTES,
    LOAD_PS,
    MICRO_BATCH,
    OK,
    PASS_PS,
    PASSES,
    REGION,
    RUN_PS,
    SEGMENT_END,
    SLOWEST_PS,
    SPILL_BYTES,
    SPILL_PS,
    STAGE_CUT,
    STAGE_DISTINCT,
    STAGE_EXCESS,
    STAGE_LINKS,
    STAGE_NEED,
    STAGE_RELAYED,
    STAGE_STORED,
    STAGE_TIME,
    STAGES_PS,
    TILE_COLUMNS,
    TILE_ROWS,
    TILE_SAMPLES,
    TOO_MUCH_WEIGHT,
)
from mcmscope.cost.stage import cost_of
from mcmscope.jit import kernel


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
            exchanged = 0
            for l in range(i, j):
                cost = cost_of(net, machine, tilings, l, partitions[l], partitions, i, n, u, tiles)
                time += cost.time_ps
                exchanged += cost.exchange_ps
                stored += cost.stored_bytes
                distinct += cost.distinct_bytes
                window = max(window, cost.window_bytes)
                stream = cost.stream_bytes
                if layer_report.shape[0] > 0:
                    for column, value in enumerate(cost):
                        layer_report[l, column] = value
                    for term in range(ENERGY_TERMS):
                        layer_report[l, LAYER_ENERGY + term] = -per_beat[term]
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
                    for term in range(ENERGY_TERMS):
                        layer_report[l, LAYER_ENERGY + term] += per_beat[term]
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
                if layer_report.shape[0] > 0:
                    for term in range(ENERGY_TERMS):
                        layer_report[i, LAYER_ENERGY + term] = energy[s, term] * u // m
                in_passes = True
            else:
                time = max(time, drain_ps(net, machine, i, j, n, u))
                need = stream if j - i == 1 else cluster_need(net, i, j, n, u) + window
                passing = relayed_bytes(net, a, b, i, j)
                relayed = ceil_div(u * passing, n)
                excess = excess_bytes(need + relayed, stored, machine)
                links = links_ps(net, machine, i, j, n, u, exchanged, passing, spill_ps(excess, machine))
                cut = transfer_ps(u * cut_bytes(net, a, b, j), machine.cut_mb_per_s) if j < b else 0
                worst_excess = max(worst_excess, excess)
                own = net.weights[j] - net.weights[i]
                load = max(load, load_ps(own, distinct, n, replicas, machine))
                delivered += distinct * n
                report[SLOWEST_PS] = max(report[SLOWEST_PS], time)
                report[STAGES_PS] += time
                report[CUT_PS] = max(report[CUT_PS], cut)
                report[LINKS_PS] = max(report[LINKS_PS], links)
                report[SPILL_BYTES] += 2 * excess * n
                stage[STAGE_TIME] = time
                stage[STAGE_STORED] = stored
                stage[STAGE_DISTINCT] = distinct
                stage[STAGE_NEED] = need
                stage[STAGE_RELAYED] = relayed
                stage[STAGE_EXCESS] = excess
                stage[STAGE_CUT] = cut
                stage[STAGE_LINKS] = links
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
            report[LINKS_PS] += io_time // 2
            shared = max(beat, report[LINKS_PS])
            report[FLOW_PS] = max(report[STAGES_PS], shared) + (beats - 1) * shared
            report[IO_BYTES] = u * io
            report[LOAD_BYTES] = weights
            report[PASSES] = 1
            report[PASS_PS] = beat
            report[LAST_LOAD_PS] = load
            report[LAST_BEAT_PS] = beat
            report[LAST_SLOWEST_PS] = report[SLOWEST_PS]
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
