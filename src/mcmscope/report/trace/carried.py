"""What links and DRAM carried over time, from the flows of a simulation."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mcmscope.hardware.package import Package
from mcmscope.report.links import link_place
from mcmscope.report.trace.events import Process
from mcmscope.simulate.graph import Moved
from mcmscope.simulate.mesh import CHANNEL, mesh_of
from mcmscope.simulate.plan import Kind
from mcmscope.simulate.run import Passed
from mcmscope.simulate.traffic import Flow

Floats = NDArray[np.float64]

_KINDS = {
    Kind.LOAD: "weights",
    Kind.ARRIVE: "into regions",
    Kind.EXCHANGE: "inside regions",
    Kind.DRAIN: "out of regions",
    Kind.SPILL: "spills",
    Kind.MOVE: "passing by",
}
"""Why bytes travel."""
_BUSIEST = 8
"""Links that have a counter of their own."""
_GB_PER_S = 1000.0


class Carried:
    """Bytes by link and by reason in bins of ``width`` picoseconds, as they moved."""

    def __init__(self, package: Package, width: int) -> None:
        self.mesh = mesh_of(package)
        self.width = width
        self.links = np.zeros((0, len(self.mesh.capacity)))
        self.kinds = np.zeros((0, len(_KINDS)))
        self.dram = np.zeros((0, 2))

    def add(self, begin: float, seen: Passed) -> None:
        """Count the flows of a pass that began then."""
        low, high = int(begin // self.width), int((begin + seen.timing.end_ps) // self.width) + 1
        self._grow(high)
        activities = [*seen.plan.activities, *seen.last.activities]
        kinds = [*(Kind.LOAD for _ in seen.loads), *(x.kind for x in activities)]
        every: list[Flow | None] = [*seen.loads, *(x.flow for x in activities)]
        moved = Moved(np.zeros((high - low, len(every))), begin - low * self.width, self.width)
        seen.count(moved)
        flows = [
            (kind, x, moved.amounts[:, at])
            for at, (kind, x) in enumerate(zip(kinds, every, strict=True))
            if x
        ]
        if not flows:
            return
        here = slice(low, high)
        shares = np.stack([share for _, _, share in flows], axis=1)
        self.links[here] += shares @ np.stack([flow.link_bytes for _, flow, _ in flows])
        order = list(_KINDS)
        for kind, flow, share in flows:
            self.kinds[here, order.index(kind)] += share * flow.sent
            self.dram[here, 0] += share * flow.read_bytes
            self.dram[here, 1] += share * flow.write_bytes

    def _grow(self, bins: int) -> None:
        missing = bins - len(self.links)
        if missing > 0:
            self.links, self.kinds, self.dram = (
                np.concatenate([x, np.zeros((missing, x.shape[1]))])
                for x in (self.links, self.kinds, self.dram)
            )

    def draw(self, process: Process, end: float) -> None:
        """Add the counters; ``end`` is when all is over."""
        begins = [float(x * self.width) for x in range(len(self.links))]
        edges = [*(at for at in begins if at < end), end]
        lasts = np.array([b - a for a, b in pairwise(edges)], dtype=np.float64)[:, None]
        there = np.concatenate(
            [self.mesh.exists(), np.zeros(len(self.mesh.capacity) - self.mesh.links, bool)]
        )
        links = self._busy(lasts)
        between = links[:, there]
        channels = links[:, self.mesh.links + CHANNEL :: 3]
        drawn: list[tuple[str, tuple[str, ...], Floats]] = [
            ("DRAM (GB/s)", ("read", "written"), _GB_PER_S * self.dram[: len(lasts)] / lasts),
            ("DRAM channels busy (%)", ("busy",), channels.mean(axis=1, keepdims=True)),
            ("NoP (GB/s)", tuple(_KINDS.values()), _GB_PER_S * self.kinds[: len(lasts)] / lasts),
        ]
        if there.any():
            figures = np.stack([between.mean(axis=1), between.max(axis=1)], axis=1)
            drawn.append(("links busy (%)", ("mean", "busiest"), figures))
        drawn += [
            (f"busy (%): {link_place(self.mesh, link)}", ("busy",), links[:, link : link + 1])
            for link in self._busiest(there)
        ]
        for name, series, figures in drawn:
            counter = process.counter(name, *series)
            for at, values in zip(edges, figures.tolist(), strict=False):
                counter.at(round(at), *values)
            counter.at(round(end), *(0.0 for _ in series))

    def _busy(self, lasts: Floats) -> Floats:
        """[bins, R]: percent of its bandwidth that each link and port carries."""
        return 100 * self.links[: len(lasts)] / (lasts * self.mesh.capacity)

    def _busiest(self, there: NDArray[np.bool_]) -> list[int]:
        """Links by what they carry in all, the busiest first; only such as carry something."""
        total = np.where(there, self.links.sum(axis=0), 0.0)
        order = np.argsort(-total, kind="stable")[:_BUSIEST].tolist()
        return [link for link in order if total[link] > 0]
