"""Contractions by axis labels: Einsum, and the matrix products that are none after turning axes around."""

from __future__ import annotations

from collections.abc import Sequence

from mcmscope.workload.graph import (
    Linear,
    MatMul,
    Operator,
    Reduce,
    Repeat,
    Reshape,
    Shape,
    Transpose,
    Vector,
    elements_of,
)
from mcmscope.workload.onnx_site import Chain, Found, Site

_SIZES = "the sizes of its axes do not fit"


def contract(
    site: Site,
    left: str,
    left_axes: Sequence[str],
    right: str,
    right_axes: Sequence[str],
    out_axes: Sequence[str],
    *,
    shaped: bool = False,
) -> Found:
    """The product of two values summed over the axes that the result lacks, as one layer between views.

    Axes of the same label go together, and an axis of size one goes with any. ``shaped``: the shape of the
    result is not known yet.
    """
    sizes = _sizes(site, ((left, left_axes), (right, right_axes)))
    if sizes is None or any(axis not in sizes for axis in out_axes):
        return _SIZES
    result = tuple(sizes[axis] for axis in out_axes)
    if not shaped and result != site.result:
        return _SIZES
    if left in site.constants and right in site.constants:
        return "both of its factors are constant"
    if left in site.constants:
        left, left_axes, right, right_axes = right, right_axes, left, left_axes
    chain = Chain(site)
    a, axes_a = _without_lonely(chain, "left", left, left_axes, {*right_axes, *out_axes})
    fixed = right in site.constants
    if fixed:
        a, axes_a = _without_ones(chain, a, axes_a, right_axes, site.shapes[right])
    b, axes_b = (
        (right, list(right_axes))
        if fixed
        else _without_lonely(chain, "right", right, right_axes, {*left_axes, *out_axes})
    )
    shape_b = site.shapes[right] if fixed else chain.shape(b)
    heads = [x for x in axes_a if x in axes_b and x in out_axes and sizes[x] > 1]
    if fixed:
        # Where the weights have one element for an axis, all along it share them.
        heads = [x for x in heads if shape_b[axes_b.index(x)] > 1]
    summed = [x for x in axes_a if x in axes_b and x not in out_axes]
    rows = [x for x in axes_a if x not in heads and x not in summed]
    # What is left over of constants would have been summed beforehand.
    columns = [x for x in axes_b if x in out_axes and x not in heads and x not in rows]
    if not summed:
        return _outer(chain, a, axes_a, None if fixed else b, axes_b, out_axes, result)
    turn = _Turn(chain, sizes)
    if fixed:
        # The samples lead, so that the groups of a grouped product are its last axes but two.
        ahead = rows[:1] if heads and axes_a[0] in rows[:1] else []
        order = [ahead, heads, [x for x in rows if x not in ahead], summed] if heads else [rows, summed]
        made, groups = [*ahead, *heads, *(x for x in rows if x not in ahead), *columns], turn.size(heads)
        op: Operator = Linear(groups * turn.size(columns), turn.size(summed), groups)
        lead = tuple(turn.size(part) for part in order[:-1]) if heads else turn.shape(rows)
        merged = turn.apart("data", a, axes_a, order, (*lead, turn.size(summed)))
        product = chain.add("product", op, merged, shape=(*lead, turn.size(columns)))
    else:
        x = turn.apart("data", a, axes_a, [heads, rows, summed], turn.shape(heads, rows, summed))
        y = turn.apart("second", b, axes_b, [heads, summed, columns], turn.shape(heads, summed, columns))
        product = chain.add("product", MatMul(), x, y, shape=turn.shape(heads, rows, columns))
        made = [*heads, *rows, *columns]
    return _finish(chain, product, made, out_axes, sizes, result)


class _Turn:
    """Turning and merging axes."""

    def __init__(self, chain: Chain, sizes: dict[str, int]) -> None:
        self.chain = chain
        self.sizes = sizes

    def size(self, axes: Sequence[str]) -> int:
        """Elements along these axes together."""
        return elements_of(tuple(self.sizes[x] for x in axes))

    def shape(self, heads: Sequence[str], *merged: Sequence[str]) -> Shape:
        """The heads apart, the others merged."""
        return (*(self.sizes[x] for x in heads), *(self.size(part) for part in merged))

    def apart(
        self, role: str, name: str, axes: Sequence[str], order: Sequence[Sequence[str]], shape: Shape
    ) -> str:
        """The value with its axes in that order, under that shape."""
        wanted = [x for part in order for x in part]
        before = self.chain.shape(name)
        turned = tuple(axes.index(x) for x in wanted)
        if turned != tuple(range(len(before))):
            after = tuple(before[i] for i in turned)
            name = self.chain.add(f"{role}-turned", Transpose(turned), name, shape=after)
            before = after
        full = tuple(self.sizes[x] for x in wanted)
        if before != full:
            name = self.chain.add(f"{role}-repeated", Repeat(), name, shape=full)
        if full != shape:
            name = self.chain.add(f"{role}-merged", Reshape(), name, shape=shape)
        return name


