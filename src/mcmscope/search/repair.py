"""Better schedules from good ones: chiplets move, clusters and segments shift, join and split."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import pairwise

from mcmscope.search.choose import FEW_BEATS
from mcmscope.search.context import Path, Piece
from mcmscope.search.stages import Stages
from mcmscope.search.tables import NEVER

MOVES = 400
"""Segments and borders of which changes are tried, at most; a few changes each."""

Estimate = Callable[[int, int], Piece | None]


def balance(stages: Stages, index: int, a: int, cuts: list[int], regions: list[int]) -> Piece | None:
    """Move chiplets to the slowest stage, spare ones first, then from the slackest, while it helps."""
    spare = stages.context.model.machine.chiplets - sum(regions)
    if spare < 0:
        return None
    ends = list(pairwise([a, *cuts]))
    io_ps, free_ps = stages.io_ps(index, a, cuts[-1]), stages.free_ps(index, a, cuts[-1])

    @cache  # donors are asked again at every move
    def time(x: int, n: int) -> int:
        stage = stages.stage(index, *ends[x], n, io_ps, free_ps)
        if stage is None:
            return NEVER
        b = cuts[-1]
        return max(stage.time_ps, io_ps + stages.spilled_ps(index, a, b, *ends[x], n, stage))

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
    piece = stages.segment(index, a, cuts, regions)
    return hasten(stages, index, a, piece) if piece and stages.beats[index] <= FEW_BEATS else piece


def hasten(stages: Stages, index: int, a: int, piece: Piece) -> Piece:
    """Give spare chiplets to the cluster that loads longest, while the segment takes less time by it."""
    cuts = [cluster[0] for cluster in piece.clusters]
    regions = [cluster[1] for cluster in piece.clusters]
    spare = stages.context.model.machine.chiplets - sum(regions)
    ends, load = list(pairwise([a, *cuts])), int(stages.context.load_ps[a, cuts[-1]])
    io_ps, free_ps = stages.io_ps(index, a, cuts[-1]), stages.free_ps(index, a, cuts[-1])
    best = piece
    while load > 0 and spare > 0:
        loads = [
            stage.load_ps if (stage := stages.stage(index, *ends[x], n, io_ps, free_ps)) else 0
            for x, n in enumerate(regions)
        ]
        late = max(range(len(regions)), key=lambda x: loads[x])
        if loads[late] <= load:
            break
        for power in range(spare.bit_length() + 1):
            step = min(spare, 1 << power)
            larger: list[int] = [n + step if x == late else n for x, n in enumerate(regions)]
            found = stages.segment(index, a, cuts, larger)
            if found is not None and found.time_ps < best.time_ps:
                best, regions, spare = found, larger, spare - step
                break
        else:
            break
    return best


def reshape(stages: Stages, index: int, a: int, piece: Piece, rounds: int) -> Piece:
    """Shift, merge and split clusters at the slowest stage of a segment while it helps; loads at last."""
    for _ in range(rounds):
        cuts = [cluster[0] for cluster in piece.clusters]
        regions = [cluster[1] for cluster in piece.clusters]
        better = piece
        ends = list(pairwise([a, *cuts]))
        io_ps, free_ps = stages.io_ps(index, a, cuts[-1]), stages.free_ps(index, a, cuts[-1])
        times = [
            stage.time_ps if (stage := stages.stage(index, *ends[x], regions[x], io_ps, free_ps)) else 0
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
    return hasten(stages, index, a, piece)


def improve(stages: Stages, estimate: Estimate, path: Path, pieces: dict[tuple[int, int], Piece]) -> Path:
    """Reshape the segments of a schedule, and join, split and shift neighbouring ones, while it helps.

    ``estimate(a, b)`` gives a good segment [a, b), if there is one.
    """
    context = stages.context
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
                found = estimate(i, j)
                tried += 1
                if found is not None:
                    pieces[i, j] = found
        path = shortest_known(context.layers, pieces)
        total = sum(piece.time_ps for _, piece in path)
        if total >= best:
            break
        best = total
    return path


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


def _is_known(stages: Stages, index: int, a: int, piece: Piece) -> bool:
    """Whether the piece is priced by its stages alone (a layer that runs in passes is not)."""
    cuts = [cluster[0] for cluster in piece.clusters]
    regions = [cluster[1] for cluster in piece.clusters]
    return stages.segment(index, a, cuts, regions) is not None
