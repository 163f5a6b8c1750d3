"""Exchange: what a chiplet must take in over the network-on-package before a layer, and how long it takes."""

from __future__ import annotations

from mcmscope.cost.arrays import (
    BYTES,
    DATA,
    ISP,
    OUT_H,
    OUT_W,
    OUTSIDE,
    POOL_H,
    POOL_STEP_H,
    POOL_STEP_W,
    POOL_W,
    POSITION_BYTES,
    POSITION_SUM_BYTES,
    RESIDUAL,
    ROLE,
    SECOND,
    SHARDED,
    SPLIT,
    STEP_H,
    STEP_W,
    TILED,
    WEIGHT_BYTES,
    WINDOW_H,
    WINDOW_W,
    G,
    H,
    Ints,
    K,
    Machine,
    P,
    Q,
    W,
)
from mcmscope.cost.compute import ceil_div, transfer_ps
from mcmscope.cost.jit import inner


@inner
def tile_overlap(operand: Ints, o: int, tiles: tuple[int, int, int], high: int, wide: int) -> tuple[int, int]:
    """Positions of the operand that a tile of high x wide outputs needs, and how many of them are its own.

    A tile owns the operand's positions under the same grid.
    """
    rows = min(operand[o, H], (high - 1) * operand[o, STEP_H] + operand[o, WINDOW_H])
    columns = min(operand[o, W], (wide - 1) * operand[o, STEP_W] + operand[o, WINDOW_W])
    own_rows = min(rows, ceil_div(operand[o, H], tiles[1]))
    own_columns = min(columns, ceil_div(operand[o, W], tiles[2]))
    return rows * columns, own_rows * own_columns


@inner
def operand_need(
    layer: Ints,
    l: int,
    operand: Ints,
    o: int,
    partition: int,
    u: int,
    tiles: tuple[int, int, int],
    g: int,
    k: int,
    samples: int,
    high: int,
    wide: int,
) -> int:
    """Bytes of one operand that a chiplet works on in one beat."""
    if partition == ISP:
        if operand[o, ROLE] == DATA:
            return ceil_div(u * operand[o, BYTES] * g, layer[l, G])
        return ceil_div(u * operand[o, BYTES] * g * k, layer[l, K])
    if operand[o, ROLE] == SECOND:
        return samples * operand[o, BYTES]
    if operand[o, ROLE] == RESIDUAL:
        area = ceil_div(operand[o, H], tiles[1]) * ceil_div(operand[o, W], tiles[2])
        return samples * ceil_div(operand[o, BYTES] * area, operand[o, H] * operand[o, W])
    area, _ = tile_overlap(operand, o, tiles, high, wide)
    return samples * ceil_div(operand[o, BYTES] * area, operand[o, H] * operand[o, W])


@inner
def operand_exchange(
    layer: Ints,
    l: int,
    operand: Ints,
    o: int,
    partition: int,
    layout: int,
    need: int,
    n: int,
    u: int,
    tiles: tuple[int, int, int],
    samples: int,
    high: int,
    wide: int,
) -> tuple[int, int]:
    """Bytes that a chiplet takes in for an operand, and the volume of an all-to-all (0: none).

    ``layout`` is how the operand lies in this region, or ``OUTSIDE``.
    """
    if layout == OUTSIDE:
        return need, 0
    if n == 1:
        return 0, 0
    volume = u * operand[o, BYTES]
    gathered = need - need // n
    if operand[o, ROLE] == RESIDUAL:
        if (partition == ISP) == (layout == SPLIT):
            return 0, 0
        return gathered, volume
    if operand[o, ROLE] == SECOND:
        return gathered, volume if partition == ISP and layout == TILED else 0
    if partition != ISP:
        if layout == SPLIT:
            return gathered, volume
        area, own = tile_overlap(operand, o, tiles, high, wide)
        return need - samples * (
            operand[o, BYTES] * own // (operand[o, H] * operand[o, W])
        ) if own < area else 0, 0
    if layer[l, G] == 1:
        return gathered, 0
    if layout == SPLIT:
        return max(0, need - volume // n), 0
    return gathered, volume


@inner
def pool_exchange(
    layer: Ints, l: int, tiles: tuple[int, int, int], samples: int, high: int, wide: int
) -> int:
    """Bytes that a tile takes in for a pooling fused behind a WSP layer.

    Either the rim of results that its windows reach over, or, where less (global pooling), the partial
    results of the windows.
    """
    if layer[l, POOL_H] * layer[l, POOL_W] == 1 or tiles[1] * tiles[2] == 1:
        return 0
    out_high = ceil_div(layer[l, OUT_H], tiles[1])
    out_wide = ceil_div(layer[l, OUT_W], tiles[2])
    rows = min(layer[l, P], (out_high - 1) * layer[l, POOL_STEP_H] + layer[l, POOL_H])
    columns = min(layer[l, Q], (out_wide - 1) * layer[l, POOL_STEP_W] + layer[l, POOL_W])
    rim = rows * columns - min(rows, high) * min(columns, wide)
    return samples * min(rim * layer[l, POSITION_BYTES], out_high * out_wide * layer[l, POSITION_SUM_BYTES])


@inner
def shard_exchange(layer: Ints, l: int, partition: int, n: int) -> int:
    """Bytes of sharded weights that a chiplet gathers once per beat."""
    if partition != SHARDED:
        return 0
    return layer[l, WEIGHT_BYTES] - layer[l, WEIGHT_BYTES] // n


@inner
def exchange_ps(ingress: int, swapped: int, n: int, machine: Machine) -> int:
    """Picoseconds of an exchange: ingress at lambda links, an all-to-all at least its bisection, and hops."""
    if ingress == 0 and swapped == 0:
        return 0
    time = transfer_ps(ingress, machine.ingress_mb_per_s[n])
    if swapped > 0:
        time = max(time, transfer_ps(swapped, machine.swap_mb_per_s[n]))
    return time + machine.hops_ps[n]
