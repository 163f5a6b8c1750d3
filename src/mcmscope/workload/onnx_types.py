"""Element types and shapes of values, as onnx's own inference of one operator at a time tells them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mcmscope.workload.graph import Shape
from mcmscope.workload.onnx_model import Array

if TYPE_CHECKING:
    from onnx import NodeProto, OperatorSetIdProto, TensorProto, TypeProto
    from onnx.defs import OpSchema

_OLDEST_OPSET = 1


class Types:
    """The types found so far; ``shapes`` and ``kinds`` (element types) have what is known of each value."""

    def __init__(self, opsets: Iterable[OperatorSetIdProto]) -> None:
        self.shapes: dict[str, Shape] = {}
        self.kinds: dict[str, int] = {}
        self._types: dict[str, TypeProto] = {}
        self._data: dict[str, TensorProto] = {}
        self._schemas: dict[tuple[str, str], OpSchema | None] = {}
        self._versions = {"": _OLDEST_OPSET}
        for opset in opsets:
            domain = "" if opset.domain == "ai.onnx" else opset.domain
            self._versions[domain] = max(opset.version, _OLDEST_OPSET)
        self._opsets = _opsets(self._versions)

    def put(self, name: str, proto: TypeProto) -> None:
        """A value's type; a shape counts if all of its sizes are numbers."""
        if not name:
            return
        self._types[name] = proto
        tensor = proto.tensor_type
        if proto.HasField("tensor_type"):
            self.kinds[name] = tensor.elem_type
            if tensor.HasField("shape") and all(d.HasField("dim_value") for d in tensor.shape.dim):
                self.shapes[name] = tuple(d.dim_value for d in tensor.shape.dim)

    def put_tensor(self, name: str, kind: int, shape: Shape) -> None:
        """A tensor of this element type and shape."""
        from onnx import helper

        self.put(name, helper.make_tensor_type_proto(kind, shape))

    def put_array(self, name: str, array: Array) -> None:
        """The type of a folded value."""
        from onnx import helper

        try:
            self.put_tensor(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
        except (ValueError, KeyError, TypeError):
            # No tensor has elements of this type (text, say): the shape is all that is needed.
            self.shapes[name] = array.shape

    def put_shape(self, name: str, shape: Shape, like: Sequence[str]) -> None:
        """A shape that no inference told; the element type is that of the first input that has one."""
        from onnx import TensorProto

        kind = next((self.kinds[x] for x in like if x in self.kinds), TensorProto.FLOAT)
        self.put_tensor(name, self.kinds.get(name, kind), shape)

    def infer(self, node: NodeProto, values: Mapping[str, Array]) -> str | None:
        """Infer the node's outputs; returns what contradicts what, or None.

        Operators that onnx does not know, or whose inputs have no types, are left alone.
        """
        from onnx import checker, shape_inference

        schema = self._schema(node)
        if schema is None or not schema.has_type_and_shape_inference_function:
            return None
        inputs = {name: self._types[name] for name in node.input if name in self._types}
        if any(name and name not in inputs for name in node.input):
            return None
        data = {name: self._tensor(name, values[name]) for name in inputs if name in values}
        # The check of a node is stricter than files are: older exporters leave out what an opset still wants,
        # and behind an operator that onnx does not know the element type was a guess. Unchecked inference
        # is no way out: it takes a node at its word, and crashes.
        filled, all_inputs = _filled(node, inputs)
        alike = (_of_one_kind(all_inputs, kind) for kind in self._kinds_to_try(node))
        told = ""
        for attempt in ((node, inputs), (filled, all_inputs), *((filled, types) for types in alike)):
            try:
                found = _infer(schema, *attempt, data, self._opsets)
                break
            except checker.ValidationError as error:
                told = told or str(error)
            except (shape_inference.InferenceError, RuntimeError, ValueError, TypeError, IndexError) as error:
                told = str(error)
                return told.strip().removeprefix("[ShapeInferenceError] ") or "no reason given"
        else:
            return told.strip()
        for name, proto in found.items():
            self.put(name, proto)
        return None

    def _kinds_to_try(self, node: NodeProto) -> tuple[int, ...]:
        """Element types that all inputs may have had: the first's, or floating point."""
        from onnx import TensorProto

        first = next((self.kinds[name] for name in node.input if name in self.kinds), TensorProto.FLOAT)
        return first, TensorProto.FLOAT

    def _tensor(self, name: str, array: Array) -> TensorProto:
        from onnx import numpy_helper

        if name not in self._data:
            self._data[name] = numpy_helper.from_array(array, name)
        return self._data[name]

    def _schema(self, node: NodeProto) -> OpSchema | None:
        from onnx import defs

        domain = "" if node.domain == "ai.onnx" else node.domain
        key = node.op_type, domain
        if key not in self._schemas:
            try:
                self._schemas[key] = defs.get_schema(node.op_type, self._versions.get(domain, 1), domain)
            except (defs.SchemaError, RuntimeError, TypeError, ValueError):
                self._schemas[key] = None
        return self._schemas[key]


def _infer(
    schema: OpSchema,
    node: NodeProto,
    inputs: dict[str, TypeProto],
    data: dict[str, TensorProto],
    opsets: list[OperatorSetIdProto],
) -> dict[str, Any]:
    from onnx import shape_inference

    return shape_inference.infer_node_outputs(schema, node, inputs, input_data=data, opset_imports=opsets)


def _filled(node: NodeProto, inputs: dict[str, TypeProto]) -> tuple[NodeProto, dict[str, TypeProto]]:
    """The node with an empty tensor for each input that is left out."""
    from onnx import TensorProto, helper

    if all(node.input):
        return node, inputs
    copy = type(node)()
    copy.CopyFrom(node)
    copy.input[:] = [name or "/:nothing" for name in node.input]
    return copy, {**inputs, "/:nothing": helper.make_tensor_type_proto(TensorProto.FLOAT, (0,))}


def _of_one_kind(inputs: dict[str, TypeProto], kind: int) -> dict[str, TypeProto]:
    """The inputs' types with that element type."""
    alike: dict[str, TypeProto] = {}
    for name, proto in inputs.items():
        copy = type(proto)()
        copy.CopyFrom(proto)
        copy.tensor_type.elem_type = kind
        alike[name] = copy
    return alike


def _opsets(versions: Mapping[str, int]) -> list[OperatorSetIdProto]:
    from onnx import helper

    return [helper.make_opsetid(domain, version) for domain, version in versions.items()]
