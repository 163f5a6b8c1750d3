"""Counts of sums and of products against plain Python."""

from __future__ import annotations

from itertools import product

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mcmscope.search.exhaustive import pairs, sums
from mcmscope.search.exhaustive.pairs import Pairs
from mcmscope.search.exhaustive.walk import NEVER
from tests.search.cases import examples

numbers = st.integers(0, 40) | st.integers(0, 1 << 40)
lists = st.lists(numbers | st.just(NEVER), max_size=8)
PairSet = list[tuple[int, int]]
pair_sets = st.lists(st.lists(st.tuples(numbers, numbers), max_size=3), max_size=5)


def front(points: PairSet) -> PairSet:
    """Pairs that no other is as good as in both, ascending."""
    kept: PairSet = []
    for point in sorted(points):
        if not kept or point[1] < kept[-1][1]:
            kept.append(point)
    return kept


def as_pairs(sets: list[PairSet]) -> Pairs:
    fronts = [front(points) for points in sets]
    flat = [point for points in fronts for point in points]
    return pairs.pairs_of(
        np.array([t for t, _ in flat], dtype=np.int64),
        np.array([e for _, e in flat], dtype=np.int64),
        np.array([len(points) for points in fronts], dtype=np.int64),
    )


@examples(60)
@given(lists, lists, lists, st.lists(numbers, min_size=1, max_size=5))
def test_sums_are_counted(a: list[int], b: list[int], c: list[int], limits: list[int]) -> None:
    left, middle, right = (sums.sums_of(np.array(x, dtype=np.int64)) for x in (a, b, c))
    both = sums.merged([sums.joined(left, middle), left])
    finite = [[x for x in xs if x < NEVER] for xs in (a, b, c)]
    expected = [x + z for x in [x + y for x, y in product(*finite[:2])] + finite[0] for z in finite[2]]
    assert both.total * right.total == len(expected)
    if both.rows and right.rows:
        found = sums.below(both, right, np.array(limits, dtype=np.int64))
        assert found == [sum(value < limit for value in expected) for limit in limits]


@examples(60)
@given(pair_sets, pair_sets, pair_sets)
def test_products_are_counted(a: list[PairSet], b: list[PairSet], c: list[PairSet]) -> None:
    a, b, c = ([points for points in sets if points] for sets in (a, b, c))
    left = pairs.merged([pairs.joined(as_pairs(a), as_pairs(b)), as_pairs(a)])
    right = as_pairs(c)

    def least(*sets: PairSet) -> int:
        return min(sum(t for t, _ in way) * sum(e for _, e in way) for way in product(*sets))

    expected = [least(x, y, z) for x in a for y in b for z in c] + [least(x, z) for x in a for z in c]
    assert left.total * right.total == len(expected)
    limits = sorted({v + d for v in expected for d in (0, 1)} | {1 << 130})
    found = pairs.below(left, right, limits)
    assert found == [sum(value < limit for value in expected) for limit in limits]
