"""Boxes of one micro-batch: a segment, a range of beats and one of loads; what is known for their sums."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from mcmscope.cost.arrays import MACS, Ints, NetworkArrays
from mcmscope.cost.dram import load_ps
from mcmscope.schedule import Scheme
from mcmscope.search.context import Piece, SearchContext
from mcmscope.search.front.bounds import ENTRY_HELD, ENTRY_LOADED, ENTRY_PS, LOW
from mcmscope.search.front.chains import Known
from mcmscope.search.front.cluster import ACTIVATION_BEAT, GRID, NOP_BEAT, PE_BEAT
from mcmscope.search.front.quick import QuickWays
from mcmscope.search.front.sums import FAR, Box, bound_sums, segment_traffic
from mcmscope.search.front.ways import Ways
from mcmscope.search.limit import Limit
from mcmscope.search.transfers import moving_ps, spilling_ps

Chain = list[tuple[int, int]]
"""Clusters in their order: the end and the entry of each."""
ROOM_FOR_KNOWN = 60_000_000
"""Bytes for the cheapest clusters of ranges of beats, of each micro-batch; at least ``FEW_KNOWN`` ranges."""
FEW_KNOWN = 12


class OutOfTime(Exception):  # noqa: N818 - it is no error
    """The limit was reached before an answer."""


@dataclass
class Work:
    """What may still be done: a number of sums over the clusters of a segment, up to a time."""

    limit: Limit
    left: int = 0

    def spend(self, sums: int) -> None:
        """Count so many sums.

        Raises:
            OutOfTime: there is no more work or time.
        """
        self.left -= sums
        if self.left < 0 or self.limit.reached():
            raise OutOfTime


@dataclass(frozen=True, slots=True)
class Weights:
    """What is made least: ``ps * time + fj * energy``, whole numbers; energy without static power."""

    ps: int
    fj: int

    def of(self, time_ps: int, energy_fj: int) -> int:
        """The weighted sum."""
        return self.ps * time_ps + self.fj * energy_fj


@dataclass(frozen=True)
class Traffic:
    """Bytes per sample that pass clusters by and that cross cuts, of every segment that was asked for."""

    net: NetworkArrays
    known: dict[tuple[int, int], tuple[Ints, Ints]] = field(
        default_factory=dict[tuple[int, int], tuple[Ints, Ints]]
    )

    def of(self, a: int, b: int) -> tuple[Ints, Ints]:
        """``relay[x, y]`` and ``cut[y]`` of segment [a, b); see ``sums.segment_traffic``."""
        if (a, b) not in self.known:
            relay = np.zeros((b - a + 1, b - a + 1), dtype=np.int64)
            cut = np.zeros(b - a + 1, dtype=np.int64)
            segment_traffic(self.net, a, b, relay, cut)
            self.known[a, b] = relay, cut
        return self.known[a, b]


class Boxes:
    """Sums of the boxes of one micro-batch.

    ``fixed[a, b]``: energy (fJ of the batch) that every way to run a segment takes.
    """

    def __init__(
        self,
        context: SearchContext,
        scheme: Scheme,
        ways: Ways | QuickWays,
        fixed: Ints,
        traffic: Traffic,
        work: Work,
    ) -> None:
        self.context, self.ways, self.fixed, self.traffic, self.work = context, ways, fixed, traffic, work
        self.one_layer = int(scheme in (Scheme.SEQUENTIAL, Scheme.SEGMENTED_PIPELINE, Scheme.FULL_PIPELINE))
        self.one_cluster = int(scheme in (Scheme.SEQUENTIAL, Scheme.SEQUENTIAL_FUSED))
        self.beats = -(-context.batch // ways.u)
        self.io_ps: Ints = moving_ps(ways.u * context.io, context.model.machine.dram_mb_per_s)
        self.prices = np.zeros(1, dtype=np.int64)
        self.known: dict[int, Known] = {}
        self.version = np.zeros(len(ways.begin), dtype=np.int64)
        none, rows = np.zeros(0, dtype=np.int64), np.zeros((0, 0), dtype=np.int64)
        self.nothing = Known(rows, rows, none, self.version)

    def aim(self, prices: Ints) -> None:
        """Pay for chiplets at ``prices``, and forget what was known at others or of other weights."""
        self.prices = prices
        self.known.clear()

    def bounds(self, weights: Weights, levels: Ints) -> Ints:
        """Lower bounds of weighted sums per range of beats and segment: [V, L + 1, L + 1].

        Half of the prices are tried. Beats of range v lie from ``levels[v]`` to below ``levels[v + 1]`` ps;
        ``FAR``: no way has such.
        """
        context, L = self.context, self.context.layers
        each = np.full((len(levels) - 1, L + 1, L + 1), FAR, dtype=np.int64)
        bound_sums(
            context.model.machine,
            context.model.terms,
            self.ways.shape,
            self.ways.entries,
            self.ways.begin,
            levels,
            self.prices[::2],
            self.io_ps,
            context.dram_ps,
            self.fixed,
            self.ways.u,
            context.batch,
            weights.ps,
            weights.fj,
            self.one_layer,
            self.one_cluster,
            each,
        )
        return each

    def box(self, weights: Weights, a: int, b: int, lo: int, hi: int, soon: int, late: int) -> Box:
        """Segment [a, b) with beats from ``lo`` to ``hi`` ps and loads from ``soon`` to ``late`` ps."""
        io_ps = int(self.io_ps[a, b])
        start = max(soon, int(self.context.dram_ps[a, b]))
        return Box(
            a,
            b,
            self.ways.u,
            self.context.batch,
            weights.ps,
            weights.fj,
            io_ps,
            max(lo, io_ps),
            hi,
            start,
            late,
            self.one_layer,
            self.one_cluster,
        )

    def wait(self, box: Box) -> int:
        """What a box costs besides its clusters."""
        waited = box.least_load + (self.beats - 1) * box.lo
        return box.p * waited + box.q * int(self.fixed[box.a, box.b])

    def refine(self, s: int, e: int, hi: int) -> bool:
        """See ``Ways.refine``."""
        refined = self.ways.refine(s, e, hi)
        if refined:
            self.version[s] += 1
        return refined

    def known_up_to(self, hi: int) -> Known:
        """What is known of all clusters at beats up to ``hi``; what is oldest makes room."""
        if hi not in self.known:
            count = len(self.ways.begin)
            cost, via = np.empty((2, count, len(self.prices)), dtype=np.int64)
            if len(self.known) >= max(FEW_KNOWN, ROOM_FOR_KNOWN // (2 * cost.nbytes)):
                del self.known[next(iter(self.known))]
            self.known[hi] = Known(cost, via, np.full(count, -1), self.version)
        return self.known[hi]

    def tidy(self) -> None:
        """Give back the room of entries that were replaced; what is known of entries tells their places."""
        if self.ways.tidy():
            self.known.clear()

    def price(self, a: int, b: int, chain: Chain) -> tuple[int, int, int, int, Piece]:
        """Time, energy, beat and load of exact clusters of segment [a, b), and the piece."""
        context, ways, u, m = self.context, self.ways, self.ways.u, self.context.batch
        machine, terms, weights = context.model.machine, context.model.terms, context.model.net.weights
        relay, cut = self.traffic.of(a, b)
        io_ps = int(self.io_ps[a, b])
        beat, load, worst, spilled, loaded = io_ps, int(context.dram_ps[a, b]), 0, 0, 0
        fj = np.zeros(3, dtype=object)
        clusters: list[tuple[int, int, int, int, int]] = []
        partitions: list[int] = []
        begin = a
        for end, e in chain:
            entry = ways.entries[e].tolist()
            n = entry[LOW]
            point, chosen = ways.point(begin, end, entry)
            passing = -(-u * int(relay[begin - a, end - a]) // n)
            excess = max(0, entry[ENTRY_HELD] + passing - machine.activation_free)
            came = int(weights[end] - weights[begin])
            load = max(load, int(load_ps(came, entry[ENTRY_LOADED], n, 1, machine)))
            beat = max(beat, entry[ENTRY_PS])
            if end < b:
                beat = max(beat, moving_ps(u * int(cut[end - a]), machine.cut_mb_per_s))
            worst, spilled = max(worst, excess), spilled + 2 * excess * n
            loaded += entry[ENTRY_LOADED] * n
            fj += [point[column] for column in (PE_BEAT, ACTIVATION_BEAT, NOP_BEAT)]
            samples, rows, columns = ways.table.grids[point[GRID]].tolist()
            clusters.append((end, n, samples, rows, columns))
            partitions.extend(chosen)
            begin = end
        beat = max(beat, io_ps + spilling_ps(worst, machine))
        time = load + (-(-m // u) + len(chain) - 1) * beat
        moved = -(-m * (u * int(context.io[a, b]) + spilled) // u) + int(weights[b] - weights[a])
        macs = int(context.model.net.layer[a:b, MACS].sum())
        energy = (
            m * macs * terms.mac_fj
            + sum(-(-m * int(part) // u) for part in fj)
            + loaded * terms.hop_byte_fj
            + moved * terms.dram_byte_fj
            + moved * terms.dram_milli_hops // 1000 * terms.hop_byte_fj
        )
        return time, energy, beat, load, Piece(time, u, tuple(clusters), tuple(partitions))
