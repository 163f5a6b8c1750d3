"""Merged pipelines, exactly: a shortest path over segments whose bounds become times where they matter."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from mcmscope.cost.arrays import Ints
from mcmscope.search.context import Path, Piece, SearchContext
from mcmscope.search.exact.beat import bound_segments
from mcmscope.search.exact.clusters import Clusters, TooHard, shapes
from mcmscope.search.exact.segment import OutOfTime, Segments
from mcmscope.search.lazy import distances
from mcmscope.search.limit import Limit
from mcmscope.search.tables import NEVER

STEP = 1.04
"""Ratio of the beats between which segments are bounded before any is solved."""

MANY_PROBES = 2000
"""Probes of beats after which bounding all segments again is worth its time."""

RAISE = 64
"""The time that is looked for rises by one such part of itself until it is found."""


@dataclass
class _Solved:
    """What is known of all segments of one structure: no time below ``bound`` ps, but perhaps a piece."""

    bound: int
    piece: Piece | None = None


def merged(context: SearchContext, upper: int, limit: Limit) -> tuple[Path | None, int]:
    """The best merged pipeline that takes less than ``upper`` ps, and a lower bound of the scheme's time.

    No pipeline: none is faster, or the limit came first. Times are looked for below a target that rises
    from the lower bound, so that no segment is solved further than a proof needs.
    """
    work = _Merged(context, upper, limit)
    try:
        while True:
            low = work.lower()
            target = min(upper, low + low // RAISE + 1)
            path = work.path_below(target)
            if path is not None:
                return path, sum(piece.time_ps for _, piece in path)
            if target == upper:
                return None, upper
            work.rebound()
    except (OutOfTime, TooHard):
        return None, min(upper, work.lower())


class _Merged:
    """Bounds and times of the segments of merged pipelines."""

    def __init__(self, context: SearchContext, upper: int, limit: Limit) -> None:
        self.context = context
        L = context.layers
        self.pieces: dict[tuple[int, int], Piece] = {}
        self.value = np.zeros((L + 1, L + 1), dtype=np.int64)
        for l, piece in enumerate(context.singles()):
            if piece is not None:
                self.pieces[l, l + 1] = piece
        self.shape = shapes(context)
        self.solvers: list[Segments] = []
        self.bounds: list[Ints] = []
        self.solved: dict[tuple[int, int], _Solved] = {}
        self.ahead, self.before, self.behind = (np.zeros(L + 1, dtype=np.int64) for _ in range(3))
        for index, u in enumerate(context.micro):
            cap = upper // -(-context.batch // u)
            clusters = Clusters(context, index, self.shape, context.model.machine.chiplets, cap)
            self.solvers.append(Segments(clusters, limit))
            self.bounds.append(segment_bounds(self.solvers[-1], upper))
        self.upper, self.probes = upper, 0
        self._raise_values()

    def rebound(self) -> None:
        """Bound all segments again where much has been learnt of clusters since the last time."""
        for index, solver in enumerate(self.solvers):
            if solver.probes > MANY_PROBES:
                solver.probes = 0
                np.maximum(self.bounds[index], segment_bounds(solver, self.upper), out=self.bounds[index])
        self._raise_values()

    def _raise_values(self) -> None:
        bound = np.minimum.reduce(self.bounds)
        for a, b in self.pieces:
            bound[a, b] = self.pieces[a, b].time_ps
        self.value = np.maximum(self.value, bound)

    def lower(self) -> int:
        """A lower bound (ps) of every schedule."""
        distances(self.value, self.ahead, self.before, self.behind)
        return int(self.ahead[-1])

    def path_below(self, target: int) -> Path | None:
        """The best schedule if it takes less than ``target`` ps."""
        while self.lower() < target:
            stops = [self.context.layers]
            while stops[-1] > 0:
                stops.append(int(self.before[stops[-1]]))
            path = list(pairwise(reversed(stops)))
            unknown = [edge for edge in path if edge not in self.pieces]
            if not unknown:
                return [(b, self.pieces[a, b]) for a, b in path]
            for a, b in unknown:
                self.refine(a, b, target - int(self.ahead[a]) - int(self.behind[b]))
        return None

    def refine(self, a: int, b: int, bound: int) -> None:
        """Find the time of segment [a, b), or show that it is not below ``bound`` ps."""
        key = (int(self.shape[a, b]), int(self.context.io[a, b]))
        solved = self.solved.setdefault(key, _Solved(0))
        if solved.piece is None and solved.bound < bound:
            solved.piece = self._solve(a, b, bound)
            solved.bound = bound
        piece = solved.piece
        if piece is None:
            self.value[a, b] = max(int(self.value[a, b]), solved.bound)
        else:
            moved = b - piece.clusters[-1][0]
            clusters = tuple((end + moved, n, s, r, c) for end, n, s, r, c in piece.clusters)
            self.pieces[a, b] = replace(piece, clusters=clusters)
            self.value[a, b] = piece.time_ps

    def _solve(self, a: int, b: int, bound: int) -> Piece | None:
        best, found = bound, None
        for index in sorted(range(len(self.solvers)), key=lambda index: self.bounds[index][a, b]):
            if self.bounds[index][a, b] >= best:
                break
            piece = self.solvers[index].least_time(a, b, best, int(self.context.dram_ps[a, b]))
            if piece is not None:
                best, found = piece.time_ps, piece
            else:
                self.bounds[index][a, b] = best
        return found


def segment_bounds(solver: Segments, upper: int) -> Ints:
    """Lower bounds (ps) of all segments of several layers under one micro-batch; ``NEVER`` from ``upper``."""
    own, context = solver.clusters, solver.clusters.context
    value = np.full((context.layers + 1, context.layers + 1), NEVER, dtype=np.int64)
    trial = [int(upper // solver.beats) + 1]
    while trial[-1] > max(1, int(solver.floor[solver.floor > 0].min(initial=1))):
        trial.append(int(trial[-1] / STEP))
    bound_segments(
        context.model.net,
        context.model.machine,
        own.shape,
        own.least,
        solver.least_ps,
        solver.floor,
        context.dram_ps,
        own.micro,
        solver.beats,
        own.limit,
        np.array(trial[::-1], dtype=np.int64),
        upper,
        value,
    )
    value[value >= upper] = NEVER
    return value