def _sizes(site: Site, factors: Sequence[tuple[str, Sequence[str]]]) -> dict[str, int] | None:
    """The size of every axis; None if they contradict each other."""
    sizes: dict[str, int] = {}
    for name, axes in factors:
        shape = site.shapes.get(name)
        if shape is None or len(shape) != len(axes) or len(set(axes)) != len(axes):
            return None
        for axis, n in zip(axes, shape, strict=True):
            if 1 not in (n, sizes.get(axis, 1)) and sizes[axis] != n:
                return None
            sizes[axis] = max(n, sizes.get(axis, 1))
    return sizes


def _without_lonely(
    chain: Chain, role: str, name: str, axes: Sequence[str], wanted: set[str]
) -> tuple[str, list[str]]:
    """Sum over the axes that neither the other factor nor the result has."""
    lonely = tuple(i for i, x in enumerate(axes) if x not in wanted)
    kept = [x for x in axes if x in wanted]
    if lonely:
        shape = tuple(n for i, n in enumerate(chain.shape(name)) if i not in lonely)
        name = chain.add(f"{role}-sum", Reduce(lonely, keep=False), name, shape=shape)
    return name, kept


def _without_ones(
    chain: Chain, name: str, axes: Sequence[str], other_axes: Sequence[str], other: Shape
) -> tuple[str, list[str]]:
    """Drop axes of size one along which the constant factor is longer: there it has columns of its own."""
    shape = chain.shape(name)
    longer = {x for x, n in zip(other_axes, other, strict=True) if n > 1}
    kept = [i for i, x in enumerate(axes) if shape[i] > 1 or x not in longer]
    if len(kept) < len(axes):
        name = chain.add("dense", Reshape(), name, shape=tuple(shape[i] for i in kept))
    return name, [axes[i] for i in kept]


def _outer(
    chain: Chain,
    a: str,
    axes_a: Sequence[str],
    b: str | None,
    axes_b: Sequence[str],
    out_axes: Sequence[str],
    result: Shape,
) -> Found:
    """Nothing is summed: an elementwise product of two values spread over the result."""
    spread: list[str] = []
    for role, name, axes in (("left", a, axes_a), ("right", b, axes_b)):
        if name is None:
            continue
        shape = chain.shape(name)
        wanted = [x for x in out_axes if x in axes]
        order = tuple(axes.index(x) for x in wanted)
        if order != tuple(range(len(shape))):
            shape = tuple(shape[i] for i in order)
            name = chain.add(f"{role}-turned", Transpose(order), name, shape=shape)
        full = tuple(shape[wanted.index(x)] if x in wanted else 1 for x in out_axes)
        if full != shape:
            name = chain.add(f"{role}-spread", Reshape(), name, shape=full)
        spread.append(name)
    return chain.end(Vector(), *spread, shape=result)


def _finish(
    chain: Chain,
    product: str,
    made: Sequence[str],
    out_axes: Sequence[str],
    sizes: dict[str, int],
    result: Shape,
) -> Found:
    """Turn the product into the shape that is wanted; the product itself has the node's name."""
    shape = tuple(sizes[x] for x in made)
    if chain.shape(product) != shape:
        product = chain.add("split", Reshape(), product, shape=shape)
    # An axis of size one may be in both factors and in neither list: it joins where it is wanted.
    order = tuple(made.index(x) for x in out_axes if x in made)
    if order != tuple(range(len(shape))):
        product = chain.add("turned", Transpose(order), product, shape=tuple(shape[i] for i in order))
    return chain.end(Reshape(), product, shape=result)


def einsum(site: Site) -> Found:
    """An Einsum of one or two values; the equation's letters are the labels."""
    left_side, arrow, right_side = site.node.text("equation", "").replace(" ", "").partition("->")
    terms = left_side.split(",")
    moving = [name for name in site.node.inputs if name not in site.constants]
    if len(terms) != len(site.node.inputs) or len(terms) > 2 or not moving:
        return "only one or two factors are understood"
    axes = [_letters(term, site.shape(i)) for i, term in enumerate(terms)]
    if not arrow:
        letters = "".join(terms).replace(".", "")
        right_side = "..." * ("..." in left_side) + "".join(
            sorted(c for c in set(letters) if letters.count(c) == 1)
        )
    out = _letters(right_side, site.result)
    if out is None or any(x is None for x in axes):
        return "its equation does not fit its inputs"
    labels = [x for x in axes if x is not None]
    if any(len(set(x)) != len(x) for x in (*labels, out)):
        return "a diagonal (a letter twice in one factor) is not understood"
    if len(terms) == 2:
        names = site.node.inputs
        return contract(site, names[0], labels[0], names[1], labels[1], out)
    sizes = dict(zip(labels[0], site.shape(0), strict=True))
    if any(x not in sizes for x in out):
        return "its equation does not fit its inputs"
    chain = Chain(site)
    name, kept = _without_lonely(chain, "left", moving[0], labels[0], set(out))
    return chain.end(Transpose(tuple(kept.index(x) for x in out)), name)


def _letters(term: str, shape: Shape) -> list[str] | None:
    """One label per axis; an ellipsis stands for the axes that no letter names."""
    before, dots, after = term.partition("...")
    spare = len(shape) - len(before) - len(after)
    letters = before + after
    if spare < 0 or (spare and not dots) or (letters and not letters.isalpha()):
        return None
    return [*before, *(f"...{i}" for i in range(spare, 0, -1)), *after]
