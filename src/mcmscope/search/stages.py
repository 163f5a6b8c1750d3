"""True prices of stages and of segments of merged clusters, remembered."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from mcmscope.cost.arrays import Ints
from mcmscope.cost.dram import load_ps
from mcmscope.cost.memory import cut_bytes, relayed_bytes
from mcmscope.cost.stage import stage_cost
from mcmscope.search.choose import FEW_BEATS, best_stage
from mcmscope.search.context import Piece, SearchContext
from mcmscope.search.exact.costs import LayerCosts, layer_costs
from mcmscope.search.rows import words
from mcmscope.search.tables import CHOICE, HELD, LOAD, NEVER, TIME, layer_kinds
from mcmscope.search.transfers import moving_ps, spilling_ps


@dataclass(frozen=True, slots=True)
class Stage:
    """A cluster on n chiplets as a search would run it; ``held_bytes`` counts weights in a unified buffer."""

    time_ps: int
    load_ps: int
    held_bytes: int
    tiles: tuple[int, int, int]
    partitions: tuple[int, ...]


@dataclass
class Stages:
    """Remembers the best found stage of every (run of layers, micro-batch, region size)."""

    context: SearchContext
    known: dict[tuple[bytes, int, int, int, int], Stage | None] = field(
        default_factory=dict[tuple[bytes, int, int, int, int], "Stage | None"]
    )
    floors: dict[tuple[int, int, int], int] = field(default_factory=dict[tuple[int, int, int], int])
    relays: dict[tuple[int, int, int, int], int] = field(default_factory=dict[tuple[int, int, int, int], int])

    layers: dict[tuple[int, int, bytes], LayerCosts] = field(
        default_factory=dict[tuple[int, int, bytes], LayerCosts]
    )

    def __post_init__(self) -> None:
        net, L = self.context.model.net, self.context.layers
        self.first = layer_kinds(net)[1]
        self.every = np.arange(len(self.first))
        self.words = words(net)
        self.partitions, self.kind = np.zeros((2, L), dtype=np.int64)
        self.beats = [-(-self.context.batch // u) for u in self.context.micro]

    def stage(self, index: int, i: int, j: int, n: int, io_ps: int, free_ps: int) -> Stage | None:
        """The stage [i, j) on n chiplets under the index-th micro-batch; None if its weights do not fit.

        ``io_ps``: DRAM traffic of a beat of its segment; ``free_ps``: see there.
        """
        key = (self.context.shape(i, j), index, n, io_ps, free_ps)
        if key not in self.known:
            alone = j - i == 1
            self.known[key] = (
                self._single(index, i, n, io_ps, free_ps)
                if alone
                else self._merged(index, i, j, n, io_ps, free_ps)
            )
            self.context.states += 1
        return self.known[key]

    def _single(self, index: int, l: int, n: int, io_ps: int, free_ps: int) -> Stage | None:
        machine, tables = self.context.model.machine, self.context.tables
        best: Stage | None = None
        cost = NEVER
        for option in tables.alone[index, tables.kind[l], n].tolist():
            if option[TIME] >= NEVER:
                break
            excess = max(0, option[HELD] - machine.activation_free)
            late = max(0, option[LOAD] - free_ps) // self.beats[index]
            worst = max(option[TIME], io_ps + spilling_ps(excess, machine)) + late
            if worst < cost:
                cost = worst
                tiles, partition = self.context.grid(index, option[CHOICE])
                best = Stage(option[TIME], option[LOAD], option[HELD], tiles, (partition,))
        return best

    def costs(self, index: int, n: int, kinds: Ints) -> LayerCosts:
        """Costs of single layers of these kinds on n chiplets under the index-th micro-batch."""
        key = (index, n, kinds.tobytes())
        if key not in self.layers:
            model, tables = self.context.model, self.context.tables
            start, end = tables.grid_start[index, n : n + 2].tolist()
            grids = tables.grids[index][start:end]
            self.layers[key] = layer_costs(
                model.net,
                model.machine,
                model.tilings,
                self.first[kinds],
                tables.price[n],
                n,
                self.context.micro[index],
                grids,
            )
        return self.layers[key]

    def _merged(self, index: int, i: int, j: int, n: int, io_ps: int, free_ps: int) -> Stage | None:
        context = self.context
        net, machine, tables = context.model.net, context.model.machine, context.tables
        u = context.micro[index]
        if net.weights[j] - net.weights[i] > n * machine.weight_limit:
            return None
        kinds, kind = self.every, tables.kind
        if (index, n, kinds.tobytes()) not in self.layers:  # no estimate was made for this size
            kinds, kind = np.unique(tables.kind[i:j]), self.kind
            kind[i:j] = np.searchsorted(kinds, tables.kind[i:j])
        grid = int(
            best_stage(
                net,
                machine,
                self.costs(index, n, kinds),
                kind,
                tables.price[n],
                self.words,
                i,
                j,
                n,
                u,
                io_ps,
                self.beats[index],
                free_ps,
                self.partitions,
            )
        )
        if grid < 0:
            return None
        s, r, c = tables.grids[index][tables.grid_start[index, n] + grid].tolist()
        cost = stage_cost(net, machine, context.model.tilings, i, j, self.partitions, n, u, (s, r, c))
        return Stage(
            int(cost.time_ps),
            int(load_ps(int(net.weights[j] - net.weights[i]), int(cost.distinct_bytes), n, 1, machine)),
            int(cost.need_bytes) + machine.unified * int(cost.stored_bytes),
            (s, r, c),
            tuple(self.partitions[i:j].tolist()),
        )

    def io_ps(self, index: int, a: int, b: int) -> int:
        """DRAM traffic of one beat of segment [a, b)."""
        moved = self.context.micro[index] * int(self.context.io[a, b])
        return moving_ps(moved, self.context.model.machine.dram_mb_per_s)

    def free_ps(self, index: int, a: int, b: int) -> int:
        """For how long clusters of segment [a, b) load at no cost: until DRAM has sent all of its weights.

        Over many beats, and for weights that stay, loads do not count.
        """
        free = int(self.context.load_ps[a, b])
        return free if free > 0 and self.beats[index] <= FEW_BEATS else NEVER

    def cut_ps(self, index: int, a: int, b: int, j: int) -> int:
        """Floor that the cluster boundary j puts under the beat of segment [a, b)."""
        key = (a, b, j)
        if key not in self.floors:
            self.floors[key] = int(cut_bytes(self.context.model.net, a, b, j))
        moved = self.context.micro[index] * self.floors[key]
        return moving_ps(moved, self.context.model.machine.cut_mb_per_s)

    def spilled_ps(self, index: int, a: int, b: int, i: int, j: int, n: int, stage: Stage) -> int:
        """Floor that the spill of a stage puts under the beat, tensors that pass by included."""
        key = (a, b, i, j)
        if key not in self.relays:
            self.relays[key] = int(relayed_bytes(self.context.model.net, a, b, i, j))
        machine = self.context.model.machine
        held = stage.held_bytes + -(-self.context.micro[index] * self.relays[key] // n)
        return spilling_ps(max(0, held - machine.activation_free), machine)

    def segment(self, index: int, a: int, cuts: list[int], regions: list[int]) -> Piece | None:
        """Segment [a, cuts[-1]) with these cluster ends and region sizes, priced; None if it does not fit."""
        b = cuts[-1]
        io_ps = self.io_ps(index, a, b)
        times = spill = 0
        load, free_ps = int(self.context.load_ps[a, b]), self.free_ps(index, a, b)
        clusters: list[tuple[int, int, int, int, int]] = []
        partitions: list[int] = []
        for (i, j), n in zip(pairwise([a, *cuts]), regions, strict=True):
            stage = self.stage(index, i, j, n, io_ps, free_ps)
            if stage is None:
                return None
            times = max(times, stage.time_ps)
            if load > 0:
                load = max(load, stage.load_ps)
            spill = max(spill, self.spilled_ps(index, a, b, i, j, n, stage))
            if j < b:
                times = max(times, self.cut_ps(index, a, b, j))
            clusters.append((j, n, *stage.tiles))
            partitions.extend(stage.partitions)
        beat = max(times, io_ps + spill)
        total = load + (self.beats[index] + len(cuts) - 1) * beat
        return Piece(total, self.context.micro[index], tuple(clusters), tuple(partitions))
