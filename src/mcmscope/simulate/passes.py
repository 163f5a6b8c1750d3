"""Passes: a layer whose weights do not fit runs over slices of them, one after another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mcmscope.errors import InputError
from mcmscope.schedule import Cluster
from mcmscope.simulate.case import Case
from mcmscope.simulate.layout import ceil_div
from mcmscope.simulate.memory import weight_room
from mcmscope.simulate.work import work_of
from mcmscope.workload.network import Layer, Role


def passes_of(case: Case, micro_batch: int) -> Iterator[Case]:
    """The case itself, or if its one layer's weights do not fit, a case for each pass over a slice of them.

    Slices are groups, or output channels. A layer takes the fewest even passes that fit.

    Raises:
        InputError: weights do not fit, and cannot be cut so that they do.
    """
    room = weight_room(case.package)
    for cluster in case.clusters:
        stored = sum(_stored(case, cluster, l, case.layers[l], micro_batch) for l in range(*cluster.layers))
        if stored <= room:
            continue
        what = f"layers {cluster.layers[0]} to {cluster.layers[1] - 1}: {stored} bytes of weights per chiplet"
        if case.segment[1] - case.segment[0] > 1:
            raise InputError(f"{what} do not fit into {room}: give the cluster more chiplets or fewer layers")
        sliced = _slices(case, cluster, room, micro_batch)
        if not sliced:
            raise InputError(f"{what} do not fit into {room}, and no slice of them does")
        yield from sliced
        return
    yield case


def _stored(case: Case, cluster: Cluster, l: int, layer: Layer, u: int) -> int:
    partition = cluster.partitions[l - cluster.layers[0]]
    n, chip = len(cluster.chiplets), case.package.chiplet
    return work_of(case.network, layer, partition, n, cluster.tiles, u, chip).stored_bytes


def _slices(case: Case, cluster: Cluster, room: int, u: int) -> list[Case]:
    """The passes of a one-layer segment, the last perhaps over fewer slices; none if not even one fits."""
    l = case.segment[0]
    layer = case.layers[l]
    whole = layer.groups if layer.groups > 1 else layer.out_channels
    passes = 1
    while passes <= whole:
        part = ceil_div(whole, passes)
        if _stored(case, cluster, l, slice_of(layer, part), u) <= room:
            sizes = [part] * (whole // part) + ([whole % part] if whole % part else [])
            return [
                replace(case, layers=(*case.layers[:l], slice_of(layer, size), *case.layers[l + 1 :]))
                for size in sizes
            ]
        passes = ceil_div(whole, part - 1) if part > 1 else whole + 1
    return []


def slice_of(layer: Layer, part: int) -> Layer:
    """A layer with ``part`` of its groups, or of its output channels if it has one group."""
    grouped = layer.groups > 1
    whole = layer.groups if grouped else layer.out_channels
    return replace(
        layer,
        out_channels=layer.out_channels * part // whole,
        groups=part if grouped else 1,
        operands=tuple(
            replace(op, elements=ceil_div(op.elements * part, whole))
            if grouped or op.role is not Role.DATA
            else op
            for op in layer.operands
        ),
        weights=ceil_div(layer.weights * part, whole),
        vector_elements=ceil_div(layer.vector_elements * part, whole),
        output_elements=ceil_div(layer.output_elements * part, whole),
    )
