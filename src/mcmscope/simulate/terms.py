"""What regions of the serpentine order carry, measured on the links: the model's lambda, c and cut widths.

Each figure is in links: bytes per second over the bandwidth of one link. Nothing else runs meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mcmscope.hardware.package import Package
from mcmscope.simulate.layout import COLUMN, ROW, Boxes, Layout, split_evenly
from mcmscope.simulate.mesh import Ints, Mesh, mesh_of
from mcmscope.simulate.traffic import Flow, Traffic

_BYTES = 1e6


def _whole(n: int) -> Boxes:
    boxes = np.zeros((n, 8))
    boxes[:, 1::2] = 1.0
    return boxes


def _bands(n: int) -> Boxes:
    """Rows of a tensor spread evenly, fractions of a row too."""
    boxes = _whole(n)
    boxes[:, ROW], boxes[:, COLUMN] = np.arange(n) / n, 0.0
    boxes[:, ROW + 1] = np.arange(1, n + 1) / n
    return boxes


def _links(mesh: Mesh, size: float, flow: Flow | None) -> float:
    return np.inf if flow is None else size / (flow.alone_ps * float(mesh.capacity[0]))


def _exchanged(mesh: Mesh, at: Ints, own: Boxes, to: Ints, need: Boxes) -> Flow | None:
    traffic = Traffic(mesh)
    traffic.exchange(Layout(at, own, 1, 1), Layout(to, need, 1, 1), _BYTES)
    return traffic.flow()


def gather_links(mesh: Mesh, at: Ints) -> float:
    """lambda: what each chiplet takes in of an all-gather, n - 1 of n parts, over its time."""
    n = len(at)
    return _links(mesh, _BYTES * (n - 1) / n, _exchanged(mesh, at, split_evenly(n, 1), at, _whole(n)))


def swap_links(mesh: Mesh, at: Ints) -> float:
    """c: a quarter of an all-to-all, from bands of rows to shares of channels, over its time."""
    n = len(at)
    return _links(mesh, _BYTES / 4, _exchanged(mesh, at, _bands(n), at, split_evenly(n, 1)))


def cut_links(mesh: Mesh, at: Ints, to: Ints) -> float:
    """A tensor handed on from one region to another: from bands of rows to shares of channels."""
    return _links(mesh, _BYTES, _exchanged(mesh, at, _bands(len(at)), to, split_evenly(len(to), 1)))


def dram_links(mesh: Mesh, at: Ints) -> float:
    """A tensor read from all DRAM ports, spread evenly over a region; the DRAM channels are no limit."""
    traffic = Traffic(mesh)
    traffic.from_dram(at, np.full(len(at), _BYTES / len(at)))
    return _links(mesh, _BYTES, traffic.flow())


@dataclass(frozen=True, slots=True)
class Terms:
    """Least and most of each figure over regions of ``n`` chiplets at several places of the order."""

    n: int
    gather: tuple[float, float]
    swap: tuple[float, float]
    cut: tuple[float, float]
    dram: tuple[float, float]


def measured(package: Package, n: int, places: int = 8) -> Terms:
    """What regions of n chiplets carry, at ``places`` places that divide the order evenly.

    ``cut`` is to a region of the same size that follows; none if half of the package is less.
    """
    mesh = mesh_of(package)
    N = mesh.chiplets
    starts = sorted({round(x) for x in np.linspace(0, N - n, places)})
    regions = [mesh.order[start : start + n] for start in starts]
    pairs = [(mesh.order[x : x + n], mesh.order[x + n : x + 2 * n]) for x in starts if x + 2 * n <= N]
    return Terms(
        n,
        _range([gather_links(mesh, at) for at in regions]),
        _range([swap_links(mesh, at) for at in regions]),
        _range([cut_links(mesh, at, to) for at, to in pairs]),
        _range([dram_links(mesh, at) for at in regions]),
    )


def _range(figures: list[float]) -> tuple[float, float]:
    return min(figures, default=np.inf), max(figures, default=np.inf)
