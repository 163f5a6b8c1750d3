"""Labels of a cluster, ways to have run its layers so far, and which of them are kept."""

from __future__ import annotations

from mcmscope.cost.arrays import Ints
from mcmscope.jit import inner

# Columns of a label: ps; bytes of a chiplet: stored, coming in as far as that counts, its widest window,
# coming in; fJ of a beat, and COST, what these and the load come to. STATE: see ``steps.Steps``.
TIME, STORE, BYTES, WIDE, LOADED, PE_FJ, ACTIVATION_FJ, NOP_FJ, COST, STATE, PARENT, PARTITION = range(12)
LABEL_COLUMNS = 12


@inner
def beats_label(first: Ints, a: int, second: Ints, b: int, slack: int) -> bool:
    """Whether label ``first[a]`` is as good as ``second[b]``, of the same state, in everything.

    (Rows of their own would cost more than the comparison.)
    """
    if (
        first[a, TIME] > second[b, TIME]
        or first[a, STORE] > second[b, STORE]
        or first[a, BYTES] > second[b, BYTES]
        or first[a, WIDE] > second[b, WIDE]
    ):
        return False
    if first[a, COST] + slack <= second[b, COST]:
        return True
    return (
        slack > 0
        and first[a, LOADED] <= second[b, LOADED]
        and first[a, PE_FJ] <= second[b, PE_FJ]
        and first[a, ACTIVATION_FJ] <= second[b, ACTIVATION_FJ]
        and first[a, NOP_FJ] <= second[b, NOP_FJ]
    )


@inner
def keep(labels: Ints, end: int, fresh: Ints, slack: int, chains: Ints, after: Ints) -> int:
    """Put ``fresh[0]`` among the labels of a level unless another beats it; the new end, -1 for want of room.

    Labels of one state are a chain by rising costs, that starts at ``chains[state]`` and goes on at
    ``after[label]``, up to -1. Those that the new one beats leave it for the last chain, of free places.
    """
    state, free = fresh[0, STATE], len(chains) - 1
    cheaper, at = -1, int(chains[state])
    while at >= 0 and labels[at, COST] <= fresh[0, COST]:
        if beats_label(labels, at, fresh, 0, slack):
            return end
        if labels[at, COST] < fresh[0, COST]:
            cheaper = at
        at = int(after[at])
    before, at = cheaper, int(chains[state] if cheaper < 0 else after[cheaper])
    while at >= 0:
        behind = int(after[at])
        if beats_label(fresh, 0, labels, at, slack):
            if before < 0:
                chains[state] = behind
            else:
                after[before] = behind
            after[at] = chains[free]
            chains[free] = at
        else:
            before = at
        at = behind
    place = chains[free]
    if place >= 0:
        chains[free] = after[place]
    elif end == len(labels):
        return -1
    else:
        place = end
        end += 1
    for column in range(LABEL_COLUMNS):
        labels[place, column] = fresh[0, column]
    if cheaper < 0:
        after[place] = chains[state]
        chains[state] = place
    else:
        after[place] = after[cheaper]
        after[cheaper] = place
    return end


@inner
def close_gaps(labels: Ints, start: int, end: int, chains: Ints, after: Ints) -> int:
    """Close the gaps of a level that is done, and empty its chains; returns its end."""
    place = chains[len(chains) - 1]
    while place >= 0:
        labels[place, STATE] = -1
        place = after[place]
    write = start
    for x in range(start, end):
        if labels[x, STATE] < 0:
            continue
        if write != x:
            for column in range(LABEL_COLUMNS):
                labels[write, column] = labels[x, column]
        write += 1
    for state in range(len(chains)):
        chains[state] = -1
    return write
