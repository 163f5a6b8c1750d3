"""One beat of a segment as activities that wait for each other: what each stage does for one micro-batch."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from mcmscope.hardware.package import Overlap, Package
from mcmscope.schedule import Cluster, Partition
from mcmscope.simulate.layout import (
    CHANNEL,
    Boxes,
    Layout,
    arrival_layout,
    need,
    output_layout,
    split_by_share,
    split_evenly,
    tiled,
    volumes,
)
from mcmscope.simulate.memory import free_bytes, stage_bytes
from mcmscope.simulate.mesh import Ints, Mesh
from mcmscope.simulate.tensors import Tensors
from mcmscope.simulate.traffic import Flow, Traffic
from mcmscope.simulate.work import Work, work_of
from mcmscope.workload.network import Layer, Network, bytes_of


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


@dataclass(frozen=True, eq=False)
class Case:
    """One segment, or one pass of it, to be simulated.

    ``layers`` are the network's, but for a pass over a slice of one. ``kept`` are the layouts, for one
    sample, of tensors that stayed on the package: ``at`` are then places in the order of a replica's
    chiplets; other tensors made before come from DRAM. ``moved`` tensors only pass by and change their place:
    (tensor, whether it comes in from DRAM). ``blocking`` False: buffers have no end.
    """

    network: Network
    tensors: Tensors
    package: Package
    mesh: Mesh
    segment: tuple[int, int]
    clusters: tuple[Cluster, ...]
    layers: tuple[Layer, ...]
    replicas: int
    kept: dict[int, Layout]
    kept_after: bool
    moved: tuple[tuple[int, bool], ...] = ()
    hops: bool = True
    blocking: bool = True

    @property
    def share(self) -> int:
        """Chiplets of a replica."""
        return self.mesh.chiplets // self.replicas

    def chiplets(self, cluster: Cluster, replica: int) -> Ints:
        """The cluster's chiplets in a replica: those of the first lie first in the order."""
        if replica == 0:
            return np.array(cluster.chiplets, dtype=np.int64)
        place = np.empty(self.mesh.chiplets, dtype=np.int64)
        place[self.mesh.order] = np.arange(self.mesh.chiplets)
        return self.mesh.order[place[np.array(cluster.chiplets)] + replica * self.share]

    def own(self, replica: int) -> Ints:
        """All chiplets of a replica, in order."""
        return self.mesh.order[replica * self.share : (replica + 1) * self.share]

    def latency_ps(self, flow: Flow | None) -> float:
        """What the hops of a flow add to it."""
        return flow.hops * self.package.nop.hop_latency_ns * 1000.0 if flow is not None and self.hops else 0.0

    def op_bytes(self, elements: int) -> int:
        """Bytes of so many activations."""
        return bytes_of(elements, self.network.activation_bits)


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
            flow, layouts[t] = _arrival(case, replica, cluster, at, samples, t, made)
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
            flow, layouts[t] = _arrival(case, replica, cluster, at, samples, t, made)
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
        flow = _exchange(case, cluster, at, samples, l, layouts)
        exchange = plan.add(Kind.EXCHANGE, index, replica, l, case.latency_ps(flow), flow, start)
        ends.append(exchange)
        wait_for = exchange if case.package.overlap is Overlap.NONE else start
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
        _drain(case, plan, replica, index, cluster, l, samples, made[l], end)
        previous = (end,)
    plan.edges.append((done[j - 1], first, 1))
    if case.blocking:
        for t, arrival in zip(sources, arrivals, strict=True):
            if merged:
                plan.edges.append((first, arrival, 1))
            if t in home:
                ahead = index - home[t]
                plan.edges.append((arrival, done[t], ahead))
                if not merged and ahead == 1:
                    plan.edges.append((first, begin[t], 1))
    for t, arrival in zip(sources, arrivals, strict=True):
        if t in home:  # the next reader takes it from here
            made[t], done[t], home[t], begin[t] = layouts[t], arrival, index, first
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
        float(volumes(_outputs(layer, partition, n, cluster.tiles, samples)).sum())
        for layer, partition in zip(layers, cluster.partitions, strict=True)
    )
    held = spilled = 0
    if samples > 0:
        held = stage_bytes(case.tensors, case.layers, case.segment, cluster, samples, chip)
        weights = sum(work.stored_bytes for work in works) if chip.unified else 0
        spilled = max(0, held + weights - free_bytes(case.package))
    return Stage(index, replica, at, samples, tuple(range(i, j)), works, executed, held, spilled)


