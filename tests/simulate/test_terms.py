"""The model's lambda, c and cut widths on the links of the simulator, over region sizes."""

from __future__ import annotations

import pytest

from mcmscope import load_package
from mcmscope.simulate.mesh import Mesh, mesh_of
from mcmscope.simulate.terms import cut_links, dram_links, gather_links, measured, swap_links

SIMBA = load_package("simba-256")
MESH: Mesh = mesh_of(SIMBA)
H = SIMBA.strip_height


@pytest.mark.parametrize("columns", [1, 2, 3, 4])
def test_whole_columns_swap_over_their_columns(columns: int) -> None:
    """The middle of h x columns is ``columns`` links wide while columns <= h: c of the model."""
    assert swap_links(MESH, MESH.order[: H * columns]) == pytest.approx(columns)


@pytest.mark.parametrize("columns", [1, 2, 4, 8])
def test_neighbours_meet_at_h_links(columns: int) -> None:
    n = H * columns
    assert cut_links(MESH, MESH.order[:n], MESH.order[n : 2 * n]) == pytest.approx(H)


def test_a_line_gathers_over_one_link_and_a_square_over_two() -> None:
    """The end of a line takes all in over its one link; a corner of a square has two, used evenly."""
    assert gather_links(MESH, MESH.order[:H]) == pytest.approx(1)
    assert gather_links(MESH, MESH.order[: H * H]) == pytest.approx(2)
    assert gather_links(MESH, MESH.order) == pytest.approx(2)


@pytest.mark.parametrize("columns", [1, 2, 4])
def test_dram_reaches_a_corner_region_down_its_columns(columns: int) -> None:
    """Of what comes along the rows of all ports, (R - h)/R enters through the columns."""
    expected = columns * SIMBA.rows / (SIMBA.rows - H)
    assert dram_links(MESH, MESH.order[: H * columns]) == pytest.approx(expected)


def test_all_ports_reach_all_chiplets_at_once() -> None:
    assert dram_links(MESH, MESH.order) == pytest.approx(len(MESH.ports))


@pytest.mark.slow
@pytest.mark.parametrize("n", range(1, SIMBA.chiplets + 1))
def test_bands_over_all_sizes(n: int) -> None:
    """Never more than lambda = 2 of an all-gather; at least these shares of what whole columns have."""
    found = measured(SIMBA, n)
    assert found.gather[0] >= (1 if n < 2 * H else 1.5) * (1 - 1e-9)
    assert n == 1 or found.gather[1] <= 2 * (1 + 1e-9)
    c = min(n // H, H)
    assert found.swap[0] >= 0.6 * max(c, 1)
    if 3 * H <= n <= SIMBA.chiplets // 2:
        assert found.cut[0] >= 0.7 * H
    columns = n // H
    if columns >= 3:
        assert found.dram[0] >= 0.7 * min(columns * SIMBA.rows / (SIMBA.rows - H), len(MESH.ports) * 0.5)
