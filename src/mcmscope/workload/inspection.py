"""What was understood of a network: its layers, what is alive between them, what became of each operator."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from mcmscope.workload.graph import (
    Concat,
    Conv,
    Graph,
    Linear,
    MatMul,
    Move,
    Node,
    Repeat,
    Reshape,
    Slice,
    Transpose,
    Vector,
    live,
)
from mcmscope.workload.load import check_bits, load_graph
from mcmscope.workload.lower import lower
from mcmscope.workload.network import DEFAULT_ACTIVATION_BITS, Network, bytes_of
from mcmscope.workload.order import alive_bytes, ordered

_COMPUTE = (Conv, Linear, MatMul)
_ADDRESSING = (Reshape, Repeat, Transpose, Slice, Concat)


class Fate(StrEnum):
    """What became of an operator."""

    LAYER = "layer"
    """A layer of its own."""
    FUSED = "fused"
    """Vector work that runs with a layer, or with every layer that reads the result."""
    FOLDED = "folded"
    """Vanished into the weights and bias of the layer before it."""
    MOVED = "moved"
    """Data that moves, with a layer: padding, resizing, rolling, a turn that is more than addressing."""
    FREE = "free"
    """Addressing: views, slices, joins."""
    UNKNOWN = "unknown"
    """Not understood, and counted as data movement."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """A network and what was understood of it.

    ``alive``: per boundary b, bytes per sample of the tensors that are made before layer b and read from it
    on, and ``alive_tensors`` which those are. ``operators``: per fate, how many of each kind; None for a
    network file, which holds layers only. ``worked_out``: operators of the source that make constants and
    sizes, or nothing that is needed.
    """

    network: Network
    alive: tuple[int, ...]
    alive_tensors: tuple[tuple[int, ...], ...]
    operators: Mapping[Fate, Mapping[str, int]] | None
    worked_out: int


def inspect(
    name_or_path: str | Path,
    *,
    dims: Mapping[str, int] | None = None,
    seq: int | None = None,
    kv: int | None = None,
    weight_bits: int | None = None,
    activation_bits: int = DEFAULT_ACTIVATION_BITS,
    allow_unknown: bool = True,
) -> Inspection:
    """What is understood of a network of the zoo or in a file; options as for ``load_network``.

    Operators that are not understood are counted, and refused only if ``allow_unknown`` is false. Raises
    ``InputError`` for what is no network.
    """
    check_bits(weight_bits, activation_bits)
    if Path(name_or_path).suffix.lower() == ".json":
        from mcmscope.workload.load import load_network

        return _of(load_network(name_or_path, dims=dims, seq=seq, kv=kv), None, 0)
    graph = load_graph(name_or_path, allow_unknown=allow_unknown, dims=dims, seq=seq, kv=kv)
    network = ordered(lower(graph, weight_bits=weight_bits, activation_bits=activation_bits))
    return _of(network, fates(graph, network), graph.worked_out)


def _of(network: Network, operators: Mapping[Fate, Mapping[str, int]] | None, worked_out: int) -> Inspection:
    return Inspection(network, alive_bytes(network), alive_tensors(network), operators, worked_out)


def alive_tensors(network: Network) -> tuple[tuple[int, ...], ...]:
    """Layers whose tensors are alive at each boundary: made before it, read behind it."""
    last = {operand.source: index for index, layer in enumerate(network.layers) for operand in layer.operands}
    alive: list[tuple[int, ...]] = [()]
    for index in range(len(network)):
        alive.append(tuple(t for t in (*alive[-1], index) if last.get(t, -1) > index))
    return tuple(alive)


def fates(graph: Graph, network: Network) -> dict[Fate, dict[str, int]]:
    """How many operators of each kind became what, in the order of ``Fate``; kinds in alphabetical order."""
    graph = live(graph)
    fused = {name for layer in network.layers for name in layer.fused}
    makers = {node.output: node for node in graph.nodes}
    uses = Counter(name for node in graph.nodes for name in node.inputs)
    uses.update(graph.outputs)
    found: dict[Fate, Counter[str]] = {fate: Counter() for fate in Fate}
    for node in graph.nodes:
        found[_fate(node, fused, makers, uses)][node.label] += 1
    return {fate: dict(sorted(kinds.items())) for fate, kinds in found.items()}


def _fate(node: Node, fused: set[str], makers: Mapping[str, Node], uses: Mapping[str, int]) -> Fate:
    if isinstance(node.op, _COMPUTE):
        return Fate.LAYER
    if isinstance(node.op, Move):
        return Fate.UNKNOWN if node.op.reads_too else Fate.MOVED
    if isinstance(node.op, _ADDRESSING):
        return Fate.MOVED if isinstance(node.op, Transpose) and node.name in fused else Fate.FREE
    if isinstance(node.op, Vector) and node.op.foldable and _behind_weights(node, makers, uses):
        return Fate.FOLDED
    return Fate.FUSED if node.name in fused else Fate.FREE


def _behind_weights(node: Node, makers: Mapping[str, Node], uses: Mapping[str, int]) -> bool:
    """Whether a layer with weights is right before the operator, and nothing else reads what it makes."""
    for name in node.inputs:
        maker = makers.get(name)
        while maker is not None and uses[name] == 1 and isinstance(maker.op, Reshape):
            name, maker = maker.inputs[0], makers.get(maker.inputs[0])
        if maker is not None and uses[name] == 1 and isinstance(maker.op, Conv | Linear):
            return True
    return False


def activation_bytes(network: Network) -> int:
    """Bytes per sample of all tensors that layers make."""
    return sum(bytes_of(layer.output_elements, network.activation_bits) for layer in network.layers)