def _outputs(layer: Layer, partition: Partition, n: int, tiles: tuple[int, int, int], samples: int) -> Boxes:
    """What each chiplet computes, before any pooling."""
    if partition is Partition.ISP:
        return split_by_share(layer, n, samples)
    return tiled(n, tiles, samples, layer.out_height, layer.out_width)


def _arrival(
    case: Case,
    replica: int,
    cluster: Cluster,
    at: Ints,
    samples: int,
    tensor: int,
    made: dict[int, Layout],
) -> tuple[Flow | None, Layout]:
    """Bring a tensor from outside to the region, each byte to one chiplet; also where it then lies."""
    i, j = cluster.layers
    reader = next(l for l in range(i, j) if any(op.source == tensor for op in case.layers[l].operands))
    layer = case.layers[reader]
    op = next(op for op in layer.operands if op.source == tensor)
    boxes = arrival_layout(layer, op, cluster.partitions[reader - i], len(at), cluster.tiles, samples)
    to = Layout(at, boxes, op.height, op.width)
    traffic = Traffic(case.mesh)
    size = float(case.tensors.sample_bytes(tensor))
    if j - i == 1:  # a layer alone takes in only what it reads
        read = sum(other.elements for other in layer.operands if other.source == tensor)
        size = min(size, float(case.op_bytes(read)))
    if tensor in made:
        traffic.exchange(made[tensor], to, size)
    elif tensor in case.kept:
        kept = case.kept[tensor]
        traffic.exchange(_for_samples(kept, case.own(replica)[kept.at], samples), to, size)
    else:
        traffic.from_dram(at, volumes(boxes) * size)
    return traffic.flow(), to


def _for_samples(layout: Layout, at: Ints, samples: int) -> Layout:
    """A layout of one sample for several."""
    boxes = layout.boxes.copy()
    boxes[:, 1] *= samples
    return Layout(at, boxes, layout.height, layout.width)


def _exchange(
    case: Case, cluster: Cluster, at: Ints, samples: int, l: int, layouts: dict[int, Layout]
) -> Flow | None:
    """What the chiplets of a region bring each other for a layer: operands, sharded weights, pooled rims."""
    layer, partition, n = case.layers[l], cluster.partitions[l - cluster.layers[0]], len(at)
    if n == 1 or samples == 0:
        return None
    traffic = Traffic(case.mesh)
    for op in layer.operands:
        boxes = need(layer, op, partition, n, cluster.tiles, samples)
        traffic.exchange(
            layouts[op.source], Layout(at, boxes, op.height, op.width), float(case.op_bytes(op.elements))
        )
    if partition is Partition.WSP_SHARDED:
        whole = np.zeros((n, 8))
        whole[volumes(_outputs(layer, partition, n, cluster.tiles, samples)) > 0, 1::2] = 1.0
        weights = float(bytes_of(layer.weights, case.network.weight_bits))
        traffic.exchange(Layout(at, split_evenly(n, 1), 1, 1), Layout(at, whole, 1, 1), weights)
    if partition is not Partition.ISP and layer.pool_window != (1, 1):
        _pool(case, traffic, layer, cluster.tiles, at, samples)
    return traffic.flow()


