"""Whether a segment keeps to a beat: the fewest clusters, on chiplets that there are."""

from __future__ import annotations

import numpy as np

from mcmscope.cost.arrays import Ints, NetworkArrays
from mcmscope.cost.compute import ceil_div, transfer_ps
from mcmscope.cost.machine import Machine
from mcmscope.cost.memory import cluster_need, cut_bytes, relayed_bytes, spill_ps
from mcmscope.jit import inner, kernel
from mcmscope.search.exact.front import FRONT_HELD, FRONT_LOAD, FRONT_TIME
from mcmscope.search.exact.settle import MADE, PROBED, Known, Room, Setting, is_known, settle
from mcmscope.search.tables import NEVER

AT_ONCE = 8
"""Sizes of regions on which a cluster is made exact before the clusters are chosen anew."""

MANY_LABELS = 100_000
"""Labels after which a kernel comes back undecided, so that the limit can be looked at."""

UNDECIDED = -5
"""Returned where the same question has to be asked again."""


@inner
def first_size(least: Ints, s: int, beat: int, limit: int) -> int:
    """The least n with ``least[s, n] <= beat``, or ``limit + 1``; ``least`` falls with n."""
    if least[s, limit] > beat:
        return limit + 1
    low = 1
    high = limit
    while low < high:
        middle = (low + high) // 2
        if least[s, middle] <= beat:
            high = middle
        else:
            low = middle + 1
    return low


@inner
def fill_sizes(
    shape: Ints, least: Ints, least_ps: Ints, longest: int, limit: int, beat: int, size: Ints, begin: Ints
) -> None:
    """``size[j, i]``: fewest chiplets on which cluster [i, j) may keep to ``beat`` (ps); ``limit + 1``: none.

    Only from i = ``begin[j]`` on: longer clusters never do. A row holds what ``reach`` reads in turn.
    """
    of_shape = np.zeros(len(least), dtype=np.int64)
    for s in range(len(least)):
        of_shape[s] = first_size(least, s, beat, limit)
    for j in range(1, len(begin)):
        i = j
        while i > max(0, j - longest) and least_ps[j] - least_ps[i - 1] <= beat:
            i -= 1
            size[j, i] = of_shape[shape[i, j]]
        begin[j] = i


@kernel
def segment_cuts(net: NetworkArrays, machine: Machine, a: int, b: int, u: int, cuts: Ints) -> None:
    """``cuts[j - a]``: floor (ps) that a cluster boundary at j puts under the beat of segment [a, b)."""
    for j in range(a + 1, b):
        cuts[j - a] = transfer_ps(u * cut_bytes(net, a, b, j), machine.cut_mb_per_s)


@inner
def reach(
    net: NetworkArrays,
    machine: Machine,
    size: Ints,
    begin: Ints,
    least_ps: Ints,
    a: int,
    end: int,
    u: int,
    limit: int,
    beat: int,
    most: int,
    chiplets: Ints,
    useful: Ints,
    clusters: Ints,
) -> None:
    """``clusters[b]``: at least so many clusters segment [a, b) needs at ``beat``; ``most + 1``: too many.

    Up to b = ``end``. Floors that only some b have are left out. ``least_ps[L + 1]`` are prefix sums of the
    layers' least times, ``chiplets`` and ``useful`` are scratch, ``size`` and ``begin`` as in ``fill_sizes``.
    """
    L = len(net.layer)
    for b in range(a, end + 1):
        clusters[b] = most + 1
    chiplets[a, 0] = 0
    clusters[a] = 0
    useful[a, 0] = 1
    useful[a, 1] = 0
    furthest = a
    for j in range(a + 1, end + 1):
        for k in range(most + 1):
            chiplets[j, k] = limit + 1
        useful[j, 0] = 0
        for i in range(max(a, begin[j]), j):
            n = size[j, i]
            if n > limit:
                continue
            for x in range(1, useful[i, 0] + 1):
                k = useful[i, x]
                if k < most and chiplets[i, k] + n < chiplets[j, k + 1]:
                    chiplets[j, k + 1] = chiplets[i, k] + n
        keep_useful(chiplets[j], useful[j], limit, most)
        if useful[j, 0] > 0:
            clusters[j] = useful[j, 1]
            furthest = j
            # A cluster boundary here must let pass at least what the next layer reads.
            passing = u * cut_bytes(net, a, j + 1, j) if j < L else 0
            if transfer_ps(passing, machine.cut_mb_per_s) > beat:
                useful[j, 0] = 0
        if least_ps[j] - least_ps[furthest] > beat:
            break


@inner
def keep_useful(chiplets: Ints, useful: Ints, limit: int, most: int) -> None:
    """List the numbers of clusters k whose ``chiplets[k]`` are fewer than those of all smaller k.

    ``useful[0]`` is their number, they follow ascending.
    """
    fewest = limit + 1
    count = 0
    for k in range(most + 1):
        if chiplets[k] < fewest:
            fewest = chiplets[k]
            count += 1
            useful[count] = k
    useful[0] = count


