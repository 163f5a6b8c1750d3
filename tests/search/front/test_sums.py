"""Sums over the clusters of a segment, of made-up entries, against plain enumeration of all chains."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mcmscope.search.front.chains import Known
from mcmscope.search.front.sums import FAR
from tests.search.cases import examples

from .made import NOTHING, Made, N, made


@examples(200)
@given(case=made(), shared=st.booleans())
def test_a_priced_chain_is_the_best_bound_of_all_prices(case: Made, shared: bool) -> None:
    count = (len(case.begin), len(case.prices))
    known = NOTHING
    if shared:
        cost, via = np.zeros((2, *count), dtype=np.int64)
        known = Known(cost, via, np.full(count[0], -1), np.zeros(count[0], dtype=np.int64))
    bound, entries, price, ahead, behind = case.priced(known)
    chains = case.chains()
    if not chains:
        assert bound == FAR
        return
    prices: list[int] = case.prices.tolist()
    bounds = [min(case.sum(chain, paid) for chain in chains) - paid * N for paid in prices]
    assert bound == max(bounds) == bounds[prices.index(price)]
    assert entries in chains
    assert case.sum(entries, price) - price * N == bound
    assert ahead[-1] == behind[0] == bound + price * N
    if shared:  # what was remembered says the same
        again = case.priced(known)
        assert again[:3] == (bound, entries, price)


@examples(200)
@given(case=made(), part=st.integers(0, 4))
def test_a_least_sum_counts_chiplets_and_leaves_out_what_is_over_the_limit(case: Made, part: int) -> None:
    bound, _, price, ahead, behind = case.priced(NOTHING)
    fitting = [chain for chain in case.chains() if case.chiplets(chain) <= N]
    if bound >= FAR:
        assert not fitting
        return
    want = min((case.sum(chain) for chain in fitting), default=FAR)
    assert bound <= want
    total, entries = case.least(ahead, behind, price, FAR)
    assert total == want
    if fitting:
        assert entries in fitting
        assert case.sum(entries) == total
        limit = total - 2 + part  # from below the least sum to above it
        found = case.least(ahead, behind, price, limit)[0]
        assert found == total if total < limit else found >= limit
