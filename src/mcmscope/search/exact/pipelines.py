"""The best schedule of a family, exactly: a shortest path over segments whose bounds become times."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from mcmscope.cost.arrays import Ints
from mcmscope.search.context import Path, Piece, SearchContext
from mcmscope.search.exact.beat import bound_segments
from mcmscope.search.exact.clusters import Clusters, TooHard, shapes
from mcmscope.search.exact.family import Family
from mcmscope.search.exact.segment import OutOfTime, Segments
from mcmscope.search.exact.settle import MADE, PROBED
from mcmscope.search.lazy import distances, stops_of
from mcmscope.search.limit import Limit
from mcmscope.search.tables import NEVER

STEP = 1.04
"""Ratio of the beats between which segments are bounded."""

MANY_PROBES = 700
"""Probes of beats after which bounding all segments again is worth its time."""

MOST_CELLS = 50_000_000
"""Clusters times region sizes times micro-batches for which tables are made: 2 GB at most."""

RAISE = 64
"""The time that is looked for rises by one such part of itself until it is found."""


def best_pipelines(
    context: SearchContext,
    rules: Family,
    pool: dict[tuple[int, int], Piece],
    upper: int,
    limit: Limit,
) -> tuple[Path | None, int]:
    """The best schedule of a family that takes less than ``upper`` ps, and a lower bound of all their times.

    No schedule: none is faster; or the limit came first, and neither has what was solved until then,
    together with the segments of ``pool``, given a faster one. Times are looked for below a target that
    rises from the lower bound, so that no segment is solved further than a proof needs.
    """
    work = _Work(context, rules, upper, limit)
    try:
        work.begin()
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
        pass
    except KeyboardInterrupt:
        limit.interrupted = True
    finally:
        context.states += sum(int(solver.clusters.known.tally[MADE]) for solver in work.solvers)
    return work.known_path(pool), min(upper, work.lower())


@dataclass
class _Solved:
    """What is known of all segments of one structure: no time below ``bound`` ps, but perhaps a piece."""

    bound: int
    piece: Piece | None = None


class _Work:
    """Bounds and times of the segments of a family."""

    def __init__(self, context: SearchContext, rules: Family, upper: int, limit: Limit) -> None:
        self.context, self.rules, self.upper, self.limit = context, rules, upper, limit
        L = context.layers
        self.pieces: dict[tuple[int, int], Piece] = {}
        self.value = np.zeros((L + 1, L + 1), dtype=np.int64)
        self.load_ps = context.dram_ps.copy()
        if rules.resident:
            self.load_ps[0, L] = 0
        self.solvers: list[Segments] = []
        self.bounds: list[Ints] = []
        self.solved: dict[tuple[int, int, int], _Solved] = {}
        self.ahead, self.before, self.behind = (np.zeros(L + 1, dtype=np.int64) for _ in range(3))

    def begin(self) -> None:
        """Make tables and first bounds; until then bounds are 0."""
        context, rules, L = self.context, self.rules, self.context.layers
        cells = L * (L + 1) // 2 * (context.model.machine.chiplets + 1) * len(context.micro)
        if cells > MOST_CELLS:
            raise TooHard
        self.shape = shapes(context)
        for l, piece in enumerate(context.singles(rules.replicas)):
            if piece is not None and not rules.whole:
                self.pieces[l, l + 1] = piece
        for index in range(len(context.micro)):
            if self.limit.reached():
                raise OutOfTime
            clusters = Clusters(context, index, self.shape, rules, self.upper)
            solver = Segments(clusters, rules, self.limit)
            self.solvers.append(solver)
            floor = np.minimum(solver.floor, self.upper // solver.beats + 1)
            self.bounds.append(self.load_ps + solver.beats * floor)
        if rules.resident and L == 1:
            best = self.pieces[0, 1].time_ps if self.pieces else NEVER
            piece = self._solve(0, 1, best)
            if piece is not None:
                self.pieces[0, 1] = piece
        self._raise_values()
        self._bound_all(0)

    def rebound(self) -> None:
        """Bound all segments again where much has been learnt of clusters since the last time."""
        self._bound_all(MANY_PROBES)

    def _bound_all(self, probes: int) -> None:
        """Bound all segments under the micro-batches that were asked so often about one."""
        self.lower()  # layers ahead and behind
        for solver, bound in zip(self.solvers, self.bounds, strict=True):
            tally = solver.clusters.known.tally
            if tally[PROBED] >= probes:
                tally[PROBED] = 0
                np.maximum(bound, self._bounds(solver), out=bound)
        self._raise_values()

    def _raise_values(self) -> None:
        bound = np.minimum.reduce(self.bounds)
        if self.rules.whole:
            whole = bound[0, -1]
            bound[:] = NEVER
            bound[0, -1] = whole
        for (a, b), piece in self.pieces.items():
            bound[a, b] = piece.time_ps
        self.value = np.maximum(self.value, bound)

    def _bounds(self, solver: Segments) -> Ints:
        """Lower bounds (ps) of all segments of several layers under one micro-batch; ``NEVER`` from upper."""
        own, context = solver.clusters, self.context
        value = np.full((context.layers + 1, context.layers + 1), NEVER, dtype=np.int64)
        trial = [int(self.upper // solver.beats) + 1]
        least = max(1, int(solver.floor[solver.floor > 0].min(initial=trial[0])))
        while trial[-1] > least:
            trial.append(int(trial[-1] / STEP))
        bound_segments(
            context.model.net,
            context.model.machine,
            own.shape,
            own.known.least,
            solver.least_ps,
            solver.floor,
            self.load_ps,
            own.micro,
            solver.beats,
            self.rules.longest,
            self.rules.most_clusters,
            own.limit,
            np.array(trial[::-1], dtype=np.int64),
            self.upper,
            self.ahead,
            self.behind,
            value,
        )
        value[value >= self.upper] = NEVER
        return value

    def lower(self) -> int:
        """A lower bound (ps) of every schedule."""
        distances(self.value, self.ahead, self.before, self.behind)
        return int(self.ahead[-1])

    def path_below(self, target: int) -> Path | None:
        """The best schedule if it takes less than ``target`` ps."""
        while self.lower() < target:
            path = list(pairwise(stops_of(self.before)))
            unknown = [edge for edge in path if edge not in self.pieces]
            if not unknown:
                return [(b, self.pieces[a, b]) for a, b in path]
            for a, b in unknown:
                self.refine(a, b, target - int(self.ahead[a]) - int(self.behind[b]))
        return None

    def refine(self, a: int, b: int, bound: int) -> None:
        """Find the time of segment [a, b), or show that it is not below ``bound`` ps."""
        key = (int(self.shape[a, b]), int(self.context.io[a, b]), int(self.load_ps[a, b]))
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
        load = None if self.rules.resident and b - a == self.context.layers else int(self.load_ps[a, b])
        for index in sorted(range(len(self.solvers)), key=lambda index: self.bounds[index][a, b]):
            if self.bounds[index][a, b] >= best:
                break
            piece = self.solvers[index].least_time(a, b, best, load)
            if piece is not None:
                best, found = piece.time_ps, piece
            else:
                self.bounds[index][a, b] = best
        return found

    def known_path(self, pool: dict[tuple[int, int], Piece]) -> Path | None:
        """The best schedule of the segments solved so far and of ``pool``, if it is below the upper bound."""
        L = self.context.layers
        known = {edge: piece for edge, piece in pool.items() if not self.rules.whole or edge == (0, L)}
        for edge, piece in self.pieces.items():
            if edge not in known or piece.time_ps < known[edge].time_ps:
                known[edge] = piece
        value = np.full((L + 1, L + 1), NEVER, dtype=np.int64)
        for edge, piece in known.items():
            value[edge] = piece.time_ps
        ahead, before, behind = (np.zeros(L + 1, dtype=np.int64) for _ in range(3))
        distances(value, ahead, before, behind)
        if ahead[L] >= self.upper:
            return None
        return [(b, known[a, b]) for a, b in pairwise(stops_of(before))]
