"""Memory: what a chiplet must hold for a stage, and the traffic of what does not fit."""

from __future__ import annotations

from mcmscope.cost.arrays import (
    DATA,
    INPUTS_READ,
    ISP,
    MADE_BEFORE,
    OUT_BYTES,
    OUTPUTS_MADE,
    PEAK,
    SECOND,
    USED_AFTER,
    LayerRow,
    NetworkArrays,
    OperandRow,
)
from mcmscope.cost.compute import ceil_div
from mcmscope.cost.machine import Machine
from mcmscope.jit import inner, kernel


@inner
def rows_bytes(op: OperandRow) -> int:
    """Bytes of the rows of an operand that a streaming layer keeps: twice (window + step)."""
    rows = min(op.h, 2 * (op.window_h + op.step_h))
    return ceil_div(op.bytes * rows, op.h)


@inner
def shard_window(row: LayerRow, machine: Machine) -> int:
    """Bytes of the window through which sharded weights pass: two loads of the PE array."""
    held = 2 * machine.pes * machine.lanes_k * machine.lanes_c
    return min(row.weight_bytes, ceil_div(row.weight_bytes * held, row.k * row.c))


@inner
def operand_window(row: LayerRow, op: OperandRow, partition: int, u: int, g: int, samples: int) -> int:
    """Bytes of an operand that a chiplet holds undivided while the layer runs in a cluster of several."""
    if partition == ISP:
        return ceil_div(u * rows_bytes(op) * g, row.g) if op.role == DATA else 0
    return samples * op.bytes if op.role == SECOND else 0


@inner
def operand_stream(
    row: LayerRow, op: OperandRow, partition: int, u: int, g: int, k: int, samples: int, active: int
) -> int:
    """Bytes of an operand that a chiplet holds for the only layer of a stage: rows stream through."""
    if op.role == SECOND:
        return ceil_div(u * op.bytes * g * k, row.k) if partition == ISP else samples * op.bytes
    if op.role == DATA and partition == ISP:
        return ceil_div(u * rows_bytes(op) * g, row.g)
    return ceil_div(u * rows_bytes(op), active)


@inner
def output_stream(row: LayerRow, u: int, active: int) -> int:
    """Bytes of the output that a chiplet holds when the layer is the only one of its stage."""
    rows = min(row.p, 2 * (row.pool_h + row.pool_step_h))
    return ceil_div(u * rows * row.q * row.position_bytes, active)


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
