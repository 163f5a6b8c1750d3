"""Sums over the clusters of a segment, of made-up entries, against plain enumeration of all chains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mcmscope.cost.arrays import Ints
from mcmscope.search.front.chains import Known, chain_behind, priced_chains
from mcmscope.search.front.sums import FAR, least_sums
from tests.search.cases import examples

from .made import MODEL, NOTHING, Made, N, made


@dataclass(frozen=True)
class Priced:
    """What ``priced_chains`` says of a case, chains told apart up to ``most`` clusters."""

    case: Made
    most: int
    stale: np.typing.NDArray[np.bool_]
    cost: Ints
    via: Ints
    least: Ints
    floors: Ints
    at: Ints

    def chains(self, k: int) -> list[list[int]]:
        """All chains that count as of k clusters."""
        return [c for c in self.case.chains() if len(c) == k or len(c) > k == self.most]

    def chain(self, k: int) -> list[int]:
        """The entries behind floor k, in order."""
        chain = np.zeros((self.case.layers, 2), dtype=np.int64)
        arrays = self.stale, self.cost, self.via, self.least
        count = chain_behind(self.case.box, *arrays, k, int(self.at[k]), chain)
        return chain[:count, 1][::-1].tolist()

    def counted(self, limits: list[int], t: int) -> tuple[list[int], list[list[int]]]:
        """``least_sums`` at price ``t``: the sums, and the entries of each chain in order."""
        case, most = self.case, self.most
        sums, counts = np.zeros((2, most + 1), dtype=np.int64)
        chains = np.zeros((most + 1, case.layers, 2), dtype=np.int64)
        least_sums(
            MODEL.machine,
            MODEL.terms,
            *case.arrays(),
            case.box,
            self.stale,
            self.cost,
            self.least,
            t,
            int(case.prices[t]),
            np.array(limits, dtype=np.int64),
            sums,
            chains,
            counts,
        )
        return sums.tolist(), [chains[k, : counts[k], 1][::-1].tolist() for k in range(most + 1)]


def priced(case: Made, most: int, known: Known = NOTHING) -> Priced:
    """``priced_chains`` of a case."""
    L, P = case.layers, len(case.prices)
    cost, via = np.full((2, L + 1, L + 1, P), FAR, dtype=np.int64)
    floors, at = np.zeros((2, most + 1), dtype=np.int64)
    stale = np.ones((L + 1, L + 1), dtype=np.bool_)
    least = np.zeros((most + 1, L + 1, P), dtype=np.int64)
    arrays = stale, cost, via, least, floors, at
    priced_chains(MODEL.machine, MODEL.terms, *case.arrays(), case.box, case.prices, known, *arrays)
    return Priced(case, most, *arrays)


@examples(300)
@given(case=made(), shared=st.booleans(), apart=st.integers(1, 4))
def test_floors_are_the_best_bounds_of_all_prices(case: Made, shared: bool, apart: int) -> None:
    known = NOTHING
    if shared:
        cost, via = np.zeros((2, len(case.begin), len(case.prices)), dtype=np.int64)
        known = Known(cost, via, np.full(len(cost), -1), np.zeros(len(cost), dtype=np.int64))
    found = priced(case, min(apart, case.layers), known)
    prices: list[int] = case.prices.tolist()
    assert found.floors[0] == FAR
    for k in range(1, found.most + 1):
        chains = found.chains(k)
        if not chains:
            assert found.floors[k] == FAR
            continue
        bounds = [min(case.sum(chain, paid) for chain in chains) - paid * N for paid in prices]
        assert found.floors[k] == max(bounds) == bounds[found.at[k]]
        assert found.chain(k) in chains
        price = prices[int(found.at[k])]
        assert case.sum(found.chain(k), price) - price * N == found.floors[k]
    if shared:  # what was remembered says the same
        again = priced(case, found.most, known)
        assert again.floors.tolist() == found.floors.tolist()
        assert again.at.tolist() == found.at.tolist()


@examples(300)
@given(case=made(), apart=st.integers(1, 4), part=st.integers(0, 4), data=st.data())
def test_least_sums_count_chiplets_and_leave_out_what_is_over_their_limits(
    case: Made, apart: int, part: int, data: st.DataObject
) -> None:
    found = priced(case, min(apart, case.layers))
    count = found.most + 1
    fitting = [[c for c in found.chains(k) if case.chiplets(c) <= N] for k in range(count)]
    want = [min((case.sum(chain) for chain in chains), default=FAR) for chains in fitting]
    asked = data.draw(st.lists(st.booleans(), min_size=count, max_size=count))
    far = data.draw(st.booleans())  # else from below each least sum to above it
    limits = [
        (FAR if far else max(min(total, 1000) - 2 + part, 0)) if wanted else 0
        for total, wanted in zip(want, asked, strict=True)
    ]
    sums, chains = found.counted(limits, data.draw(st.integers(0, len(case.prices) - 1)))
    for k in range(1, count):
        assert found.floors[k] <= want[k]
        if want[k] < limits[k]:
            assert sums[k] == want[k] == case.sum(chains[k])
            assert chains[k] in fitting[k]
        else:
            assert sums[k] == FAR
