"""Compute: how a layer is shared out over a region and how many cycles one chiplet's share takes."""

from __future__ import annotations

import numpy as np

from mcmscope.cost.arrays import ISP, C, G, Ints, K, LayerRow, NetworkArrays, Tilings
from mcmscope.cost.machine import Machine
from mcmscope.jit import inner, kernel


@inner
def ceil_div(a: int, b: int) -> int:
    """a / b rounded up; a >= 0, b > 0."""
    return (a + b - 1) // b


@inner
def cycles_ps(cycles: int, clock_mhz: int) -> int:
    """Picoseconds of ``cycles``, rounded up."""
    return ceil_div(cycles * 1_000_000, clock_mhz)


@inner
def transfer_ps(size: int, mb_per_s: int) -> int:
    """Picoseconds to move ``size`` bytes at ``mb_per_s`` (1e6 bytes/s), rounded up."""
    return ceil_div(size * 1_000_000, mb_per_s)


@kernel
def group_counts(pes: int) -> int:
    """How many numbers of position groups d there are: the divisors of the PE count."""
    count = 0
    for d in range(1, pes + 1):
        count += 1 if pes % d == 0 else 0
    return count


@inner
def fill_tiling(k: int, c: int, machine: Machine, tiling: Ints, t: int) -> None:
    """Least passes of k x c channels over the array for each number of position groups d.

    ``tiling[t, D, 3]``: ceil(k / (lanes_k p)) * ceil(c / (lanes_c q)) at its least over p q d = PEs, the p
    that gives it (the largest on a tie: fewer passes over the inputs), and d, ascending over the divisors.
    """
    index = 0
    for d in range(1, machine.pes + 1):
        if machine.pes % d != 0:
            continue
        room = machine.pes // d
        best = -1
        along_k = 1
        for p in range(1, room + 1):
            if room % p == 0:
                passes = ceil_div(k, machine.lanes_k * p) * ceil_div(c, machine.lanes_c * (room // p))
                if best < 0 or passes <= best:
                    best = passes
                    along_k = p
        tiling[t, index, 0] = best
        tiling[t, index, 1] = along_k
        tiling[t, index, 2] = d
        index += 1


@inner
def isp_share(out_channels: int, groups: int, n: int) -> tuple[int, int]:
    """Groups per chiplet and output channels of a group per chiplet when n chiplets split a layer."""
    if groups >= n:
        return ceil_div(groups, n), out_channels // groups
    return 1, ceil_div(out_channels // groups, n // groups)


@kernel
def fill_tilings(layer: Ints, machine: Machine, tiling: Ints, split: Ints) -> None:
    """Fill the tables of ``Tilings`` for every layer (and every region size under ISP)."""
    L, N = layer.shape[0], machine.chiplets
    for l in range(L):
        fill_tiling(layer[l, K] // layer[l, G], layer[l, C], machine, tiling, l)
        for n in range(1, N + 1):
            at = l * (N + 1) + n
            split[at, 0], split[at, 1] = isp_share(layer[l, K], layer[l, G], n)
            if n > 1 and split[at - 1, 1] == split[at, 1]:
                for d in range(tiling.shape[1]):
                    for column in range(3):
                        tiling[L + at, d, column] = tiling[L + at - 1, d, column]
            else:
                fill_tiling(split[at, 1], layer[l, C], machine, tiling, L + at)


def tilings(net: NetworkArrays, machine: Machine) -> Tilings:
    """Tables of the best tilings of every layer of ``net`` on ``machine``."""
    L, N, D = len(net.layer), machine.chiplets, group_counts(machine.pes)
    out = Tilings(
        tiling=np.zeros((L + L * (N + 1), D, 3), dtype=np.int64),
        split=np.zeros((L * (N + 1), 2), dtype=np.int64),
    )
    fill_tilings(net.layer, machine, out.tiling, out.split)
    return out


@inner
def share(
    row: LayerRow, split_g: int, split_k: int, partition: int, u: int, tiles: tuple[int, int, int]
) -> tuple[int, int, int, int, int, int]:
    """One chiplet's share of a layer: (groups, channels of a group, samples, rows, columns, active chiplets).

    ``split_g`` and ``split_k`` are the layer's ISP share at this region size.
    """
    if partition == ISP:
        active = ceil_div(row.g, split_g) * ceil_div(row.k // row.g, split_k)
        return split_g, split_k, u, row.p, row.q, active
    samples = ceil_div(u, tiles[0])
    high = ceil_div(row.p, tiles[1])
    wide = ceil_div(row.q, tiles[2])
    active = ceil_div(u, samples) * ceil_div(row.p, high) * ceil_div(row.q, wide)
    return row.g, row.k // row.g, samples, high, wide, active


@inner
def array_cycles(tiling: Ints, t: int, kernel_size: int, g: int, positions: int) -> tuple[int, int, int]:
    """Cycles of the PE array, with the d and p of the tiling that it uses (least d on a tie).

    Grouped layers run one group's channels at a time.
    """
    best = tiling[t, 0, 0] * positions
    used = 0
    for index in range(1, tiling.shape[1]):
        cycles = tiling[t, index, 0] * ceil_div(positions, tiling[t, index, 2])
        if cycles < best:
            best = cycles
            used = index
    return g * best * kernel_size, tiling[t, used, 2], tiling[t, used, 1]


@inner
def vector_cycles(row: LayerRow, partition: int, u: int, g: int, k: int, positions: int, lanes: int) -> int:
    """Cycles of the vector unit for the operators fused into the layer."""
    if partition == ISP:
        return ceil_div(ceil_div(row.vector * u * g * k, row.k), lanes)
    return ceil_div(ceil_div(row.vector * positions, row.p * row.q), lanes)


@inner
def weight_share(row: LayerRow, partition: int, n: int, g: int, k: int) -> int:
    """Distinct bytes of the layer's weights that one chiplet stores."""
    if partition == ISP:
        return ceil_div(row.weight_bytes * g * k, row.k)
    if partition == 0:
        return row.weight_bytes
    return ceil_div(row.weight_bytes, n)
