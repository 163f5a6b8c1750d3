"""What exchanges put on links: against theory, and Kirchhoff's law."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcmscope import load_package
from mcmscope.hardware.package import Dram, Edge, Package
from mcmscope.schedule import Partition
from mcmscope.simulate.layout import Boxes, Layout, split_evenly, tiled, volumes
from mcmscope.simulate.mesh import EAST, NORTH, SOUTH, WEST, Floats, Ints, Mesh, mesh_of
from mcmscope.simulate.traffic import Flow, Traffic
from tests.cost.generators import packages, tilings

SIMBA = load_package("simba-36")
MESH = mesh_of(SIMBA)
LINK = float(MESH.capacity[0])
V = 1_000_000.0


def whole(n: int) -> Boxes:
    """Everybody has, or needs, everything."""
    boxes = np.zeros((n, 8))
    boxes[:, 1::2] = 1.0
    return boxes


def exchange(mesh: Mesh, at: Ints, own: Boxes, to: Ints, need: Boxes) -> Flow:
    traffic = Traffic(mesh)
    traffic.exchange(Layout(at, own, 8, 8), Layout(to, need, 8, 8), V)
    flow = traffic.flow()
    assert flow is not None
    return flow


def rectangle(rows: int, columns: int) -> Ints:
    """Chiplets of a rectangle at the corner of the mesh."""
    return (np.arange(rows)[:, None] * MESH.columns + np.arange(columns)).ravel()


def net_inflow(mesh: Mesh, flow: Flow) -> Floats:
    """[N]: bytes in less bytes out, ports' links counted."""
    load = flow.link_bytes[: mesh.links].reshape(-1, 4)
    grid = load.reshape(mesh.rows, mesh.columns, 4)
    coming = np.zeros((mesh.rows, mesh.columns))
    coming[:, 1:] += grid[:, :-1, EAST]
    coming[:, :-1] += grid[:, 1:, WEST]
    coming[1:] += grid[:-1, :, SOUTH]
    coming[:-1] += grid[1:, :, NORTH]
    ports = flow.link_bytes[mesh.links :].reshape(-1, 3)
    net = coming.ravel() - load.sum(axis=1)
    net[mesh.ports] += ports[:, 0] - ports[:, 1]
    return net


@pytest.mark.parametrize(("rows", "columns"), [(2, 2), (2, 3), (3, 3), (4, 4), (2, 6), (6, 6)])
def test_an_all_gather_uses_both_links_of_a_corner(rows: int, columns: int) -> None:
    """A corner takes in V (n - 1) / n over two links: lambda is 2 at most.

    Squares reach it, 2 x 2 (a ring) among them. In other rectangles trees along rows bring a corner
    (rows - 1) / rows of its share down its column, those along columns (columns - 1) / columns along its
    row; mixed in eighths they come within a sixth of two full links.
    """
    n = rows * columns
    at = rectangle(rows, columns)
    flow = exchange(MESH, at, split_evenly(n, 1), at, whole(n))
    ideal_ps = V * (n - 1) / n / (2 * LINK)
    assert flow.alone_ps >= ideal_ps * (1 - 1e-9)
    assert flow.alone_ps <= ideal_ps * (1 + 1e-9 if rows == columns else 7 / 6)
    assert flow.received[at] == pytest.approx(V * (n - 1) / n)


@pytest.mark.parametrize("n", [2, 3, 4, 6])
def test_an_all_gather_on_a_line_has_one_link_at_its_ends(n: int) -> None:
    at = rectangle(1, n)
    flow = exchange(MESH, at, split_evenly(n, 1), at, whole(n))
    assert flow.alone_ps == pytest.approx(V * (n - 1) / n / LINK)


@pytest.mark.parametrize("side", [2, 4, 6])
def test_an_all_to_all_crosses_the_middle(side: int) -> None:
    """A quarter of V goes each way over the ``side`` links between the halves, evenly."""
    n = side * side
    at = rectangle(side, side)
    bands = whole(n)
    bands[:, 2], bands[:, 3] = np.arange(n) / n, np.arange(1, n + 1) / n
    flow = exchange(MESH, at, bands, at, split_evenly(n, 1))
    assert flow.alone_ps == pytest.approx(V / (4 * side * LINK))
    assert flow.sent == pytest.approx(V * (n - 1) / n)


