"""Where the lowering of a graph stands, and the steps that all its parts share."""

from __future__ import annotations

from dataclasses import dataclass, field

from mcmscope.errors import InputError
from mcmscope.workload.draft import Draft
from mcmscope.workload.flow import Axis, Flow, Read, Step, is_view
from mcmscope.workload.graph import Graph, Move, Node, Pool, Reduce, Shape, Transpose, Vector, elements_of

UNIT: Step = (1, 1)


MAX_LINKS = 250_000
"""Most reads of tensors and shares of fused work in a network; DenseNet-264 has some ten thousand."""


@dataclass(slots=True)
class State:
    """Where the walk over the graph stands."""

    graph: Graph
    consumers: dict[str, list[int]]
    uses: dict[str, int]
    shapes: dict[str, Shape]
    flows: dict[str, Flow] = field(default_factory=dict[str, Flow])
    drafts: list[Draft] = field(default_factory=list[Draft])
    work: dict[int, int] = field(default_factory=dict[int, int])
    absorbed: set[int] = field(default_factory=set[int])
    outputs: set[int] = field(default_factory=set[int])
    warnings: list[str] = field(default_factory=list[str])
    links: int = 0
    """Reads and shares of fused work so far."""


def share(state: State, name: str, shape: Shape) -> int:
    """Elements per sample of a value."""
    total, batch = elements_of(shape), state.graph.batch
    if total % batch:
        raise InputError(
            f"{state.graph.name}: value {name!r} of shape {list(shape)} does not hold {batch} whole samples;"
            " export the model with a batch of 1"
        )
    return total // batch


def work_of(state: State, node: Node) -> int:
    """Vector elements of a node per sample, wherever it runs."""
    made = share(state, node.output, node.shape)
    read = max((share(state, name, state.shapes[name]) for name in node.inputs), default=0)
    match node.op:
        case Vector():
            return node.op.passes * max(made, read)
        case Pool():
            return made * node.op.points
        case Reduce():
            return read
        case Move():
            return made + read if node.op.reads_too else made
        case Transpose():
            return made if not is_view(state.flows[node.inputs[0]], node.op.order) else 0
        case _:
            return 0


def owned_flow(state: State, owner: int, shape: Shape, axes: tuple[Axis, ...]) -> Flow:
    """The whole tensor of a layer, as it is now, under this shape."""
    draft = state.drafts[owner]
    read = Read(owner, draft.output_elements, draft.output_height, draft.output_width)
    return Flow(shape, axes, (read,), 0, owner)


def take_pending(state: State, draft: Draft, pending: int) -> None:
    """Run pending work with this layer, in the graph's order, each operator once."""
    pending &= ~draft.taken
    draft.taken |= pending
    state.links += pending.bit_count()
    while pending:
        index = (pending & -pending).bit_length() - 1
        pending &= pending - 1
        draft.fuse(state.graph.nodes[index].name, state.work[index])


def sole_owner(state: State, name: str) -> int | None:
    """The layer that makes this value, if nobody else reads it."""
    return state.flows[name].owner if state.uses[name] == 1 else None
