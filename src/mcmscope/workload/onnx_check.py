"""Whether what a node became can be true: shapes that fit each other, so that lowering meets no surprise."""

from __future__ import annotations

from collections.abc import Iterable

from mcmscope.workload.graph import (
    Conv,
    Linear,
    MatMul,
    Move,
    Operator,
    Pool,
    Reduce,
    Repeat,
    Reshape,
    Shape,
    Slice,
    Transpose,
    Vector,
    elements_of,
)
from mcmscope.workload.network import MAX_SIZE
from mcmscope.workload.onnx_site import Lookup, Parts, Site


def oversize(site: Site, names: Iterable[str]) -> str | None:
    """Which of these values has more elements than any tensor may have; None if none has."""
    for name in names:
        if elements_of(site.shapes[name]) > MAX_SIZE:
            return f"{name!r} of shape {list(site.shapes[name])} has over 2^40 elements"
    return None


def misfit(site: Site, parts: Parts) -> str | None:
    """Why these parts cannot be what the node is; None if they can."""
    shapes: dict[str, Shape] = {}
    for part in parts:
        if part.output in site.shapes and part.shape != site.shapes[part.output]:
            stated = list(site.shapes[part.output])
            return f"its result is {list(part.shape)} by its inputs, {stated} in the file"
        if min(part.shape, default=1) < 1:
            return "it works on an impossible shape"
        if not isinstance(part.op, Lookup):
            inputs = [shapes[x] if x in shapes else site.shapes[x] for x in part.inputs]
            if not _fits(part.op, inputs, part.shape):
                told = ", ".join(str(list(shape)) for shape in inputs)
                return f"what it reads ({told}) does not make {list(part.shape)}"
        shapes[part.output] = part.shape
    return None


def _fits(op: Operator, inputs: list[Shape], result: Shape) -> bool:
    """Whether the shapes are what the operator can make, so that lowering meets no surprise."""
    if not inputs:
        return False
    first = inputs[0]
    match op:
        case Conv() | Pool():
            return len(first) == len(result) in (3, 4) and first[0] == result[0]
        case Linear():
            axis = op.reduced_axis % len(first)
            rest = [n for i, n in enumerate(first) if i != axis]
            out = [n for i, n in enumerate(result) if i != axis]
            return len(first) == len(result) and rest == out
        case MatMul():
            heads = [shape[:-2] for shape in inputs]
            return len(result) == max(map(len, inputs)) and result[:-2] == _broadcast(heads)
        case Transpose():
            return result == tuple(first[i] for i in op.order)
        case Reshape():
            return elements_of(first) == elements_of(result)
        case Repeat():
            return len(first) <= len(result) and all(
                n % m == 0 for n, m in zip(result[::-1], first[::-1], strict=False)
            )
        case Slice():
            kept = [n for i, n in enumerate(first) if i != op.dropped]
            return len(kept) == len(result) and all(a >= b for a, b in zip(kept, result, strict=True))
        case Reduce():
            kept = [(1 if i in op.axes else n) for i, n in enumerate(first) if op.keep or i not in op.axes]
            return list(result) == kept
        case Vector():
            # Constants broadcast as well, so the result may be larger than what the inputs make.
            return (
                all(len(shape) <= len(result) for shape in inputs) and _broadcast([*inputs, result]) == result
            )
        case _:
            return all(len(shape) == len(result) for shape in inputs) or isinstance(op, Move)


def _broadcast(shapes: list[Shape]) -> Shape | None:
    """The shape that these broadcast to; None if they do not."""
    rank = max(map(len, shapes))
    sizes = [
        {n for n in column if n != 1}
        for column in zip(*((1,) * (rank - len(s)) + s for s in shapes), strict=True)
    ]
    return None if any(len(n) > 1 for n in sizes) else tuple(next(iter(n), 1) for n in sizes)
