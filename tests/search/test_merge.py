"""Merging neighbours, against a naive version. (The kernel has no Python entry: its source is tested.)"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, cast

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mcmscope.search.merge import merge_down


def naive(loads: list[int], clusters: int) -> list[list[int]]:
    """Groups of layers: the neighbouring pair of the least load, the first of equal ones, becomes one."""
    groups = [[l] for l in range(len(loads))]
    while len(groups) > clusters:
        sums = [sum(loads[l] for l in [*one, *two]) for one, two in pairwise(groups)]
        x = sums.index(min(sums))
        groups[x : x + 2] = [groups[x] + groups[x + 1]]
    return groups


@given(loads=st.lists(st.integers(0, 30), min_size=1, max_size=12), before=st.integers(0, 3), data=st.data())
def test_merge_down_is_the_naive_merge(loads: list[int], before: int, data: st.DataObject) -> None:
    clusters = data.draw(st.integers(1, len(loads)))
    plain = cast("Any", merge_down).py_func
    sums = np.concatenate([[0], np.cumsum([7] * before + loads)]).astype(np.int64)
    cuts = np.zeros(len(loads), dtype=np.int64)
    assert plain(sums, before, before + len(loads), clusters, cuts) == clusters
    assert cuts[:clusters].tolist() == [before + group[-1] + 1 for group in naive(loads, clusters)]
