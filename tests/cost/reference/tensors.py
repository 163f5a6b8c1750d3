"""What follows from a network alone: who makes and reads its tensors; its layers in bytes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from mcmscope.workload.network import Network, Role

from .mesh import Shape, up


class Tensors:
    """Every tensor of a network with its bytes per sample and its readers."""

    def __init__(self, network: Network) -> None:
        bits = network.activation_bits
        self.size = {l: up(layer.output_elements * bits, 8) for l, layer in enumerate(network.layers)}
        self.size |= {-1 - i: up(tensor.elements * bits, 8) for i, tensor in enumerate(network.inputs)}
        self.readers = {
            t: {l for l, layer in enumerate(network.layers) for op in layer.operands if op.source == t}
            for t in self.size
        }
        self.outputs = set(network.outputs)

    def bytes(self, tensors: Iterable[int]) -> int:
        """Bytes of distinct tensors."""
        return sum(self.size[t] for t in set(tensors))

    def used_in(self, t: int, a: int, b: int) -> bool:
        """Whether a layer of [a, b) reads tensor t."""
        return any(a <= reader < b for reader in self.readers[t])

    def used_from(self, t: int, b: int) -> bool:
        """Whether layer b or a later one reads tensor t."""
        return any(reader >= b for reader in self.readers[t])

    # Sets of tensors about a run of layers [a, b).

    def inputs_read(self, a: int, b: int) -> set[int]:
        """Network inputs used inside."""
        return {t for t in self.size if t < 0 and self.used_in(t, a, b)}

    def made_before(self, a: int, b: int) -> set[int]:
        """Made by an earlier layer, used inside."""
        return {t for t in self.size if 0 <= t < a and self.used_in(t, a, b)}

    def outputs_made(self, a: int, b: int) -> set[int]:
        """Made inside, outputs of the network."""
        return {t for t in self.outputs if a <= t < b}

    def used_after(self, a: int, b: int) -> set[int]:
        """Made inside, used behind, and not outputs (which leave anyway)."""
        return {t for t in range(a, b) if self.used_from(t, b)} - self.outputs

    def passing(self, a: int, b: int) -> set[int]:
        """Made before, used behind."""
        return {t for t in self.size if 0 <= t < a and self.used_from(t, b)}

    def live_at(self, b: int) -> set[int]:
        """Made before layer b and used by it or a later one."""
        return {t for t in self.size if 0 <= t < b and self.used_from(t, b)}

    def held_at(self, x: int, a: int, b: int) -> set[int]:
        """What is there while layer x of [a, b) runs: its output, and all that came in or was made and
        that x or a later layer inside still reads."""
        made = {t for t in range(a, x) if self.used_in(t, x, b)}
        arrived = {t for t in self.size if t < a and self.used_in(t, x, b)}
        return made | arrived | {x}

    def peak(self, a: int, b: int) -> int:
        """The most that is held at once while the layers of [a, b) run in turn."""
        return max(self.bytes(self.held_at(x, a, b)) for x in range(a, b))

    def relayed(self, a: int, b: int, i: int, j: int) -> int:
        """Bytes that pass by cluster [i, j) within segment [a, b): made before, used behind, not by it."""
        return self.bytes(t for t in range(a, i) if self.used_in(t, j, b) and not self.used_in(t, i, j))

    def cut(self, a: int, b: int, j: int) -> int:
        """Bytes that cross the cluster boundary j within segment [a, b)."""
        return self.bytes(t for t in range(a, j) if self.used_in(t, j, b))


@dataclass(frozen=True)
class Read:
    """An operand in bytes per sample."""

    source: int
    role: Role
    size: int
    height: int
    width: int
    window: Shape
    stride: Shape


@dataclass(frozen=True)
class Work:
    """A layer, or a slice of one, in bytes per sample."""

    channels: int
    reduced: int
    groups: int
    rows: int
    columns: int
    taps: int
    weights: int
    vector: int
    out: int
    macs: int
    pool_window: Shape
    pool_stride: Shape
    out_rows: int
    out_columns: int
    position: int  # all results at one position
    position_sums: int  # all partial sums at one position
    reads: tuple[Read, ...]

    @property
    def slices(self) -> int:
        """Parts into which passes can cut it: groups, or output channels."""
        return self.groups if self.groups > 1 else self.channels


def work_of(network: Network, l: int) -> Work:
    """Layer l of ``network``."""
    layer, bits = network.layers[l], network.activation_bits
    taps = layer.kernel[0] * layer.kernel[1]
    return Work(
        channels=layer.out_channels,
        reduced=layer.in_channels,
        groups=layer.groups,
        rows=layer.out_height,
        columns=layer.out_width,
        taps=taps,
        weights=up(layer.weights * network.weight_bits, 8),
        vector=layer.vector_elements,
        out=up(layer.output_elements * bits, 8),
        macs=layer.out_channels * layer.in_channels * layer.out_height * layer.out_width * taps,
        pool_window=layer.pool_window,
        pool_stride=layer.pool_stride,
        out_rows=layer.output_height,
        out_columns=layer.output_width,
        position=up(layer.out_channels * bits, 8),
        position_sums=up(layer.out_channels * network.partial_sum_bits, 8),
        reads=tuple(
            Read(op.source, op.role, up(op.elements * bits, 8), op.height, op.width, op.window, op.stride)
            for op in layer.operands
        ),
    )


def slice_of(work: Work, part: int) -> Work:
    """``part`` of the slices of a layer; operands that a slice needs whole stay whole."""

    def some(size: int) -> int:
        return up(size * part, work.slices)

    return replace(
        work,
        channels=work.channels * part // work.slices,
        groups=part if work.groups > 1 else 1,
        weights=some(work.weights),
        vector=some(work.vector),
        out=some(work.out),
        macs=some(work.macs),
        position=some(work.position),
        position_sums=some(work.position_sums),
        reads=tuple(
            r if work.groups == 1 and r.role is Role.DATA else replace(r, size=some(r.size))
            for r in work.reads
        ),
    )