@kernel
def bound_segments(
    net: NetworkArrays,
    machine: Machine,
    shape: Ints,
    least: Ints,
    least_ps: Ints,
    floor: Ints,
    load_ps: Ints,
    u: int,
    beats: int,
    longest: int,
    most_clusters: int,
    limit: int,
    trial: Ints,
    upper: int,
    ahead: Ints,
    behind: Ints,
    value: Ints,
) -> None:
    """Lower ``value[a, b]`` to a bound of the time (ps) of every segment of several layers.

    ``trial`` holds ascending beats (ps); between two of them a segment has at least the clusters that the
    longer one needs, and at least the beat of the shorter one or its own ``floor[a, b]``. The last of them
    allows ``upper`` in ``beats``. Paths of ``upper`` and more do not count: what lies before layer a takes
    ``ahead[a]`` at least, what begins with b ``behind[b]``.
    """
    L = len(net.layer)
    size = np.zeros((L + 1, L + 1), dtype=np.int64)
    begin = np.zeros(L + 1, dtype=np.int64)
    clusters = np.zeros(L + 1, dtype=np.int64)
    chiplets = np.zeros((L + 1, min(L, limit) + 1), dtype=np.int64)
    useful = np.zeros((L + 1, min(L, limit) + 2), dtype=np.int64)
    below = 0
    for beat in trial:
        most = min(min(most_clusters, limit), upper // max(1, below) - beats + 1)
        fill_sizes(shape, least, least_ps, longest, limit, beat, size, begin)
        for a in range(L - 1):
            # The longest segment that beats above ``below`` still say something about.
            end = 0
            for b in range(a + 2, L + 1):
                run = load_ps[a, b] + beats * max(below + 1, floor[a, b])
                if floor[a, b] <= beat and run < min(value[a, b], upper - ahead[a] - behind[b]):
                    end = b
            if end == 0:
                continue
            reach(
                net,
                machine,
                size,
                begin,
                least_ps,
                a,
                end,
                u,
                limit,
                beat,
                most,
                chiplets,
                useful,
                clusters,
            )
            for b in range(a + 2, end + 1):
                if clusters[b] <= most and floor[a, b] <= beat:
                    run = (beats + clusters[b] - 1) * max(below + 1, floor[a, b])
                    value[a, b] = min(value[a, b], load_ps[a, b] + run)
        below = beat


@inner
def stage_size(
    net: NetworkArrays,
    machine: Machine,
    own: Known,
    a: int,
    b: int,
    i: int,
    j: int,
    u: int,
    relayed: int,
    limit: int,
    io_ps: int,
    beat: int,
    load: int,
) -> int:
    """Fewest chiplets on which cluster [i, j) of segment [a, b) may keep to ``beat`` and ``load`` (ps).

    Where its ways are not known yet, bounds stand for them. ``limit + 1``: none.
    """
    s = own.shape[i, j]
    for n in range(first_size(own.least, s, beat, limit), limit + 1):
        if own.bound[s, n] > beat:
            continue
        if not is_known(own, s, n, beat):
            held = cluster_need(net, i, j, n, u) - machine.activation_free
            if held + ceil_div(u * relayed, n) > 0:
                held += ceil_div(u * relayed_bytes(net, a, b, i, j), n)
                if io_ps + spill_ps(max(0, held), machine) > beat:
                    continue
            return n
        relay = -1
        for w in range(own.row[s, n], own.row[s, n] + own.many[s, n]):
            if own.ways[w, FRONT_TIME] > beat or own.ways[w, FRONT_LOAD] > load:
                continue
            held = own.ways[w, FRONT_HELD] - machine.activation_free
            if held + ceil_div(u * relayed, n) <= 0:
                return n
            if relay < 0:
                relay = ceil_div(u * relayed_bytes(net, a, b, i, j), n)
            if io_ps + spill_ps(max(0, held + relay), machine) <= beat:
                return n
    return limit + 1


@inner
def fewest_clusters(
    net: NetworkArrays,
    machine: Machine,
    own: Known,
    least_ps: Ints,
    work: Ints,
    cuts: Ints,
    a: int,
    b: int,
    u: int,
    relayed: int,
    longest: int,
    limit: int,
    io_ps: int,
    beat: int,
    load: int,
    most: int,
    sizes: Ints,
    ends: Ints,
    regions: Ints,
) -> int:
    """Fewest clusters, at most ``most``, with which segment [a, b) may keep to ``beat`` and ``load`` (ps).

    Clusters have at most ``longest`` layers. Fills ``ends`` and ``regions`` of these clusters, of all such on
    the fewest chiplets; ``most + 1``: there are none. ``work[L + 1]`` are prefix sums of the layers' least
    chiplets times ps; ``sizes[i - a, j - a]`` remembers ``stage_size``, 0 where it is not known.
    """
    length = b - a
    chiplets = np.full((length + 1, most + 1), limit + 1)
    parent = np.zeros((length + 1, most + 1), dtype=np.int64)
    useful = np.zeros((length + 1, most + 2), dtype=np.int64)
    chiplets[0, 0] = 0
    useful[0, 0] = 1
    for j in range(a + 1, b + 1):
        x = j - a
        if j < b and cuts[x] > beat:
            continue
        room = limit - ceil_div(work[b] - work[j], beat)
        for i in range(j - 1, max(a, j - longest) - 1, -1):
            if least_ps[j] - least_ps[i] > beat:
                break
            if ceil_div(work[j] - work[i], beat) > room:
                break
            y = i - a
            if useful[y, 0] == 0:
                continue
            n = sizes[y, x]
            if n == 0:
                n = stage_size(
                    net,
                    machine,
                    own,
                    a,
                    b,
                    i,
                    j,
                    u,
                    relayed,
                    limit,
                    io_ps,
                    beat,
                    load,
                )
                sizes[y, x] = n
            if n > room:
                continue
            for index in range(1, useful[y, 0] + 1):
                k = useful[y, index]
                total = chiplets[y, k] + n
                if k < most and total <= room and total < chiplets[x, k + 1]:
                    chiplets[x, k + 1] = total
                    parent[x, k + 1] = i
        keep_useful(chiplets[x], useful[x], limit, most)
    found = useful[length, 1] if useful[length, 0] > 0 else most + 1
    if found <= most:
        j = b
        for k in range(found, 0, -1):
            i = parent[j - a, k]
            ends[k - 1] = j
            regions[k - 1] = chiplets[j - a, k] - chiplets[i - a, k - 1]
            j = i
    return found


@inner
def forget(own: Known, s: int, a: int, b: int, sizes: Ints) -> None:
    """Clear ``sizes`` of clusters of shape s, of which more is known now."""
    for i in range(a, b):
        for j in range(i + 1, b + 1):
            if own.shape[i, j] == s:
                sizes[i - a, j - a] = 0


@kernel
def probe(
    net: NetworkArrays,
    machine: Machine,
    setting: Setting,
    own: Known,
    room: Room,
    least_ps: Ints,
    work: Ints,
    cuts: Ints,
    a: int,
    b: int,
    longest: int,
    limit: int,
    io_ps: int,
    beat: int,
    load: int,
    most: int,
    cap: int,
    ends: Ints,
    regions: Ints,
) -> int:
    """As ``fewest_clusters``, but with clusters whose ways are known: all else that is used is made exact.

    Ways are looked for up to ``cap`` ps. Below 0: there was no room, as in ``refine``, or ``UNDECIDED``.
    """
    begun = own.tally[MADE]
    sizes = np.zeros((b - a + 1, b - a + 1), dtype=np.int64)
    while own.tally[MADE] - begun < MANY_LABELS:
        own.tally[PROBED] += 1
        count = fewest_clusters(
            net,
            machine,
            own,
            least_ps,
            work,
            cuts,
            a,
            b,
            setting.u,
            setting.relayed,
            longest,
            limit,
            io_ps,
            beat,
            load,
            most,
            sizes,
            ends,
            regions,
        )
        if count > most:
            return count
        sure = True
        i = a
        for k in range(count):
            j, n = ends[k], regions[k]
            if not is_known(own, own.shape[i, j], n, beat):
                sure = False
                rest = work[b] - work[a] - work[j] + work[i]
                widest = max(n, min(limit - ceil_div(rest, beat), n + AT_ONCE - 1))
                told = settle(net, machine, setting, own, room, i, j, n, widest, beat, cap)
                if told < 0:
                    return told
                forget(own, own.shape[i, j], a, b, sizes)
            i = j
        if sure:
            return count
    return UNDECIDED


@kernel
def choose_ways(
    net: NetworkArrays,
    machine: Machine,
    setting: Setting,
    own: Known,
    cuts: Ints,
    a: int,
    io_ps: int,
    beat: int,
    load: int,
    ends: Ints,
    regions: Ints,
    ways: Ints,
) -> tuple[int, int]:
    """The beat (ps) that clusters keep in the ways that load least, and the longest of these loads.

    Fills ``ways``, one for each of ``ends``. All keep to ``beat`` and ``load``.
    """
    b = ends[-1]
    kept = io_ps
    longest = 0
    i = a
    for k in range(len(ends)):
        j, n = ends[k], regions[k]
        s = own.shape[i, j]
        relayed = ceil_div(setting.u * relayed_bytes(net, a, b, i, j), n)
        least: int = NEVER
        fastest: int = NEVER
        for w in range(own.row[s, n], own.row[s, n] + own.many[s, n]):
            excess = max(0, own.ways[w, FRONT_HELD] + relayed - machine.activation_free)
            time = max(own.ways[w, FRONT_TIME], io_ps + spill_ps(excess, machine))
            loaded = own.ways[w, FRONT_LOAD]
            if time > beat or loaded > load or loaded > least or (loaded == least and time >= fastest):
                continue
            least, fastest = loaded, time
            ways[k] = w
        kept = max(kept, fastest)
        longest = max(longest, least)
        if j < b:
            kept = max(kept, int(cuts[j - a]))
        i = j
    return kept, longest
