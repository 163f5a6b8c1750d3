"""The shortest path that asks for few costs against the one that knows all."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mcmscope.cost.arrays import Ints
from mcmscope.search.lazy import distances, lazy_path
from mcmscope.search.tables import NEVER

Draw = st.DrawFn
ABSENT = int(NEVER)


@dataclass(frozen=True)
class Graph:
    """Segments of L layers: their true costs, lower bounds of them, and where the bound is the cost."""

    true: Ints
    bound: Ints
    known: np.typing.NDArray[np.bool_]

    @property
    def layers(self) -> int:
        return len(self.true) - 1


@st.composite
def graphs(draw: Draw) -> Graph:
    L = draw(st.integers(1, 7))
    true, bound = (np.full((L + 1, L + 1), NEVER, dtype=np.int64) for _ in range(2))
    known = np.zeros((L + 1, L + 1), dtype=bool)
    for a in range(L):
        for b in range(a + 1, L + 1):
            kind = draw(st.sampled_from(("priced", "priced", "known", "absent", "vain")))
            cost = draw(st.integers(0, 60))
            if kind == "absent":  # no schedule, and known to be none
                known[a, b] = draw(st.booleans())
                continue
            true[a, b] = ABSENT if kind == "vain" else cost
            known[a, b] = kind == "known"
            bound[a, b] = cost if kind == "known" else draw(st.integers(0, cost))
    return Graph(true, bound, known)


def least_from(cost: Ints, a: int, b: int) -> int:
    """Least cost of segments from a to b, by trying all."""
    if a == b:
        return 0
    found = [
        int(cost[a, middle]) + rest
        for middle in range(a + 1, b + 1)
        if cost[a, middle] < ABSENT and (rest := least_from(cost, middle, b)) < ABSENT
    ]
    return min(found, default=ABSENT)


def true_cost(graph: Graph, path: list[tuple[int, int]]) -> int:
    return sum(int(graph.true[edge]) for edge in path)


@settings(deadline=None)  # the first example compiles
@given(graph=graphs())
def test_distances_are_the_least_from_both_ends(graph: Graph) -> None:
    L = graph.layers
    ahead, before, behind = (np.zeros(L + 1, dtype=np.int64) for _ in range(3))
    distances(graph.true, ahead, before, behind)
    for x in range(L + 1):
        assert ahead[x] == least_from(graph.true, 0, x)
        assert behind[x] == least_from(graph.true, x, L)
        if x > 0 and ahead[x] < ABSENT:
            a = int(before[x])
            assert ahead[a] + graph.true[a, x] == ahead[x]
            # The first of equal ones.
            assert all(
                graph.true[other, x] >= ABSENT
                or ahead[other] >= ABSENT
                or ahead[other] + graph.true[other, x] > ahead[x]
                for other in range(a)
            )


@settings(deadline=None)  # the first example compiles
@given(graph=graphs(), upper=st.one_of(st.none(), st.integers(1, 150)), over=st.integers(0, 5))
def test_lazy_path_is_the_optimum(graph: Graph, upper: int | None, over: int) -> None:
    asked: list[tuple[int, int]] = []

    def refine(a: int, b: int, bound: int) -> int:
        assert not graph.known[a, b]
        asked.append((a, b))
        cost = int(graph.true[a, b])
        return cost if cost < bound else bound + over  # anything from the bound up

    least = least_from(graph.true, 0, graph.layers)
    limit = ABSENT if upper is None else upper
    path, cost = lazy_path(graph.bound.copy(), graph.known.copy(), refine, limit)
    assert len(asked) == len(set(asked)), "nothing is asked for twice"
    if least < limit:
        assert cost == least
        assert true_cost(graph, path) == least
        assert path[0][0] == 0
        assert path[-1][1] == graph.layers
        assert all(one[1] == two[0] for one, two in pairwise(path))
    else:
        assert path == []
        assert cost >= limit


@settings(deadline=None)  # the first example compiles
@given(graph=graphs(), most=st.integers(0, 6))
def test_lazy_path_that_stops_early_returns_a_bound(graph: Graph, most: int) -> None:
    asked = 0

    def refine(a: int, b: int, bound: int) -> int:
        nonlocal asked
        asked += 1
        return min(int(graph.true[a, b]), bound)

    least = least_from(graph.true, 0, graph.layers)
    path, cost = lazy_path(graph.bound.copy(), graph.known.copy(), refine, enough=lambda: asked >= most)
    if path:
        assert cost == least
    else:
        assert cost <= least
