"""The package as a network of links: who is where, which links a route takes, what they carry at most.

A chiplet has four directed mesh links. A DRAM port (a chiplet at an edge with DRAM) has three more resources:
the links in and out, and its share of the DRAM channels, which reads and writes have in common.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mcmscope.hardware.package import Edge, Package
from mcmscope.jit import kernel
from mcmscope.schedule import serpentine

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

EAST, WEST, SOUTH, NORTH = range(4)
"""Directed links of a chiplet: link ``4 * chiplet + direction`` leads to its neighbour."""
PORT_IN, PORT_OUT, CHANNEL = range(3)
"""Resources of port p: ``4 N + 3 p +`` one of these."""


@dataclass(frozen=True, eq=False)
class Mesh:
    """A package's links.

    ``capacity[R]`` bytes per picosecond of each link and port resource. ``ports[P]``: chiplets with a DRAM
    port. ``nearest[N]``: the port (an index into ``ports``) that each chiplet's private data go through.
    ``along_row[P]``: 1 for ports at a side of the mesh, 0 for those at its top or bottom. ``order[N]``: the
    serpentine order of the chiplets.
    """

    rows: int
    columns: int
    ports: Ints
    along_row: Ints
    nearest: Ints
    order: Ints
    capacity: Floats

    @property
    def chiplets(self) -> int:
        """Number of chiplets N."""
        return self.rows * self.columns

    @property
    def links(self) -> int:
        """Number of mesh links, those that lead off the mesh counted too (they are never used)."""
        return 4 * self.chiplets

    def exists(self) -> NDArray[np.bool_]:
        """[4 N]: whether a mesh link has a chiplet at its other end."""
        row, column = np.divmod(np.arange(self.chiplets), self.columns)
        there = np.stack([column + 1 < self.columns, column > 0, row + 1 < self.rows, row > 0], axis=1)
        return there.ravel()


@lru_cache(maxsize=64)
def _mesh(
    rows: int, columns: int, strip: int, edges: tuple[Edge, ...], link_mb_per_s: int, dram_mb_per_s: int
) -> Mesh:
    chiplets = np.arange(rows * columns, dtype=np.int64)
    row, column = np.divmod(chiplets, columns)
    on = {
        Edge.LEFT: column == 0,
        Edge.RIGHT: column == columns - 1,
        Edge.TOP: row == 0,
        Edge.BOTTOM: row == rows - 1,
    }
    ports = chiplets[np.logical_or.reduce([on[edge] for edge in edges])]
    away = np.abs(row[:, None] - row[ports]) + np.abs(column[:, None] - column[ports])
    nearest = away.argmin(axis=1)
    capacity = np.full(4 * len(chiplets) + 3 * len(ports), link_mb_per_s * 1e-6)
    capacity[4 * len(chiplets) + CHANNEL :: 3] = dram_mb_per_s * 1e-6 / len(ports)
    order = np.array(serpentine(rows, columns, strip), dtype=np.int64)
    side = (on[Edge.LEFT] & (Edge.LEFT in edges)) | (on[Edge.RIGHT] & (Edge.RIGHT in edges))
    return Mesh(rows, columns, ports, side[ports].astype(np.int64), nearest, order, capacity)


def mesh_of(package: Package) -> Mesh:
    """The links of a package; equal packages share one."""
    dram = package.dram
    return _mesh(
        package.rows,
        package.columns,
        package.strip_height,
        dram.edges,
        package.nop.link_mb_per_s,
        dram.channels * dram.channel_mb_per_s,
    )


@kernel
def add_route(load: Floats, source: int, target: int, columns: int, amount: float) -> int:
    """Add ``amount`` bytes to the links of the XY route: along the row first. Returns its hops."""
    row, column = source // columns, source % columns
    to_row, to_column = target // columns, target % columns
    hops = abs(to_row - row) + abs(to_column - column)
    while column < to_column:
        load[4 * (row * columns + column) + EAST] += amount
        column += 1
    while column > to_column:
        load[4 * (row * columns + column) + WEST] += amount
        column -= 1
    while row < to_row:
        load[4 * (row * columns + column) + SOUTH] += amount
        row += 1
    while row > to_row:
        load[4 * (row * columns + column) + NORTH] += amount
        row -= 1
    return hops


@kernel
def add_port_route(
    load: Floats, chiplet: int, port: int, along_row: int, columns: int, amount: float, outward: int
) -> int:
    """Add ``amount`` bytes to the route between a chiplet and a DRAM port; returns its hops.

    The leg next to the port runs in the port's row if ``along_row`` is 1 (a port at a side), else in its
    column, whatever the direction: else all that is written would meet in the links along the edge. This is
    class-based deterministic routing (D. Abts et al., ISCA 2009).
    """
    if along_row == 1:
        corner = port // columns * columns + chiplet % columns
    else:
        corner = chiplet // columns * columns + port % columns
    if outward == 1:
        return add_route(load, chiplet, corner, columns, amount) + add_route(
            load, corner, port, columns, amount
        )
    return add_route(load, port, corner, columns, amount) + add_route(load, corner, chiplet, columns, amount)


@kernel
def add_row_tree(load: Floats, source: int, wanted: Ints, rows: int, columns: int, amount: float) -> None:
    """Add ``amount`` bytes to each link of the multicast tree that runs along the source's row first.

    ``wanted[N]``: 1 for the chiplets that are to be reached.
    """
    row, column = source // columns, source % columns
    right, left = column, column
    for c in range(columns):
        top, bottom = row, row
        found = False
        for r in range(rows):
            if wanted[r * columns + c] == 1:
                found = True
                top, bottom = min(top, r), max(bottom, r)
        if not found:
            continue
        right, left = max(right, c), min(left, c)
        for r in range(row, bottom):
            load[4 * (r * columns + c) + SOUTH] += amount
        for r in range(top, row):
            load[4 * ((r + 1) * columns + c) + NORTH] += amount
    for c in range(column, right):
        load[4 * (row * columns + c) + EAST] += amount
    for c in range(left, column):
        load[4 * (row * columns + c + 1) + WEST] += amount


@kernel
def add_column_tree(load: Floats, source: int, wanted: Ints, rows: int, columns: int, amount: float) -> None:
    """As ``add_row_tree``, along the source's column first."""
    row, column = source // columns, source % columns
    top, bottom = row, row
    for r in range(rows):
        right, left = column, column
        found = False
        for c in range(columns):
            if wanted[r * columns + c] == 1:
                found = True
                left, right = min(left, c), max(right, c)
        if not found:
            continue
        top, bottom = min(top, r), max(bottom, r)
        for c in range(column, right):
            load[4 * (r * columns + c) + EAST] += amount
        for c in range(left, column):
            load[4 * (r * columns + c + 1) + WEST] += amount
    for r in range(row, bottom):
        load[4 * (r * columns + column) + SOUTH] += amount
    for r in range(top, row):
        load[4 * ((r + 1) * columns + column) + NORTH] += amount
