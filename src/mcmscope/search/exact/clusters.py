"""What every cluster takes on every number of chiplets: bounds, made exact where that is asked for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mcmscope.cost.arrays import (
    INPUTS_READ,
    MADE_BEFORE,
    OUTPUTS_MADE,
    PEAK,
    SOURCE,
    USED_AFTER,
    Ints,
    NetworkArrays,
)
from mcmscope.cost.machine import Machine
from mcmscope.cost.memory import cluster_need, spill_ps
from mcmscope.cost.nop import drain_ps
from mcmscope.jit import kernel
from mcmscope.search.context import SearchContext
from mcmscope.search.exact.costs import LayerCosts, layer_costs
from mcmscope.search.exact.family import Family
from mcmscope.search.exact.front import (
    FRONT_COLUMNS,
    FRONT_HELD,
    FRONT_LOAD,
    FRONT_TIME,
    LABEL_COLUMNS,
    NO_ROOM_FOR_LABELS,
    NO_ROOM_FOR_WAYS,
    cluster_front,
)
from mcmscope.search.exact.rows import bound_rows, network_slots
from mcmscope.search.tables import CHOICE, HELD, LOAD, NEVER, TIME, layer_kinds
from mcmscope.search.transfers import spilling_ps

MOST_LABELS = 300_000
"""Labels of one cluster beyond which the search gives up a proof."""
FIRST_LABELS = 20_000
FIRST_WAYS, MOST_WAYS = 512, 32_768


class TooHard(Exception):  # noqa: N818 - it is no error
    """A cluster has more ways to run it than can be kept."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way to run a cluster."""

    tiles: tuple[int, int, int]
    partitions: tuple[int, ...]


def shapes(context: SearchContext) -> Ints:
    """``shape[i, j]``: equal numbers for runs of layers [i, j) that cost the same as a cluster."""
    net, kind, L = context.model.net, context.tables.kind, context.layers
    numbers: dict[bytes, int] = {}
    shape = np.full((L + 1, L + 1), -1, dtype=np.int64)
    arriving = net.span[INPUTS_READ] + net.span[MADE_BEFORE]
    draining = net.span[OUTPUTS_MADE] + net.span[USED_AFTER]
    sizes = np.stack([arriving, draining, net.span[PEAK]])
    source = net.operand[:, SOURCE]
    for i in range(L):
        inside = np.maximum(source[net.operand_start[i] :] - i, -1)
        for j in range(i + 1, L + 1):
            # Who reads what inside follows from the operands; what leaves shows in the sizes.
            key = (
                kind[i:j].tobytes()
                + inside[: net.operand_start[j] - net.operand_start[i]].tobytes()
                + sizes[:, i, j].tobytes()
            )
            shape[i, j] = numbers.setdefault(key, len(numbers))
    return shape