def _pool(
    case: Case, traffic: Traffic, layer: Layer, tiles: tuple[int, int, int], at: Ints, samples: int
) -> None:
    """Results, or partial results where those are less, that a pooled tile takes from its neighbours."""
    own = tiled(len(at), tiles, samples, layer.out_height, layer.out_width)
    wanted = tiled(len(at), tiles, samples, layer.output_height, layer.output_width)
    outputs = volumes(wanted) * layer.output_height * layer.output_width
    sizes = (layer.out_height, layer.out_width)
    for axis, size, pooled, window, step in zip(
        (2, 4),
        sizes,
        (layer.output_height, layer.output_width),
        layer.pool_window,
        layer.pool_stride,
        strict=True,
    ):
        padding = max(0, ((pooled - 1) * step + window - size + 1) // 2)
        low = np.rint(wanted[:, axis] * pooled) * step - padding
        high = (np.rint(wanted[:, axis + 1] * pooled) - 1) * step - padding + window
        wanted[:, axis] = np.clip(low, 0, size) / size
        wanted[:, axis + 1] = np.clip(high, 0, size) / size
    wanted[outputs == 0] = 0.0
    results = float(bytes_of(layer.out_channels, case.network.activation_bits) * sizes[0] * sizes[1])
    sums = outputs * bytes_of(layer.out_channels, case.network.partial_sum_bits)
    inside = np.prod(
        np.clip(np.minimum(own[:, 1::2], wanted[:, 1::2]) - np.maximum(own[:, ::2], wanted[:, ::2]), 0, None),
        axis=1,
    )
    rim = (volumes(wanted) - inside) * results
    busiest = int(rim.argmax())
    if rim[busiest] > sums[busiest]:
        results *= sums[busiest] / rim[busiest]
    traffic.exchange(Layout(at, own, *sizes), Layout(at, wanted, *sizes), results)


def _drain(
    case: Case,
    plan: Plan,
    replica: int,
    index: int,
    cluster: Cluster,
    l: int,
    samples: int,
    layout: Layout,
    end: int,
) -> None:
    """Send a tensor that leaves the segment to DRAM, or to its place on the package."""
    b = case.segment[1]
    later = bool(case.tensors.readers[l]) and case.tensors.readers[l][-1] >= b
    size = float(case.op_bytes(case.layers[l].output_elements))
    flows: list[Flow | None] = []
    if l in case.tensors.outputs or (later and not case.kept_after):
        traffic = Traffic(case.mesh)
        traffic.to_dram(layout.at, volumes(layout.boxes) * size)
        flows.append(traffic.flow())
    if later and case.kept_after and not stays(case, cluster, l):
        traffic = Traffic(case.mesh)
        place = split_evenly(case.share, samples)
        traffic.exchange(layout, Layout(case.own(replica), place, layout.height, layout.width), size)
        flows.append(traffic.flow())
    for flow in flows:
        here = plan.add(Kind.DRAIN, index, replica, l, case.latency_ps(flow), flow, end)
        if case.blocking:
            plan.edges.append((here, end, 1))


def stays(case: Case, cluster: Cluster, l: int) -> bool:
    """Whether a tensor that is kept stays where it was made: on all chiplets of a replica, samples whole."""
    isp = cluster.partitions[l - cluster.layers[0]] is Partition.ISP
    return len(cluster.chiplets) == case.share and (isp or cluster.tiles[0] == 1)


def place_of(case: Case, cluster: Cluster, l: int) -> Layout:
    """Where a kept tensor lies, for one sample; ``at`` counts the chiplets of a replica in order."""
    layer, n = case.layers[l], case.share
    everywhere = np.arange(n)
    if not stays(case, cluster, l):
        return Layout(everywhere, split_evenly(n, 1), layer.output_height, layer.output_width)
    place = np.empty(case.mesh.chiplets, dtype=np.int64)
    place[case.mesh.order] = np.arange(case.mesh.chiplets)
    boxes = output_layout(layer, cluster.partitions[l - cluster.layers[0]], n, cluster.tiles, 1)
    return Layout(place[np.array(cluster.chiplets)], boxes, layer.output_height, layer.output_width)


def load_flows(case: Case) -> list[Flow | None]:
    """Per cluster: its weights from DRAM to where they are stored, each byte read once for all replicas."""
    flows: list[Flow | None] = []
    for cluster in case.clusters:
        traffic = Traffic(case.mesh)
        regions = np.stack([case.chiplets(cluster, r) for r in range(case.replicas)], axis=1)
        n = len(regions)
        for l, partition in zip(range(*cluster.layers), cluster.partitions, strict=True):
            layer = case.layers[l]
            weights = float(bytes_of(layer.weights, case.network.weight_bits))
            if weights == 0:
                continue
            boxes = split_by_share(layer, n, 1) if partition is Partition.ISP else split_evenly(n, 1)
            traffic.from_dram(regions, (boxes[:, CHANNEL + 1] - boxes[:, CHANNEL]) * weights)
            if partition is Partition.WSP and n > 1:
                whole = np.zeros((n, 8))
                whole[:, 1::2] = 1.0
                for region in regions.T:
                    traffic.exchange(Layout(region, boxes, 1, 1), Layout(region, whole, 1, 1), weights)
        flows.append(traffic.flow())
    return flows
