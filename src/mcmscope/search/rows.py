"""Layers run in a row on some chiplets under one tile grid, as one cluster.

A label is a way to have run the layers so far. Only a few are kept, the best of each layout of the tensors
that are still awaited, so a row takes time in proportion to its layers.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mcmscope.cost.arrays import ISP, OUTSIDE, SHARDED, SOURCE, SPLIT, TILED, Ints, NetworkArrays
from mcmscope.cost.machine import Machine
from mcmscope.cost.memory import spill_ps
from mcmscope.jit import inner, kernel
from mcmscope.search.exact.costs import (
    BUSY,
    DISTINCT,
    INGRESS,
    MOST_DIGITS,
    STORED,
    WINDOW,
    LayerCosts,
    layer_ps,
)
from mcmscope.search.fused import fill_slots

WIDTH = 6
"""Labels kept per layer."""
PATTERNS = 8
"""Patterns of layouts for which the time of a layer with many operands is remembered."""

# Columns of a label.
KEY, SCORE, PASSED, KEPT, LOADED, WIDEST, PARENT, PARTITION = range(8)
LABEL_COLUMNS = 8


class Words(NamedTuple):
    """Bits of a word that says how awaited tensors lie (1: split), for the whole network."""

    slot: Ints  # [L]: the bit of the layer's output; -1: none, it counts as tiled
    own: Ints  # [L]: the same as a mask
    stay: Ints  # [L]: masks the bits of tensors that are awaited behind the layer


class Scratch(NamedTuple):
    """Room for one row of up to ``longest`` layers."""

    labels: Ints  # [longest + 1, WIDTH, LABEL_COLUMNS]
    made: Ints  # [longest + 1]: labels of each level
    seen: Ints  # [longest]: patterns of each layer whose times are known
    known: Ints  # [longest, PATTERNS, 4]: times (ps) by partition, and the pattern


def words(net: NetworkArrays) -> Words:
    """The bits of a network's tensors."""
    L = len(net.layer)
    slot, own, stay = (np.zeros(L, dtype=np.int64) for _ in range(3))
    fill_words(net, slot, own, stay)
    return Words(slot, own, stay)


@kernel
def fill_words(net: NetworkArrays, slot: Ints, own: Ints, stay: Ints) -> None:
    """Fill the arrays of ``Words``; no bits where more tensors are awaited at once than a word has."""
    L = len(net.layer)
    free_after = np.zeros(L, dtype=np.int64)
    filled = fill_slots(net, 0, L, slot, free_after)
    for l in range(L):
        if not filled:
            slot[l] = -1
        own[l] = 1 << slot[l] if slot[l] >= 0 else 0
        stay[l] = -1
    for t in range(L):
        if slot[t] >= 0:
            stay[free_after[t]] &= ~(1 << slot[t])


@inner
def make_scratch(longest: int) -> Scratch:
    """Scratch for rows of up to so many layers."""
    return Scratch(
        np.zeros((longest + 1, WIDTH, LABEL_COLUMNS), dtype=np.int64),
        np.zeros(longest + 1, dtype=np.int64),
        np.zeros(longest, dtype=np.int64),
        np.zeros((longest, PATTERNS, 4), dtype=np.int64),
    )


@inner
def operands_ps(
    net: NetworkArrays,
    machine: Machine,
    costs: LayerCosts,
    begin: int,
    kind: int,
    l: int,
    i: int,
    n: int,
    g: int,
    p: int,
    word: int,
    slot: Ints,
) -> int:
    """Time of layer l of a cluster that begins at i, operand by operand."""
    ingress = costs.base[kind, g, p, INGRESS]
    arriving = 0
    swapped = 0
    for o in range(net.operand_start[l], net.operand_start[l + 1]):
        to = begin + o - net.operand_start[l]
        source = net.operand[o, SOURCE]
        layout = OUTSIDE
        if source >= i:
            split = slot[source] >= 0 and (word >> slot[source]) & 1 == 1
            layout = SPLIT if split else TILED
        ingress += costs.move[to, g, p, layout, 0]
        swapped += costs.move[to, g, p, layout, 1]
        arriving += costs.move[to, g, p, layout, 2]
    return layer_ps(costs.base[kind, g, p, BUSY], arriving, ingress, swapped, n, machine)


@inner
def place_of(labels: Ints, count: int, key: int, score: int) -> int:
    """Where a label of this key and score belongs; -1: nowhere. ``count`` itself: behind the others."""
    slowest = 0
    beaten = -1
    for y in range(count):
        other = labels[y, KEY]
        if other >> 2 == key >> 2:
            # Of the same layouts; what has a window of a narrower class is better if it is as fast.
            if other <= key and labels[y, SCORE] <= score:
                return -1
            if other >= key and labels[y, SCORE] >= score and (beaten < 0 or other == key):
                beaten = y
        if labels[y, SCORE] > labels[slowest, SCORE]:
            slowest = y
    if beaten >= 0:
        return beaten
    if count < WIDTH:
        return count
    return slowest if score < labels[slowest, SCORE] else -1


