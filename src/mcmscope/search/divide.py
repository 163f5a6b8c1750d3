"""Division of segments into clusters: at a given beat, the clusters that take the fewest chiplets."""

from __future__ import annotations

import numpy as np

from mcmscope.cost.arrays import OUT_BYTES, Ints, NetworkArrays
from mcmscope.jit import inner, kernel
from mcmscope.search.tables import NEVER

COUNT_BITS = 12
"""Low bits of a sum: how many clusters there are. Above them, chiplets and prices in 1/1024."""
UNIT = 1 << (COUNT_BITS + 10)
FAR = np.int64(2**60)
PARTS = 256
"""In how many parts a share of the DRAM bandwidth is counted."""


@kernel
def boundary_bytes(net: NetworkArrays, crossing: Ints) -> None:
    """``crossing[a, j]``: bytes per sample made in [a, j) and used from j on, wherever the segment ends."""
    L = len(net.layer)
    for t in range(L):
        last = t
        for e in range(net.use_start[t], net.use_start[t + 1]):
            last = max(last, net.use[e])
        for j in range(t + 1, min(last + 1, L)):
            crossing[t, j] += net.layer[t, OUT_BYTES]
    for a in range(L - 2, -1, -1):
        for j in range(a + 1, L):
            crossing[a, j] += crossing[a + 1, j]


@inner
def fill_needs(
    times: Ints,
    loads: Ints,
    spills: Ints,
    sizes: Ints,
    shape: Ints,
    weights: Ints,
    border_ps: Ints,
    place: Ints,
    beat: int,
    need: Ints,
    late: Ints,
    over: Ints,
    width: Ints,
) -> None:
    """``need[i, x]``: fewest chiplets (times UNIT) on which x + 1 layers from i on keep to ``beat`` (ps).

    ``late[i, x]``: for how long they load there (ps); ``over[i, x]``: they spill (ps); ``width[i]``: how many
    x there are. ``place[S]`` are the places in ``sizes`` at a longer beat.
    """
    for s in range(len(place)):
        while place[s] < len(sizes) and times[s, place[s]] > beat:
            place[s] += 1
    for i in range(shape.shape[0]):
        width[i] = 0
        for x in range(shape.shape[1]):
            s = shape[i, x]
            if s >= 0 and place[s] < len(sizes):
                size = sizes[place[s]]
                need[i, x] = size * UNIT + 1
                came = ((weights[i + 1 + x] - weights[i]) * border_ps[size]) >> 20
                late[i, x] = max(came, loads[s, place[s]])
                over[i, x] = spills[s, place[s]]
                width[i] = x + 1
            else:
                need[i, x] = FAR


