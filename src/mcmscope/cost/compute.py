"""Compute: how a layer is shared out over a region and how many cycles one chiplet's share takes."""

from __future__ import annotations

import numpy as np

from mcmscope.cost.arrays import (
    ISP,
    KERNEL,
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
from mcmscope.cost.jit import inner, kernel


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


@inner
def fill_tiling(k: int, c: int, machine: Machine, tiling: Ints, t: int) -> None:
    """Least passes of k x c channels over the array for each number of position groups d.

    ``tiling[t, D, 2]``: ceil(k / (lanes_k p)) * ceil(c / (lanes_c q)) at its least over p q d = PEs, and the p
    that gives it (the largest on a tie: fewer passes over the inputs).
    """
    for index in range(len(machine.groups)):
        room = machine.pes // machine.groups[index]
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
                for d in range(len(machine.groups)):
                    tiling[L + at, d, 0] = tiling[L + at - 1, d, 0]
                    tiling[L + at, d, 1] = tiling[L + at - 1, d, 1]
            else:
                fill_tiling(split[at, 1], layer[l, C], machine, tiling, L + at)


def tilings(net: NetworkArrays, machine: Machine) -> Tilings:
    """Tables of the best tilings of every layer of ``net`` on ``machine``."""
    L, N, D = len(net.layer), machine.chiplets, len(machine.groups)
    out = Tilings(
        tiling=np.zeros((L + L * (N + 1), D, 2), dtype=np.int64),
        split=np.zeros((L * (N + 1), 2), dtype=np.int64),
    )
    fill_tilings(net.layer, machine, out.tiling, out.split)
    return out


@inner
def share(
    layer: Ints, l: int, split: Ints, at: int, partition: int, u: int, tiles: tuple[int, int, int]
) -> tuple[int, int, int, int, int, int]:
    """One chiplet's share of a layer: (groups, channels of a group, samples, rows, columns, active chiplets).

    ``split[at]`` is the layer's ISP share at this region size.
    """
    if partition == ISP:
        active = ceil_div(layer[l, G], split[at, 0]) * ceil_div(layer[l, K] // layer[l, G], split[at, 1])
        return split[at, 0], split[at, 1], u, layer[l, P], layer[l, Q], active
    samples = ceil_div(u, tiles[0])
    high = ceil_div(layer[l, P], tiles[1])
    wide = ceil_div(layer[l, Q], tiles[2])
    active = ceil_div(u, samples) * ceil_div(layer[l, P], high) * ceil_div(layer[l, Q], wide)
    return layer[l, G], layer[l, K] // layer[l, G], samples, high, wide, active


@inner
def array_cycles(
    layer: Ints, l: int, tiling: Ints, t: int, groups: Ints, g: int, positions: int
) -> tuple[int, int, int]:
    """Cycles of the PE array, with the d and p of the tiling that it uses (least d on a tie).

    Grouped layers run one group's channels at a time.
    """
    best = tiling[t, 0, 0] * positions
    used = 0
    for index in range(1, len(groups)):
        cycles = tiling[t, index, 0] * ceil_div(positions, groups[index])
        if cycles < best:
            best = cycles
            used = index
    return g * best * layer[l, KERNEL], groups[used], tiling[t, used, 1]


@inner
def vector_cycles(
    layer: Ints, l: int, partition: int, u: int, g: int, k: int, positions: int, lanes: int
) -> int:
    """Cycles of the vector unit for the operators fused into the layer."""
    if partition == ISP:
        return ceil_div(ceil_div(layer[l, VECTOR] * u * g * k, layer[l, K]), lanes)
    return ceil_div(ceil_div(layer[l, VECTOR] * positions, layer[l, P] * layer[l, Q]), lanes)


@inner
def weight_share(layer: Ints, l: int, partition: int, n: int, g: int, k: int) -> int:
    """Distinct bytes of the layer's weights that one chiplet stores."""
    if partition == ISP:
        return ceil_div(layer[l, WEIGHT_BYTES] * g * k, layer[l, K])
    if partition == 0:
        return layer[l, WEIGHT_BYTES]
    return ceil_div(layer[l, WEIGHT_BYTES], n)
