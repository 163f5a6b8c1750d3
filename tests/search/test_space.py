"""Sizes of spaces against counting, and what micro-batches and tile grids there are."""

from __future__ import annotations

from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcmscope.cost.model import cost_model
from mcmscope.schedule import Scheme
from mcmscope.search.context import SearchContext
from mcmscope.search.run import scheme_space
from mcmscope.search.space import grid_table, micro_batches, space_size, tile_grids

from .brute import divisions, partition_choices, region_sizes, segmentations
from .cases import stack
from .packages import package

SPACES = (
    Scheme.SEQUENTIAL,
    Scheme.FULL_PIPELINE,
    Scheme.SEGMENTED_PIPELINE,
    Scheme.SEQUENTIAL_FUSED,
    Scheme.MERGED_PIPELINE,
)


def counted(scheme: Scheme, layers: int, chiplets: int, micro: int) -> int:
    """Schedules of a space, tile grids aside, counted one by one."""
    total = 0
    for ends in segmentations(layers):
        choices = [
            [
                (u, clusters, sizes, partitions)
                for u in range(micro)
                for clusters in divisions(scheme, a, b, layers)
                for sizes in region_sizes(len(clusters), chiplets)
                for partitions in partition_choices(b - a)
            ]
            for a, b in pairwise([0, *ends])
        ]
        total += sum(1 for _ in product(*choices))
    return total


@pytest.mark.parametrize("scheme", SPACES)
@pytest.mark.parametrize(
    ("layers", "chiplets", "batch"), [(1, 1, 1), (1, 3, 4), (2, 1, 2), (2, 3, 2), (3, 2, 1), (3, 3, 1)]
)
def test_space_size_counts_every_schedule(scheme: Scheme, layers: int, chiplets: int, batch: int) -> None:
    model = cost_model(stack(layers, 4, 4), package(1, chiplets))
    context = SearchContext(model, batch)
    assert scheme_space(context, scheme) == counted(scheme, layers, chiplets, len(micro_batches(batch)))


def test_data_parallel_adds_up_the_spaces_of_its_parts() -> None:
    model = cost_model(stack(2, 4, 4), package(2, 2))
    parts = sum(counted(Scheme.SEQUENTIAL_FUSED, 2, 4 // g, 2) for g in (1, 2))
    assert scheme_space(SearchContext(model, 3), Scheme.DATA_PARALLEL) == parts


def test_space_size_is_exact_where_floats_are_not() -> None:
    one = space_size(1, 256, 5)
    assert one == 5 * 3 * 256
    # Of two layers: two segments, or one of one cluster or two.
    assert space_size(2, 256, 5) == one**2 + 5 * 9 * (256 + 256 * 255 // 2)
    many = space_size(150, 256, 5)
    assert many > 10**300
    assert isinstance(many, int)


@pytest.mark.parametrize(
    ("batch", "expected"),
    [
        (1, (1,)),
        (2, (1, 2)),
        (3, (1, 2)),
        (15, (1, 2, 4, 8)),
        (16, (1, 2, 4, 8, 16)),
        (999, (1, 2, 4, 8, 16)),
    ],
)
def test_micro_batches_are_powers_of_two_up_to_sixteen(batch: int, expected: tuple[int, ...]) -> None:
    assert micro_batches(batch) == expected
    assert micro_batches(batch, 7) == (7,)


@given(n=st.integers(1, 600), u=st.integers(1, 40))
def test_tile_grids_fit_and_differ(n: int, u: int) -> None:
    grids = tile_grids(n, u)
    assert len(set(grids)) == len(grids)
    assert grids[0] == (1, n, 1)
    for samples, rows, columns in grids:
        assert samples <= u
        assert samples * rows * columns <= n
        assert samples * (rows + 1) * columns > n
        assert 1 <= columns <= rows


@given(N=st.integers(1, 40), u=st.integers(1, 20))
def test_grid_table_lists_the_grids_of_every_size(N: int, u: int) -> None:
    start, grids = grid_table(N, u)
    for n in range(1, N + 1):
        assert [tuple(row) for row in grids[start[n] : start[n + 1]].tolist()] == list(tile_grids(n, u))
    assert start[N + 1] == len(grids)
