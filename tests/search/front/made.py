"""Made-up entries of every run of layers, and all chains of them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, pairwise, product

import numpy as np
from hypothesis import strategies as st

from mcmscope import load_network, load_package
from mcmscope.cost.arrays import Ints
from mcmscope.cost.model import cost_model
from mcmscope.search.front.bounds import BOUND, ENTRY_COLUMNS, ENTRY_FJ, ENTRY_POINT, ENTRY_PS, HIGH, LOW
from mcmscope.search.front.chains import Known
from mcmscope.search.front.sums import Box
from mcmscope.search.tables import NEVER

MODEL = cost_model(load_network("alexnet"), load_package("mesh-4x4"))
N = MODEL.machine.chiplets
BEAT = 50
NOTHING = Known(*np.zeros((2, 0, 0), dtype=np.int64), *np.zeros((2, 0), dtype=np.int64))


@dataclass(frozen=True)
class Made:
    """Entries of every run of layers, by their chiplets; spans of equal length are one shape."""

    layers: int
    shape: Ints
    entries: Ints
    begin: Ints
    box: Box
    prices: Ints

    def chains(self) -> list[list[int]]:
        """All chains: the entries of each, in order."""
        found: list[list[int]] = []
        inner = range(1, self.layers)
        for k in range(self.layers):
            for cuts in combinations(inner, k):
                spans = list(pairwise([0, *cuts, self.layers]))
                if self.box.one_layer and any(j - i > 1 for i, j in spans):
                    continue
                if self.box.one_cluster and len(spans) > 1:
                    continue
                choices = [range(*self.begin[self.shape[i, j]].tolist()) for i, j in spans]
                found += [list(chain) for chain in product(*choices) if self.fits(chain)]
        return found

    def fits(self, chain: tuple[int, ...]) -> bool:
        """Whether all entries keep to the longest beat."""
        return all(self.entries[e, ENTRY_PS] <= self.box.hi for e in chain)

    def sum(self, chain: list[int], price: int = 0) -> int:
        """What a chain costs, with ``price`` for each of its chiplets."""
        spent = sum(self.box.q * int(self.entries[e, ENTRY_FJ]) for e in chain)
        return spent + len(chain) * self.box.p * self.box.lo + price * self.chiplets(chain)

    def chiplets(self, chain: list[int]) -> int:
        """How many chiplets a chain takes."""
        return sum(int(self.entries[e, LOW]) for e in chain)

    def arrays(self) -> tuple[Ints, Ints, Ints, Ints, Ints, Ints]:
        """What kernels take between the energy terms and the box."""
        L = self.layers
        none = np.zeros((L + 1, L + 1), dtype=np.int64)
        return none[0], self.shape, self.entries, self.begin, none, none[0]


@st.composite
def made(draw: st.DrawFn) -> Made:
    layers = draw(st.integers(1, 4))
    shape = np.full((layers + 1, layers + 1), -1, dtype=np.int64)
    for i in range(layers):
        for j in range(i + 1, layers + 1):
            shape[i, j] = j - i - 1
    rows: list[list[int]] = []
    begin = np.zeros((layers, 2), dtype=np.int64)
    for s in range(layers):
        begin[s, 0] = len(rows)
        for n in sorted(draw(st.lists(st.integers(1, 12), max_size=3))):
            row = [0] * ENTRY_COLUMNS
            row[LOW] = row[HIGH] = n
            row[ENTRY_FJ], row[ENTRY_PS] = draw(st.integers(0, 200)), draw(st.integers(1, BEAT + 10))
            row[ENTRY_POINT] = draw(st.sampled_from((0, BOUND)))
            rows.append(row)
        begin[s, 1] = len(rows)
    p, q, lo = draw(st.integers(0, 3)), draw(st.integers(1, 3)), draw(st.integers(0, 20))
    rule = draw(st.sampled_from(((0, 0), (1, 0), (0, 1))))
    box = Box(0, layers, 1, 4, p, q, 0, lo, BEAT, 0, NEVER, *rule)
    prices = np.array([0, *draw(st.lists(st.integers(1, 60), max_size=4))], dtype=np.int64)
    entries = np.array(rows, dtype=np.int64).reshape(-1, ENTRY_COLUMNS)
    return Made(layers, shape, np.asfortranarray(entries), begin, box, prices)
