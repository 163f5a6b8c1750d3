"""Lower an operator graph to a ``Network``: one layer per compute operator, everything else fused.

The rule: elementwise work, poolings and residual adds run with the layer that makes their operand if they
are its only reader; otherwise every layer that reads the result does the work and reads all it needs.
Views, slices and joins are addressing: they cost nothing and show in what is read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mcmscope.errors import InputError
from mcmscope.workload.diamond import find_diamond
from mcmscope.workload.draft import finish
from mcmscope.workload.flow import Axis, Flow, Read, layout
from mcmscope.workload.graph import (
    Concat,
    Conv,
    Graph,
    Linear,
    MatMul,
    Move,
    Node,
    Pool,
    Reduce,
    Repeat,
    Reshape,
    Shape,
    Slice,
    Transpose,
    Vector,
    live,
)
from mcmscope.workload.lower_compute import lower_conv, lower_linear, lower_matmul
from mcmscope.workload.lower_state import MAX_LINKS, State, share, take_pending, work_of
from mcmscope.workload.lower_vector import (
    lower_concat,
    lower_pool,
    lower_repeat,
    lower_reshape,
    lower_slice,
    lower_transpose,
    lower_vector,
)
from mcmscope.workload.network import (
    DEFAULT_ACTIVATION_BITS,
    DEFAULT_WEIGHT_BITS,
    MAX_LAYERS,
    MAX_SIZE,
    Layer,
    Network,
    NetworkInput,
    Role,
)

# Each handler takes its own operator type; the table pairs them, which a type checker cannot see.
_HANDLERS: dict[type, Callable[[State, int, Node, Any], Flow]] = {
    Conv: lower_conv,
    Linear: lower_linear,
    MatMul: lower_matmul,
    Vector: lower_vector,
    Move: lower_vector,
    Pool: lower_pool,
    Reduce: lower_pool,
    Concat: lower_concat,
    Reshape: lower_reshape,
    Repeat: lower_repeat,
    Transpose: lower_transpose,
    Slice: lower_slice,
}


def lower(
    graph: Graph, *, weight_bits: int | None = None, activation_bits: int = DEFAULT_ACTIVATION_BITS
) -> Network:
    """The network of a graph, layers in the graph's order; weights as wide as the graph's unless it is said.

    Raises ``InputError`` if the graph has no compute operator or a value does not hold whole samples.
    """
    graph = live(graph)
    count = sum(isinstance(node.op, Conv | Linear | MatMul) for node in graph.nodes)
    if count > MAX_LAYERS:
        raise InputError(f"{graph.name}: {count:,} layers; at most {MAX_LAYERS:,} are possible")
    if not count:
        raise InputError(f"{graph.name}: no layers: no convolution or matrix product leads to an output")
    state = _start(graph)
    for index, node in enumerate(graph.nodes):
        if index not in state.absorbed:
            flow = _HANDLERS[type(node.op)](state, index, node, node.op)
            state.links += len(flow.reads)
            _check_links(state)
            _settle(state, node.output, flow)
    for name in graph.outputs:
        _leave(state, name)
    tensors = [draft.output_elements for draft in state.drafts]
    inputs = tuple(
        NetworkInput(name, share(state, name, shape), name in graph.caches) for name, shape in graph.inputs
    )
    sizes = [item.elements for item in inputs]
    layers = tuple(finish(draft, tensors, sizes) for draft in state.drafts)
    _check_sizes(graph.name, inputs, layers, graph.table_elements)
    return Network(
        name=graph.name,
        inputs=inputs,
        layers=layers,
        outputs=tuple(sorted(state.outputs)),
        weight_bits=graph.weight_bits or DEFAULT_WEIGHT_BITS if weight_bits is None else weight_bits,
        activation_bits=activation_bits,
        warnings=(*graph.warnings, *state.warnings),
        table_elements=graph.table_elements,
    )


def _is_cache(graph: Graph, source: int) -> bool:
    """Whether a tensor is a cache: it stays where it lies when what a step appends to it leaves."""
    return source < 0 and graph.inputs[-1 - source][0] in graph.caches


def _check_links(state: State) -> None:
    """Raise ``InputError`` for a graph where all depends on all: its operands alone would fill the memory."""
    if state.links > MAX_LINKS:
        raise InputError(
            f"{state.graph.name}: too densely connected: over {MAX_LINKS:,} times a layer reads another's"
            " tensor or repeats work on it"
        )


def _check_sizes(name: str, inputs: tuple[NetworkInput, ...], layers: tuple[Layer, ...], tables: int) -> None:
    """Raise ``InputError`` for sizes that no schedule can be priced with."""
    faults = [f"{name}: its tables have {tables:,} elements; at most 2^40 are possible"] * (tables > MAX_SIZE)
    faults += [
        f"{name}: input {item.name!r} has {item.elements:,} elements; at most 2^40 are possible"
        for item in inputs
        if item.elements > MAX_SIZE
    ]
    for layer in layers:
        largest = max(layer.weights, layer.vector_elements, layer.output_elements, layer.out_channels)
        if largest > MAX_SIZE or layer.macs > MAX_SIZE << 16:
            faults.append(
                f"{name}: layer {layer.name!r} is too large: {layer.macs:,} MACs, {layer.weights:,} weights,"
                f" {layer.vector_elements:,} elements of vector work (at most 2^56, 2^40 and 2^40)"
            )
    if faults:
        raise InputError(faults)


def _start(graph: Graph) -> State:
    consumers: dict[str, list[int]] = {}
    uses: dict[str, int] = {}
    shapes = dict(graph.inputs)
    for index, node in enumerate(graph.nodes):
        shapes[node.output] = node.shape
        for name in node.inputs:
            consumers.setdefault(name, []).append(index)
            uses[name] = uses.get(name, 0) + 1
    for name in graph.outputs:
        uses[name] = uses.get(name, 0) + 1
    state = State(graph, consumers, uses, shapes)
    for i, (name, shape) in enumerate(graph.inputs):
        axes = _input_axes(shape, [graph.nodes[c] for c in consumers.get(name, ())])
        height, width = layout(shape, axes, graph.batch)
        read = Read(-1 - i, share(state, name, shape), height, width)
        state.flows[name] = Flow(shape, axes, (read,))
    return state


def _input_axes(shape: Shape, readers: list[Node]) -> tuple[Axis, ...]:
    """What a network input's axes are: images channel-first unless turned at once, sequences row by row."""
    image = (Axis.BATCH, Axis.CHANNEL, Axis.ROW, Axis.COLUMN)
    channels_last = [isinstance(r.op, Transpose) and r.op.order == (0, 3, 1, 2) for r in readers]
    if len(shape) == 4:
        return (image[0], *image[2:], image[1]) if channels_last and all(channels_last) else image
    if len(shape) == 3:
        conv = any(isinstance(r.op, Conv) for r in readers)
        return image[:3] if conv else (Axis.BATCH, Axis.ROW, Axis.CHANNEL)
    if len(shape) <= 2:
        return image[: len(shape)]
    return (Axis.BATCH, *(Axis.MIXED,) * (len(shape) - 1))


