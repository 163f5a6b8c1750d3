"""One segment of merged clusters: its least time, exactly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mcmscope.cost.arrays import Ints
from mcmscope.search.context import Piece
from mcmscope.search.exact.beat import UNDECIDED, choose_ways, probe, segment_cuts
from mcmscope.search.exact.clusters import Clusters
from mcmscope.search.exact.family import Family
from mcmscope.search.limit import Limit
from mcmscope.search.tables import NEVER
from mcmscope.search.transfers import moving_ps

FAR = 2**52

SLACK = 16
"""Ways to run a cluster are looked for up to a beat that is one such part longer: they will be asked for."""


Stages = tuple[Ints, Ints]
"""Where each cluster ends, and on how many chiplets it runs."""


class OutOfTime(Exception):  # noqa: N818 - it is no error
    """The limit was reached before an answer."""


@dataclass(frozen=True, slots=True)
class _Run:
    """Clusters that keep to a beat (ps), and the longest time that one of them loads."""

    beat: int
    load: int
    ends: Ints
    regions: Ints
    ways: Ints


class Segments:
    """Exact times of segments under one micro-batch."""

    def __init__(self, clusters: Clusters, rules: Family, limit: Limit) -> None:
        self.clusters, self.rules, self.limit = clusters, rules, limit
        context = clusters.context
        tables = context.tables
        inside = np.minimum(tables.inside[clusters.index, 0][tables.kind], FAR)[:, 1 : clusters.limit + 1]
        sizes = np.arange(1, clusters.limit + 1)
        self.least_ps = _sums(inside.min(axis=1))
        self.work = _sums(np.minimum(inside * sizes, FAR).min(axis=1))
        self.beats = clusters.beats
        moved = clusters.micro * context.io * rules.replicas
        self.io_ps = moving_ps(moved, context.model.machine.dram_mb_per_s)
        self.floor = np.maximum(self.io_ps, -(-(self.work[None, :] - self.work[:, None]) // clusters.limit))

    def least_time(self, a: int, b: int, bound: int, load_ps: int | None) -> Piece | None:
        """The best segment [a, b) of several layers that takes less than ``bound`` ps; None: there is none.

        ``load_ps``: time to load its weights from DRAM; None: it keeps them, loads cost nothing.
        """
        best = bound
        found: Piece | None = None
        # Ranges of the longest load (ps), and what runs last in them at least: shorter loads may cost beats.
        ranges = [(load_ps or 0, NEVER, 0)]
        while ranges:
            low, high, least = ranges.pop()
            if low + least >= best:
                continue
            run = self._least_run(a, b, best - low, high)
            if run is None:
                continue
            load = 0 if load_ps is None else max(load_ps, run.load)
            lasts = (self.beats + len(run.ends) - 1) * run.beat
            if load + lasts < best:
                best = load + lasts
                found = self._piece(a, best, run)  # at once: what is known of its clusters may be replaced
            if low < load:
                middle = (low + load) // 2
                ranges += [(middle + 1, load - 1, lasts), (low, middle, lasts)]
        return found

    def _least_run(self, a: int, b: int, bound: int, load: int) -> _Run | None:
        """The clusters with the least ``(beats + k - 1) * beat`` below ``bound``, loads at most ``load``.

        The fewest clusters that keep to a beat are a staircase; it is walked from the longest beat down.
        """
        beats, floor = self.beats, max(1, int(self.floor[a, b]))
        best, found = bound, None
        cuts = np.zeros(b - a, dtype=np.int64)
        net, machine = self.clusters.context.model.net, self.clusters.context.model.machine
        segment_cuts(net, machine, a, b, self.clusters.micro, cuts)
        k, high = 1, NEVER
        while True:
            top = min(high, (best - 1) // (beats + k - 1))
            if top < floor:
                return found
            most = min(b - a, self.clusters.limit, self.rules.most_clusters, (best - 1) // floor - beats + 1)
            needed, stages = self._probe(a, b, cuts, top, load, most, top)
            if needed > most:
                return found
            if needed > k:
                k, high = needed, top
                continue
            run = self._run(a, b, cuts, stages, top, load)
            # The least beat of k clusters: ``low`` is too short, ``run`` keeps to its beat.
            low, fewest = floor - 1, most + 1
            cap = run.beat
            while low + 1 < run.beat:
                middle = (low + run.beat) // 2
                needed, stages = self._probe(a, b, cuts, middle, load, most, cap)
                if needed <= k:
                    run = self._run(a, b, cuts, stages, middle, load)
                else:
                    low, fewest = middle, needed
            if (beats + k - 1) * run.beat < best:
                best, found = (beats + k - 1) * run.beat, run
            if fewest > most:
                return found
            k, high = fewest, low

    def _probe(
        self, a: int, b: int, cuts: Ints, beat: int, load: int, most: int, cap: int
    ) -> tuple[int, Stages]:
        """The fewest clusters that keep to ``beat``, and which; ``most + 1``: no ``most`` of them do.

        Ways to run clusters are looked for up to a beat of ``cap``.
        """
        own, context = self.clusters, self.clusters.context
        ends, regions = np.zeros(most, dtype=np.int64), np.zeros(most, dtype=np.int64)
        while True:
            if self.limit.reached():
                raise OutOfTime
            count = int(
                probe(
                    context.model.net,
                    context.model.machine,
                    own.setting,
                    own.known,
                    own.room,
                    self.least_ps,
                    self.work,
                    cuts,
                    a,
                    b,
                    self.rules.longest,
                    own.limit,
                    int(self.io_ps[a, b]),
                    beat,
                    load,
                    most,
                    cap + cap // SLACK,
                    ends,
                    regions,
                )
            )
            if count >= 0:
                return count, (ends[:count], regions[:count])
            if count != UNDECIDED:
                own.make_room(count)

    def _run(self, a: int, b: int, cuts: Ints, stages: Stages, beat: int, load: int) -> _Run:
        """The clusters in the ways to run them that load least, and the beat that they keep."""
        own, model = self.clusters, self.clusters.context.model
        ends, regions = stages
        ways = np.zeros(len(ends), dtype=np.int64)
        kept, longest = choose_ways(
            model.net,
            model.machine,
            own.setting,
            own.known,
            cuts,
            a,
            int(self.io_ps[a, b]),
            beat,
            load,
            ends,
            regions,
            ways,
        )
        return _Run(int(kept), int(longest), ends, regions, ways)

    def _piece(self, a: int, time_ps: int, run: _Run) -> Piece:
        """The segment from layer a on that runs so."""
        rows: list[tuple[int, int, int, int, int]] = []
        partitions: list[int] = []
        i = a
        for j, n, number in zip(run.ends.tolist(), run.regions.tolist(), run.ways.tolist(), strict=True):
            way = self.clusters.way(i, j, n, number)
            rows.append((j, n, *way.tiles))
            partitions.extend(way.partitions)
            i = j
        return Piece(time_ps, self.clusters.micro, tuple(rows), tuple(partitions))


def _sums(values: Ints) -> Ints:
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(values)])
