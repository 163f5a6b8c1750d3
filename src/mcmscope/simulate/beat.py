"""One beat of a segment with its chiplets left open: what it sends, whatever the regions' places."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mcmscope.hardware.package import Overlap
from mcmscope.simulate.case import Case
from mcmscope.simulate.layout import Layout
from mcmscope.simulate.mesh import Floats, Ints, Mesh
from mcmscope.simulate.plan import Activity, Kind, Plan
from mcmscope.simulate.traffic import Flow, add_reads, add_writes


class Beat(NamedTuple):
    """The flows of one beat.

    A *slot* is a place in a region: those of all k clusters in turn, then the idle ones; slot s is of cluster
    ``cluster[s]``, k if idle. A place is a slot, or N + a chiplet that is fixed. Flow f has the transfers
    from ``transfer[f]`` to ``transfer[f + 1]`` and the DRAM accesses from ``access[f]``. Transfer x goes from
    rows ``ends[x, 0:2]`` to rows ``ends[x, 2:4]`` of ``place[W]`` and ``boxes[W, 8]``; ``mixed`` and
    ``sample_bytes`` are as for ``add_exchange``. Accesses read and write ``access_bytes[:, 2]`` at
    ``access_place``. ``touches[f, c]`` is 1 if a flow has a slot of cluster c.

    A *part* of a stage is a layer's computing, ``part_ps``, with the flows whose ``part`` it is (-1: no stage
    waits for it); parts of one ``stage`` follow each other. ``in_turn`` 1: flows and computing do too.
    """

    cluster: Ints
    transfer: Ints
    access: Ints
    ends: Ints
    place: Ints
    boxes: Floats
    mixed: Ints
    sample_bytes: Floats
    access_place: Ints
    access_bytes: Floats
    touches: Ints
    part: Ints
    stage: Ints
    part_ps: Floats
    in_turn: int

    @property
    def work(self) -> int:
        """Pairs of chiplets that all transfers look at, and link loads that all flows have."""
        sizes = self.ends[:, 1::2] - self.ends[:, ::2]
        return int((sizes[:, 0] * sizes[:, 1]).sum()) + 4 * len(self.cluster) * len(self.part)

    @property
    def key(self) -> bytes:
        """The same for beats for which the same placements are good."""
        return b"".join(x.tobytes() for x in self if isinstance(x, np.ndarray))


class _Writer:
    """Turns the flows of a plan into arrays."""

    def __init__(self, case: Case, plan: Plan) -> None:
        self.chiplets = case.mesh.chiplets
        self.regions: dict[int, tuple[int, int]] = {}
        slot = 0
        for index, stage in enumerate(plan.stages):
            self.regions[id(stage.at)] = (slot, index)
            slot += len(stage.at)
        self.place: list[Ints] = []
        self.boxes: list[Floats] = []
        self.rows = 0
        self.ends: list[tuple[int, int, int, int]] = []
        self.mixed: list[int] = []
        self.sample_bytes: list[float] = []
        self.access: list[tuple[Ints, Floats]] = []
        self.accesses = 0
        self.touched: set[int] = set()

    def _places(self, at: Ints) -> Ints:
        """Slots of a stage's region, which is known by its array; other chiplets are fixed."""
        if id(at) not in self.regions:
            return self.chiplets + at
        slot, index = self.regions[id(at)]
        self.touched.add(index)
        return np.arange(slot, slot + len(at))

    def _layout(self, layout: Layout) -> tuple[int, int]:
        self.place.append(self._places(layout.at))
        self.boxes.append(layout.boxes)
        self.rows += len(layout.at)
        return self.rows - len(layout.at), self.rows

    def _access(self, at: Ints, read: Floats, written: Floats) -> None:
        self.access.append((self._places(at), np.stack([read, written], axis=1)))
        self.accesses += len(at)

    def add(self, flow: Flow) -> set[int]:
        """Add a flow; returns the clusters that it touches."""
        self.touched = set()
        for x in flow.transfers:
            self.ends.append((*self._layout(x.own), *self._layout(x.need)))
            self.mixed.append(int((x.own.height, x.own.width) != (x.need.height, x.need.width)))
            self.sample_bytes.append(x.sample_bytes)
        for at, amounts in flow.reads:
            self._access(at, amounts, np.zeros(len(at)))
        for at, amounts in flow.writes:
            self._access(at, np.zeros(len(at)), amounts)
        return self.touched


