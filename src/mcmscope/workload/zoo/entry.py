"""An entry of the zoo."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mcmscope.workload.builder import GraphBuilder
from mcmscope.workload.graph import Graph

CLASSES = 1000


@dataclass(frozen=True, slots=True)
class ZooEntry:
    """A network of the zoo: what it is, where it is from, and how to build its graph.

    ``write`` adds the layers behind an input of square images to a builder. ``size`` is the side of the
    images in pixels unless another one is asked for, which networks with a ``fixed_size`` do not take: their
    fully connected layers see every position. ``smallest`` is the least side that leaves each layer a pixel.
    """

    description: str
    source: str
    write: Callable[[GraphBuilder, str], None]
    size: int = 224
    fixed_size: bool = False
    smallest: int = 32

    def build(self, name: str, size: int | None = None) -> Graph:
        """The graph at a side of ``size`` pixels; its name tells a size that is not the entry's own."""
        side = size or self.size
        g = GraphBuilder(name if side == self.size else f"{name}@{side}")
        self.write(g, g.input(3, side, side))
        return g.graph()


def average_and_classify(g: GraphBuilder, x: str, name: str) -> None:
    """The mean over all positions and one fully connected layer."""
    g.linear(name, g.flatten("flatten", g.global_pool("avgpool", x)), CLASSES)
