"""All ways to run a cluster that no other beats, nothing left out beforehand."""

from __future__ import annotations

import numpy as np

from mcmscope.cost.arrays import MADE_BEFORE
from mcmscope.cost.nop import ingress_mb_per_s
from mcmscope.search.context import SearchContext
from mcmscope.search.front.cluster import (
    ACTIVATION_BEAT,
    HELD_BYTES,
    LOADED_BYTES,
    NOP_BEAT,
    PE_BEAT,
    POINT_COLUMNS,
    POINT_PS,
    cluster_points,
)
from mcmscope.search.front.labels import LABEL_COLUMNS
from mcmscope.search.front.layers import layer_table
from mcmscope.search.front.small import scale_of
from mcmscope.search.tables import NEVER

Way = tuple[int, int, int, int]
"""Time (ps), energy of the batch (fJ), bytes held, and loaded as far as that counts."""


def all_ways(context: SearchContext, u: int, i: int, j: int, n: int) -> list[Way]:
    """The ways to run cluster [i, j) on n chiplets."""
    model, m, L = context.model, context.batch, context.layers
    labels = np.zeros((20_000, LABEL_COLUMNS), dtype=np.int64)
    points = np.zeros((4_000, POINT_COLUMNS), dtype=np.int64)
    found = cluster_points(
        model.net,
        model.machine,
        layer_table(model, u),
        scale_of(context, u),
        i,
        j,
        n,
        u,
        int(max(model.net.span[MADE_BEFORE, b, L] for b in range(L + 1))),
        int(context.dram_ps[i, j]),
        NEVER,
        NEVER,
        0,
        NEVER,
        m,
        np.zeros((0, 2), dtype=np.int64),
        labels,
        points,
        np.zeros((4_000, j - i), dtype=np.int64),
    )
    assert found >= 0
    free = free_bytes(context, i, j, n)
    return [
        (row[POINT_PS], energy_of(context, u, n, row), row[HELD_BYTES], max(row[LOADED_BYTES], free))
        for row in points[:found].tolist()
    ]


def free_bytes(context: SearchContext, i: int, j: int, n: int) -> int:
    """What a chiplet takes in while DRAM sends all weights of [i, j): to load less is no faster."""
    return int(context.dram_ps[i, j]) // 1_000_000 * int(ingress_mb_per_s(n, context.model.machine))


def energy_of(context: SearchContext, u: int, n: int, point: list[int]) -> int:
    """Energy (fJ of the batch) of a point, spilling apart."""
    beat = point[PE_BEAT] + point[ACTIVATION_BEAT] + point[NOP_BEAT]
    return context.batch * beat // u + point[LOADED_BYTES] * n * context.model.terms.hop_byte_fj