class Clusters:
    """All clusters under the index-th micro-batch, on up to ``limit`` chiplets.

    ``bound[S, N + 1]``: lower bound (ps) of a stage of shape s on n chiplets, its own spill included;
    ``least[S, N + 1]`` the same on at most n. ``row[S, N + 1]``: where its ways begin in ``ways`` (and how
    many there are in ``count``), -1 while only bounded. ``cap[S, N + 1]``: stages slower than that (ps)
    were not looked at: such a ``bound`` is ``cap + 1`` at least. ``ways[:, FRONT_COLUMNS]``.
    """

    def __init__(self, context: SearchContext, index: int, shape: Ints, rules: Family, upper: int) -> None:
        self.context, self.index, self.shape = context, index, shape
        self.micro = context.micro[index]
        model, tables = context.model, context.tables
        self.replicas = rules.replicas
        self.limit = model.machine.chiplets // rules.replicas
        share = -(-context.batch // rules.replicas)
        self.beats = -(-share // self.micro)
        net, L, N = model.net, context.layers, model.machine.chiplets
        self.first = layer_kinds(net)[1]
        self.relayed = int(max(net.span[MADE_BEFORE, b, L] for b in range(L + 1)))
        count = int(shape.max()) + 1
        self.bound = np.full((count, N + 1), NEVER, dtype=np.int64)
        self.row = np.full((count, N + 1), -1, dtype=np.int64)
        self.count = np.zeros((count, N + 1), dtype=np.int64)
        self.cap = np.zeros((count, N + 1), dtype=np.int64)
        self.ways = np.zeros((4096, FRONT_COLUMNS), dtype=np.int64)
        self.used = 0
        self._chosen: list[Way] = []
        self._costs: dict[int, LayerCosts] = {}
        self._labels = np.zeros((FIRST_LABELS, LABEL_COLUMNS), dtype=np.int64)
        self._front = np.zeros((FIRST_WAYS, FRONT_COLUMNS), dtype=np.int64)
        self._partitions = np.zeros((FIRST_WAYS, L), dtype=np.int64)
        if rules.longest > 1:
            bound_shapes(
                net,
                model.machine,
                tables.kind,
                tables.inside[index],
                tables.first[index],
                tables.price,
                self.micro,
                self.limit,
                shape,
                self.bound,
            )
            self._bound_rows(upper // self.beats)
        self._fill_singles()
        self.least = np.minimum.accumulate(self.bound, axis=1)

    def _bound_rows(self, cap: int) -> None:
        """Better bounds, up to ``cap`` ps, from whole rows of clusters that begin with the same layer."""
        model, L = self.context.model, self.context.layers
        slot, stay, own = (np.zeros(L, dtype=np.int64) for _ in range(3))
        bits = int(network_slots(model.net, slot, stay, own))
        owner = np.full(len(self.bound), L, dtype=np.int64)
        for i in range(L - 1, -1, -1):
            owner[self.shape[i, i + 1 :]] = i
        for n in range(1, self.limit + 1):
            bound_rows(
                model.net,
                model.machine,
                *self.costs(n),
                self.context.tables.kind,
                self.context.tables.price[n],
                slot,
                stay,
                own,
                bits,
                self.shape,
                owner,
                n,
                cap,
                self.bound,
            )

    def _fill_singles(self) -> None:
        """Clusters of one layer: all their ways are in the tables."""
        tables = self.context.tables
        for l in range(self.context.layers):
            s = int(self.shape[l, l + 1])
            if self.row[s, self.limit] >= 0 or self.row[s].max() >= 0:
                continue
            for n in range(1, self.limit + 1):
                options = tables.alone[self.index, tables.kind[l], n]
                options = options[options[:, TIME] < NEVER]
                rows = np.stack(
                    [options[:, TIME], options[:, HELD], options[:, LOAD], options[:, CHOICE]], axis=1
                )
                grids = tables.grids[self.index]
                ways = [Way(tuple(grids[c // 3].tolist()), (c % 3,)) for c in options[:, CHOICE].tolist()]
                self._keep(s, n, rows, ways)
                self.cap[s, n] = NEVER

    def _keep(self, s: int, n: int, rows: Ints, ways: list[Way]) -> None:
        if self.used + len(rows) > len(self.ways):
            grown = np.zeros((2 * len(self.ways) + len(rows), FRONT_COLUMNS), dtype=np.int64)
            grown[: self.used] = self.ways[: self.used]
            self.ways = grown
        self.ways[self.used : self.used + len(rows)] = rows
        self.row[s, n], self.count[s, n] = self.used, len(rows)
        self._chosen.extend(ways)
        self.used += len(rows)
        self.bound[s, n] = min(
            (max(time, self.spill_ps(held)) for time, held in rows[:, :2].tolist()), default=NEVER
        )

    def is_known(self, i: int, j: int, n: int, beat: int) -> bool:
        """Whether all ways to run cluster [i, j) on n chiplets in a beat of so many ps are known."""
        s = self.shape[i, j]
        return bool(self.row[s, n] >= 0 and self.cap[s, n] >= beat)

    def ways_of(self, i: int, j: int, n: int) -> list[tuple[int, tuple[int, int, int]]]:
        """The known ways: (number, (time ps, load ps, held bytes)) each."""
        s = self.shape[i, j]
        begin, end = int(self.row[s, n]), int(self.row[s, n] + self.count[s, n])
        columns = [FRONT_TIME, FRONT_LOAD, FRONT_HELD]
        return [(begin + x, tuple(row)) for x, row in enumerate(self.ways[begin:end, columns].tolist())]

    def way(self, number: int) -> Way:
        """A known way by its number."""
        return self._chosen[number]

    def spill_ps(self, held: int) -> int:
        """See ``cost.memory.spill_ps``; ``held`` bytes in all."""
        machine = self.context.model.machine
        return spilling_ps(max(0, held - machine.activation_free), machine)

    def costs(self, n: int) -> LayerCosts:
        """Costs of single layers on n chiplets."""
        if n not in self._costs:
            start, end = self.context.tables.grid_start[self.index, n : n + 2].tolist()
            model = self.context.model
            grids = self.context.tables.grids[self.index][start:end]
            self._costs[n] = layer_costs(
                model.net,
                model.machine,
                model.tilings,
                self.first,
                self.context.tables.price[n],
                n,
                self.micro,
                grids,
            )
        return self._costs[n]

    def settle(self, i: int, j: int, n: int, most: int, beat: int, cap: int) -> None:
        """Find the fewest chiplets, n to ``most``, on which cluster [i, j) does keep to ``beat`` ps."""
        s = int(self.shape[i, j])
        for size in range(n, most + 1):
            if self.bound[s, size] > beat:
                continue
            if not self.is_known(i, j, size, beat):
                self.refine(i, j, size, cap)
            if self.bound[s, size] <= beat:
                break
        self.least[s] = np.minimum.accumulate(self.bound[s])

    def refine(self, i: int, j: int, n: int, cap: int) -> None:
        """Find all ways to run cluster [i, j) on n chiplets that keep to a beat of ``cap`` ps."""
        context, model = self.context, self.context.model
        s = int(self.shape[i, j])
        costs = self.costs(n)
        while True:
            count, made = cluster_front(
                model.net,
                model.machine,
                *costs,
                context.tables.kind,
                context.tables.price[n],
                i,
                j,
                n,
                self.micro,
                self.replicas,
                self.relayed,
                int(context.dram_ps[i, j]),
                cap,
                self._labels,
                self._front,
                self._partitions,
            )
            context.states += int(made)
            if count >= 0:
                break
            if count == NO_ROOM_FOR_LABELS and len(self._labels) < MOST_LABELS:
                self._labels = np.zeros((4 * len(self._labels), LABEL_COLUMNS), dtype=np.int64)
            elif count == NO_ROOM_FOR_WAYS and len(self._front) < MOST_WAYS:
                self._front = np.zeros((4 * len(self._front), FRONT_COLUMNS), dtype=np.int64)
                self._partitions = np.zeros((len(self._front), context.layers), dtype=np.int64)
            else:
                raise TooHard
        self.cap[s, n] = cap
        if count == 0:
            self.bound[s, n] = max(self.bound[s, n], cap + 1)
        else:
            start = int(context.tables.grid_start[self.index, n])
            rows = self._front[:count].copy()
            partitions: list[list[int]] = self._partitions[:count, : j - i].tolist()
            grids = context.tables.grids[self.index]
            ways = [
                Way(tuple(grids[start + g].tolist()), tuple(row))
                for g, row in zip(rows[:, 3].tolist(), partitions, strict=True)
            ]
            self._keep(s, n, rows, ways)


@kernel
def bound_shapes(
    net: NetworkArrays,
    machine: Machine,
    kind: Ints,
    inside: Ints,
    first: Ints,
    price: Ints,
    u: int,
    limit: int,
    shape: Ints,
    bound: Ints,
) -> None:
    """Fill ``bound[S, N + 1]`` for clusters of several layers: each layer at its best, weights charged."""
    L = len(net.layer)
    steps = price.shape[1]
    time = np.zeros(steps, dtype=np.int64)
    for n in range(1, limit + 1):
        for i in range(L - 1):
            if first[0, kind[i], n] == NEVER:
                continue
            for step in range(steps):
                paid = (machine.weight_limit * price[n, step] + 1023) // 1024
                time[step] = first[step, kind[i], n] - paid
            for j in range(i + 2, L + 1):
                if inside[0, kind[j - 1], n] == NEVER:
                    break
                if net.weights[j] - net.weights[i] > n * machine.weight_limit:
                    break
                least = 0
                for step in range(steps):
                    time[step] += inside[step, kind[j - 1], n]
                    least = max(least, time[step])
                need = cluster_need(net, i, j, n, u)
                need += machine.unified * ((net.weights[j] - net.weights[i]) // n)
                spill = spill_ps(max(0, need - machine.activation_free), machine)
                bound[shape[i, j], n] = max(max(least, drain_ps(net, machine, i, j, n, u)), spill)
