"""Memory: what a chiplet must hold for a stage, and the traffic of what does not fit."""

from __future__ import annotations

from mcmscope.cost.arrays import (
    BYTES,
    DATA,
    INPUTS_READ,
    ISP,
    MADE_BEFORE,
    OUT_BYTES,
    OUTPUTS_MADE,
    PEAK,
    POOL_H,
    POOL_STEP_H,
    POSITION_BYTES,
    RESIDUAL,
    ROLE,
    SHARDED,
    STEP_H,
    USED_AFTER,
    WEIGHT_BYTES,
    WINDOW_H,
    C,
    G,
    H,
    Ints,
    K,
    Machine,
    NetworkArrays,
    P,
    Q,
)
from mcmscope.cost.compute import ceil_div
from mcmscope.cost.jit import inner, kernel


@inner
def rows_bytes(operand: Ints, o: int) -> int:
    """Bytes of the rows of an operand that a streaming layer keeps: twice (window + step)."""
    rows = min(operand[o, H], 2 * (operand[o, WINDOW_H] + operand[o, STEP_H]))
    return ceil_div(operand[o, BYTES] * rows, operand[o, H])


@inner
def shard_window(layer: Ints, l: int, machine: Machine) -> int:
    """Bytes of the window through which sharded weights pass: two loads of the PE array."""
    held = 2 * machine.pes * machine.lanes_k * machine.lanes_c
    return min(layer[l, WEIGHT_BYTES], ceil_div(layer[l, WEIGHT_BYTES] * held, layer[l, K] * layer[l, C]))


@inner
def gather_window(
    layer: Ints,
    l: int,
    operand: Ints,
    first: int,
    end: int,
    partition: int,
    u: int,
    g: int,
    samples: int,
    machine: Machine,
) -> int:
    """Bytes that a chiplet holds undivided while the layer runs beside others in one cluster."""
    window = 0
    for o in range(first, end):
        if partition == ISP and operand[o, ROLE] == DATA:
            window += ceil_div(u * rows_bytes(operand, o) * g, layer[l, G])
        elif partition != ISP and operand[o, ROLE] != DATA and operand[o, ROLE] != RESIDUAL:
            window += samples * operand[o, BYTES]
    if partition == SHARDED:
        window += shard_window(layer, l, machine)
    return window


@inner
def stream_need(
    layer: Ints,
    l: int,
    operand: Ints,
    first: int,
    end: int,
    partition: int,
    u: int,
    g: int,
    k: int,
    samples: int,
    active: int,
    machine: Machine,
) -> int:
    """Activation bytes per chiplet of a one-layer stage, through which rows stream."""
    need = 0
    for o in range(first, end):
        if operand[o, ROLE] == DATA:
            if partition == ISP:
                need += ceil_div(u * rows_bytes(operand, o) * g, layer[l, G])
            else:
                need += ceil_div(u * rows_bytes(operand, o), active)
        elif operand[o, ROLE] == RESIDUAL:
            need += ceil_div(u * rows_bytes(operand, o), active)
        elif partition == ISP:
            need += ceil_div(u * operand[o, BYTES] * g * k, layer[l, K])
        else:
            need += samples * operand[o, BYTES]
    rows = min(layer[l, P], 2 * (layer[l, POOL_H] + layer[l, POOL_STEP_H]))
    need += ceil_div(u * rows * layer[l, Q] * layer[l, POSITION_BYTES], active)
    if partition == SHARDED:
        need += shard_window(layer, l, machine)
    return need


@inner
def cluster_need(net: NetworkArrays, i: int, j: int, n: int, u: int) -> int:
    """Activation bytes per chiplet of a cluster of several layers, without its gather window.

    Arriving and draining tensors, and the most that its layers hold while they run in turn.
    """
    arriving = net.span[INPUTS_READ, i, j] + net.span[MADE_BEFORE, i, j]
    draining = net.span[OUTPUTS_MADE, i, j] + net.span[USED_AFTER, i, j]
    return ceil_div(u * arriving, n) + ceil_div(u * draining, n) + ceil_div(u * net.span[PEAK, i, j], n)


@kernel
def relayed_bytes(net: NetworkArrays, a: int, b: int, i: int, j: int) -> int:
    """Bytes per sample of tensors that pass by cluster [i, j) inside segment [a, b): used by neither side."""
    total = 0
    for index in range(len(net.skip)):
        t = net.skip[index]
        if t >= i:
            break
        if t < a:
            continue
        inside = False
        later = False
        for e in range(net.use_start[t], net.use_start[t + 1]):
            reader = net.use[e]
            if i <= reader < j:
                inside = True
            elif j <= reader < b:
                later = True
        if later and not inside:
            total += net.layer[t, OUT_BYTES]
    return total


@kernel
def cut_bytes(net: NetworkArrays, a: int, b: int, j: int) -> int:
    """Bytes per sample of the distinct tensors made in [a, j) and used in [j, b): they cross the cut at j."""
    total = 0
    if net.use_start[j] > net.use_start[j - 1]:
        last = j - 1
        if net.use[net.use_start[last]] < b:
            total += net.layer[last, OUT_BYTES]
    for index in range(len(net.skip)):
        t = net.skip[index]
        if t >= j - 1:
            break
        if t < a:
            continue
        for e in range(net.use_start[t], net.use_start[t + 1]):
            reader = net.use[e]
            if j <= reader < b:
                total += net.layer[t, OUT_BYTES]
                break
    return total


@inner
def excess_bytes(need: int, stored: int, machine: Machine) -> int:
    """Bytes per chiplet that do not fit into the activation buffer."""
    return max(0, need + machine.unified * stored - machine.activation_free)


@inner
def spill_ps(excess: int, machine: Machine) -> int:
    """Floor under the beat: every chiplet writes and reads its excess through its share of the DRAM."""
    return ceil_div(2 * excess * machine.chiplets * 1_000_000, machine.dram_mb_per_s)
