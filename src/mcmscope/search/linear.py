"""The linear search for merged pipelines.

Stages of several layers are found row by row, for sizes that grow geometrically; at beats a few percent
apart, every segment is divided into the clusters that take the fewest chiplets; segments are a shortest path.
What is on the path is priced truly: chiplets move from the slackest to the slowest stage, clusters shift,
merge and split. The segmented and the fused optimum take part as they are, so the result never loses to one.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from mcmscope.cost.arrays import INPUTS_READ, MADE_BEFORE, OUTPUTS_MADE, PEAK, SOURCE, USED_AFTER, Ints
from mcmscope.cost.dram import load_mb_per_s
from mcmscope.cost.machine import Machine
from mcmscope.schedule import Scheme
from mcmscope.search.context import Path, Piece, SearchContext
from mcmscope.search.divide import PARTS, boundary_bytes, divide_segment, estimate_segments, run_hashes
from mcmscope.search.lazy import lazy_path
from mcmscope.search.rows import FEW_BEATS, fill_stages
from mcmscope.search.stages import Stages
from mcmscope.search.tables import HELD, LOAD, NEVER, TIME
from mcmscope.search.transfers import moving_ps, spilling_ps

STEP = 1.03
"""Ratio of the beats that segments are divided at."""
LONGEST = 48
"""Layers of a cluster, at most, unless a sample runs alone; longer ones as the fused search found them."""
FINE = 32
"""All sizes of regions up to this one are tried, then eight for each doubling."""
PRICES = (0.25, 1.0)
"""What a cluster is charged, in parts of the chiplets that its share of fill and drain is worth."""
PRICES_FEW = (*PRICES, 2.5)
"""The same over few beats, where there are few clusters too."""
REFINEMENTS = 200
"""Segments whose estimate is replaced by a true price before the best known path is taken."""
MOVES = 400
"""About as many changes are tried on the schedule that was found."""


def region_sizes(chiplets: int) -> Ints:
    """Sizes of regions that estimates know: all up to ``FINE``, then eight for each doubling, and all."""
    sizes = {*range(1, min(FINE, chiplets) + 1), chiplets}
    size = float(FINE)
    while size < chiplets:
        sizes.add(int(size))
        size *= 2 ** (1 / 8)
    return np.array(sorted(sizes), dtype=np.int64)


class Estimates:
    """Times of stages under every micro-batch, and of segments made of them."""

    def __init__(self, context: SearchContext, stages: Stages, upper: int) -> None:
        model, L = context.model, context.layers
        self.context, self.stages, self.upper = context, stages, upper
        self.sizes = region_sizes(model.machine.chiplets)
        self.longest = L if context.resident else min(LONGEST, L)
        self.shape = run_shapes(context, self.longest)
        count = int(self.shape.max()) + 1
        self.owner = np.full(count, L, dtype=np.int64)
        for i in range(L - 1, -1, -1):
            row = self.shape[i]
            self.owner[row[row >= 0]] = i
        crossing = np.zeros((L + 1, L + 1), dtype=np.int64)
        boundary_bytes(model.net, crossing)
        self.border_ps, self.entry = border_entry(model.machine)
        self.cut_ps = [moving_ps(u * crossing, model.machine.cut_mb_per_s) for u in context.micro]
        self.times = [self._times(index) for index in range(len(context.micro))]

    def _times(self, index: int) -> tuple[Ints, Ints]:
        """``times[2, S, Q]`` (ps) of all stages, which fall along the sizes, and in how long chiplets load.

        First of the quickest ways to run them, then of those that are quickest with their loads.
        """
        context, model = self.context, self.context.model
        tables, u = context.tables, context.micro[index]
        beats = self.stages.beats[index]
        cap = self.upper // beats
        times = np.full((2, len(self.owner), len(self.sizes)), NEVER, dtype=np.int64)
        loads = np.zeros_like(times)
        for q, n in enumerate(self.sizes.tolist()):
            time = np.full((2, len(self.owner)), NEVER, dtype=np.int64)
            load = np.zeros_like(time)
            context.states += int(
                fill_stages(
                    model.net,
                    model.machine,
                    self.stages.costs(index, n),
                    tables.kind,
                    tables.price[n],
                    self.stages.words,
                    self.shape,
                    self.owner,
                    n,
                    u,
                    cap,
                    beats,
                    time,
                    load,
                )
            )
            times[:, :, q], loads[:, :, q] = time, load
        options = tables.alone[index][:, self.sizes]
        excess = np.maximum(options[..., HELD] - model.machine.activation_free, 0)
        spill = spilling_ps(excess, model.machine)
        taken = np.where(options[..., TIME] < NEVER, np.maximum(options[..., TIME], spill), NEVER)
        for way, late in enumerate((np.zeros_like(taken), options[..., LOAD] // beats)):
            best = (taken + late).argmin(axis=2, keepdims=True)
            for of, values in ((times, taken), (loads, options[..., LOAD])):
                of[way, self.shape[:, 0]] = np.take_along_axis(values, best, axis=2)[tables.kind, :, 0]
        for q in range(1, len(self.sizes)):  # a smaller region does where a larger one is no faster
            smaller = times[:, :, q - 1] <= times[:, :, q]
            for of in (times, loads):
                of[smaller, q] = of[smaller, q - 1]
        return times, loads

    def segments(self, value: Ints, load_ps: Ints) -> Ints:
        """Lower ``value[a, b]`` (ps) to estimates; returns (index of u, beat, price, prompt) behind each."""
        context, N = self.context, self.context.model.machine.chiplets
        choice = np.zeros((*value.shape, 4), dtype=np.int64)
        for index, u in enumerate(context.micro):
            beats = -(-context.batch // u)
            times, loads = self.times[index]
            quickest = int(times.min())
            trial = [self.upper // beats + 1]
            while trial[-1] > quickest:
                trial.append(int(trial[-1] / STEP))
            worth = 1024 * N / (beats + 7)
            io_ps = moving_ps(u * context.io, context.model.machine.dram_mb_per_s)
            few = beats <= FEW_BEATS
            prices = PRICES_FEW if few else PRICES
            for prompt in range(2 if few else 1):
                estimate_segments(
                    times[prompt],
                    loads[prompt],
                    self.sizes,
                    self.shape,
                    self.cut_ps[index],
                    io_ps,
                    load_ps,
                    beats,
                    N,
                    np.array(trial, dtype=np.int64),
                    np.array([int(part * worth) for part in prices], dtype=np.int64),
                    context.model.net.weights,
                    self.border_ps,
                    self.entry,
                    prompt,
                    index,
                    value,
                    choice,
                )
        return choice

    def division(
        self, a: int, b: int, index: int, beat: int, price: int, prompt: int
    ) -> tuple[list[int], list[int]]:
        """Cluster ends and region sizes of segment [a, b) behind an estimate."""
        cuts, regions = (np.zeros(b - a, dtype=np.int64) for _ in range(2))
        count = int(
            divide_segment(
                self.times[index][0][prompt],
                self.sizes,
                self.shape,
                self.cut_ps[index],
                self.context.model.machine.chiplets,
                self.context.model.net.weights,
                self.entry,
                a,
                b,
                beat,
                price,
                prompt,
                cuts,
                regions,
            )
        )
        return cuts[:count][::-1].tolist(), regions[:count][::-1].tolist()


def estimated(stages: Stages, estimates: Estimates, choice: Ints, a: int, b: int) -> Piece | None:
    """The segment behind an estimate, balanced and truly priced."""
    index, beat, price, prompt = choice[a, b].tolist()
    return balance(stages, index, a, *estimates.division(a, b, index, beat, price, prompt))


def border_entry(machine: Machine) -> tuple[Ints, Ints]:
    """How the weights of a region enter it: ``border_ps[N + 1]`` and ``entry[PARTS + 1]`` of ``divide``."""
    N, dram = machine.chiplets, machine.dram_mb_per_s
    speed = np.array([load_mb_per_s(n, 1, machine) for n in range(1, N + 1)], dtype=np.int64)
    border_ps = np.concatenate([[0], moving_ps(1 << 20, 1) // speed])
    wanted = dram * np.arange(PARTS + 1) // PARTS
    fast = np.maximum.accumulate(speed)
    return border_ps, np.minimum(np.searchsorted(fast, wanted) + 1, N)


def run_shapes(context: SearchContext, longest: int) -> Ints:
    """``shape[i, x]``: equal for x + 1 layers from i on that cost the same as a cluster; -1: none."""
    net, L = context.model.net, context.layers
    arriving = net.span[INPUTS_READ] + net.span[MADE_BEFORE]
    draining = net.span[OUTPUTS_MADE] + net.span[USED_AFTER]
    hashed = np.zeros((L, longest), dtype=np.int64)
    run_hashes(
        context.tables.kind,
        net.operand_start,
        np.ascontiguousarray(net.operand[:, SOURCE]),
        np.stack([arriving, draining, net.span[PEAK]]),
        longest,
        hashed,
    )
    inside = np.arange(L)[:, None] + np.arange(longest)[None, :] < L
    shape = np.full((L, longest), -1, dtype=np.int64)
    shape[inside] = np.unique(hashed[inside], return_inverse=True)[1]
    return shape


def balance(stages: Stages, index: int, a: int, cuts: list[int], regions: list[int]) -> Piece | None:
    """Move chiplets to the slowest stage, spare ones first, then from the slackest, while it helps."""
    spare = stages.context.model.machine.chiplets - sum(regions)
    if spare < 0:
        return None
    ends = list(pairwise([a, *cuts]))
    io_ps, free_ps = stages.io_ps(index, a, cuts[-1]), stages.free_ps(index, a, cuts[-1])

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
    return hasten(stages, index, a, cuts, regions, spare)


def hasten(
    stages: Stages, index: int, a: int, cuts: list[int], regions: list[int], spare: int
) -> Piece | None:
    """Give spare chiplets to the cluster that loads longest, while the segment takes less time by it."""
    best = stages.segment(index, a, cuts, regions)
    ends, load = list(pairwise([a, *cuts])), int(stages.context.load_ps[a, cuts[-1]])
    io_ps, free_ps = stages.io_ps(index, a, cuts[-1]), stages.free_ps(index, a, cuts[-1])
    while best is not None and spare > 0:
        loads = [
            stage.load_ps if (stage := stages.stage(index, *ends[x], n, io_ps, free_ps)) else 0
            for x, n in enumerate(regions)
        ]
        late = max(range(len(regions)), key=lambda x: loads[x])
        if load == 0 or loads[late] <= load:
            break
        steps = sorted({min(spare, 1 << e) for e in range(spare.bit_length() + 1)})
        for step in steps:
            larger = [n + step * (x == late) for x, n in enumerate(regions)]
            piece = stages.segment(index, a, cuts, larger)
            if piece is not None and piece.time_ps < best.time_ps:
                best, regions, spare = piece, larger, spare - step
                break
        else:
            break
    return best


def linear(context: SearchContext, starts: list[tuple[str, Path]]) -> tuple[Path, str]:
    """The best merged pipeline found, and where it came from: one of ``starts``, or clusters of its own."""
    L = context.layers
    upper = min(sum(piece.time_ps for _, piece in path) for _, path in starts)
    stages = Stages(context)
    estimates = Estimates(context, stages, upper)
    pieces: dict[tuple[int, int], Piece] = {}
    for _, path in starts:
        for a, b, piece in spans(path):
            if (a, b) not in pieces or piece.time_ps < pieces[a, b].time_ps:
                pieces[a, b] = piece
    value = np.full((L + 1, L + 1), NEVER, dtype=np.int64)
    for (a, b), piece in pieces.items():
        value[a, b] = piece.time_ps
    priced = value.copy()
    choice = estimates.segments(value, context.load_ps)
    known = (value == priced) & (value < NEVER)
    asked = 0

    def refine(a: int, b: int, _bound: int) -> int:
        nonlocal asked
        asked += 1
        found = estimated(stages, estimates, choice, a, b)
        if found is not None and ((a, b) not in pieces or found.time_ps < pieces[a, b].time_ps):
            pieces[a, b] = found
        return pieces[a, b].time_ps if (a, b) in pieces else NEVER

    lazy_path(value, known, refine, enough=lambda: asked >= REFINEMENTS)
    best = shortest_known(L, pieces)
    best = improve(context, stages, estimates, choice, best, pieces)
    context.pools[Scheme.MERGED_PIPELINE] = pieces
    total = sum(piece.time_ps for _, piece in best)
    for name, path in starts:
        if sum(piece.time_ps for _, piece in path) <= total:
            return path, name
    return best, "clusters"


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
    return piece


def improve(
    context: SearchContext,
    stages: Stages,
    estimates: Estimates,
    choice: Ints,
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
                if choice[i, j, 1] == 0:
                    continue
                found = estimated(stages, estimates, choice, i, j)
                tried += 1
                if found is not None:
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