@inner
def run_row(
    net: NetworkArrays,
    machine: Machine,
    costs: LayerCosts,
    kind: Ints,
    words: Words,
    i: int,
    last: int,
    n: int,
    g: int,
    price: int,
    bound_price: int,
    caps: Ints,
    widest_bytes: int,
    scratch: Scratch,
) -> tuple[int, bool]:
    """Run layers from i on, as far as ``last``, on n chiplets under the g-th tile grid.

    No layer may hold a gather window of more than ``widest_bytes``.

    ``labels[x, :count[x]]`` are the ways to have run x layers in at most ``caps[0, x]`` ps, and in at most
    ``caps[1, x]`` if stored weights are charged at ``bound_price``; ``price`` (ps per KiB) is what storing
    weights costs them in their order. Returns how many layers could be run, and whether a way
    was left out because its weights do not fit. ``scratch.seen`` must be 0 where i or g is new.
    """
    labels, count, seen, known = scratch.labels, scratch.made, scratch.seen, scratch.known
    slot = words.slot
    for column in range(LABEL_COLUMNS):
        labels[0, 0, column] = 0
    count[0] = 1
    # Weights take most of a unified buffer.
    wide = machine.activation_free // (64 if machine.unified == 1 else 4)
    tight = False
    for x in range(last - i):
        l = i + x
        kin = kind[l]
        begin = int(costs.start[kin])
        many = costs.start[kin + 1] - begin > MOST_DIGITS
        awaited = 0
        if many:
            for o in range(net.operand_start[l], net.operand_start[l + 1]):
                source = net.operand[o, SOURCE]
                if source >= i and slot[source] >= 0:
                    awaited |= 1 << slot[source]
        made = 0
        for y in range(count[x]):
            word = labels[x, y, KEY] >> 2
            code = 0
            if many:
                while code < seen[x] and known[x, code, 3] != word & awaited:
                    code += 1
                if code == seen[x]:
                    code = min(code, PATTERNS - 1)
                    seen[x] = code + 1
                    known[x, code, 3] = word & awaited
                    for p in range(3):
                        known[x, code, p] = operands_ps(
                            net, machine, costs, begin, kin, l, i, n, g, p, word, slot
                        )
            else:
                digit = 1
                for o in range(net.operand_start[l], net.operand_start[l + 1]):
                    source = net.operand[o, SOURCE]
                    if source >= i:
                        code += digit
                        if slot[source] >= 0:
                            code += digit * ((word >> slot[source]) & 1)
                    digit *= 3
            for p in range(3):
                if p == SHARDED and n == 1:
                    continue
                kept = labels[x, y, KEPT] + costs.base[kin, g, p, STORED]
                if kept > machine.weight_limit:
                    tight = True
                    continue
                time = labels[x, y, PASSED] + (known[x, code, p] if many else costs.timed[kin, g, p, code])
                if time > caps[0, x + 1] or time + kept * bound_price // 1024 > caps[1, x + 1]:
                    continue
                widest = max(labels[x, y, WIDEST], costs.base[kin, g, p, WINDOW])
                if widest > widest_bytes:
                    continue
                follow = (word & words.stay[l]) | (words.own[l] if p == ISP else 0)
                # Four classes of windows: what is faster by a wider one may spill for longer in the end.
                key = 4 * follow + (widest > wide) + (widest > 4 * wide) + (widest > 16 * wide)
                score = time + kept * price // 1024
                to = place_of(labels[x + 1], made, key, score)
                if to < 0:
                    continue
                made = max(made, to + 1)
                labels[x + 1, to, KEY] = key
                labels[x + 1, to, SCORE] = score
                labels[x + 1, to, PASSED] = time
                labels[x + 1, to, KEPT] = kept
                labels[x + 1, to, LOADED] = labels[x, y, LOADED] + costs.base[kin, g, p, DISTINCT]
                labels[x + 1, to, WIDEST] = widest
                labels[x + 1, to, PARENT] = y
                labels[x + 1, to, PARTITION] = p
        count[x + 1] = made
        if made == 0:
            return x, tight
    return last - i, tight


@inner
def held_ps(machine: Machine, label: Ints, need: int) -> int:
    """Time in which a stage spills as a label ran it; ``need`` bytes are held besides."""
    held = need + label[WIDEST] + machine.unified * label[KEPT]
    return spill_ps(max(0, held - machine.activation_free), machine)