def _settle(state: State, name: str, flow: Flow) -> None:
    """Record a value; if its readers only meet again in elementwise work, that runs with its layer, too."""
    state.flows[name] = flow
    while flow.owner is not None and state.uses[name] > 1:
        nodes = state.graph.nodes
        diamond = find_diamond(name, flow.shape, nodes, state.consumers, state.uses)
        if not diamond:
            return
        for index in diamond:
            node = nodes[index]
            moved = isinstance(node.op, Transpose)
            work = share(state, node.output, node.shape) if moved else work_of(state, node)
            state.drafts[flow.owner].fuse(node.name, work)
        state.absorbed.update(diamond)
        name = nodes[diamond[-1]].output
        state.flows[name] = flow


def _leave(state: State, name: str) -> None:
    """A network output: the layers behind it write it out, the last of them with the work still to do."""
    flow = state.flows[name]
    sources = sorted({read.source for read in flow.reads if read.source >= 0})
    if not sources:
        last = len(state.drafts) - 1
        state.warnings.append(f"output {name!r} is made by no layer: its work runs with the last layer")
    else:
        last = sources[-1]
    draft = state.drafts[last]
    others = [read for read in flow.reads if read.source != last]
    joined = sum(read.elements for read in flow.reads) <= share(state, name, flow.shape)
    if flow.pending:
        take_pending(state, draft, flow.pending)
    if joined:
        # Parts side by side: each leaves from its own layer.
        state.outputs.update(sources)
        others = [read for read in others if read.source < 0 and not _is_cache(state.graph, read.source)]
    state.outputs.add(last)
    draft.read(Role.RESIDUAL, (read for read in others if read.source < last))