@inner
def loading_need(weights: Ints, entry: Ints, a: int, i: int, j: int) -> int:
    """Fewest chiplets (times UNIT) on which cluster [i, j) loads no longer than DRAM sends weights of [a, j).

    ``weights[L + 1]``: bytes before each layer. ``entry[PARTS + 1]``: fewest chiplets whose border lets so
    many parts of the DRAM bandwidth in.
    """
    own = weights[j] - weights[i]
    if own == 0:
        return UNIT + 1
    part: int = -(-PARTS * own // (weights[j] - weights[a]))
    return int(entry[part]) * UNIT + 1


@inner
def chiplets_of(total: int, price: int) -> int:
    """Chiplets in a sum of needs and prices."""
    count = total & ((1 << COUNT_BITS) - 1)
    return (total - count * (price << COUNT_BITS)) >> (COUNT_BITS + 10)


@inner
def extend(
    begun: int,
    loaded: int,
    spilt: int,
    need: Ints,
    late: Ints,
    over: Ints,
    total: Ints,
    load: Ints,
    spill: Ints,
) -> None:
    """Lower ``total[x]`` to ``begun + need[x]``; where that is less, load and spill are those so far."""
    for x in range(len(need)):  # without branches, for vector instructions
        less = begun + need[x] < total[x]
        total[x] = begun + need[x] if less else total[x]
        load[x] = max(loaded, late[x]) if less else load[x]
        spill[x] = max(spilt, over[x]) if less else spill[x]


@kernel
def estimate_segments(
    times: Ints,
    loads: Ints,
    spills: Ints,
    sizes: Ints,
    shape: Ints,
    cut_ps: Ints,
    io_ps: Ints,
    load_ps: Ints,
    beats: int,
    limit: int,
    trial: Ints,
    prices: Ints,
    weights: Ints,
    border_ps: Ints,
    entry: Ints,
    prompt: int,
    index: int,
    value: Ints,
    choice: Ints,
) -> None:
    """Lower ``value[2, a, b]`` (ps) to what segments take whose clusters keep to a beat of ``trial`` (ps).

    ``times[S, Q]`` falls along ``sizes[Q]``; in ``loads[S, Q]`` chiplets take in their weights,
    in ``spills[S, Q]`` what they cannot hold goes to DRAM and back, after the DRAM traffic of the segment.
    The first view of a segment trusts that other ways to run its stages hold less, the second charges spills.
    ``trial`` falls too. At each beat, clusters are chosen for the fewest chiplets, a cluster charged at each
    of ``prices`` (chiplets / 1024): dearer clusters are fewer.
    A MiB of weights enters a region in ``border_ps[N + 1]``; if ``prompt``, no cluster may load for longer
    than DRAM does (see ``loading_need``). ``choice[2, a, b]`` gets (``index``, beat, price, ``prompt``) where
    a value was lowered.
    """
    L, longest = shape.shape
    need, late, over = np.zeros((3, L, longest), dtype=np.int64)
    width = np.zeros(L, dtype=np.int64)
    place = np.zeros(len(times), dtype=np.int64)
    total = np.zeros(L + 1, dtype=np.int64)
    load, spill = np.zeros((2, L + 1), dtype=np.int64)
    mask = (1 << COUNT_BITS) - 1
    for beat in trial:
        fill_needs(
            times, loads, spills, sizes, shape, weights, border_ps, place, beat, need, late, over, width
        )
        for price in prices:
            charge = price << COUNT_BITS
            for a in range(L):
                if load_ps[a, a + 1] + beats * beat >= value[0, a, L] and value[0, a, L] < NEVER:
                    continue
                for b in range(a, L + 1):
                    total[b] = FAR
                total[a] = 0
                load[a] = 0
                spill[a] = 0
                reach = a
                for i in range(a, L + 1):
                    if i > reach:
                        break
                    if total[i] >= FAR or chiplets_of(total[i], price) > limit:
                        continue
                    if i > a:
                        if io_ps[a, i] <= beat:
                            k = total[i] & mask
                            loaded = load[i] if load_ps[a, i] > 0 else 0
                            for view in range(2):
                                long = beat if view == 0 else max(beat, io_ps[a, i] + spill[i])
                                time = max(load_ps[a, i], loaded) + (beats + k - 1) * long
                                if time < value[view, a, i]:
                                    value[view, a, i] = time
                                    choice[view, a, i, 0] = index
                                    choice[view, a, i, 1] = beat
                                    choice[view, a, i, 2] = price
                                    choice[view, a, i, 3] = prompt
                        if i == L or cut_ps[a, i] > beat:
                            continue
                    begun = total[i] + charge
                    reach = max(reach, i + width[i])
                    if prompt == 0:
                        extend(
                            begun,
                            load[i],
                            spill[i],
                            need[i, : width[i]],
                            late[i],
                            over[i],
                            total[i + 1 :],
                            load[i + 1 :],
                            spill[i + 1 :],
                        )
                        continue
                    for x in range(width[i]):
                        to = i + 1 + x
                        least = need[i, x]
                        if least < FAR:
                            least = max(least, loading_need(weights, entry, a, i, to))
                        if begun + least < total[to]:
                            total[to] = begun + least
                            load[to] = max(load[i], late[i, x])
                            spill[to] = max(spill[i], over[i, x])
                            if least > need[i, x]:  # on more chiplets
                                came = ((weights[to] - weights[i]) * border_ps[least // UNIT]) >> 20
                                load[to] = max(load[i], came, loads[shape[i, x], place[shape[i, x]]])


@kernel
def divide_segment(
    times: Ints,
    sizes: Ints,
    shape: Ints,
    cut_ps: Ints,
    limit: int,
    weights: Ints,
    entry: Ints,
    a: int,
    b: int,
    beat: int,
    price: int,
    prompt: int,
    cuts: Ints,
    regions: Ints,
) -> int:
    """The clusters of segment [a, b) behind an estimate, last first: fills ``cuts`` and ``regions``."""
    total = np.full(b - a + 1, FAR)
    parent = np.zeros(b - a + 1, dtype=np.int64)
    size = np.zeros(b - a + 1, dtype=np.int64)
    total[0] = 0
    for i in range(a, b):
        if total[i - a] >= FAR or chiplets_of(total[i - a], price) > limit or (i > a and cut_ps[a, i] > beat):
            continue
        for x in range(min(shape.shape[1], b - i)):
            s = shape[i, x]
            if s < 0 or times[s, -1] > beat:
                continue
            low = 0
            high = len(sizes) - 1
            while low < high:
                middle = (low + high) // 2
                if times[s, middle] <= beat:
                    high = middle
                else:
                    low = middle + 1
            to = i + 1 + x - a
            least = sizes[low] * UNIT + 1
            if prompt == 1:
                least = max(least, loading_need(weights, entry, a, i, i + 1 + x))
            needed = total[i - a] + (price << COUNT_BITS) + least
            if needed < total[to]:
                total[to] = needed
                parent[to] = i
                size[to] = least // UNIT
    count = 0
    end = b
    while end > a:
        cuts[count] = end
        regions[count] = size[end - a]
        count += 1
        end = parent[end - a]
    return count


@kernel
def run_hashes(
    kind: Ints, operand_start: Ints, source: Ints, sizes: Ints, longest: int, hashed: Ints
) -> None:
    """``hashed[i, x]``: equal for runs of x + 1 layers from i on that cost the same as a cluster.

    ``sizes[:, L + 1, L + 1]`` are bytes that arrive, drain and are alive at the peak.
    """
    L = len(kind)
    for i in range(L):
        word = np.int64(1469598103934665603)
        for x in range(min(longest, L - i)):
            l = i + x
            word = (word ^ kind[l]) * np.int64(1099511628211)
            for o in range(operand_start[l], operand_start[l + 1]):
                word = (word ^ (max(source[o] - i, -1) + 7919)) * np.int64(1099511628211)
                word ^= (word >> 29) & np.int64(0x7FFFFFFFF)
            final = word
            for c in range(sizes.shape[0]):
                final = (final ^ sizes[c, i, l + 1]) * np.int64(1099511628211)
                final ^= (final >> 31) & np.int64(0x1FFFFFFFF)
            hashed[i, x] = final
