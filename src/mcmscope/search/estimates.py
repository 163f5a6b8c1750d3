"""What segments of merged clusters would take, all of them: stages in rows, divided at beats."""

from __future__ import annotations

import numpy as np

from mcmscope.cost.arrays import INPUTS_READ, MADE_BEFORE, OUTPUTS_MADE, PEAK, SOURCE, USED_AFTER, Ints
from mcmscope.cost.dram import load_mb_per_s
from mcmscope.cost.machine import Machine
from mcmscope.search.choose import FEW_BEATS, fill_stages
from mcmscope.search.context import Piece, SearchContext
from mcmscope.search.divide import PARTS, boundary_bytes, divide_segment, estimate_segments, run_hashes
from mcmscope.search.repair import balance
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
        self.trials = [trial_beats(upper // beats + 1) for beats in stages.beats]
        stages_of = [self._times(index) for index in range(len(context.micro))]
        self.times, self.loads, self.spills = zip(*stages_of, strict=True)
        self.choice = np.zeros((2, L + 1, L + 1, 4), dtype=np.int64)

    def _times(self, index: int) -> tuple[Ints, Ints, Ints]:
        """``times[W, S, Q]`` (ps) of all stages, which fall along the sizes; in how long they load and spill.

        Of the quickest ways to run them; over few beats (W = 2) then of those that are quickest with loads.
        """
        context, model = self.context, self.context.model
        tables, u = context.tables, context.micro[index]
        beats = self.stages.beats[index]
        ways = 2 if beats <= FEW_BEATS else 1
        times = np.full((len(self.sizes), ways, len(self.owner)), NEVER, dtype=np.int64)
        loads, spills = np.zeros_like(times), np.zeros_like(times)
        for q, n in enumerate(self.sizes.tolist()):
            if q > 0:  # a smaller region does where a larger one is no faster
                for of in (times, loads, spills):
                    of[q, 0] = of[q - 1, 0]
            context.states += int(
                fill_stages(
                    model.net,
                    model.machine,
                    self.stages.costs(index, n, self.stages.every),
                    tables.kind,
                    tables.price[n],
                    self.stages.words,
                    self.shape,
                    self.owner,
                    n,
                    u,
                    self.trials[index],
                    beats,
                    times[q],
                    loads[q],
                    spills[q],
                )
            )
        options = tables.alone[index][:, self.sizes]
        excess = np.maximum(options[..., HELD] - model.machine.activation_free, 0)
        spill = spilling_ps(excess, model.machine)
        taken = np.where(options[..., TIME] < NEVER, np.maximum(options[..., TIME], spill), NEVER)
        for way in range(ways):
            best = (taken + way * options[..., LOAD] // beats).argmin(axis=2, keepdims=True)
            for of, values in ((times, taken), (loads, options[..., LOAD]), (spills, spill)):
                found = np.take_along_axis(values, best, axis=2)[tables.kind, :, 0]
                of[:, way, self.shape[:, 0]] = found.T
        for q in range(1, len(self.sizes)):
            smaller = times[q - 1] <= times[q]
            for of in (times, loads, spills):
                of[q][smaller] = of[q - 1][smaller]
        by_size = [np.ascontiguousarray(of.transpose(1, 2, 0)) for of in (times, loads, spills)]
        return by_size[0], by_size[1], by_size[2]

    def segments(self, value: Ints) -> None:
        """Lower ``value[2, a, b]`` (ps) to estimates; (index of u, beat, price, prompt) behind each is kept.

        The second view adds what stages spill to DRAM traffic, as prices do; the first leaves it to repairs.
        """
        context, N = self.context, self.context.model.machine.chiplets
        for index, u in enumerate(context.micro):
            beats = self.stages.beats[index]
            trial = self.trials[index]
            trial = trial[: np.count_nonzero(trial > self.times[index].min()) + 1]
            worth = 1024 * N / (beats + 7)
            io_ps = moving_ps(u * context.io, context.model.machine.dram_mb_per_s)
            few = beats <= FEW_BEATS
            prices = PRICES_FEW if few else PRICES
            for prompt in range(2 if few else 1):
                estimate_segments(
                    self.times[index][prompt],
                    self.loads[index][prompt],
                    self.spills[index][prompt],
                    self.sizes,
                    self.shape,
                    self.cut_ps[index],
                    io_ps,
                    context.load_ps,
                    beats,
                    N,
                    trial,
                    np.array([int(part * worth) for part in prices], dtype=np.int64),
                    context.model.net.weights,
                    self.border_ps,
                    self.entry,
                    prompt,
                    index,
                    value,
                    self.choice,
                )

    def piece(self, a: int, b: int, view: int = 0) -> Piece | None:
        """The segment behind an estimate, balanced and truly priced; None: there is none that fits."""
        chosen: list[int] = self.choice[view, a, b].tolist()
        index, beat, price, prompt = chosen
        if beat == 0:
            return None
        cuts, regions = (np.zeros(b - a, dtype=np.int64) for _ in range(2))
        count = int(
            divide_segment(
                self.times[index][prompt],
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
        return balance(self.stages, index, a, cuts[:count][::-1].tolist(), regions[:count][::-1].tolist())


def trial_beats(first: int) -> Ints:
    """Falling beats (ps) that segments are divided at."""
    beats = [first]
    while beats[-1] > 0:
        beats.append(int(beats[-1] / STEP))
    return np.array(beats, dtype=np.int64)


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
