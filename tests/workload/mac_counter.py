"""Counts the multiply-accumulates of an ONNX graph straight from its operators.

It shares nothing with the reader: whole-graph shape inference, and one line per operator.
"""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnx
from onnx import numpy_helper, shape_inference
from onnx.reference import ReferenceEvaluator


def count_macs(path: Path) -> dict[str, int]:
    """MACs of one sample by class: conv, linear (one factor is constant), attention (both are computed)."""
    model = onnx.load_model_from_string(path.read_bytes())
    fixed = {t.name for t in model.graph.initializer}
    moving = {i.name for i in model.graph.input if i.name not in fixed}
    for info in (*model.graph.input, *model.graph.output, *model.graph.value_info):
        for axis, dim in enumerate(info.type.tensor_type.shape.dim):
            if dim.HasField("dim_param") and info in model.graph.input and not axis:
                dim.dim_value = 1
            elif dim.HasField("dim_param"):
                info.type.tensor_type.ClearField("shape")
                break
    graph = _shaped(model)
    shapes: dict[str, tuple[int, ...]] = {t.name: tuple(t.dims) for t in graph.initializer}
    for info in (*graph.input, *graph.value_info, *graph.output):
        shapes[info.name] = tuple(d.dim_value for d in info.type.tensor_type.shape.dim)
    totals = {"conv": 0, "linear": 0, "attention": 0}
    for node in graph.node:
        if moving.isdisjoint(node.input) or node.op_type in ("Shape", "Size"):
            continue
        moving.update(node.output)
        names = [name for name in node.input if name]
        computed = sum(name in moving for name in names[:2])
        label = "attention" if computed == 2 else "linear"
        out = shapes.get(node.output[0], ())
        match node.op_type:
            case "Conv":
                totals["conv"] += prod(out) * prod(shapes[node.input[1]][1:])
            case "ConvTranspose":
                totals["conv"] += prod(shapes[node.input[0]]) * prod(shapes[node.input[1]][1:])
            case "MatMul":
                totals[label] += prod(out) * shapes[node.input[0]][-1]
            case "Gemm":
                turned = bool(_attribute(node, "transA", 0))
                totals[label] += prod(out) * shapes[node.input[0]][0 if turned else 1]
            case "Einsum":
                terms = _attribute(node, "equation", b"").decode().replace(" ", "").split("->")[0].split(",")
                sizes = {
                    c: n for t, x in zip(terms, names, strict=True) for c, n in zip(t, shapes[x], strict=True)
                }
                totals[label] += prod(sizes.values())
            case _:
                pass
    return totals


def _shaped(model: onnx.ModelProto) -> onnx.GraphProto:
    """The graph with all shapes; what works them out is run by onnx's reference implementation."""
    values = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer if t.raw_data}
    while True:
        graph = shape_inference.infer_shapes(model, data_prop=True).graph
        known = {
            info.name: tuple(d.dim_value for d in info.type.tensor_type.shape.dim)
            for info in (*graph.input, *graph.value_info)
            if all(d.HasField("dim_value") for d in info.type.tensor_type.shape.dim)
        }
        news: dict[str, Any] = {}
        for node in model.graph.node:
            if node.output[0] in values or (node.op_type == "Constant" and not _small(node)):
                continue
            if node.op_type == "Shape" and node.input[0] in known:
                news[node.output[0]] = np.array(known[node.input[0]], np.int64)
            elif all(name in values for name in node.input):
                feeds = {name: values[name] for name in node.input}
                # The stubs of onnx leave this method partly unknown.
                news[node.output[0]] = cast("Any", ReferenceEvaluator(node)).run(None, feeds)[0]
            else:
                continue
            values[node.output[0]] = news[node.output[0]]
        if not news:
            return graph
        kept = [node for node in model.graph.node if node.output[0] not in news]
        del model.graph.node[:]
        model.graph.node.extend(kept)
        model.graph.initializer.extend(numpy_helper.from_array(v, k) for k, v in news.items())


def _small(node: onnx.NodeProto) -> bool:
    tensors = [a.t for a in node.attribute if a.HasField("t")]
    return all(t.raw_data and len(t.raw_data) < 4096 for t in tensors)


def _attribute(node: onnx.NodeProto, name: str, default: Any) -> Any:
    return next((onnx.helper.get_attribute_value(a) for a in node.attribute if a.name == name), default)
