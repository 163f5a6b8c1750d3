"""One beat of a segment as activities that wait for each other: what each stage does for one micro-batch."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from mcmscope.hardware.package import Overlap
from mcmscope.schedule import Cluster
from mcmscope.simulate.case import Case
from mcmscope.simulate.flows import arrival, computed, departures, exchange
from mcmscope.simulate.layout import Layout, output_layout, volumes
from mcmscope.simulate.memory import free_bytes, stage_bytes
from mcmscope.simulate.mesh import Ints
from mcmscope.simulate.traffic import Flow, Traffic
from mcmscope.simulate.work import Work, work_of


class Kind(StrEnum):
    """What an activity is."""

    START = "start"
    COMPUTE = "compute"
    EXCHANGE = "exchange"
    ARRIVE = "arrive"
    DRAIN = "drain"
    SPILL = "spill"
    MOVE = "move"
    DONE = "done"
    LOAD = "load"


@dataclass(frozen=True, slots=True)
class Activity:
    """A delay of ``length_ps``, or a flow. ``stage`` is -1 for what belongs to none."""

    kind: Kind
    stage: int
    replica: int
    layer: int
    length_ps: float
    flow: Flow | None


@dataclass(frozen=True, slots=True)
class Stage:
    """One beat of a cluster on the chiplets ``at`` of one replica.

    ``held_bytes`` and ``spilled_bytes`` are per chiplet: what the stage holds, and what of it does not fit.
    ``executed`` has for each layer the share of its output positions and channels, summed over the chiplets.
    """

    index: int
    replica: int
    at: Ints
    samples: int
    layers: tuple[int, ...]
    works: tuple[Work, ...]
    executed: tuple[float, ...]
    held_bytes: int
    spilled_bytes: int


@dataclass
class Plan:
    """Activities of one beat.

    Edge (before, after, lag): ``after`` of beat q waits for ``before`` of beat q - lag.
    """

    activities: list[Activity] = field(default_factory=list[Activity])
    edges: list[tuple[int, int, int]] = field(default_factory=list[tuple[int, int, int]])
    stages: list[Stage] = field(default_factory=list[Stage])
    starts: dict[tuple[int, int], int] = field(default_factory=dict[tuple[int, int], int])
    """(replica, stage): the activity that begins it."""

    def add(
        self,
        kind: Kind,
        stage: int,
        replica: int,
        layer: int,
        length_ps: float,
        flow: Flow | None,
        *before: int,
    ) -> int:
        """Add an activity that waits for others of its beat; returns its number."""
        self.activities.append(Activity(kind, stage, replica, layer, length_ps, flow))
        here = len(self.activities) - 1
        self.edges.extend((other, here, 0) for other in before)
        return here


def plan_beat(case: Case, counts: tuple[int, ...]) -> Plan:
    """The activities of one beat in which replica r works on ``counts[r]`` samples."""
    plan = Plan()
    for replica, samples in enumerate(counts):
        made: dict[int, Layout] = {}
        done: dict[int, int] = {}
        home: dict[int, int] = {}
        begin: dict[int, int] = {}
        for index, cluster in enumerate(case.clusters):
            _plan_stage(case, plan, replica, index, cluster, samples, made, done, home, begin)
    total = sum(counts)
    for tensor, comes in case.moved:
        size = np.full(case.mesh.chiplets, total * case.tensors.sample_bytes(tensor) / case.mesh.chiplets)
        traffic = Traffic(case.mesh)
        if comes:
            traffic.from_dram(case.mesh.order, size)
        else:
            traffic.to_dram(case.mesh.order, size)
        flow = traffic.flow()
        here = plan.add(Kind.MOVE, -1, 0, -1, case.latency_ps(flow), flow)
        plan.edges.append((here, here, 1))
    return plan


def _plan_stage(
    case: Case,
    plan: Plan,
    replica: int,
    index: int,
    cluster: Cluster,
    samples: int,
    made: dict[int, Layout],
    done: dict[int, int],
    home: dict[int, int],
    begin: dict[int, int],
) -> None:
    """Add a stage: what arrives, its layers in turn, what drains and what spills.

    ``made``: layouts of the segment's tensors; ``done``: the activity that ends each; ``home``: its stage;
    ``begin``: the activity that begins its layer.
    """
    i, j = cluster.layers
    at = case.chiplets(cluster, replica)
    merged = j - i > 1
    stage = _stage(case, replica, index, cluster, at, samples)
    plan.stages.append(stage)
    arrivals: list[int] = []
    layouts: dict[int, Layout] = {}
    first = -1
    sources = case.tensors.arriving(i, j)
    if merged:
        for t in sources:
            flow, layouts[t] = arrival(case, replica, cluster, at, samples, t, made)
            before = (done[t],) if t in done else ()
            arrivals.append(plan.add(Kind.ARRIVE, index, replica, t, case.latency_ps(flow), flow, *before))
    previous: tuple[int, ...] = tuple(arrivals)
    for l, work in zip(range(i, j), stage.works, strict=True):
        if not merged:
            previous = tuple(done[t] for t in sources if t in done)
        busy = samples > 0
        start_ps = case.package.chiplet.layer_start_ns * 1000.0 if busy else 0.0
        start = plan.add(Kind.START, index, replica, l, start_ps, None, *previous)
        if l == i:
            first = start
            plan.starts[replica, index] = start
        ends: list[int] = []
        streams: list[int] = []
        for t in () if merged else sources:
            flow, layouts[t] = arrival(case, replica, cluster, at, samples, t, made)
            latency_ps = case.latency_ps(flow)
            if t in done:
                arrivals.append(plan.add(Kind.ARRIVE, index, replica, t, latency_ps, flow, start))
                ends.append(arrivals[-1])
                continue
            # From memory it streams on from beat to beat; only what is in flight is late.
            stream = plan.add(Kind.ARRIVE, index, replica, t, 0.0, flow)
            ends.append(plan.add(Kind.ARRIVE, index, replica, t, latency_ps, None, stream))
            plan.edges.append((stream, stream, 1))
            arrivals.append(stream)
            streams.append(stream)
        flow = exchange(case, cluster, at, samples, l, layouts)
        exchanged = plan.add(Kind.EXCHANGE, index, replica, l, case.latency_ps(flow), flow, start)
        ends.append(exchanged)
        wait_for = exchanged if case.package.overlap is Overlap.NONE else start
        compute_ps = work.cycles * 1e6 / case.package.chiplet.clock_mhz if busy else 0.0
        compute = plan.add(Kind.COMPUTE, index, replica, l, compute_ps, None, wait_for)
        ends.append(compute)
        if case.blocking:
            plan.edges.extend((compute, stream, 1) for stream in streams)
        end = plan.add(Kind.DONE, index, replica, l, 0.0, None, *ends)
        layer = case.layers[l]
        boxes = output_layout(layer, cluster.partitions[l - i], len(at), cluster.tiles, samples)
        layouts[l] = made[l] = Layout(at, boxes, layer.output_height, layer.output_width)
        done[l], home[l], begin[l] = end, index, start
        for flow in departures(case, replica, cluster, l, samples, made[l]):
            drain = plan.add(Kind.DRAIN, index, replica, l, case.latency_ps(flow), flow, end)
            if case.blocking:
                plan.edges.append((drain, end, 1))
        previous = (end,)
    plan.edges.append((done[j - 1], first, 1))
    if case.blocking:
        for t, came in zip(sources, arrivals, strict=True):
            if merged:
                plan.edges.append((first, came, 1))
            if t in home:
                ahead = index - home[t]
                plan.edges.append((came, done[t], ahead))
                if not merged and ahead == 1:
                    plan.edges.append((first, begin[t], 1))
    for t, came in zip(sources, arrivals, strict=True):
        if t in home:  # the next reader takes it from here
            made[t], done[t], home[t], begin[t] = layouts[t], came, index, first
    # A stage that spills nothing has the activity too: all beats of a plan must have the same ones.
    traffic = Traffic(case.mesh)
    traffic.spill(at, float(stage.spilled_bytes))
    flow = traffic.flow()
    spill = plan.add(Kind.SPILL, index, replica, i, case.latency_ps(flow), flow, first)
    plan.edges.append((spill, first, 1))


def _stage(case: Case, replica: int, index: int, cluster: Cluster, at: Ints, samples: int) -> Stage:
    i, j = cluster.layers
    n, chip = len(at), case.package.chiplet
    layers = case.layers[i:j]
    works = tuple(
        work_of(case.network, layer, partition, n, cluster.tiles, max(samples, 1), chip)
        for layer, partition in zip(layers, cluster.partitions, strict=True)
    )
    executed = tuple(
        float(volumes(computed(layer, partition, n, cluster.tiles, samples)).sum())
        for layer, partition in zip(layers, cluster.partitions, strict=True)
    )
    held = spilled = 0
    if samples > 0:
        held = stage_bytes(case.tensors, case.layers, case.segment, cluster, samples, chip)
        weights = sum(work.stored_bytes for work in works) if chip.unified else 0
        spilled = max(0, held + weights - free_bytes(case.package))
    return Stage(index, replica, at, samples, tuple(range(i, j)), works, executed, held, spilled)
