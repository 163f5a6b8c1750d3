"""Routes, trees and ports."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcmscope import load_package
from mcmscope.simulate.mesh import (
    EAST,
    NORTH,
    SOUTH,
    WEST,
    Floats,
    add_column_tree,
    add_port_route,
    add_route,
    add_row_tree,
    mesh_of,
)

ROWS, COLUMNS = 3, 4
TREES = (add_row_tree, add_column_tree)


def carried(load: Floats) -> dict[tuple[int, int], float]:
    """(chiplet, direction): bytes."""
    return {(int(x) // 4, int(x) % 4): float(load[x]) for x in np.nonzero(load)[0]}


def target(link: int, columns: int = COLUMNS) -> int:
    """The chiplet that a link leads to."""
    return link // 4 + {EAST: 1, WEST: -1, SOUTH: columns, NORTH: -columns}[link % 4]


def wanted(*chiplets: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """A flag per chiplet."""
    flags = np.zeros(ROWS * COLUMNS, dtype=np.int64)
    flags[list(chiplets)] = 1
    return flags


def test_a_route_goes_along_the_row_first() -> None:
    load = np.zeros(4 * ROWS * COLUMNS)
    assert add_route(load, 1, 11, COLUMNS, 5.0) == 4
    assert carried(load) == {(1, EAST): 5, (2, EAST): 5, (3, SOUTH): 5, (7, SOUTH): 5}
    load[:] = 0
    assert add_route(load, 11, 1, COLUMNS, 5.0) == 4
    assert carried(load) == {(11, WEST): 5, (10, WEST): 5, (9, NORTH): 5, (5, NORTH): 5}
    assert add_route(load, 6, 6, COLUMNS, 5.0) == 0


def test_next_to_a_port_at_a_side_all_goes_along_its_row() -> None:
    reads, writes = np.zeros(4 * ROWS * COLUMNS), np.zeros(4 * ROWS * COLUMNS)
    add_port_route(reads, 10, 0, 1, COLUMNS, 1.0, 0)
    add_port_route(writes, 10, 0, 1, COLUMNS, 1.0, 1)
    assert carried(reads) == {(0, EAST): 1, (1, EAST): 1, (2, SOUTH): 1, (6, SOUTH): 1}
    assert carried(writes) == {(10, NORTH): 1, (6, NORTH): 1, (2, WEST): 1, (1, WEST): 1}


def test_next_to_a_port_at_the_top_all_goes_along_its_column() -> None:
    reads, writes = np.zeros(4 * ROWS * COLUMNS), np.zeros(4 * ROWS * COLUMNS)
    add_port_route(reads, 10, 0, 0, COLUMNS, 1.0, 0)
    add_port_route(writes, 10, 0, 0, COLUMNS, 1.0, 1)
    assert carried(reads) == {(0, SOUTH): 1, (4, SOUTH): 1, (8, EAST): 1, (9, EAST): 1}
    assert carried(writes) == {(10, WEST): 1, (9, WEST): 1, (8, NORTH): 1, (4, NORTH): 1}


def test_a_tree_carries_each_byte_once_per_link() -> None:
    """From 5, in the middle of the left half, to two corners at the right and one at the left.

    Along the row first: 5-6-7 once for both of column 3, then up and down; 5-4 and down for 8.
    """
    load = np.zeros(4 * ROWS * COLUMNS)
    add_row_tree(load, 5, wanted(3, 11, 8), ROWS, COLUMNS, 2.0)
    assert carried(load) == {
        (5, EAST): 2,
        (6, EAST): 2,
        (7, NORTH): 2,
        (7, SOUTH): 2,
        (5, WEST): 2,
        (4, SOUTH): 2,
    }
    load[:] = 0
    add_column_tree(load, 5, wanted(3, 11, 8), ROWS, COLUMNS, 2.0)
    assert carried(load) == {
        (5, NORTH): 2,
        (1, EAST): 2,
        (2, EAST): 2,
        (5, SOUTH): 2,
        (9, EAST): 2,
        (10, EAST): 2,
        (9, WEST): 2,
    }


@settings(max_examples=80, deadline=None)
@given(
    st.integers(0, ROWS * COLUMNS - 1),
    st.sets(st.integers(0, ROWS * COLUMNS - 1), min_size=1),
    st.sampled_from(TREES),
)
def test_a_tree_reaches_all_that_is_wanted_over_one_way_each(
    source: int, chiplets: set[int], add_tree: object
) -> None:
    assert callable(add_tree)
    load = np.zeros(4 * ROWS * COLUMNS)
    add_tree(load, source, wanted(*chiplets), ROWS, COLUMNS, 1.0)
    links = [int(x) for x in np.nonzero(load)[0]]
    assert set(load[links].tolist()) <= {1.0}
    reached = [target(x) for x in links]
    assert len(reached) == len(set(reached))  # no chiplet is fed twice
    assert source not in reached
    assert chiplets <= {source, *reached}
    assert {x // 4 for x in links} <= {source, *reached}  # what is passed on has come
    leaves = set(reached) - {x // 4 for x in links}
    assert leaves <= chiplets  # nothing goes further than it must


@pytest.mark.parametrize("name", ["simba-36", "simba-64", "mesh-4x4", "edge-tpu"])
def test_ports_share_what_dram_gives(name: str) -> None:
    package = load_package(name)
    mesh = mesh_of(package)
    assert len(mesh.ports) == package.dram_ports
    ports = mesh.capacity[mesh.links :].reshape(-1, 3)
    link = package.nop.link_mb_per_s * 1e-6
    assert ports[:, :2] == pytest.approx(link)
    assert ports[:, 2].sum() == pytest.approx(package.dram.channels * package.dram.channel_mb_per_s * 1e-6)
    assert mesh.capacity[: mesh.links] == pytest.approx(link)
    assert sorted(mesh.order.tolist()) == list(range(package.chiplets))
    inner = 2 * (package.rows * (package.columns - 1) + package.columns * (package.rows - 1))
    assert mesh.exists().sum() == inner
