"""Least energies by the number of clusters, of made-up entries, against plain enumeration of all chains."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mcmscope.cost.arrays import Ints
from mcmscope.search.front.counts import chain_by_count, least_by_count, priced_by_count
from mcmscope.search.front.sums import FAR
from tests.search.cases import examples

from .made import MODEL, NOTHING, Made, N, made


@dataclass(frozen=True)
class Priced:
    """What ``priced_by_count`` says of a case."""

    case: Made
    most: int
    stale: np.typing.NDArray[np.bool_]
    cost: Ints
    via: Ints
    least: Ints
    floors: Ints
    at: Ints

    def chain(self, k: int) -> list[int]:
        """The entries behind floor k, in order."""
        chain = np.zeros((self.case.layers, 2), dtype=np.int64)
        arrays = self.stale, self.cost, self.via, self.least
        count = chain_by_count(self.case.box, *arrays, k, int(self.at[k]), chain)
        return chain[:count, 1][::-1].tolist()

    def counted(self, limits: list[int], t: int) -> tuple[list[int], list[list[int]]]:
        """``least_by_count`` at price ``t``: the sums, and the entries of each chain in order."""
        case, L = self.case, self.case.layers
        sums = np.zeros(self.most + 1, dtype=np.int64)
        chains = np.zeros((self.most + 1, self.most + 1, 2), dtype=np.int64)
        least_by_count(
            MODEL.machine,
            MODEL.terms,
            np.zeros(L + 1, dtype=np.int64),
            case.shape,
            case.entries,
            case.begin,
            np.zeros((L + 1, L + 1), dtype=np.int64),
            np.zeros(L + 1, dtype=np.int64),
            case.box,
            self.stale,
            self.cost,
            self.least,
            t,
            int(case.prices[t]),
            np.array(limits, dtype=np.int64),
            sums,
            chains,
        )
        return sums.tolist(), [chains[k, :k, 1][::-1].tolist() for k in range(self.most + 1)]


def priced(case: Made, most: int) -> Priced:
    """``priced_by_count`` of a case."""
    L, P = case.layers, len(case.prices)
    cost, via = np.full((2, L + 1, L + 1, P), FAR, dtype=np.int64)
    floors, at = np.zeros((2, most + 1), dtype=np.int64)
    stale = np.ones((L + 1, L + 1), dtype=np.bool_)
    least = np.zeros((most + 1, L + 1, P), dtype=np.int64)
    priced_by_count(
        MODEL.machine,
        MODEL.terms,
        np.zeros(L + 1, dtype=np.int64),
        case.shape,
        case.entries,
        case.begin,
        np.zeros((L + 1, L + 1), dtype=np.int64),
        np.zeros(L + 1, dtype=np.int64),
        case.box,
        case.prices,
        NOTHING,
        stale,
        cost,
        via,
        least,
        floors,
        at,
    )
    return Priced(case, most, stale, cost, via, least, floors, at)


def energies(case: Made) -> Made:
    """The same entries where energy alone counts."""
    return replace(case, box=case.box._replace(p=0))


@examples(200)
@given(case=made().map(energies), short=st.integers(0, 2))
def test_floors_are_the_best_bounds_of_all_prices(case: Made, short: int) -> None:
    found = priced(case, max(1, case.layers - short))
    prices: list[int] = case.prices.tolist()
    for k in range(1, found.most + 1):
        chains = [c for c in case.chains() if len(c) == k or len(c) > k == found.most]
        if not chains:
            assert found.floors[k] == FAR
            continue
        bounds = [min(case.sum(chain, paid) for chain in chains) - paid * N for paid in prices]
        assert found.floors[k] == max(bounds) == bounds[found.at[k]]
        assert found.chain(k) in chains
        price = prices[int(found.at[k])]
        assert case.sum(found.chain(k), price) - price * N == found.floors[k]


@examples(200)
@given(case=made().map(energies), part=st.integers(0, 4), data=st.data())
def test_sums_count_chiplets_and_leave_out_what_is_over_their_limits(
    case: Made, part: int, data: st.DataObject
) -> None:
    found = priced(case, case.layers)
    fitting = [chain for chain in case.chains() if case.chiplets(chain) <= N]
    want = [
        min((case.sum(chain) for chain in fitting if len(chain) == k), default=FAR)
        for k in range(case.layers + 1)
    ]
    asked = data.draw(st.lists(st.booleans(), min_size=case.layers + 1, max_size=case.layers + 1))
    limits = [min(total, 1000) - 2 + part if wanted else 0 for total, wanted in zip(want, asked, strict=True)]
    limits = [max(limit, 0) for limit in limits]
    sums, chains = found.counted(limits, data.draw(st.integers(0, len(case.prices) - 1)))
    for k in range(1, case.layers + 1):
        assert found.floors[k] <= want[k]
        if want[k] < limits[k]:
            assert sums[k] == want[k] == case.sum(chains[k])
            assert chains[k] in fitting
            assert len(chains[k]) == k
        else:
            assert sums[k] == FAR
