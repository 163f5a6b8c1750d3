"""The shape of every value of an ONNX graph, and which of its values are constants."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcmscope.errors import InputError
from mcmscope.workload.graph import Shape
from mcmscope.workload.onnx_model import (
    Array,
    OnnxNode,
    drop_weights,
    fixed_shapes,
    nodes_of,
    small_values,
)

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, ValueInfoProto

# Each round folds everything that the last one made known; exporters need one or two.
_ROUNDS = 64


@dataclass(frozen=True, slots=True)
class Typed:
    """A graph with its shapes: operators, inputs (in order), constants, the values of the small ones."""

    nodes: tuple[OnnxNode, ...]
    inputs: tuple[tuple[str, Shape], ...]
    outputs: tuple[str, ...]
    batch: int
    shapes: dict[str, Shape]
    constants: frozenset[str]
    values: dict[str, Array]
    assumed: tuple[str, ...]
    """Nodes not understood whose result was assumed to have the shape of what they read."""


def infer(model: ModelProto, source: str, understood: Collection[str], allow_unknown: bool) -> Typed:
    """Shapes and constants of a model's graph.

    A symbolic leading size is one sample; any other symbolic size is a fault, each named. ``understood``
    are the operators that the reader knows.
    """
    graph = model.graph
    drop_weights(graph)
    names = {t.name for t in graph.initializer} | {t.values.name for t in graph.sparse_initializer}
    inputs = [info for info in graph.input if info.name not in names]
    batch = _fix_batch(inputs, source)
    for infos in (graph.value_info, graph.output):
        _forget_symbols(infos)
    nodes = nodes_of(graph)
    values: dict[str, Array] = {}
    stored = {t.name: tuple(t.dims) for t in graph.initializer}
    stored |= {t.values.name: tuple(t.dims) for t in graph.sparse_initializer}
    for tensor in graph.initializer:
        array = small_values(tensor)
        if array is not None:
            values[tensor.name] = array
    assumed: list[str] = []
    shapes: dict[str, Shape] = {}
    for _ in range(_ROUNDS):
        graph = _inferred(model, source)
        shapes = {**fixed_shapes((*graph.value_info, *graph.output, *graph.input)), **stored}
        folded = _fold_all(model, nodes, values, shapes)
        guessed = allow_unknown and _assume(model, nodes, shapes, understood, assumed)
        if not folded and not guessed:
            break
    shapes |= {name: array.shape for name, array in values.items()}
    return Typed(
        nodes=tuple(nodes),
        inputs=tuple((info.name, shapes[info.name]) for info in inputs),
        outputs=tuple(info.name for info in graph.output),
        batch=batch,
        shapes=shapes,
        constants=frozenset(_constants(nodes, {*stored, *values}, shapes)),
        values=values,
        assumed=tuple(assumed),
    )


def _fix_batch(inputs: list[ValueInfoProto], source: str) -> int:
    """Make symbolic leading sizes 1 and return the samples that the shapes hold."""
    faults: list[str] = []
    symbolic: list[ValueInfoProto] = []
    leading: dict[str, int] = {}
    for info in inputs:
        tensor = info.type.tensor_type
        if not tensor.HasField("shape"):
            faults.append(
                f"{source}: input {info.name!r} has no shape; export the model with its input shapes"
            )
            continue
        for axis, dim in enumerate(tensor.shape.dim):
            if dim.HasField("dim_value") and dim.dim_value < 1:
                faults.append(
                    f"{source}: input {info.name!r}, axis {axis}: size {dim.dim_value} is not positive"
                )
            elif not dim.HasField("dim_value") and axis:
                word = f"symbolic ({dim.dim_param!r})" if dim.dim_param else "not given"
                faults.append(
                    f"{source}: input {info.name!r}, axis {axis}: the size is {word};"
                    " export the model with a fixed size there (only the leading batch may be symbolic)"
                )
            elif not dim.HasField("dim_value"):
                symbolic.append(info)
            elif not axis and len(tensor.shape.dim) > 1:
                leading[info.name] = dim.dim_value
    sizes = sorted(set(leading.values()))
    if len(sizes) > 1:
        told = ", ".join(f"{name!r}: {size}" for name, size in leading.items())
        faults.append(
            f"{source}: the inputs have different leading (batch) sizes: {told}; export with batch 1"
        )
    if faults:
        raise InputError(faults)
    batch = sizes[0] if sizes else 1
    for info in symbolic:
        info.type.tensor_type.shape.dim[0].dim_value = batch
    return batch


def _forget_symbols(infos: Collection[ValueInfoProto]) -> None:
    """Drop shapes with symbols: they are inferred anew from the inputs' sizes."""
    for info in infos:
        tensor = info.type.tensor_type
        if tensor.HasField("shape") and not all(d.HasField("dim_value") for d in tensor.shape.dim):
            tensor.ClearField("shape")


def _inferred(model: ModelProto, source: str) -> GraphProto:
    from onnx import shape_inference

    try:
        return shape_inference.infer_shapes(model, data_prop=True).graph
    except (shape_inference.InferenceError, RuntimeError, ValueError, TypeError, IndexError) as error:
        raise InputError(f"{source}: the shapes in the graph contradict each other: {error}") from error


def _fold_all(
    model: ModelProto, nodes: list[OnnxNode], values: dict[str, Array], shapes: dict[str, Shape]
) -> bool:
    """Fold what can be folded; what shape inference did not know is handed to it as a constant."""
    from onnx import numpy_helper

    from mcmscope.workload.folding import fold

    fresh: dict[str, Array] = {}
    for node in nodes:
        if not node.outputs or node.outputs[0] in values or node.captured:
            continue
        result = fold(node, values, shapes)
        if result is None:
            continue
        values[node.outputs[0]] = result
        if node.label != "Constant" and result.dtype.kind in "biuf":
            fresh[node.outputs[0]] = result
    if not fresh or all(name in shapes for node in nodes for name in node.outputs if name):
        return False
    kept = [node for node in model.graph.node if not node.output or node.output[0] not in fresh]
    model.graph.ClearField("node")
    model.graph.node.extend(kept)
    model.graph.initializer.extend(numpy_helper.from_array(array, name) for name, array in fresh.items())
    return True


def _assume(
    model: ModelProto,
    nodes: list[OnnxNode],
    shapes: dict[str, Shape],
    understood: Collection[str],
    assumed: list[str],
) -> bool:
    """Let the result of an operator not understood have the shape of its first input with one."""
    from onnx import TensorProto, helper

    news = False
    for node in nodes:
        if node.label in understood or not node.outputs or node.outputs[0] in shapes or node.name in assumed:
            continue
        shape = next((shapes[name] for name in (*node.inputs, *node.captured) if name in shapes), None)
        if shape is not None:
            info = helper.make_tensor_value_info(node.outputs[0], TensorProto.FLOAT, shape)
            shapes[node.outputs[0]] = shape
            assumed.append(node.name)
            stale = [i for i in model.graph.output if i.name == node.outputs[0]]
            for output in stale:
                output.CopyFrom(info)
            if not stale:
                model.graph.value_info.append(info)
            news = True
    return news


def _constants(nodes: list[OnnxNode], known: set[str], shapes: dict[str, Shape]) -> set[str]:
    """All values that depend on no input. Of a computed value only its shape may be constant."""
    for node in nodes:
        shape_only = node.label in ("Shape", "Size") and all(name in shapes for name in node.inputs)
        if shape_only or all(not name or name in known for name in (*node.inputs, *node.captured)):
            known.update(name for name in node.outputs if name)
    return known
