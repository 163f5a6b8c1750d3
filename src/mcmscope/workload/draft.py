"""A layer while it is being put together: the compute operator and what has been fused into it so far."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from mcmscope.workload.flow import Read, merge_reads
from mcmscope.workload.graph import Pair
from mcmscope.workload.network import Layer, Op, Operand, Role


@dataclass(slots=True)
class Draft:
    """A layer in the making: fields as in ``Layer``, reads by role instead of operands."""

    name: str
    op: Op
    out_channels: int
    in_channels: int
    groups: int
    out_height: int
    out_width: int
    weights: int
    output_elements: int
    output_height: int
    output_width: int
    kernel: Pair = (1, 1)
    stride: Pair = (1, 1)
    dilation: Pair = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    pool_window: Pair = (1, 1)
    pool_stride: Pair = (1, 1)
    vector_elements: int = 0
    fused: list[str] = field(default_factory=list[str])
    reads: list[tuple[Role, Read]] = field(default_factory=list[tuple[Role, Read]])
    taken: int = 0
    """Bit set of the pending work that this layer has taken: none is done twice."""
    spread: bool = False
    """Each of its positions makes several positions of its result (a transposed convolution)."""
    bare: bool = True
    """Nothing runs behind the operator yet: what folds into weights still can."""

    def fuse(self, name: str, work: int) -> None:
        """Run the named operator with this layer, at ``work`` elements."""
        self.bare = False
        self.fused.append(name)
        self.vector_elements += work

    def read(self, role: Role, reads: Iterable[Read]) -> None:
        """Read these tensors in that role."""
        self.reads.extend((role, read) for read in reads)


def finish(draft: Draft, tensors: Sequence[int], inputs: Sequence[int]) -> Layer:
    """The layer; ``tensors`` and ``inputs`` are the elements of all layers' tensors and of the inputs."""
    operands: list[Operand] = []
    for role in Role:
        merged = merge_reads((read for kind, read in draft.reads if kind is role), tensors, inputs)
        operands += [
            Operand(r.source, role, r.elements, r.height, r.width, r.window, r.stride) for r in merged
        ]
    return Layer(
        name=draft.name,
        op=draft.op,
        out_channels=draft.out_channels,
        in_channels=draft.in_channels,
        groups=draft.groups,
        out_height=draft.out_height,
        out_width=draft.out_width,
        operands=tuple(operands),
        weights=draft.weights,
        vector_elements=draft.vector_elements,
        output_elements=draft.output_elements,
        output_height=draft.output_height,
        output_width=draft.output_width,
        kernel=draft.kernel,
        stride=draft.stride,
        dilation=draft.dilation,
        padding=draft.padding,
        pool_window=draft.pool_window,
        pool_stride=draft.pool_stride,
        fused=tuple(draft.fused),
    )
