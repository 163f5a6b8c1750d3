"""The sizes of a model's inputs: what the file fixes, what the user sets, and how many samples that is."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mcmscope.errors import InputError

if TYPE_CHECKING:
    from onnx import ValueInfoProto

MAX_DIM = 1 << 31
_MAX_TERM = 200


def fix_inputs(
    inputs: Sequence[ValueInfoProto], source: str, dims: Mapping[str, int]
) -> tuple[int, dict[str, int]]:
    """Put numbers where the inputs' sizes are symbols: (samples that the shapes hold, sizes by symbol).

    ``dims`` are sizes by symbol (``seq``), or by input and axis (``x.2``) where an axis has no symbol. A
    leading symbol that is not set is one sample, or as many as other inputs have. Raises ``InputError``
    with every size that is missing, impossible, or set for nothing.
    """
    faults = _unknown(inputs, source, dims)
    known = dict(dims)
    leading: list[tuple[Any, Any]] = []
    for info in inputs:
        tensor = info.type.tensor_type
        if not info.type.HasField("tensor_type") or not tensor.HasField("shape"):
            faults.append(
                f"{source}: input {info.name!r} has no shape; export the model with its input shapes"
            )
            continue
        for axis, dim in enumerate(tensor.shape.dim):
            size = None if dim.HasField("dim_value") else _value(info.name, axis, dim, known)
            if size is not None:
                dim.dim_value = min(max(size, 0), MAX_DIM + 1)
            if dim.HasField("dim_value") and not 1 <= dim.dim_value <= MAX_DIM:
                faults.append(
                    f"{source}: input {info.name!r}, axis {axis}: size {dim.dim_value} is not from 1 to 2^31"
                )
            elif not axis and not dim.HasField("dim_value"):
                leading.append((info, dim))
    batch = _batch(inputs, source, faults)
    for _, dim in leading:
        if dim.dim_param:
            known.setdefault(dim.dim_param, batch)
        dim.dim_value = batch
    for info in inputs:
        for axis, dim in enumerate(info.type.tensor_type.shape.dim):
            if dim.HasField("dim_value"):
                continue
            size = _value(info.name, axis, dim, known)
            if size is not None and 1 <= size <= MAX_DIM:
                dim.dim_value = size
                continue
            symbol = dim.dim_param or f"{info.name}.{axis}"
            word = f"symbolic ({dim.dim_param!r})" if dim.dim_param else "not given"
            faults.append(
                f"{source}: input {info.name!r}, axis {axis}: the size is {word};"
                f" set it with --dim {symbol}=N, or export the model with a fixed size"
            )
    if faults:
        raise InputError(faults)
    return batch, known


def _value(name: str, axis: int, dim: Any, known: Mapping[str, int]) -> int | None:
    """The size that the user has given for a dimension, directly or by the symbols that it is made of."""
    if not dim.dim_param:
        return known.get(f"{name}.{axis}")
    return known[dim.dim_param] if dim.dim_param in known else term_value(dim.dim_param, known)


def _unknown(inputs: Sequence[ValueInfoProto], source: str, dims: Mapping[str, int]) -> list[str]:
    """The given dimensions that the model does not have, and those with impossible sizes."""
    symbols: dict[str, None] = {}
    for info in inputs:
        for axis, dim in enumerate(info.type.tensor_type.shape.dim):
            if dim.dim_param:
                symbols.update(dict.fromkeys((dim.dim_param, *sorted(_names(dim.dim_param)))))
            elif not dim.HasField("dim_value"):
                symbols[f"{info.name}.{axis}"] = None
    told = f"the symbolic sizes are {', '.join(symbols)}" if symbols else "all of its sizes are fixed"
    faults = [
        f"{source}: --dim {name}: there is no such size; {told}" for name in dims if name not in symbols
    ]
    faults += [
        f"{source}: --dim {name}={size}: expected a size from 1 to 2^31"
        for name, size in dims.items()
        if not 1 <= size <= MAX_DIM
    ]
    return faults


def _batch(inputs: Sequence[ValueInfoProto], source: str, faults: list[str]) -> int:
    """The inputs' common leading size; where they differ and one of them is 1, that is a single sample."""
    sizes: dict[str, int] = {}
    for info in inputs:
        shape = info.type.tensor_type.shape.dim
        if len(shape) > 1 and shape[0].HasField("dim_value"):
            sizes[info.name] = shape[0].dim_value
    if not sizes or 1 in sizes.values():
        return 1
    if len(set(sizes.values())) > 1:
        told = ", ".join(f"{name!r}: {size}" for name, size in sizes.items())
        faults.append(
            f"{source}: the inputs have different leading (batch) sizes: {told}; export with batch 1"
        )
    return next(iter(sizes.values()))


def term_value(text: str, known: Mapping[str, int]) -> int | None:
    """The value of a term such as ``past + seq`` as exporters write sizes; None if it cannot be told."""
    tree = _parsed(text)
    return None if tree is None else _evaluate(tree.body, known)


def _parsed(text: str) -> ast.Expression | None:
    if len(text) > _MAX_TERM:
        return None
    try:
        return ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _names(text: str) -> set[str]:
    tree = _parsed(text)
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} if tree else set()


def _evaluate(node: ast.expr, known: Mapping[str, int]) -> int | None:
    match node:
        case ast.Constant(value=int() as value):
            return int(value)
        case ast.Name(id=name):
            return known.get(name)
        case ast.BinOp(left=left, op=op, right=right):
            a, b = _evaluate(left, known), _evaluate(right, known)
            if a is None or b is None:
                return None
            match op:
                case ast.Add():
                    return a + b
                case ast.Sub():
                    return a - b
                case ast.Mult():
                    return a * b
                case ast.FloorDiv() | ast.Div():
                    return a // b if b else None
                case _:
                    return None
        case _:
            return None
