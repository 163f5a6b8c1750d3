"""Elementwise diamonds: a value that forks into elementwise operators which meet again in one value.

Activations and norms that an exporter wrote as several operators look like that (SiLU as x * sigmoid(x),
GELU through erf, RMS norm, rotary embedding). All of it can run with the layer that makes the value,
although the value has more than one reader.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from heapq import heappop, heappush

from mcmscope.workload.graph import Concat, Node, Reduce, Reshape, Shape, Slice, Transpose, Vector

_FUSABLE = (Vector, Reduce, Concat, Slice, Reshape, Transpose)
# The longest in the exporters' graphs (rotary embedding, GELU by tanh) have about ten operators.
_LIMIT = 32


def find_diamond(
    start: str,
    shape: Shape,
    nodes: Sequence[Node],
    consumers: Mapping[str, Sequence[int]],
    uses: Mapping[str, int],
) -> tuple[int, ...]:
    """Node indices, in order, from ``start`` to the value where all its readers meet; empty if there is none.

    ``consumers`` are the nodes that read a value, ``uses`` how often it is read (as a network output, too).
    The value where they meet has the shape of the start.
    """
    open_uses = {start: uses[start]}
    waiting: list[int] = []
    queued: set[int] = set()
    found: list[int] = []
    newest = start
    while len(found) < _LIMIT:
        for index in consumers.get(newest, ()):
            if index not in queued:
                queued.add(index)
                heappush(waiting, index)
        if not waiting:
            return ()
        index = heappop(waiting)
        node = nodes[index]
        if not isinstance(node.op, _FUSABLE) or any(name not in open_uses for name in node.inputs):
            return ()
        for name in node.inputs:
            open_uses[name] -= 1
        found.append(index)
        newest = node.output
        open_uses[newest] = uses.get(newest, 0)
        closed = all(count == 0 for name, count in open_uses.items() if name != newest)
        if closed and node.shape == shape:
            return tuple(found)
    return ()
