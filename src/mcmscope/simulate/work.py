"""What one chiplet does for a layer: cycles of the array, the vector unit and the buffer; what it stores."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from mcmscope.hardware.package import Chiplet
from mcmscope.schedule import Partition
from mcmscope.simulate.layout import ceil_div, isp_share
from mcmscope.workload.network import Layer, Network, Operand, Role, bytes_of


@dataclass(frozen=True, slots=True)
class Work:
    """The busiest chiplet's part of a layer for one beat.

    ``stored_bytes`` of weights lie in its buffer, copies counted; ``distinct_bytes`` of them had to come in;
    ``used_bytes`` are read once per beat.
    """

    active: int
    compute_cycles: int
    vector_cycles: int
    read_cycles: int
    read_bytes: int
    stored_bytes: int
    distinct_bytes: int
    used_bytes: int

    @property
    def cycles(self) -> int:
        """Cycles that it is busy: array, vector unit and buffer work side by side."""
        return max(self.compute_cycles, self.vector_cycles, self.read_cycles)


@dataclass(frozen=True, slots=True)
class Share:
    """A chiplet's part of the loop bounds: groups, output channels of each, samples, rows, columns."""

    groups: int
    channels: int
    samples: int
    rows: int
    columns: int
    active: int

    @property
    def positions(self) -> int:
        """Output positions."""
        return self.samples * self.rows * self.columns


def share_of(layer: Layer, partition: Partition, n: int, tiles: tuple[int, int, int], u: int) -> Share:
    """The busiest chiplet's part of a layer."""
    per_group = layer.out_channels // layer.groups
    if partition is Partition.ISP:
        g, k = isp_share(layer, n)
        active = ceil_div(layer.groups, g) * ceil_div(per_group, k)
        return Share(g, k, u, layer.out_height, layer.out_width, active)
    samples = ceil_div(u, tiles[0])
    rows, columns = ceil_div(layer.out_height, tiles[1]), ceil_div(layer.out_width, tiles[2])
    active = ceil_div(u, samples) * ceil_div(layer.out_height, rows) * ceil_div(layer.out_width, columns)
    return Share(layer.groups, per_group, samples, rows, columns, active)


@lru_cache(maxsize=65536)
def array_passes(
    k: int, c: int, positions: int, pes: int, lanes_k: int, lanes_c: int
) -> tuple[int, int, int]:
    """Least cycles for ``positions`` of k x c channels, 1 x 1 kernel: (cycles, PEs along k, position groups).

    PEs are shared out as p x q x d: output channels, input channels, positions. Of equal ways that with the
    fewest copies of the weights (d) is taken, then the most PEs along k.
    """
    best = (0, 0, 0)
    for d in (x for x in range(1, pes + 1) if pes % x == 0):
        room = pes // d
        along_d = ceil_div(positions, d)
        for p in (x for x in range(room, 0, -1) if room % x == 0):
            passes = ceil_div(k, lanes_k * p) * ceil_div(c, lanes_c * (room // p))
            if best == (0, 0, 0) or passes * along_d < best[0]:
                best = (passes * along_d, p, d)
    return best


def needed_bytes(
    network: Network,
    layer: Layer,
    op: Operand,
    partition: Partition,
    tiles: tuple[int, int, int],
    share: Share,
) -> int:
    """Bytes of an operand that the busiest chiplet works on in one beat."""
    whole = bytes_of(op.elements, network.activation_bits)
    if partition is Partition.ISP:
        if op.role is Role.DATA:
            return ceil_div(share.samples * whole * share.groups, layer.groups)
        return ceil_div(share.samples * whole * share.groups * share.channels, layer.out_channels)
    if op.role is Role.SECOND:
        return share.samples * whole
    if op.role is Role.RESIDUAL:
        rows, columns = ceil_div(op.height, tiles[1]), ceil_div(op.width, tiles[2])
    else:
        rows = min(op.height, (share.rows - 1) * op.stride[0] + op.window[0])
        columns = min(op.width, (share.columns - 1) * op.stride[1] + op.window[1])
    return share.samples * ceil_div(whole * rows * columns, op.height * op.width)


def weight_share(network: Network, layer: Layer, partition: Partition, n: int, share: Share) -> int:
    """Distinct bytes of a layer's weights that one chiplet stores."""
    weights = bytes_of(layer.weights, network.weight_bits)
    if partition is Partition.ISP:
        return ceil_div(weights * share.groups * share.channels, layer.out_channels)
    return weights if partition is Partition.WSP else ceil_div(weights, n)


def work_of(
    network: Network,
    layer: Layer,
    partition: Partition,
    n: int,
    tiles: tuple[int, int, int],
    u: int,
    chip: Chiplet,
) -> Work:
    """The busiest chiplet's work for one beat of u samples on a region of n."""
    share = share_of(layer, partition, n, tiles, u)
    passes, along_k, copies = array_passes(
        share.channels, layer.in_channels, share.positions, chip.pes, chip.lanes_k, chip.lanes_c
    )
    kernel = layer.kernel[0] * layer.kernel[1]
    if partition is Partition.ISP:
        part = ceil_div(layer.vector_elements * u * share.groups * share.channels, layer.out_channels)
    else:
        part = ceil_div(layer.vector_elements * share.positions, layer.out_height * layer.out_width)
    distinct = weight_share(network, layer, partition, n, share)
    worked = sum(needed_bytes(network, layer, op, partition, tiles, share) for op in layer.operands)
    reads = worked * ceil_div(share.channels, chip.lanes_k * along_k)
    weights_read = distinct if chip.unified else 0
    return Work(
        active=share.active,
        compute_cycles=share.groups * kernel * passes,
        vector_cycles=ceil_div(part, chip.vector_lanes),
        read_cycles=ceil_div(reads + weights_read, chip.buffer_read_bytes_per_cycle),
        read_bytes=reads,
        stored_bytes=distinct if chip.unified else distinct * copies,
        distinct_bytes=distinct,
        used_bytes=weight_share(
            network, layer, Partition.ISP if partition is Partition.ISP else Partition.WSP, n, share
        ),
    )
