"""A node of an ONNX graph with what is known around it, and what a rule makes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field

from mcmscope.workload.graph import Operator, Shape
from mcmscope.workload.onnx_model import Array, OnnxNode


@dataclass(frozen=True, slots=True)
class Lookup:
    """Rows looked up in a constant table of so many elements: they come from outside, like an input."""

    table: str
    elements: int


@dataclass(frozen=True, slots=True)
class Part:
    """An operator of the graph that a node becomes; ``role`` tells several parts of one node apart."""

    op: Operator | Lookup
    inputs: tuple[str, ...]
    output: str
    shape: Shape
    role: str = ""


Parts = tuple[Part, ...]
Found = Parts | str
"""What a node becomes, or why this use of its operator is not understood."""


@dataclass(frozen=True, slots=True)
class Site:
    """A node and what is known around it."""

    node: OnnxNode
    shapes: Mapping[str, Shape]
    constants: Set[str]
    values: Mapping[str, Array]

    @property
    def moving(self) -> tuple[str, ...]:
        """The inputs that are not constants, each once."""
        names = (*self.node.inputs, *self.node.captured)
        return tuple(dict.fromkeys(name for name in names if name and name not in self.constants))

    @property
    def result(self) -> Shape:
        """Shape of the first output."""
        return self.shapes[self.node.outputs[0]]

    def input(self, index: int) -> str:
        """Name of an input, empty if it is left out."""
        return self.node.inputs[index] if index < len(self.node.inputs) else ""

    def output(self, index: int) -> str:
        """Name of an output, empty if nobody wants it."""
        return self.node.outputs[index] if index < len(self.node.outputs) else ""

    def shape(self, index: int) -> Shape:
        """Shape of an input; () if it is left out."""
        return self.shapes.get(self.input(index), ())

    def fixed(self, index: int) -> bool:
        """Whether an input is a constant (or left out)."""
        return not self.input(index) or self.input(index) in self.constants

    def numbers(self, index: int) -> tuple[int, ...] | None:
        """The values of a small constant input; None if they are not known."""
        array = self.values.get(self.input(index))
        return None if array is None else tuple(int(v) for v in array.reshape(-1))

    def one(self, op: Operator | Lookup, *inputs: str) -> Parts:
        """The node as one operator that makes its first output."""
        return (Part(op, inputs, self.node.outputs[0], self.result),)


Rule = Callable[[Site], Found]


def apply(site: Site, rule: Rule) -> Found:
    """What a rule makes of a node; one whose inputs or attributes are not as defined is not understood."""
    try:
        return rule(site)
    except (IndexError, KeyError, ValueError, ZeroDivisionError, OverflowError):
        return "its inputs or attributes are not as the operator defines them"


@dataclass(slots=True)
class Chain:
    """Parts of one node in the making: each step reads named values and makes a new one."""

    site: Site
    parts: list[Part] = field(default_factory=list[Part])
    shapes: dict[str, Shape] = field(default_factory=dict[str, Shape])

    def shape(self, name: str) -> Shape:
        """Shape of a value that goes in or was made."""
        return self.shapes.get(name) or self.site.shapes[name]

    def add(self, role: str, op: Operator | Lookup, *inputs: str, shape: Shape, output: str = "") -> str:
        """One more operator; returns the name of its value."""
        # No ONNX value can be called like this: the slash-colon tells ours from the file's.
        name = output or f"{self.site.node.name}/:{role}"
        self.parts.append(Part(op, inputs, name, shape, role))
        self.shapes[name] = shape
        return name

    def end(self, op: Operator | Lookup, *inputs: str, shape: Shape | None = None) -> Parts:
        """The last operator, which makes the node's first output and has its name; returns all parts."""
        shape = self.site.result if shape is None else shape
        self.parts.append(Part(op, inputs, self.site.node.outputs[0], shape))
        return tuple(self.parts)
