"""Scope's linear search for merged pipelines.

Cluster divisions come from merging the least loaded neighbours, one level per number of clusters, instead of
all 2^(L-1); regions in proportion to load, then chiplets move from the slackest to the slowest stage;
segments by a shortest path over lengths that grow geometrically. Estimates in tables choose what is priced.
The segmented and the fused optimum take part as they are, so the result never loses to a baseline.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from mcmscope.cost.arrays import Ints
from mcmscope.schedule import Scheme
from mcmscope.search.context import Path, Piece, SearchContext
from mcmscope.search.lazy import lazy_path
from mcmscope.search.merge import estimate_segment, estimate_segments
from mcmscope.search.stages import Stages
from mcmscope.search.tables import NEVER

SHARES = np.array([100, 75, 50, 33, 25, 16, 12, 8, 4, 1], dtype=np.int64)
"""Clusters per 100 layers that the divisions of a segment are tried at."""
REFINEMENTS = 120
"""Segments whose estimate is replaced by a true price before the best known path is taken."""
MOVES = 400
"""About as many changes are tried on the schedule that was found."""
FAR = np.int64(2**52)


def segment_lengths(layers: int) -> Ints:
    """Lengths of segments that are tried: all up to 8, then four per doubling, and the whole network."""
    lengths = {*range(2, min(8, layers) + 1), layers}
    length = 8.0
    while length < layers:
        lengths.add(int(length))
        length *= 2 ** (1 / 4)
    return np.array(sorted(x for x in lengths if 2 <= x <= layers), dtype=np.int64)


class Estimates:
    """Per micro-batch: bounds of layer times and loads, as ``merge.estimate_segments`` reads them."""

    def __init__(self, context: SearchContext) -> None:
        tables, L = context.tables, context.layers
        self.context = context
        sizes = np.arange(1, context.model.machine.chiplets + 1)
        inside = np.minimum(tables.inside[:, 0][:, tables.kind], FAR)
        self.first = np.ascontiguousarray(np.minimum(tables.first[:, 0][:, tables.kind], FAR))
        self.sums = np.zeros((len(context.micro), L + 1, len(sizes) + 1), dtype=np.int64)
        self.sums[:, 1:] = np.cumsum(inside, axis=1)
        self.load = np.zeros((len(context.micro), L + 1), dtype=np.int64)
        self.load[:, 1:] = np.cumsum(np.minimum(inside[:, :, 1:] * sizes, FAR).min(axis=2), axis=1)

    def segments(self, value: Ints) -> Ints:
        """Lower ``value[a, b]`` (ps) to estimates; returns the choices (index of u, clusters) behind them."""
        context, model = self.context, self.context.model
        choice = np.zeros((*value.shape, 2), dtype=np.int64)
        context.states += int(
            estimate_segments(
                model.net,
                model.machine,
                self.first,
                self.sums,
                self.load,
                segment_lengths(context.layers),
                SHARES,
                np.array(context.micro, dtype=np.int64),
                context.batch,
                context.io,
                context.dram_ps,
                value,
                choice,
            )
        )
        return choice

    def division(self, index: int, a: int, b: int, clusters: int) -> tuple[list[int], list[int]]:
        """Cluster ends and estimated region sizes of segment [a, b)."""
        context, model = self.context, self.context.model
        cuts, regions = (np.zeros(b - a, dtype=np.int64) for _ in range(2))
        u = context.micro[index]
        estimate_segment(
            model.net,
            model.machine,
            self.first[index],
            self.sums[index],
            self.load[index],
            a,
            b,
            clusters,
            u,
            -(-context.batch // u),
            int(context.io[a, b]),
            int(context.dram_ps[a, b]),
            NEVER,
            cuts,
            regions,
        )
        return cuts[:clusters].tolist(), regions[:clusters].tolist()


def balance(stages: Stages, index: int, a: int, cuts: list[int], regions: list[int]) -> Piece | None:
    """Move chiplets to the slowest stage, spare ones first, then from the slackest, while it helps."""
    spare = stages.context.model.machine.chiplets - sum(regions)
    if spare < 0:
        return None
    ends = list(pairwise([a, *cuts]))

    def time(x: int, n: int) -> int:
        stage = stages.stage(index, *ends[x], n)
        if stage is None:
            return NEVER
        b = cuts[-1]
        return max(stage.time_ps, stages.spilled_ps(index, a, b, *ends[x], n, stage))

    times = [time(x, n) for x, n in enumerate(regions)]
    for _ in range(4 * len(regions) + 16):
        slowest = max(range(len(regions)), key=lambda x: times[x])
        moved = False
        for step in (1, 2, 4, 8, 16):
            if step > spare and len(regions) == 1:
                break
            faster = (
                time(slowest, regions[slowest] + step)
                if regions[slowest] + step <= stages.context.model.machine.chiplets
                else NEVER
            )
            if faster >= times[slowest]:
                continue
            if step <= spare:
                spare -= step
            else:
                donors = [
                    (time(x, regions[x] - step), x)
                    for x in range(len(regions))
                    if x != slowest and regions[x] > step
                ]
                if not donors or min(donors)[0] >= times[slowest]:
                    continue
                given, donor = min(donors)
                regions[donor] -= step
                times[donor] = given
            regions[slowest] += step
            times[slowest] = faster
            moved = True
            break
        if not moved:
            break
    return stages.segment(index, a, cuts, regions)


def linear(context: SearchContext, starts: list[tuple[str, Path]]) -> tuple[Path, str]:
    """The best merged pipeline found, and where it came from: one of ``starts``, or the merge table."""
    L = context.layers
    stages, estimates = Stages(context), Estimates(context)
    pieces: dict[tuple[int, int], Piece] = {}
    for _, path in starts:
        for a, b, piece in spans(path):
            if (a, b) not in pieces or piece.time_ps < pieces[a, b].time_ps:
                pieces[a, b] = piece
    value = np.full((L + 1, L + 1), NEVER, dtype=np.int64)
    known = np.zeros((L + 1, L + 1), dtype=bool)
    for (a, b), piece in pieces.items():
        value[a, b] = piece.time_ps
        known[a, b] = True
    priced = value.copy()
    choice = estimates.segments(value)
    known &= value == priced
    asked = 0

    def refine(a: int, b: int, _bound: int) -> int:
        nonlocal asked
        asked += 1
        index, clusters = choice[a, b].tolist()
        found = balance(stages, index, a, *estimates.division(index, a, b, clusters))
        if found is not None:
            found = reshape(stages, index, a, found, 2)
        if found is not None and ((a, b) not in pieces or found.time_ps < pieces[a, b].time_ps):
            pieces[a, b] = found
        return pieces[a, b].time_ps if (a, b) in pieces else NEVER

    lazy_path(value, known, refine, enough=lambda: asked >= REFINEMENTS)
    best = shortest_known(L, pieces)
    best = improve(context, stages, estimates, best, pieces)
    context.pools[Scheme.MERGED_PIPELINE] = pieces
    total = sum(piece.time_ps for _, piece in best)
    for name, path in starts:
        if sum(piece.time_ps for _, piece in path) <= total:
            return path, name
    return best, "merge table"


def spans(path: Path) -> list[tuple[int, int, Piece]]:
    """(a, b, piece) of every segment."""
    ends = [0, *(end for end, _ in path)]
    return [(a, b, piece) for (a, b), (_, piece) in zip(pairwise(ends), path, strict=True)]


def shortest_known(L: int, pieces: dict[tuple[int, int], Piece]) -> Path:
    """The cheapest schedule from segments that are priced."""
    nothing: Path = []
    best: list[tuple[int, Path]] = [(0, nothing)] + [(NEVER, nothing)] * L
    by_end: dict[int, list[tuple[int, Piece]]] = {}
    for (a, b), piece in pieces.items():
        by_end.setdefault(b, []).append((a, piece))
    for b in range(1, L + 1):
        for a, piece in sorted(by_end.get(b, []), key=lambda entry: entry[0]):
            if best[a][0] + piece.time_ps < best[b][0]:
                best[b] = (best[a][0] + piece.time_ps, [*best[a][1], (b, piece)])
    return best[L][1]


def reshape(stages: Stages, index: int, a: int, piece: Piece, rounds: int) -> Piece:
    """Shift, merge and split clusters at the slowest stage of a segment while it helps."""
    for _ in range(rounds):
        cuts = [cluster[0] for cluster in piece.clusters]
        regions = [cluster[1] for cluster in piece.clusters]
        better = piece
        ends = list(pairwise([a, *cuts]))
        times = [
            stage.time_ps if (stage := stages.stage(index, *ends[x], regions[x])) else 0
            for x in range(len(cuts))
        ]
        order = sorted(range(len(cuts)), key=lambda x: -times[x])
        trials: list[tuple[list[int], list[int]]] = []
        for x in order[:2]:
            i, j = ends[x]
            if j - i > 1:
                if x > 0:
                    trials.append(([*cuts[: x - 1], i + 1, *cuts[x:]], list(regions)))
                if x + 1 < len(cuts):
                    trials.append(([*cuts[:x], j - 1, *cuts[x + 1 :]], list(regions)))
                half, n = (i + j) // 2, regions[x]
                if n > 1:
                    trials.append(
                        ([*cuts[:x], half, *cuts[x:]], [*regions[:x], n - n // 2, n // 2, *regions[x + 1 :]])
                    )
        if len(cuts) > 1:
            x = min(range(len(cuts) - 1), key=lambda x: times[x] * regions[x] + times[x + 1] * regions[x + 1])
            trials.append(
                (
                    [*cuts[:x], *cuts[x + 1 :]],
                    [*regions[:x], regions[x] + regions[x + 1], *regions[x + 2 :]],
                )
            )
        for new_cuts, new_regions in trials:
            found = balance(stages, index, a, new_cuts, new_regions)
            if found is not None and found.time_ps < better.time_ps:
                better = found
        if better is piece:
            break
        piece = better
    return piece


def improve(
    context: SearchContext,
    stages: Stages,
    estimates: Estimates,
    path: Path,
    pieces: dict[tuple[int, int], Piece],
) -> Path:
    """Reshape the segments of a schedule, and join, split and shift neighbouring ones, while it helps."""
    best = sum(piece.time_ps for _, piece in path)
    tried = 0
    while tried < MOVES:
        for a, b, piece in spans(path):
            if all(cluster[1] > 0 for cluster in piece.clusters) and piece.micro_batch in context.micro:
                index = context.micro.index(piece.micro_batch)
                if _is_known(stages, index, a, piece):
                    pieces[a, b] = reshape(stages, index, a, piece, 6)
                    tried += 6
        borders = [end for end, _ in path[:-1]]
        for x, border in enumerate(borders):
            if tried >= MOVES:
                break
            a = borders[x - 1] if x > 0 else 0
            b = borders[x + 1] if x + 1 < len(borders) else context.layers
            wanted = [(a, b)]
            for shifted in (border - 2, border - 1, border + 1, border + 2):
                if a < shifted < b:
                    wanted += [(a, shifted), (shifted, b)]
            for i, j in wanted:
                if (i, j) in pieces or j - i < 2:
                    continue
                clusters = [len(piece.clusters) for p, q, piece in spans(path) if p < j and i < q]
                micro = [piece.micro_batch for p, q, piece in spans(path) if p < j and i < q]
                for k in {max(1, min(j - i, sum(clusters))), max(1, min(j - i, max(clusters)))}:
                    for u in sorted(set(micro)):
                        index = context.micro.index(u)
                        found = balance(stages, index, i, *estimates.division(index, i, j, k))
                        tried += 1
                        if found is not None and (
                            (i, j) not in pieces or found.time_ps < pieces[i, j].time_ps
                        ):
                            pieces[i, j] = found
        path = shortest_known(context.layers, pieces)
        total = sum(piece.time_ps for _, piece in path)
        if total >= best:
            break
        best = total
    return path


def _is_known(stages: Stages, index: int, a: int, piece: Piece) -> bool:
    """Whether the piece is priced by its stages alone (a layer that runs in passes is not)."""
    cuts = [cluster[0] for cluster in piece.clusters]
    regions = [cluster[1] for cluster in piece.clusters]
    return stages.segment(index, a, cuts, regions) is not None
