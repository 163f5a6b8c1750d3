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
from mcmscope.search.exact.costs import region_costs
from mcmscope.search.exact.family import Family
from mcmscope.search.exact.front import (
    FRONT_COLUMNS,
    FRONT_GRID,
    LABEL_COLUMNS,
    NO_ROOM_FOR_LABELS,
    NO_ROOM_FOR_WAYS,
)
from mcmscope.search.exact.rows import bound_regions, network_slots
from mcmscope.search.exact.settle import (
    NO_ROOM_FOR_ALL,
    TALLIES,
    Known,
    Room,
    Setting,
    fill_singles,
    ways_of,
)
from mcmscope.search.tables import MAX_OPTIONS, NEVER, layer_kinds

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
    """All clusters under the index-th micro-batch, on up to ``limit`` chiplets, and what is known of them."""

    def __init__(self, context: SearchContext, index: int, shape: Ints, rules: Family, upper: int) -> None:
        self.context, self.index, self.shape = context, index, shape
        self.micro = context.micro[index]
        model, tables = context.model, context.tables
        self.replicas = rules.replicas
        self.limit = model.machine.chiplets // rules.replicas
        share = -(-context.batch // rules.replicas)
        self.beats = -(-share // self.micro)
        net, L, N = model.net, context.layers, model.machine.chiplets
        relayed = int(max(net.span[MADE_BEFORE, b, L] for b in range(L + 1)))
        costs = region_costs(
            net,
            model.machine,
            model.tilings,
            layer_kinds(net)[1],
            tables.price,
            self.limit,
            self.micro,
            tables.grid_start[index],
            tables.grids[index],
        )
        self.setting = Setting(
            costs, tables.kind, tables.price, context.dram_ps, self.micro, self.replicas, relayed
        )
        size = (int(shape.max()) + 1, N + 1)
        singles = len(np.unique(shape.diagonal(1))) * self.limit * MAX_OPTIONS
        self.known = Known(
            shape,
            bound=np.full(size, NEVER, dtype=np.int64),
            least=np.full(size, NEVER, dtype=np.int64),
            row=np.full(size, -1, dtype=np.int64),
            many=np.zeros(size, dtype=np.int64),
            cap=np.zeros(size, dtype=np.int64),
            ways=np.zeros((singles + 4 * FIRST_WAYS, FRONT_COLUMNS), dtype=np.int64),
            tally=np.zeros(TALLIES, dtype=np.int64),
        )
        self.room = Room(
            np.zeros((FIRST_LABELS, LABEL_COLUMNS), dtype=np.int64),
            np.zeros((FIRST_WAYS, FRONT_COLUMNS), dtype=np.int64),
            np.zeros((FIRST_WAYS, L), dtype=np.int64),
        )
        if rules.longest > 1:
            owner = np.full(size[0], L, dtype=np.int64)  # the first layer of some cluster of each shape
            for i in range(L - 1, -1, -1):
                owner[shape[i, i + 1 :]] = i
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
                owner,
                self.known.bound,
            )
            self._bound_regions(owner, upper // self.beats)
        fill_singles(model.machine, tables.kind, tables.alone[index], self.limit, self.known)
        np.minimum.accumulate(self.known.bound, axis=1, out=self.known.least)

    def _bound_regions(self, owner: Ints, cap: int) -> None:
        """Better bounds, up to ``cap`` ps, from whole rows of clusters that begin with the same layer."""
        model, L = self.context.model, self.context.layers
        slot, stay, own = (np.zeros(L, dtype=np.int64) for _ in range(3))
        bits = int(network_slots(model.net, slot, stay, own))
        bound_regions(
            model.net,
            model.machine,
            self.setting.costs,
            self.setting.kind,
            self.setting.price,
            slot,
            stay,
            own,
            bits,
            self.shape,
            owner,
            self.limit,
            cap,
            self.known.bound,
        )

    def make_room(self, told: int) -> None:
        """More room where a kernel says that there was none."""
        labels, front, partitions = self.room
        if told == NO_ROOM_FOR_ALL:
            more = np.zeros((2 * len(self.known.ways) + len(front), FRONT_COLUMNS), dtype=np.int64)
            more[: len(self.known.ways)] = self.known.ways
            self.known = self.known._replace(ways=more)
        elif told == NO_ROOM_FOR_LABELS and len(labels) < MOST_LABELS:
            self.room = Room(np.zeros((4 * len(labels), LABEL_COLUMNS), dtype=np.int64), front, partitions)
        elif told == NO_ROOM_FOR_WAYS and len(front) < MOST_WAYS:
            rows = 4 * len(front)
            front = np.zeros((rows, FRONT_COLUMNS), dtype=np.int64)
            self.room = Room(labels, front, np.zeros((rows, self.context.layers), dtype=np.int64))
        else:
            raise TooHard

    def way(self, i: int, j: int, n: int, number: int) -> Way:
        """The tile grid and partitions of one of the ways of cluster [i, j) on n chiplets."""
        known, model = self.known, self.context.model
        s = int(self.shape[i, j])
        grid = int(known.ways[number, FRONT_GRID])
        if j == i + 1:
            tiles, partition = self.context.grid(self.index, grid)
            return Way(tiles, (partition,))
        # Partitions are not kept: few are asked for, and the same labels lead to them again.
        ways_of(model.net, model.machine, self.setting, known, self.room, i, j, n, int(known.cap[s, n]))
        start = int(self.setting.costs.grid_start[n])
        tiles = self.context.tables.grids[self.index][start + grid].tolist()
        return Way(tuple(tiles), tuple(self.room.partitions[number - known.row[s, n], : j - i].tolist()))


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
    owner: Ints,
    bound: Ints,
) -> None:
    """Fill ``bound[S, N + 1]`` for clusters of several layers: each layer at its best, weights charged.

    ``owner[s]`` is the first layer of some cluster of shape s: only that one is looked at.
    """
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
                if owner[shape[i, j]] != i:
                    continue
                need = cluster_need(net, i, j, n, u)
                need += machine.unified * ((net.weights[j] - net.weights[i]) // n)
                spill = spill_ps(max(0, need - machine.activation_free), machine)
                bound[shape[i, j], n] = max(max(least, drain_ps(net, machine, i, j, n, u)), spill)
