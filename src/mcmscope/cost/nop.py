"""Exchange: what a chiplet must take in over the network-on-package before a layer, and how long it takes."""

from __future__ import annotations

import numpy as np

from mcmscope.cost.arrays import (
    DATA,
    INPUTS_READ,
    ISP,
    MADE_BEFORE,
    OUTPUTS_MADE,
    OUTSIDE,
    RESIDUAL,
    SECOND,
    SHARDED,
    SPLIT,
    TILED,
    USED_AFTER,
    LayerRow,
    NetworkArrays,
    OperandRow,
)
from mcmscope.cost.compute import ceil_div, transfer_ps
from mcmscope.cost.machine import Machine, region_hops
from mcmscope.jit import inner, kernel

NO_BORDER_MB_PER_S = 10**12
"""Of a region that is all of the package: DRAM ports are inside."""


@inner
def tile_overlap(op: OperandRow, tiles: tuple[int, int, int], high: int, wide: int) -> tuple[int, int]:
    """Positions of the operand that a tile of high x wide outputs needs, and how many of them are its own.

    A tile owns the operand's positions under the same grid.
    """
    rows = min(op.h, (high - 1) * op.step_h + op.window_h)
    columns = min(op.w, (wide - 1) * op.step_w + op.window_w)
    own_rows = min(rows, ceil_div(op.h, tiles[1]))
    own_columns = min(columns, ceil_div(op.w, tiles[2]))
    return rows * columns, own_rows * own_columns