def beat_of(case: Case, plan: Plan) -> Beat:
    """The flows of a plan of one replica. Spills are left out: they go to the nearest port from anywhere."""
    out = _Writer(case, plan)
    transfer, access = [0], [0]
    part: list[int] = []
    touched: list[set[int]] = []
    computing = [x for x in plan.activities if x.kind is Kind.COMPUTE]
    parts = {(x.stage, x.layer): index for index, x in enumerate(computing)}
    for x in plan.activities:
        if x.flow is None or x.kind is Kind.SPILL:
            continue
        touched.append(out.add(x.flow))
        transfer.append(len(out.ends))
        access.append(out.accesses)
        part.append(_part_of(x, plan, parts))
    k = len(plan.stages)
    touches = np.zeros((len(part), k + 1), dtype=np.int64)
    for f, clusters in enumerate(touched):
        touches[f, list(clusters)] = 1
    sizes = [len(stage.at) for stage in plan.stages]
    return Beat(
        cluster=np.repeat(np.arange(k + 1), [*sizes, case.mesh.chiplets - sum(sizes)]).astype(np.int64),
        transfer=np.array(transfer, dtype=np.int64),
        access=np.array(access, dtype=np.int64),
        ends=np.array(out.ends, dtype=np.int64).reshape(-1, 4),
        place=np.concatenate([*out.place, np.zeros(0)]).astype(np.int64),
        boxes=np.concatenate([*out.boxes, np.zeros((0, 8))]),
        mixed=np.array(out.mixed, dtype=np.int64),
        sample_bytes=np.array(out.sample_bytes, dtype=np.float64),
        access_place=np.concatenate([*(at for at, _ in out.access), np.zeros(0)]).astype(np.int64),
        access_bytes=np.concatenate([*(amounts for _, amounts in out.access), np.zeros((0, 2))]),
        touches=touches,
        part=np.array(part, dtype=np.int64),
        stage=np.array([x.stage for x in computing], dtype=np.int64),
        part_ps=np.array([x.length_ps for x in computing], dtype=np.float64),
        in_turn=int(case.package.overlap is Overlap.NONE),
    )


def _part_of(x: Activity, plan: Plan, parts: dict[tuple[int, int], int]) -> int:
    """The part of a stage that waits for a flow: its layer's, or that of the one layer it arrives for."""
    if x.kind is Kind.EXCHANGE:
        return parts[x.stage, x.layer]
    layers = plan.stages[x.stage].layers
    return parts[x.stage, layers[0]] if x.kind is Kind.ARRIVE and len(layers) == 1 else -1


def port_routes(mesh: Mesh) -> Floats:
    """[N, 2, R]: what a byte that a chiplet reads from DRAM, or writes there, puts on links and ports."""
    routes = np.zeros((mesh.chiplets, 2, len(mesh.capacity)))
    one, received = np.ones(1), np.zeros(mesh.chiplets)
    for chiplet in range(mesh.chiplets):
        at = np.array([chiplet], dtype=np.int64)
        loads = np.zeros((2, 3, len(mesh.capacity)))
        targets = at.reshape(1, 1)
        add_reads(mesh.ports, mesh.along_row, targets, one, mesh.rows, mesh.columns, loads[0], received)
        add_writes(mesh.ports, mesh.along_row, at, one, mesh.columns, loads[1])
        routes[chiplet] = loads[:, 0]
    return routes