def test_a_multicast_crosses_a_link_once() -> None:
    """From one corner to all others of 2 x 2: three links, whichever tree; none carries it twice."""
    at = rectangle(2, 2)
    flow = exchange(MESH, at[:1], whole(1), at[1:], whole(3))
    links = flow.link_bytes[flow.link_bytes > 0]
    assert links.sum() == pytest.approx(3 * V)
    assert links.max() <= V * (1 + 1e-12)
    assert flow.sent == pytest.approx(3 * V)
    assert flow.hops == 2


@pytest.mark.parametrize("edges", [(Edge.LEFT, Edge.RIGHT), (Edge.TOP,), tuple(Edge)])
def test_a_full_mesh_reads_and_writes_at_the_bandwidth_of_dram(edges: tuple[Edge, ...]) -> None:
    """No mesh link is in the way of DRAM ports that all chiplets share evenly."""
    dram = Dram(4, SIMBA.nop.link_mb_per_s, edges)
    mesh = mesh_of(replace(SIMBA, dram=dram))
    amounts = np.full(mesh.chiplets, V)
    for traffic, send in ((Traffic(mesh), "from_dram"), (Traffic(mesh), "to_dram")):
        getattr(traffic, send)(mesh.order, amounts)
        flow = traffic.flow()
        assert flow is not None
        assert flow.alone_ps == pytest.approx(amounts.sum() / (4 * LINK))


def test_dram_behind_many_links_is_bound_by_its_ports() -> None:
    mesh = mesh_of(replace(SIMBA, dram=Dram(100, SIMBA.nop.link_mb_per_s, (Edge.LEFT, Edge.RIGHT))))
    traffic = Traffic(mesh)
    traffic.from_dram(mesh.order, np.full(36, V))
    flow = traffic.flow()
    assert flow is not None
    assert flow.alone_ps == pytest.approx(36 * V / (12 * LINK))


def test_nothing_to_send_is_no_flow() -> None:
    traffic = Traffic(MESH)
    at = np.arange(4)
    traffic.exchange(Layout(at, split_evenly(4, 1), 8, 8), Layout(at, split_evenly(4, 1), 8, 8), V)
    assert traffic.flow() is None


@st.composite
def exchanges(draw: st.DrawFn) -> tuple[Mesh, Layout, Layout]:
    """A tensor in one layout that is wanted, each byte once, in another, on two runs of a mesh."""
    mesh = mesh_of(draw(packages()))
    u = draw(st.integers(1, 4))
    layouts: list[Layout] = []
    for _ in range(2):
        n = draw(st.integers(1, mesh.chiplets))
        first = draw(st.integers(0, mesh.chiplets - n))
        kind = draw(st.sampled_from(Partition))
        boxes = split_evenly(n, u) if kind is Partition.ISP else tiled(n, draw(tilings(n, u)), u, 7, 5)
        layouts.append(Layout(mesh.order[first : first + n], boxes, 7, 5))
    return mesh, layouts[0], layouts[1]


@settings(max_examples=80, deadline=None)
@given(exchanges())
def test_kirchhoff(case: tuple[Mesh, Layout, Layout]) -> None:
    """What flows in less what flows out is what a chiplet takes in less what it gives away."""
    mesh, own, need = case
    traffic = Traffic(mesh)
    traffic.exchange(own, need, V)
    flow = traffic.flow()
    had, wants = np.zeros(mesh.chiplets), np.zeros(mesh.chiplets)
    had[own.at] = volumes(own.boxes) * V
    wants[need.at] = volumes(need.boxes) * V
    assert had.sum() == pytest.approx(wants.sum())
    net = np.zeros(mesh.chiplets) if flow is None else net_inflow(mesh, flow)
    assert net == pytest.approx(wants - had, abs=1e-3)


@settings(max_examples=40, deadline=None)
@given(packages(), st.data())
def test_kirchhoff_with_dram(package: Package, data: st.DataObject) -> None:
    """What comes in at the ports stays at the chiplets that wanted it; what they write goes out."""

    mesh = mesh_of(package)
    n = data.draw(st.integers(1, mesh.chiplets))
    amounts = np.array(data.draw(st.lists(st.integers(0, 9), min_size=n, max_size=n)), dtype=np.float64) * V
    for sign, send in ((1, "from_dram"), (-1, "to_dram")):
        traffic = Traffic(mesh)
        getattr(traffic, send)(mesh.order[:n], amounts)
        flow = traffic.flow()
        expected = np.zeros(mesh.chiplets)
        expected[mesh.order[:n]] = sign * amounts
        net = np.zeros(mesh.chiplets) if flow is None else net_inflow(mesh, flow)
        assert net == pytest.approx(expected, abs=1e-3)
