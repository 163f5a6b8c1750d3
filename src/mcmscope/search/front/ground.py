"""What the weighted sums of all schemes of a network stand on, made once."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from mcmscope.cost.arrays import MACS, WEIGHT_BYTES, Ints
from mcmscope.search.context import SearchContext, kept_boundaries
from mcmscope.search.exact.clusters import shapes
from mcmscope.search.front.boxes import OutOfTime, Traffic
from mcmscope.search.front.passes import passes_points
from mcmscope.search.front.quick import QuickWays
from mcmscope.search.front.small import MOST_LABELS, Pair, in_passes, scale_of
from mcmscope.search.front.ways import Ways
from mcmscope.search.limit import Limit
from mcmscope.search.space import grid_table


class Ground:
    """Shapes of clusters, what every segment takes in any case, layers in passes, and good ways."""

    def __init__(self, context: SearchContext) -> None:
        self.context, model, L = context, context.model, context.layers
        self.shape = shapes(context)
        spans: dict[int, tuple[int, int]] = {}
        for i in range(L):
            for j in range(i + 1, L + 1):
                spans.setdefault(int(self.shape[i, j]), (i, j))
        self.spans: Ints = np.array([spans[s] for s in range(len(spans))], dtype=np.int64)
        """[S, 2]: a cluster of each shape, the first."""
        self.traffic = Traffic(model.net)
        self._quick: dict[int, QuickWays] = {}

    @cached_property
    def fixed(self) -> Ints:
        """Energy (fJ of the batch) that every way to run segment [a, b) takes: [L + 1, L + 1]."""
        context, net, terms = self.context, self.context.model.net, self.context.model.terms
        m = context.batch
        macs = np.concatenate([[0], np.cumsum(net.layer[:, MACS])])
        moved = m * context.io + np.maximum(net.weights[None, :] - net.weights[:, None], 0)
        return (
            m * (macs[None, :] - macs[:, None]) * terms.mac_fj
            + moved * terms.dram_byte_fj
            + moved * terms.dram_milli_hops // 1000 * terms.hop_byte_fj
        ).astype(np.int64)

    @cached_property
    def passes(self) -> dict[int, list[Pair]]:
        """Layers alone in a segment whose weights come in parts: where they are too many for one chiplet."""
        context, model = self.context, self.context.model
        net, machine, kept = model.net, model.machine, kept_boundaries(model, context.batch)
        copies = machine.pes if machine.copies else 1
        out = np.zeros((MOST_LABELS, 3), dtype=np.int64)
        known: dict[tuple[int, ...], list[list[int]]] = {}
        pairs: dict[int, list[Pair]] = {}
        for u in context.micro:
            grid_start, grids = grid_table(machine.chiplets, u)
            for l in range(context.layers):
                if int(net.layer[l, WEIGHT_BYTES]) * copies <= machine.weight_limit:
                    continue
                ends = int(kept[l]), int(kept[l + 1])
                key = (u, int(context.tables.kind[l]), int(context.io[l, l + 1]), *ends)
                if (*key, context.passing(l)) not in known:
                    count = -1
                    while count < 0:
                        count = passes_points(
                            net, machine, model.terms, l, u, grid_start, grids, context.batch, 1, *ends, out
                        )
                        if count < 0:
                            out = np.zeros((2 * len(out), 3), dtype=np.int64)
                    known[(*key, context.passing(l))] = out[:count].tolist()
                rows = known[(*key, context.passing(l))]
                pairs.setdefault(l, []).extend(in_passes(l, u, row, grids) for row in rows)
        return pairs

    def quick(self, limit: Limit) -> list[QuickWays]:
        """Some good ways of all clusters, per micro-batch.

        Raises:
            OutOfTime: the limit was reached before.
        """
        for u in self.context.micro:
            if u not in self._quick:
                if limit.reached():
                    raise OutOfTime
                self._quick[u] = QuickWays(self.context, u, self.shape, self.spans)
        return [self._quick[u] for u in self.context.micro]

    def ways(self, limit: Limit) -> list[Ways]:
        """All ways of all clusters, or bounds, per micro-batch.

        Raises:
            OutOfTime: the limit was reached before.
        """
        found: list[Ways] = []
        for u in self.context.micro:
            if limit.reached():
                raise OutOfTime
            found.append(Ways(self.context, u, self.shape, self.spans, scale_of(self.context, u)))
        return found


def ground(context: SearchContext) -> Ground:
    """The ground of a context, made when it is asked for first."""
    if context.ground is None:
        context.ground = Ground(context)
    return context.ground
