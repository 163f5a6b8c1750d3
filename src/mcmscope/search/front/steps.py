"""Steps of a cluster from layer to layer under one tile grid, and what the layers ahead take at least.

A state is how the tensors lie that are still awaited (its layouts), and whether a gather window was as wide
as is asked for; a step runs the next layer in one partition. With a
beat's time and stored weights paid for (Lagrange multipliers), the best way through all steps is a shortest
path: a lower bound of every way that keeps to a time and a buffer, and a sharp one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mcmscope.cost.arrays import ISP, OUTSIDE, SHARDED, SOURCE, SPLIT, TILED, Ints, NetworkArrays
from mcmscope.cost.machine import Machine
from mcmscope.cost.nop import ingress_mb_per_s
from mcmscope.jit import inner
from mcmscope.search.front.layers import (
    ACTIVE,
    ARRIVING,
    BUSY,
    DISTINCT,
    FAR,
    INGRESS,
    NEAR,
    PE,
    READ,
    STORED,
    STREAM,
    SWAPPED,
    TAKEN,
    WINDOW,
    LayerTable,
    layer_ps,
)

MOST_STATES = 128
"""Layouts of a level that are told apart; clusters with more are not priced."""
BEYOND = 2**60
"""What no way costs."""

# Columns of a step. TO: the layouts behind it, -1: not allowed. Picoseconds and fJ of a beat, bytes of a
# chiplet; SPENT: fJ of the batch, what weights cost to come in included.
TO, STEP_PS, STEP_STORED, STEP_LOADED, STEP_WINDOW, STEP_PE, STEP_ACTIVATION, STEP_NOP, SPENT = range(9)
STEP_COLUMNS = 9

SLOPES = 11
"""Prices of a picosecond: none, and from 1/32 to 128 times what a cluster spends in one."""
ROOMS = 4
"""Prices of stored weights: none, and up to what gathering them costs."""
UNIT = 64
"""Bytes that are paid for at a time."""


class Steps(NamedTuple):
    """Room for the steps of one cluster; layouts, states and steps of each level.

    State 2 y + 1 is that of layouts y after a window that is wide enough, 2 y before any.
    """

    word: Ints  # [length + 1, MOST_STATES]: bits of awaited tensors, 1: split
    layouts: Ints  # [length + 1]: how many
    follow: Ints  # [length, MOST_STATES, 2]: the next layouts, tiled or split
    step: Ints  # [length, MOST_STATES, 3, STEP_COLUMNS]
    ahead: Ints  # [length + 1, 2 * MOST_STATES, K]: least fJ and prices of the layers ahead
    ahead_ps: Ints  # [length + 1, 2 * MOST_STATES]: their least time


@inner
def make_steps(length: int, prices: int) -> Steps:
    """Room for a cluster of so many layers and so many pairs of prices."""
    return Steps(
        np.zeros((length + 1, MOST_STATES), dtype=np.int64),
        np.zeros(length + 1, dtype=np.int64),
        np.zeros((length, MOST_STATES, 2), dtype=np.int64),
        np.zeros((length, MOST_STATES, 3, STEP_COLUMNS), dtype=np.int64),
        np.zeros((length + 1, 2 * MOST_STATES, prices), dtype=np.int64),
        np.zeros((length + 1, 2 * MOST_STATES), dtype=np.int64),
    )


@inner
def fill_prices(
    machine: Machine, n: int, u: int, m: int, hop_fj: int, slope: int, most_ps: int, prices: Ints
) -> None:
    """``prices[SLOPES * ROOMS, 2]``: fJ per ps of a beat and per ``UNIT`` of stored weights.

    ``slope``: fJ that go with a ps, about; times are up to ``most_ps``.
    """
    gathered_ps = UNIT * 1_000_000 // ingress_mb_per_s(n, machine) + 1
    room = machine.weight_limit // UNIT + 1
    slope = min(slope, BEYOND // 256 // max(most_ps, gathered_ps * room))
    for x in range(SLOPES):
        per_ps = 0 if x == 0 else (slope << (x - 1 if x < 8 else 2 * x - 8)) // 32
        for y in range(ROOMS):
            whole = UNIT * n * hop_fj * m // u + per_ps * gathered_ps
            prices[x * ROOMS + y, 0] = per_ps
            prices[x * ROOMS + y, 1] = 0 if y == 0 else whole >> (2 * (ROOMS - 1 - y))


@inner
def fill_states(net: NetworkArrays, i: int, j: int, slot: Ints, free_after: Ints, steps: Steps) -> bool:
    """The states between the layers of cluster [i, j); False: they are too many."""
    steps.layouts[0] = 1
    steps.word[0, 0] = 0
    for x in range(j - i):
        made = 0
        for y in range(steps.layouts[x]):
            kept = steps.word[x, y]
            for t in range(i, i + x):
                if slot[t - i] >= 0 and free_after[t - i] == i + x:
                    kept &= ~(1 << slot[t - i])
            for split in range(2):
                word = kept | (1 << slot[x]) if split == 1 and slot[x] >= 0 else kept
                z = 0
                while z < made and steps.word[x + 1, z] != word:
                    z += 1
                if z == MOST_STATES:
                    return False
                steps.word[x + 1, z] = word
                made = max(made, z + 1)
                steps.follow[x, y, split] = z
        steps.layouts[x + 1] = made
    return True


@inner
def fill_steps(
    net: NetworkArrays,
    machine: Machine,
    table: LayerTable,
    i: int,
    j: int,
    n: int,
    g: int,
    u: int,
    m: int,
    hop_fj: int,
    write_fj: int,
    widest: int,
    slot: Ints,
    steps: Steps,
) -> None:
    """The steps of cluster [i, j) on n chiplets under tile grid g, with gather windows up to ``widest``."""
    length = j - i
    for x in range(length):
        l = i + x
        kind = table.kind[l]
        first = net.operand_start[l]
        for p in range(3):
            cell = table.base[kind, g, p]
            barred = (p == SHARDED and n == 1) or (length > 1 and cell[WINDOW] > widest)
            for y in range(steps.layouts[x]):
                step = steps.step[x, y, p]
                step[TO] = -1
                if barred:
                    continue
                word = steps.word[x, y]
                ingress, swapped, far, near = cell[INGRESS], 0, 0, cell[NEAR]
                arriving = 0
                for o in range(first, net.operand_start[l + 1]):
                    source = net.operand[o, SOURCE]
                    where = OUTSIDE
                    if source >= i:
                        where = SPLIT if (word >> slot[source - i]) & 1 else TILED
                    move = table.move[table.start[kind] + o - first, g, p, where]
                    ingress += move[TAKEN]
                    swapped += move[SWAPPED]
                    arriving += move[ARRIVING]
                    if move[FAR] == 1:
                        far += move[TAKEN] * cell[ACTIVE]
                    else:
                        near += move[TAKEN] * cell[ACTIVE]
                step[TO] = steps.follow[x, y, 1 if p == ISP else 0]
                step[STEP_PS] = layer_ps(cell[BUSY], arriving, ingress, swapped, n, machine)
                step[STEP_STORED] = cell[STORED]
                step[STEP_LOADED] = cell[DISTINCT]
                step[STEP_WINDOW] = cell[STREAM] if length == 1 else cell[WINDOW]
                step[STEP_PE] = cell[PE]
                step[STEP_ACTIVATION] = cell[READ] + ingress * cell[ACTIVE] * write_fj
                step[STEP_NOP] = hop_fj * (near + far * table.milli_hops[n] // 1000)
                beat = step[STEP_PE] + step[STEP_ACTIVATION] + step[STEP_NOP]
                step[SPENT] = m * beat // u + step[STEP_LOADED] * n * hop_fj


@inner
def next_state(state: int, step: Ints, narrow: int) -> int:
    """The state behind a step that is allowed, where a window of ``narrow`` bytes is wide enough."""
    wide = state & 1 == 1 or step[STEP_WINDOW] >= narrow
    return 2 * step[TO] + (1 if wide else 0)


@inner
def fill_ahead(length: int, prices: Ints, most_ps: int, narrow: int, steps: Steps) -> None:
    """What the layers ahead of each state take at least in up to ``most_ps``, at each of ``prices[K, 2]``.

    Some layer has a gather window of at least ``narrow`` bytes.
    """
    ahead, ahead_ps = steps.ahead, steps.ahead_ps
    for state in range(2 * steps.layouts[length]):
        reached = 0 if state & 1 == 1 else BEYOND
        ahead_ps[length, state] = reached
        for k in range(len(prices)):
            ahead[length, state, k] = reached
    for x in range(length - 1, -1, -1):
        for state in range(2 * steps.layouts[x]):
            ahead_ps[x, state] = BEYOND
            for k in range(len(prices)):
                ahead[x, state, k] = BEYOND
            for p in range(3):
                step = steps.step[x, state >> 1, p]
                if step[TO] < 0:
                    continue
                to = next_state(state, step, narrow)
                if ahead_ps[x + 1, to] >= BEYOND:
                    continue
                ahead_ps[x, state] = min(ahead_ps[x, state], step[STEP_PS] + ahead_ps[x + 1, to])
                for k in range(len(prices)):
                    if step[STEP_PS] > most_ps and prices[k, 0] > 0:
                        continue
                    paid = step[SPENT] + prices[k, 0] * step[STEP_PS]
                    paid += prices[k, 1] * (step[STEP_STORED] // UNIT)
                    ahead[x, state, k] = min(ahead[x, state, k], paid + ahead[x + 1, to, k])


@inner
def least_spent(ahead: Ints, prices: Ints, left_ps: int, left_bytes: int) -> int:
    """The least energy that layers can take which have ``ahead[K]``, so much time and so much room left."""
    least = 0
    units = (left_bytes + UNIT - 1) // UNIT
    for k in range(len(prices)):
        unpaid = prices[k, 0] * left_ps + prices[k, 1] * units
        least = max(least, ahead[k] - unpaid)
    return least