@inner
def operand_need(
    row: LayerRow,
    op: OperandRow,
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
        if op.role == DATA:
            return ceil_div(u * op.bytes * g, row.g)
        return ceil_div(u * op.bytes * g * k, row.k)
    if op.role == SECOND:
        return samples * op.bytes
    if op.role == RESIDUAL:
        area = ceil_div(op.h, tiles[1]) * ceil_div(op.w, tiles[2])
        return samples * ceil_div(op.bytes * area, op.h * op.w)
    area, _ = tile_overlap(op, tiles, high, wide)
    return samples * ceil_div(op.bytes * area, op.h * op.w)


@inner
def operand_exchange(
    row: LayerRow,
    op: OperandRow,
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
    volume = u * op.bytes
    gathered = need - need // n
    if op.role == RESIDUAL:
        if (partition == ISP) == (layout == SPLIT):
            return 0, 0
        return gathered, volume
    if op.role == SECOND:
        return gathered, volume if partition == ISP and layout == TILED else 0
    if partition != ISP:
        if layout == SPLIT:
            return gathered, volume
        area, own = tile_overlap(op, tiles, high, wide)
        return need - samples * (op.bytes * own // (op.h * op.w)) if own < area else 0, 0
    if row.g == 1:
        return gathered, 0
    if layout == SPLIT:
        return max(0, need - volume // n), 0
    return gathered, volume


@inner
def pool_exchange(row: LayerRow, tiles: tuple[int, int, int], samples: int, high: int, wide: int) -> int:
    """Bytes that a tile takes in for a pooling fused behind a WSP layer.

    Either the rim of results that its windows reach over, or, where less (global pooling), the partial
    results of the windows.
    """
    if row.pool_h * row.pool_w == 1 or tiles[1] * tiles[2] == 1:
        return 0
    out_high = ceil_div(row.out_h, tiles[1])
    out_wide = ceil_div(row.out_w, tiles[2])
    rows = min(row.p, (out_high - 1) * row.pool_step_h + row.pool_h)
    columns = min(row.q, (out_wide - 1) * row.pool_step_w + row.pool_w)
    rim = rows * columns - min(rows, high) * min(columns, wide)
    return samples * min(rim * row.position_bytes, out_high * out_wide * row.position_sum_bytes)


@inner
def shard_exchange(row: LayerRow, partition: int, n: int) -> int:
    """Bytes of sharded weights that a chiplet gathers once per beat."""
    if partition != SHARDED:
        return 0
    return row.weight_bytes - row.weight_bytes // n


@kernel
def ingress_mb_per_s(n: int, machine: Machine) -> int:
    """Bandwidth into a chiplet of a region of n: lambda links, lambda = 1 up to three chiplets, else 2."""
    return machine.link_mb_per_s if n <= 3 else 2 * machine.link_mb_per_s


@kernel
def border_mb_per_s(n: int, machine: Machine) -> int:
    """Bandwidth over the border of a region of n, each way; see docs/model.md.

    Neighbouring regions meet at the rows of a strip. DRAM traffic comes along the rows of its ports and then
    through the columns of the region (ports at the top and bottom: columns and rows change places): a column
    of t chiplets takes in what they need of the ports of other rows.
    """
    rows, columns = machine.rows, machine.columns
    strip = min(machine.strip_height, rows)
    beside = machine.link_mb_per_s * n // ceil_div(n, strip)
    above = n // (strip * columns) * strip  # rows of the strips that the region fills
    height = max(1, min(strip, rows - above))  # of the strip that it ends in
    left = n - above * columns
    full, rest = left // height, left % height
    upright = crossing(above, rows) if left <= height * (columns - 1) else 0
    across = crossing(full, columns)
    if full > 0:
        upright = max(upright, crossing(above + height, rows))
    if rest > 0:
        upright = max(upright, crossing(above + rest, rows))
        across = max(across, crossing(full + 1, columns))
    worst = max(machine.side_ports * columns * upright, (machine.ports - machine.side_ports) * rows * across)
    if worst == 0:
        return NO_BORDER_MB_PER_S
    return max(beside, machine.link_mb_per_s * machine.ports * rows * columns * n // worst)


@inner
def crossing(held: int, length: int) -> int:
    """What ``held`` chiplets of a column (row) of ``length`` need of ports of its other rows (columns).

    A byte of each port for each chiplet; all of it goes over one link.
    """
    return held * (length - held)


@kernel
def drain_ps(net: NetworkArrays, machine: Machine, i: int, j: int, n: int, u: int) -> int:
    """Time for what leaves the region of cluster [i, j) in one beat to cross its border."""
    return transfer_ps(u * draining_bytes(net, i, j), border_mb_per_s(n, machine))


@inner
def draining_bytes(net: NetworkArrays, i: int, j: int) -> int:
    """Bytes per sample of the distinct tensors made in [i, j) that are used behind it or leave."""
    return net.span[OUTPUTS_MADE, i, j] + net.span[USED_AFTER, i, j]


@inner
def links_ps(
    net: NetworkArrays,
    machine: Machine,
    i: int,
    j: int,
    n: int,
    u: int,
    exchanged: int,
    relayed: int,
    spill: int,
) -> int:
    """For how long a beat of cluster [i, j) keeps the links of its region busy, by all that meets there.

    ``exchanged`` picoseconds of its layers' exchanges, ``relayed`` bytes per sample that pass by, ``spill``
    picoseconds. What chiplets bring each other and what passes by counts whole; what enters, leaves or spills
    half, since it shares only a part of those links. See docs/model.md, where the halves come from.
    """
    arriving = net.span[INPUTS_READ, i, j] + net.span[MADE_BEFORE, i, j]
    passing = transfer_ps(u * relayed, machine.cut_mb_per_s)
    leaving = drain_ps(net, machine, i, j, n, u)
    return passing + shared_ps(exchanged, u * arriving, leaving + spill, n, machine)


@inner
def shared_ps(exchanged: int, arriving: int, beside: int, n: int, machine: Machine) -> int:
    """``links_ps`` of ``arriving`` bytes within ``exchanged`` picoseconds, with what runs ``beside`` them."""
    entering = min(exchanged, transfer_ps(arriving, border_mb_per_s(n, machine)))
    return exchanged - entering + (entering + beside) // 2


@inner
def exchange_ps(arriving: int, ingress: int, swapped: int, n: int, machine: Machine) -> int:
    """Picoseconds of an exchange.

    ``arriving`` bytes cross the border of the region, each once; a chiplet takes in ``ingress`` bytes, its
    part of those among them, at lambda links; ``swapped`` bytes go all-to-all and send a quarter one way over
    the c = min(floor(sqrt(n)), h) links of the bisection. Then hops.
    """
    if arriving == 0 and ingress == 0 and swapped == 0:
        return 0
    inside_mb_per_s = ingress_mb_per_s(n, machine)
    time = transfer_ps(max(0, ingress - arriving // n), inside_mb_per_s)
    if swapped > 0:
        across = min(int(np.sqrt(n)), machine.strip_height)
        time = max(time, transfer_ps(swapped, 4 * across * machine.link_mb_per_s))
    if arriving > 0:
        entry = transfer_ps(ceil_div(arriving, n), inside_mb_per_s)
        time += max(entry, transfer_ps(arriving, border_mb_per_s(n, machine)))
    return time + machine.hop_ps * region_hops(n, machine.strip_height, machine.rows, machine.columns)
