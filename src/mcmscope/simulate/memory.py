"""What a chiplet's activation buffer must hold for a stage, and how much of it does not fit."""

from __future__ import annotations

from mcmscope.hardware.package import Chiplet, Package
from mcmscope.schedule import Cluster, Partition
from mcmscope.simulate.layout import ceil_div
from mcmscope.simulate.tensors import Tensors
from mcmscope.simulate.work import Share, share_of
from mcmscope.workload.network import Layer, Network, Operand, Role, bytes_of


def free_bytes(package: Package) -> int:
    """Bytes per chiplet for the activations of the running segment (unified: and for weights)."""
    kept = package.chiplet.activation_buffer_bytes * (1000 - package.retained_permille) // 1000
    return kept // 2 if package.prefetch and package.chiplet.unified else kept


def weight_room(package: Package) -> int:
    """Bytes per chiplet that weights of one segment may take."""
    room = free_bytes(package) if package.chiplet.unified else package.chiplet.weight_buffer_bytes
    return room // 2 if package.prefetch and not package.chiplet.unified else room


def is_kept(tensors: Tensors, package: Package, boundary: int, batch: int) -> bool:
    """Whether what is alive at a boundary between segments stays on the package for the whole batch."""
    if boundary in (0, len(tensors.network)):
        return False
    room = package.chiplets * package.chiplet.activation_buffer_bytes * package.retained_permille // 1000
    return batch * tensors.alive_bytes(boundary) <= room


def stage_bytes(
    tensors: Tensors,
    layers: tuple[Layer, ...],
    segment: tuple[int, int],
    cluster: Cluster,
    u: int,
    chip: Chiplet,
) -> int:
    """Activation bytes that each chiplet of a stage holds.

    A stage of one layer streams rows through. One of several holds what arrives, what drains, the most that
    is alive inside, and the widest operand that a layer needs undivided. Both hold what passes by.
    """
    network = tensors.network
    (i, j), n = cluster.layers, len(cluster.chiplets)
    shares = [share_of(layers[l], cluster.partitions[l - i], n, cluster.tiles, u) for l in range(i, j)]
    relayed = ceil_div(u * tensors.relayed_bytes(*segment, i, j), n)
    if j - i == 1:
        layer, partition = layers[i], cluster.partitions[0]
        held = _streamed_output(network, layer, u, shares[0])
        for op in layer.operands:
            held += _streamed(network, layer, op, partition, u, shares[0])
        return (
            held
            + relayed
            + (_shard_window(network, layer, chip) if partition is Partition.WSP_SHARDED else 0)
        )
    widest = 0
    for layer, partition, share in zip(layers[i:j], cluster.partitions, shares, strict=True):
        window = _shard_window(network, layer, chip) if partition is Partition.WSP_SHARDED else 0
        for op in layer.operands:
            if partition is Partition.ISP and op.role is Role.DATA:
                window += ceil_div(u * _rows_bytes(network, op) * share.groups, layer.groups)
            elif partition is not Partition.ISP and op.role is Role.SECOND:
                window += share.samples * bytes_of(op.elements, network.activation_bits)
        widest = max(widest, window)
    whole = (
        sum(tensors.sample_bytes(t) for t in tensors.arriving(i, j)),
        sum(tensors.sample_bytes(t) for t in tensors.leaving(i, j)),
        tensors.peak_bytes(i, j),
    )
    return sum(ceil_div(u * size, n) for size in whole) + widest + relayed


def _rows_bytes(network: Network, op: Operand) -> int:
    """Bytes of the rows that a streaming layer keeps: twice its window and step."""
    rows = min(op.height, 2 * (op.window[0] + op.stride[0]))
    return ceil_div(bytes_of(op.elements, network.activation_bits) * rows, op.height)


def _streamed(network: Network, layer: Layer, op: Operand, partition: Partition, u: int, share: Share) -> int:
    size = bytes_of(op.elements, network.activation_bits)
    if op.role is Role.SECOND:
        if partition is Partition.ISP:
            return ceil_div(u * size * share.groups * share.channels, layer.out_channels)
        return share.samples * size
    if op.role is Role.DATA and partition is Partition.ISP:
        return ceil_div(u * _rows_bytes(network, op) * share.groups, layer.groups)
    return ceil_div(u * _rows_bytes(network, op), share.active)


def _streamed_output(network: Network, layer: Layer, u: int, share: Share) -> int:
    rows = min(layer.out_height, 2 * (layer.pool_window[0] + layer.pool_stride[0]))
    position = bytes_of(layer.out_channels, network.activation_bits)
    return ceil_div(u * rows * layer.out_width * position, share.active)


def _shard_window(network: Network, layer: Layer, chip: Chiplet) -> int:
    """The window through which gathered weights pass: two loads of the PE array."""
    weights = bytes_of(layer.weights, network.weight_bits)
    held = 2 * chip.macs_per_cycle
    return min(weights, ceil_div(weights * held, layer.out_channels * layer.in_channels))
