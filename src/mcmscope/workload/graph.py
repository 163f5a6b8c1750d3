"""An operator graph: what the zoo writes, what the ONNX reader finds, and what ``lower`` turns into layers.

Only values that depend on the network's inputs are in the graph: constants (weights, biases, masks) show
in the operators' sizes alone. Every node makes one value, named by the node's ``output``; a split is several
slices. Shapes hold ``Graph.batch`` samples.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

Shape = tuple[int, ...]
Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Conv:
    """Convolution of ``[N, C, H, W]`` (or ``[N, C, L]``: then the second of each pair is neutral).

    ``padding`` is top, left, bottom, right. ``out_channels`` counts all groups. ``transposed``: every
    position of the input meets the whole kernel, and the results overlap ``stride`` positions apart.
    """

    out_channels: int
    kernel: Pair
    stride: Pair = (1, 1)
    dilation: Pair = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    groups: int = 1
    transposed: bool = False


@dataclass(frozen=True, slots=True)
class Linear:
    """A product with a weight matrix over ``reduced_axis``, or ``groups`` such products side by side.

    ``out_channels`` counts all groups.
    """

    out_channels: int
    in_channels: int
    groups: int = 1
    reduced_axis: int = -1


@dataclass(frozen=True, slots=True)
class MatMul:
    """A product of two computed values ``[..., M, K] x [..., K, N]``; the leading axes are heads."""

    transposed_lhs: bool = False
    transposed_rhs: bool = False


@dataclass(frozen=True, slots=True)
class Vector:
    """Elementwise work on one or several values: ``passes`` times the elements of the largest of them.

    ``foldable``: it vanishes into the weights and bias of a layer that it follows directly (batch
    normalisation, bias).
    """

    passes: int = 1
    foldable: bool = False


@dataclass(frozen=True, slots=True)
class Pool:
    """Pooling of ``[N, C, H, W]`` with the given window (dilation included) and ``points`` taken of it."""

    window: Pair
    stride: Pair
    points: int


@dataclass(frozen=True, slots=True)
class Reduce:
    """A mean, sum, maximum... over whole axes (a global pooling if they are the image's)."""

    axes: tuple[int, ...]
    keep: bool = True


@dataclass(frozen=True, slots=True)
class Concat:
    """Values joined along one axis; joining computes nothing, the reader reads several tensors."""

    axis: int


@dataclass(frozen=True, slots=True)
class Reshape:
    """The same elements in the same order under another shape (also flatten, squeeze, identity)."""


@dataclass(frozen=True, slots=True)
class Repeat:
    """The same elements read again and again along some axes (broadcast, tiled): addressing, as a view."""


@dataclass(frozen=True, slots=True)
class Transpose:
    """The same elements with the axes in another order."""

    order: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of a value; the shapes say how much of it. ``dropped``: an axis that was cut to one and lost."""

    dropped: int | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """Real data movement: padding, table look-up, resizing, and operators not understood.

    ``reads_too``: the work is the elements read plus those written, not only those written.
    """

    reads_too: bool = False


Operator = (
    Conv | Linear | MatMul | Vector | Pool | Reduce | Concat | Reshape | Repeat | Transpose | Slice | Move
)


@dataclass(frozen=True, slots=True)
class Node:
    """One operator: its name, its kind in the source's words, what it reads, and the value it makes."""

    name: str
    label: str
    op: Operator
    inputs: tuple[str, ...]
    output: str
    shape: Shape


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes in topological order. ``batch`` samples are in every shape and are divided out.

    ``weight_bits``: the width that the source's quantised weights have. ``table_elements``: of the tables
    whose rows are looked up outside and come in as inputs. ``caches``: the inputs that lie in memory from
    one step of a sequence to the next. ``worked_out``: operators of the source that have no node, since
    they make constants or sizes, or nothing that an output depends on.
    """

    name: str
    inputs: tuple[tuple[str, Shape], ...]
    nodes: tuple[Node, ...]
    outputs: tuple[str, ...]
    batch: int = 1
    warnings: tuple[str, ...] = ()
    weight_bits: int | None = None
    table_elements: int = 0
    caches: tuple[str, ...] = ()
    worked_out: int = 0


def elements_of(shape: Shape) -> int:
    """Number of elements of a shape (1 for a scalar)."""
    return prod(shape)


def live(graph: Graph) -> Graph:
    """The graph without the nodes and inputs that no output depends on."""
    needed = set(graph.outputs)
    kept: list[Node] = []
    for node in reversed(graph.nodes):
        if node.output in needed:
            kept.append(node)
            needed.update(node.inputs)
    inputs = tuple(item for item in graph.inputs if item[0] in needed)
    return replace(graph, inputs=inputs, nodes=tuple(reversed(kept)))
