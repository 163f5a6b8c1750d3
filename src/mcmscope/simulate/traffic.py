"""Traffic: the bytes that an exchange puts on each link, and what it takes when it runs alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mcmscope.jit import kernel
from mcmscope.simulate.layout import Boxes, Layout, volumes
from mcmscope.simulate.mesh import (
    CHANNEL,
    PORT_IN,
    PORT_OUT,
    Mesh,
    add_column_tree,
    add_port_route,
    add_route,
    add_row_tree,
)

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_GROUPS = 8
"""Different parts of one chiplet's box that are multicast at once; more are sent one by one."""
_TREE_SHARES = np.linspace(0.0, 1.0, 9)
"""Shares of a multicast that may run along rows first; the rest runs along columns first."""


@dataclass(frozen=True, eq=False)
class Transfer:
    """A part of a flow: ``sample_bytes`` of a tensor from its owners to those who need it."""

    own: Layout
    need: Layout
    sample_bytes: float


@dataclass(frozen=True, eq=False)
class Flow:
    """One exchange of one beat.

    ``link_bytes[R]``: what it puts on each link and port resource; ``alone_ps``: its time alone without the
    latency of its ``hops``. ``received[N]`` bytes come into each chiplet over links; ``sent`` is their sum as
    the senders count it. ``read_bytes`` and ``write_bytes`` come from and go to DRAM. What it is made of:
    ``transfers`` on the package, ``reads`` and ``writes`` as chiplets with their bytes.
    """

    link_bytes: Floats
    alone_ps: float
    hops: int
    received: Floats
    sent: float
    read_bytes: float
    write_bytes: float
    transfers: tuple[Transfer, ...] = ()
    reads: tuple[tuple[Ints, Floats], ...] = ()
    writes: tuple[tuple[Ints, Floats], ...] = ()


class Traffic:
    """Adds up transfers that belong to one flow."""

    def __init__(self, mesh: Mesh) -> None:
        self.mesh = mesh
        self.loads = np.zeros((3, len(mesh.capacity)))
        self.received = np.zeros(mesh.chiplets)
        self.hops = 0
        self.sent = 0.0
        self.read_bytes = 0.0
        self.write_bytes = 0.0
        self.transfers: list[Transfer] = []
        self.reads: list[tuple[Ints, Floats]] = []
        self.writes: list[tuple[Ints, Floats]] = []

    def exchange(self, own: Layout, need: Layout, sample_bytes: float) -> None:
        """Bring the parts ``need`` of a tensor of ``sample_bytes`` to their chiplets from where they lie.

        What several chiplets need of one other's part is multicast. A tensor that its reader sees in another
        shape than its maker is taken to be spread evenly through it.
        """
        same = (own.height, own.width) == (need.height, need.width)
        hops, sent = add_exchange(
            own.at,
            own.boxes,
            need.at,
            need.boxes,
            0 if same else 1,
            sample_bytes,
            self.mesh.rows,
            self.mesh.columns,
            self.loads,
            self.received,
        )
        self.hops = max(self.hops, hops)
        self.sent += sent
        self.transfers.append(Transfer(own, need, sample_bytes))

    def from_dram(self, to: Ints, amounts: Floats) -> None:
        """Bytes from DRAM, over all ports, to chiplets ``to[n]``; a row of ``to[n, r]`` shares them."""
        targets = to.reshape(len(to), -1)
        hops, sent = add_reads(
            self.mesh.ports,
            self.mesh.along_row,
            targets,
            amounts,
            self.mesh.rows,
            self.mesh.columns,
            self.loads,
            self.received,
        )
        self.hops = max(self.hops, hops)
        self.sent += sent
        self.read_bytes += float(amounts.sum())
        self.reads.append((to, amounts))

    def to_dram(self, at: Ints, amounts: Floats) -> None:
        """Bytes from each chiplet of ``at`` to DRAM, spread over all ports."""
        hops, sent = add_writes(
            self.mesh.ports, self.mesh.along_row, at, amounts, self.mesh.columns, self.loads
        )
        self.hops = max(self.hops, hops)
        self.sent += sent
        self.write_bytes += sent
        self.writes.append((at, amounts))

    def spill(self, at: Ints, bytes_each: float) -> None:
        """Bytes that each chiplet of ``at`` writes to DRAM and reads back, through its nearest port."""
        links = self.mesh.links
        for chiplet in at.tolist():
            port = int(self.mesh.nearest[chiplet])
            place = int(self.mesh.ports[port])
            base = links + 3 * port
            side, columns = int(self.mesh.along_row[port]), self.mesh.columns
            hops = add_port_route(self.loads[0], chiplet, place, side, columns, bytes_each, 1)
            add_port_route(self.loads[0], chiplet, place, side, columns, bytes_each, 0)
            self.loads[0, base + PORT_IN] += bytes_each
            self.loads[0, base + PORT_OUT] += bytes_each
            self.loads[0, base + CHANNEL] += 2 * bytes_each
            self.received[chiplet] += bytes_each
            self.hops = max(self.hops, hops + 1)
        self.sent += 2 * bytes_each * len(at)
        self.read_bytes += bytes_each * len(at)
        self.write_bytes += bytes_each * len(at)

    def flow(self) -> Flow | None:
        """The flow of all that was added; None if no byte leaves its chiplet.

        Multicasts share their bytes between trees along rows first and along columns first, in eighths, so
        that their worst link has least to carry.
        """
        if self.sent <= 0:
            return None
        fixed, by_row, by_column = self.loads / self.mesh.capacity
        worst = [float((fixed + x * by_row + (1 - x) * by_column).max()) for x in _TREE_SHARES]
        best = int(np.argmin(worst))
        x = float(_TREE_SHARES[best])
        link_bytes = self.loads[0] + x * self.loads[1] + (1 - x) * self.loads[2]
        return Flow(
            link_bytes,
            worst[best],
            self.hops,
            self.received,
            self.sent,
            self.read_bytes,
            self.write_bytes,
            tuple(self.transfers),
            tuple(self.reads),
            tuple(self.writes),
        )


