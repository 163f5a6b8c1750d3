"""The flows of a stage for one micro-batch: what arrives, what its chiplets bring each other, what leaves."""

from __future__ import annotations

import numpy as np

from mcmscope.schedule import Cluster, Partition
from mcmscope.simulate.case import Case, stays
from mcmscope.simulate.layout import (
    CHANNEL,
    Boxes,
    Layout,
    arrival_layout,
    need,
    split_by_share,
    split_evenly,
    tiled,
    volumes,
)
from mcmscope.simulate.mesh import Ints
from mcmscope.simulate.traffic import Flow, Traffic
from mcmscope.workload.network import Layer, bytes_of


def computed(layer: Layer, partition: Partition, n: int, tiles: tuple[int, int, int], samples: int) -> Boxes:
    """What each chiplet computes, before any pooling."""
    if partition is Partition.ISP:
        return split_by_share(layer, n, samples)
    return tiled(n, tiles, samples, layer.out_height, layer.out_width)


def arrival(
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


def exchange(
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
        whole[volumes(computed(layer, partition, n, cluster.tiles, samples)) > 0, 1::2] = 1.0
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


def departures(
    case: Case, replica: int, cluster: Cluster, l: int, samples: int, layout: Layout
) -> list[Flow | None]:
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
    return flows


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
