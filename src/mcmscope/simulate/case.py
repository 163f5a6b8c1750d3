"""One segment to be simulated, and where what it keeps lies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mcmscope.hardware.package import Package
from mcmscope.schedule import Cluster, Partition
from mcmscope.simulate.layout import Layout, output_layout, split_evenly
from mcmscope.simulate.mesh import Ints, Mesh
from mcmscope.simulate.tensors import Tensors
from mcmscope.simulate.traffic import Flow
from mcmscope.workload.network import Layer, Network, bytes_of


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
