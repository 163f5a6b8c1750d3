"""A network as the cost model sees it: compute layers, their operands and what is fused into them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

DEFAULT_WEIGHT_BITS = 8
DEFAULT_ACTIVATION_BITS = 8
DEFAULT_PARTIAL_SUM_BITS = 24
MAX_LAYERS = 20_000
"""Most layers of a network that is read from a file."""
MAX_SIZE = 1 << 40
"""Most elements of a tensor, and most vector work or weights of a layer: far above any network's, far below
where sums of products stop being exact in 64 bits."""


class Op(StrEnum):
    """Kind of compute operator."""

    CONV = "conv"
    LINEAR = "linear"
    MATMUL = "matmul"
    """A product of two activations (attention): no resident weights; heads are groups."""


class Role(StrEnum):
    """How a layer uses an operand."""

    DATA = "data"
    """Slides under the kernel (or is a row of a matmul); several of them are concatenated channels."""
    SECOND = "second"
    """The right-hand side of an activation-activation matmul: each head needs all of its part."""
    RESIDUAL = "residual"
    """Combined elementwise with the layer's result: aligned with the layer's *output* layout."""


@dataclass(frozen=True, slots=True)
class Operand:
    """One tensor that a layer reads, as the reader sees it.

    ``source`` is the index of the producing layer, or ``-1 - i`` for the i-th network input. ``elements``
    is what is read per sample (less than the tensor when only a slice is used). ``height`` x ``width``
    are the rows and columns over which the tensor is laid out (1 x 1: nothing to split), ``window`` the
    rows and columns of it that one position of the layer's output needs, ``stride`` its step from one
    position to the next. A flattened operand has ``window == (height, width)``.
    """

    source: int
    role: Role
    elements: int
    height: int = 1
    width: int = 1
    window: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)


@dataclass(frozen=True, slots=True)
class Layer:
    """One compute operator with the vector operators fused into it.

    Loop bounds are for one sample: ``out_channels`` (K, over all groups), ``in_channels`` (C, per group),
    ``groups`` (G; heads of a matmul), ``out_height`` x ``out_width`` (P x Q, before any fused pooling),
    ``kernel`` (R x S). A linear layer over a sequence has P = rows, Q = 1. ``weights`` counts the
    operator's own weights without biases. ``vector_elements`` is the elementwise work per sample of all
    the fused operators (norms, activations, pooling windows, adds, softmax, data movement).
    A pooling that is fused behind the layer has ``pool_window`` and ``pool_stride`` (in positions of
    P x Q); the layer's one output tensor then is ``output_height`` x ``output_width``.
    """

    name: str
    op: Op
    out_channels: int
    in_channels: int
    groups: int
    out_height: int
    out_width: int
    operands: tuple[Operand, ...]
    weights: int
    vector_elements: int
    output_elements: int
    output_height: int
    output_width: int
    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    pool_window: tuple[int, int] = (1, 1)
    pool_stride: tuple[int, int] = (1, 1)
    fused: tuple[str, ...] = ()
    """Names of the operators that run with this layer, in order: what ``inspect`` shows."""

    @property
    def macs(self) -> int:
        """Multiply-accumulates for one sample."""
        return (
            self.out_channels
            * self.in_channels
            * self.out_height
            * self.out_width
            * self.kernel[0]
            * self.kernel[1]
        )


@dataclass(frozen=True, slots=True)
class NetworkInput:
    """A tensor that comes from outside: its name and elements per sample.

    ``cached``: keys or values of earlier tokens, which lie in DRAM from step to step. What a step appends
    to them is an output of the network.
    """

    name: str
    elements: int
    cached: bool = False


def bytes_of(elements: int, bits: int) -> int:
    """Whole bytes that hold ``elements`` values of ``bits`` each."""
    return -(-elements * bits // 8)


@dataclass(frozen=True)
class Network:
    """A DAG of layers in a fixed topological order; layer ``l`` makes tensor ``l``.

    ``outputs`` are the layers whose tensors leave the package. ``warnings`` tells what the reader had to
    assume (for example unknown operators treated as data movement). ``table_elements`` are those of the
    embedding tables whose rows come in as inputs: they stay outside, in no layer's weights.
    """

    name: str
    inputs: tuple[NetworkInput, ...]
    layers: tuple[Layer, ...]
    outputs: tuple[int, ...]
    weight_bits: int = DEFAULT_WEIGHT_BITS
    activation_bits: int = DEFAULT_ACTIVATION_BITS
    partial_sum_bits: int = DEFAULT_PARTIAL_SUM_BITS
    warnings: tuple[str, ...] = field(default=())
    table_elements: int = 0

    def __len__(self) -> int:
        return len(self.layers)

    @cached_property
    def macs(self) -> int:
        """Multiply-accumulates for one sample."""
        return sum(layer.macs for layer in self.layers)

    @cached_property
    def weight_bytes(self) -> int:
        """Bytes of the weights of all compute layers, each layer rounded up to whole bytes."""
        return sum(bytes_of(layer.weights, self.weight_bits) for layer in self.layers)

    @cached_property
    def input_bytes(self) -> int:
        """Bytes of the network inputs for one sample."""
        return sum(bytes_of(t.elements, self.activation_bits) for t in self.inputs)

    @cached_property
    def cache_bytes(self) -> int:
        """Bytes of the inputs that are a cache of keys and values, for one sample."""
        return sum(bytes_of(t.elements, self.activation_bits) for t in self.inputs if t.cached)

    @cached_property
    def output_bytes(self) -> int:
        """Bytes of the network outputs for one sample."""
        return sum(bytes_of(self.layers[i].output_elements, self.activation_bits) for i in self.outputs)