def spread(at: Ints, boxes: Boxes, sample_bytes: float) -> tuple[Ints, Floats]:
    """Chiplets and bytes of a tensor's parts."""
    return at, volumes(boxes) * sample_bytes


@kernel
def add_exchange(
    own_at: Ints,
    own: Floats,
    need_at: Ints,
    need: Floats,
    mixed: int,
    sample_bytes: float,
    rows: int,
    columns: int,
    loads: Floats,
    received: Floats,
) -> tuple[int, float]:
    """Add the links' bytes of bringing ``need`` to its chiplets: routes, trees along rows, along columns.

    Returns the longest way in hops and the bytes sent, each receiver counted.
    """
    hops = 0
    sent = 0.0
    group = np.zeros((_GROUPS, 8))
    wanted = np.zeros((_GROUPS, rows * columns), dtype=np.int64)
    members = np.zeros(_GROUPS, dtype=np.int64)
    last = np.zeros(_GROUPS, dtype=np.int64)
    amount = np.zeros(_GROUPS)
    box = np.zeros(8)
    for i in range(len(own_at)):
        mine = 1.0
        for axis in range(0, 8, 2):
            mine *= own[i, axis + 1] - own[i, axis]
        if mine <= 0.0:
            continue
        source = own_at[i]
        groups = 0
        for j in range(len(need_at)):
            if need_at[j] == source:
                continue
            volume = 1.0
            for axis in range(0, 8, 2):
                if mixed == 1 and axis > 0:
                    box[axis], box[axis + 1] = need[j, axis], need[j, axis + 1]
                    volume *= (box[axis + 1] - box[axis]) * (own[i, axis + 1] - own[i, axis])
                else:
                    box[axis] = max(own[i, axis], need[j, axis])
                    box[axis + 1] = min(own[i, axis + 1], need[j, axis + 1])
                    volume *= max(0.0, box[axis + 1] - box[axis])
            size = volume * sample_bytes
            if size <= 1e-9:
                continue
            target = need_at[j]
            received[target] += size
            sent += size
            away = abs(target // columns - source // columns) + abs(target % columns - source % columns)
            hops = max(hops, away)
            found = -1
            for x in range(groups):
                same = True
                for axis in range(8):
                    same = same and group[x, axis] == box[axis]
                if same:
                    found = x
                    break
            if found < 0 and groups < _GROUPS:
                found = groups
                groups += 1
                for axis in range(8):
                    group[found, axis] = box[axis]
                members[found] = 0
                amount[found] = size
                for chiplet in range(rows * columns):
                    wanted[found, chiplet] = 0
            if found < 0:
                add_route(loads[0], source, target, columns, size)
            else:
                wanted[found, target] = 1
                members[found] += 1
                last[found] = target
        for x in range(groups):
            if members[x] == 1:
                add_route(loads[0], source, last[x], columns, amount[x])
            else:
                add_row_tree(loads[1], source, wanted[x], rows, columns, amount[x])
                add_column_tree(loads[2], source, wanted[x], rows, columns, amount[x])
    return hops, sent


@kernel
def add_reads(
    ports: Ints,
    along_row: Ints,
    targets: Ints,
    amounts: Floats,
    rows: int,
    columns: int,
    loads: Floats,
    received: Floats,
) -> tuple[int, float]:
    """Add the bytes of reads from DRAM; returns the longest way, the port's link included, and the bytes."""
    hops = 0
    sent = 0.0
    P = len(ports)
    base = 4 * rows * columns
    wanted = np.zeros(rows * columns, dtype=np.int64)
    for i in range(len(targets)):
        part = amounts[i] / P
        if part <= 0.0:
            continue
        for j in range(targets.shape[1]):
            wanted[targets[i, j]] = 1
            received[targets[i, j]] += amounts[i]
            sent += amounts[i]
        for p in range(P):
            loads[0, base + 3 * p + PORT_IN] += part
            loads[0, base + 3 * p + CHANNEL] += part
            if targets.shape[1] == 1:
                away = add_port_route(loads[0], targets[i, 0], ports[p], along_row[p], columns, part, 0)
                hops = max(hops, 1 + away)
                continue
            add_row_tree(loads[1], ports[p], wanted, rows, columns, part)
            add_column_tree(loads[2], ports[p], wanted, rows, columns, part)
            for j in range(targets.shape[1]):
                to, at = targets[i, j], ports[p]
                away = abs(to // columns - at // columns) + abs(to % columns - at % columns)
                hops = max(hops, 1 + away)
        for j in range(targets.shape[1]):
            wanted[targets[i, j]] = 0
    return hops, sent


@kernel
def add_writes(
    ports: Ints, along_row: Ints, at: Ints, amounts: Floats, columns: int, loads: Floats
) -> tuple[int, float]:
    """Add the bytes of writes to DRAM; returns as ``add_reads``."""
    hops = 0
    sent = 0.0
    P = len(ports)
    base = loads.shape[1] - 3 * P
    for i in range(len(at)):
        part = amounts[i] / P
        if part <= 0.0:
            continue
        sent += amounts[i]
        for p in range(P):
            loads[0, base + 3 * p + PORT_OUT] += part
            loads[0, base + 3 * p + CHANNEL] += part
            away = add_port_route(loads[0], at[i], ports[p], along_row[p], columns, part, 1)
            hops = max(hops, 1 + away)
    return hops, sent
