"""Evaluate the small integer arithmetic that exporters use to work out shapes.

Only what decides shapes is evaluated, on arrays of a few numbers; everything else stays a constant whose
values nobody needs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mcmscope.workload.graph import Shape, elements_of
from mcmscope.workload.onnx_model import MAX_CONSTANT_ELEMENTS, OnnxNode

Values = NDArray[Any]
_Fold = Callable[[OnnxNode, Sequence[Values]], Values]

_TYPES: dict[int, type[np.generic]] = {
    1: np.float32,
    2: np.uint8,
    3: np.int8,
    5: np.int16,
    6: np.int32,
    7: np.int64,
    9: np.bool_,
    11: np.float64,
}


def fold(node: OnnxNode, known: Mapping[str, Values], shapes: Mapping[str, Shape]) -> Values | None:
    """The value of a node's only output, or None if it is not known or not small.

    ``known`` are the constants found so far, ``shapes`` the shapes of all values.
    """
    if node.label in ("Shape", "Size"):
        shape = shapes.get(node.inputs[0]) if node.inputs else None
        if shape is None:
            return None
        if node.label == "Size":
            return np.array(elements_of(shape), np.int64)
        return np.array(shape[slice(node.integer("start", 0), _end(node))], np.int64)
    rule = _RULES.get(node.label)
    if rule is None or any(name and name not in known for name in node.inputs) or len(node.outputs) != 1:
        return None
    try:
        with np.errstate(all="ignore"):
            result = rule(node, [known[name] for name in node.inputs if name])
    except (ValueError, IndexError, TypeError, OverflowError, ZeroDivisionError, KeyError, MemoryError):
        return None
    return result if result.size <= MAX_CONSTANT_ELEMENTS else None


def _end(node: OnnxNode) -> int | None:
    value = node.attributes.get("end")
    return value if isinstance(value, int) else None


def _ints(values: Values) -> list[int]:
    return [int(v) for v in values.reshape(-1)]


def _constant(node: OnnxNode, inputs: Sequence[Values]) -> Values:
    for name in ("value", "value_int", "value_ints", "value_float"):
        if name in node.attributes:
            return np.asarray(node.attributes[name])
    raise KeyError(node.name)


def _cast(node: OnnxNode, inputs: Sequence[Values]) -> Values:
    return inputs[0].astype(_TYPES[node.integer("to", 0)])


def _gather(node: OnnxNode, inputs: Sequence[Values]) -> Values:
    data, indices = inputs
    axis = node.integer("axis", 0)
    _small((indices.size, *data.shape[:axis], *data.shape[axis:][1:]))
    return np.take(data, indices.astype(np.int64), axis=axis)


def _axes(node: OnnxNode, inputs: Sequence[Values]) -> tuple[int, ...]:
    return tuple(_ints(inputs[1])) if len(inputs) > 1 else node.integers("axes", ())


def _unsqueeze(node: OnnxNode, inputs: Sequence[Values]) -> Values:
    return np.expand_dims(inputs[0], _axes(node, inputs))


def _squeeze(node: OnnxNode, inputs: Sequence[Values]) -> Values:
    return np.squeeze(inputs[0], _axes(node, inputs) or None)


def _concat(node: OnnxNode, inputs: Sequence[Values]) -> Values:
    return np.concatenate(inputs, axis=node.integer("axis", 0))


def _slice(node: OnnxNode, inputs: Sequence[Values]) -> Values:
    data, *bounds = inputs
    if bounds:
        starts, ends = _ints(bounds[0]), _ints(bounds[1])
        axes = _ints(bounds[2]) if len(bounds) > 2 else list(range(len(starts)))
        steps = _ints(bounds[3]) if len(bounds) > 3 else [1] * len(starts)
    else:
        starts, ends = node.integers("starts", ()), node.integers("ends", ())
        axes, steps = node.integers("axes", range(len(starts))), [1] * len(starts)
    index = [slice(None)] * data.ndim
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        # A backward slice to the very front has an end below -size, which Python would wrap.
        stop = None if step < 0 and end < -data.shape[axis] else end
        index[axis] = slice(start, stop, step)
    return data[tuple(index)]


def _reshape(node: OnnxNode, inputs: Sequence[Values]) -> Values:
    data, target = inputs
    sizes = _ints(target)
    if not node.integer("allowzero", 0):
        sizes = [data.shape[i] if n == 0 else n for i, n in enumerate(sizes)]
    return data.reshape(sizes)


def _filled(node: OnnxNode, inputs: Sequence[Values]) -> Values:
    value = node.attributes.get("value")
    array = np.asarray(value if value is not None else np.float32(0)).reshape(-1)
    return np.broadcast_to(array[:1].reshape(()), _small(_ints(inputs[0]))).copy()


def _expand(node: OnnxNode, inputs: Sequence[Values]) -> Values:
    shape = np.broadcast_shapes(inputs[0].shape, tuple(_small(_ints(inputs[1]))))
    return np.broadcast_to(inputs[0], _small(shape)).copy()


def _small(sizes: Sequence[int]) -> tuple[int, ...]:
    if elements_of(tuple(sizes)) > MAX_CONSTANT_ELEMENTS:
        raise ValueError("too large to fold")
    return tuple(sizes)


def _range(node: OnnxNode, inputs: Sequence[Values]) -> Values:
    start, limit, delta = (v.reshape(()).item() for v in inputs)
    if abs((limit - start) / delta) > MAX_CONSTANT_ELEMENTS:
        raise ValueError("too large to fold")
    return np.arange(start, limit, delta, dtype=inputs[0].dtype)


def _divide(node: OnnxNode, inputs: Sequence[Values]) -> Values:
    left, right = inputs
    if not np.issubdtype(left.dtype, np.integer):
        return left / right
    if not right.all():
        raise ZeroDivisionError
    return np.trunc(left / right).astype(left.dtype)


def _elementwise(function: Callable[..., Any]) -> _Fold:
    def apply(node: OnnxNode, inputs: Sequence[Values]) -> Values:
        _small(np.broadcast_shapes(*(v.shape for v in inputs)))
        return np.asarray(function(*inputs))

    return apply


_RULES: dict[str, _Fold] = {
    "Constant": _constant,
    "Identity": lambda node, inputs: inputs[0],
    "Cast": _cast,
    "CastLike": lambda node, inputs: inputs[0].astype(inputs[1].dtype),
    "Gather": _gather,
    "Unsqueeze": _unsqueeze,
    "Squeeze": _squeeze,
    "Concat": _concat,
    "Slice": _slice,
    "Reshape": _reshape,
    "ConstantOfShape": _filled,
    "Expand": _expand,
    "Range": _range,
    "Div": _divide,
    "Transpose": lambda node, inputs: np.transpose(
        inputs[0], node.integers("perm", range(inputs[0].ndim)[::-1])
    ),
    "Where": _elementwise(np.where),
    "Add": _elementwise(np.add),
    "Sub": _elementwise(np.subtract),
    "Mul": _elementwise(np.multiply),
    "Mod": _elementwise(np.mod),
    "Neg": _elementwise(np.negative),
    "Abs": _elementwise(np.abs),
    "Floor": _elementwise(np.floor),
    "Ceil": _elementwise(np.ceil),
    "Sqrt": _elementwise(np.sqrt),
    "Equal": _elementwise(np.equal),
    "Less": _elementwise(np.less),
    "Greater": _elementwise(np.greater),
    "And": _elementwise(np.logical_and),
    "Or": _elementwise(np.logical_or),
    "Not": _elementwise(np.logical_not),
    "ReduceProd": lambda node, inputs: np.prod(
        inputs[0], axis=_axes(node, inputs) or None, keepdims=bool(node.integer("keepdims", 1))
    ),
}
