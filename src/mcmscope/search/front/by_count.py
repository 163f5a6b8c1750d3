"""The least energy of a box by its number of clusters: bounds, made exact where that is asked for."""

from __future__ import annotations

import numpy as np

from mcmscope.cost.arrays import Ints
from mcmscope.search.front.bounds import ENTRY_POINT
from mcmscope.search.front.boxes import Boxes, Chain, in_order
from mcmscope.search.front.counts import chain_by_count, least_by_count, priced_by_count
from mcmscope.search.front.sums import FAR, Box

MOST_APART = 48
"""Clusters of a segment up to which chains are told apart by their number."""


class ByCount:
    """Energies (fJ, what all ways take apart) of a box by the number of clusters: ``floors[K + 1]``.

    The last stands for more clusters, too, if the segment has more layers than that. ``shared``: clusters
    cost what they cost in any segment, which is soon done and less sharp.
    """

    def __init__(self, boxes: Boxes, box: Box, *, shared: bool) -> None:
        self.boxes, self.box = boxes, box
        length = box.b - box.a
        most = min(length, MOST_APART)
        self.open_end = length > most
        boxes.tidy()  # from here on, entries are renumbered only where a shape is refined
        self.known = boxes.known_up_to(box.hi) if shared else boxes.nothing
        self.shape: Ints = np.full((length + 1, length + 1), -1, dtype=np.int64)
        self.shape[:-1, 1:] = boxes.ways.shape[box.a : box.b, box.a + 1 : box.b + 1]
        self.cost, self.via = np.empty((2, *self.shape.shape, len(boxes.prices)), dtype=np.int64)
        self.stale = np.ones(self.shape.shape, dtype=np.bool_)
        self.least: Ints = np.empty((most + 1, length + 1, len(boxes.prices)), dtype=np.int64)
        self.floors, self.at = np.zeros((2, most + 1), dtype=np.int64)
        self._price()

    def _price(self) -> None:
        """Bounds, from entries as they are now."""
        boxes, ways, model = self.boxes, self.boxes.ways, self.boxes.context.model
        boxes.work.spend(0)
        boxes.context.states += 1
        priced_by_count(
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
            self.floors,
            self.at,
        )

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
        """Raise floors up to ``limits[K + 1]``, or until they rest on exact clusters."""
        chain = np.zeros((self.box.b - self.box.a, 2), dtype=np.int64)
        while True:
            chains: list[Chain] = []
            for k in np.flatnonzero(self.floors < limits).tolist():
                count = chain_by_count(
                    self.box, self.stale, self.cost, self.via, self.least, k, int(self.at[k]), chain
                )
                chains.append(in_order(chain, count))
            if not self._refine(chains):
                return

    def count(self, limits: Ints) -> dict[int, Chain]:
        """Raise floors by counting chiplets, up to ``limits``; the exact chains that they then rest on."""
        boxes, ways, model = self.boxes, self.boxes.ways, self.boxes.context.model
        while True:
            below = np.where(self.floors < limits, limits, 0)
            if self.open_end:
                below[-1] = 0
            counts: list[int] = np.flatnonzero(below).tolist()
            if not counts:
                return {}
            t = int(self.at[counts[0]])
            sums: Ints = np.zeros(len(limits), dtype=np.int64)
            chains: Ints = np.zeros((len(limits), len(limits), 2), dtype=np.int64)
            boxes.work.spend(0)
            boxes.context.states += 1
            least_by_count(
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
            )
            found = {k: in_order(chains[k], k) for k in counts if sums[k] < FAR}
            if not self._refine(list(found.values())):
                raised = np.maximum(self.floors, np.minimum(sums, limits))
                self.floors[counts] = raised[counts]
                return {
                    k: chain
                    for k, chain in found.items()
                    if all(ways.entries[e, ENTRY_POINT] >= 0 for _, e in chain)
                }
