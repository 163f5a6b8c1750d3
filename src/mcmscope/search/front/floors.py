"""Lower bounds of the weighted sums of a box by its number of clusters, raised as far as is asked for.

Chiplets are paid for at a price (a Lagrange multiplier) first: that is soon done and tells which clusters to
make exact. Then they are counted.
"""

from __future__ import annotations

import numpy as np

from mcmscope.cost.arrays import Ints
from mcmscope.search.front.bounds import ENTRY_POINT
from mcmscope.search.front.boxes import Boxes, Chain
from mcmscope.search.front.chains import chain_behind, priced_chains
from mcmscope.search.front.sums import FAR, Box, least_sums
from mcmscope.search.tables import NEVER


class Floors:
    """Floors of a box: ``values[k]`` of ways of k clusters, the last of more, too; ``NEVER``: there are none.

    ``apart``: up to how many clusters they are told apart. ``shared``: other segments are asked for the same
    beats; clusters cost what they cost in any segment then, which is soon done and less sharp.
    """

    def __init__(self, boxes: Boxes, box: Box, apart: int, *, shared: bool = False) -> None:
        self.boxes, self.box = boxes, box
        self.wait = boxes.wait(box)
        length, most = box.b - box.a, min(box.b - box.a, apart)
        boxes.tidy()  # from here on, entries are renumbered only where a shape is refined
        # What is known of clusters is known of all loads.
        self.known = boxes.known_up_to(box.hi) if shared and box.most_load >= NEVER else boxes.nothing
        self.shape: Ints = np.full((length + 1, length + 1), -1, dtype=np.int64)
        self.shape[:-1, 1:] = boxes.ways.shape[box.a : box.b, box.a + 1 : box.b + 1]
        self.cost, self.via = np.empty((2, *self.shape.shape, len(boxes.prices)), dtype=np.int64)
        self.stale = np.ones(self.shape.shape, dtype=np.bool_)
        self.least: Ints = np.empty((most + 1, length + 1, len(boxes.prices)), dtype=np.int64)
        self.at: Ints = np.zeros(most + 1, dtype=np.int64)
        self.values: Ints = np.zeros(most + 1, dtype=np.int64)
        self._price()

    def _price(self) -> None:
        """Bounds from entries as they are now."""
        boxes, ways, model = self.boxes, self.boxes.ways, self.boxes.context.model
        boxes.work.spend(0)
        boxes.context.states += 1
        priced_chains(
            model.machine,
            model.terms,
            model.net.weights,
            ways.shape,
            ways.entries,
            ways.begin,
            *boxes.traffic.of(self.box.a, self.box.b),
            self.box,
            boxes.prices,
            self.known,
            self.stale,
            self.cost,
            self.via,
            self.least,
            self.values,
            self.at,
        )
        self.values = np.where(self.values < FAR, self.values + self.wait, NEVER)

    def _refine(self, chains: list[Chain]) -> bool:
        """Make clusters of some chains exact, a step each, and price all anew; whether any was refined."""
        boxes, ways, refined = self.boxes, self.boxes.ways, set[int]()
        for chain in chains:
            begin = self.box.a
            for end, e in chain:
                s = int(ways.shape[begin, end])
                if s not in refined and ways.entries[e, ENTRY_POINT] < 0 and boxes.refine(s, e, self.box.hi):
                    refined.add(s)
                begin = end
        for s in refined:
            self.stale |= self.shape == s
        if refined:
            self._price()
        return len(refined) > 0

    def sharpen(self, limits: Ints) -> None:
        """Raise all up to ``limits[K + 1]``, or until they rest on exact clusters."""
        chain = np.zeros((self.box.b - self.box.a, 2), dtype=np.int64)
        while True:
            chains: list[Chain] = []
            for k in np.flatnonzero(self.values < limits).tolist():
                t = int(self.at[k])
                count = chain_behind(self.box, self.stale, self.cost, self.via, self.least, k, t, chain)
                chains.append(in_order(chain, count))
            if not self._refine(chains):
                return

    def count(self, limits: Ints) -> dict[int, Chain]:
        """Raise all up to ``limits``, or to least sums where chiplets are counted; how those come.

        Without a chain: one of its clusters could not be made exact.
        """
        boxes, ways, model = self.boxes, self.boxes.ways, self.boxes.context.model
        most = len(limits) - 1
        sums, counts = np.zeros((2, most + 1), dtype=np.int64)
        chains: Ints = np.zeros((most + 1, self.box.b - self.box.a, 2), dtype=np.int64)
        self.sharpen(limits)
        while True:
            below = np.where(self.values < limits, np.minimum(limits - self.wait, FAR), 0)
            asked = np.flatnonzero(below)
            if not len(asked):
                return {}
            t = int(self.at[asked[0]])
            boxes.work.spend(1)
            boxes.context.states += 1
            least_sums(
                model.machine,
                model.terms,
                model.net.weights,
                ways.shape,
                ways.entries,
                ways.begin,
                *boxes.traffic.of(self.box.a, self.box.b),
                self.box,
                self.stale,
                self.cost,
                self.least,
                t,
                int(boxes.prices[t]),
                below,
                sums,
                chains,
                counts,
            )
            found = {k: in_order(chains[k], counts[k]) for k in asked.tolist() if sums[k] < FAR}
            if not self._refine(list(found.values())):
                raised = np.where(sums < FAR, sums + self.wait, limits)
                self.values[asked] = np.maximum(self.values, raised)[asked]
                return {
                    k: chain
                    for k, chain in found.items()
                    if all(ways.entries[e, ENTRY_POINT] >= 0 for _, e in chain)
                }


def in_order(chain: Ints, count: int) -> Chain:
    """The clusters of a chain that a kernel left last first."""
    return [(end, e) for end, e in chain[:count][::-1].tolist()]
