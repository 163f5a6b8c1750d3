"""Entries of the zoo: networks that read images, networks that read tokens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from mcmscope.workload.builder import GraphBuilder
from mcmscope.workload.graph import Graph

CLASSES = 1000
USUAL_TOKENS = 512
MAX_TOKENS = 131_072
"""Longest sequence: its scores still are a tensor that network files can hold."""

Write = Callable[[GraphBuilder, str, int], list[str]]
"""Adds the layers behind the embedded tokens, with so many in the cache; returns the outputs."""


@dataclass(frozen=True, slots=True)
class ImageEntry:
    """A network of the zoo that reads images: what it is, where it is from, and how to build its graph.

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


@dataclass(frozen=True, slots=True)
class SequenceEntry:
    """A network of the zoo that reads tokens.

    ``width`` channels a token, looked up in a table of ``words`` rows. ``most`` tokens have a position. One
    that ``decodes`` makes a token at a time behind those in its cache; its other pass, over a whole prompt,
    fills the cache.
    """

    description: str
    source: str
    write: Write
    width: int
    words: int
    most: int = MAX_TOKENS
    decodes: bool = True

    def build(self, name: str, seq: int | None = None, kv: int | None = None) -> Graph:
        """The graph of a pass over ``seq`` tokens, or of one token behind ``kv`` in the cache."""
        tokens = 1 if kv else seq or USUAL_TOKENS
        g = GraphBuilder(f"{name}@kv{kv}" if kv else f"{name}@seq{tokens}")
        outputs = self.write(g, g.input(tokens, self.width, name="embedded"), kv or 0)
        return replace(g.graph(*outputs), table_elements=self.words * self.width)


ZooEntry = ImageEntry | SequenceEntry


def average_and_classify(g: GraphBuilder, x: str, name: str) -> None:
    """The mean over all positions and one fully connected layer."""
    g.linear(name, g.flatten("flatten", g.global_pool("avgpool", x)), CLASSES)
