"""A small builder for operator graphs of images and sequences: what the zoo's networks are written with.

Every method takes the name of a value and returns the name of the new one. Shapes have a batch of one.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mcmscope.workload.graph import (
    Concat,
    Conv,
    Graph,
    Linear,
    MatMul,
    Move,
    Node,
    Operator,
    Pair,
    Pool,
    Reduce,
    Reshape,
    Shape,
    Slice,
    Transpose,
    Vector,
    elements_of,
)


@dataclass(slots=True)
class GraphBuilder:
    """A graph in the making."""

    name: str
    shapes: dict[str, Shape] = field(default_factory=dict[str, Shape])
    inputs: list[tuple[str, Shape]] = field(default_factory=list[tuple[str, Shape]])
    nodes: list[Node] = field(default_factory=list[Node])
    caches: list[str] = field(default_factory=list[str])

    def input(self, *sizes: int, name: str = "input") -> str:
        """A network input of these sizes per sample."""
        self.shapes[name] = (1, *sizes)
        self.inputs.append((name, (1, *sizes)))
        return name

    def cache(self, name: str, rows: int, channels: int) -> str:
        """A network input that lies in memory from one step to the next: keys or values of earlier tokens."""
        self.caches.append(name)
        return self.input(rows, channels, name=name)

    def add(self, name: str, label: str, op: Operator, inputs: tuple[str, ...], shape: Shape) -> str:
        """Any operator; its value is called as the operator itself."""
        if name in self.shapes:
            raise ValueError(f"two values called {name!r}")
        self.shapes[name] = shape
        self.nodes.append(Node(name, label, op, inputs, name, shape))
        return name

    def conv(
        self,
        name: str,
        x: str,
        channels: int,
        kernel: int | Pair,
        *,
        stride: int = 1,
        padding: int | None = None,
        groups: int = 1,
    ) -> str:
        """A convolution, square unless ``kernel`` is a pair; padding keeps the size unless given."""
        window = (kernel, kernel) if isinstance(kernel, int) else kernel
        high, wide = ((k - 1) // 2 if padding is None else padding for k in window)
        _, _, height, width = self.shapes[x]
        sizes = (
            (height + 2 * high - window[0]) // stride + 1,
            (width + 2 * wide - window[1]) // stride + 1,
        )
        op = Conv(channels, window, (stride, stride), (1, 1), (high, wide, high, wide), groups)
        return self.add(name, "conv", op, (x,), (1, channels, *sizes))

    def vector(self, name: str, label: str, *xs: str, passes: int = 1, foldable: bool = False) -> str:
        """An elementwise operator of values of one shape (or that broadcast to the first one's)."""
        return self.add(name, label, Vector(passes, foldable), xs, self.shapes[xs[0]])

    def relu(self, x: str) -> str:
        """An activation, named after its operand."""
        return self.vector(f"{x.removesuffix('.bn')}.relu", "relu", x)

    def conv_relu(
        self,
        name: str,
        x: str,
        channels: int,
        kernel: int | Pair,
        *,
        stride: int = 1,
        padding: int | None = None,
        groups: int = 1,
        norm: bool = False,
    ) -> str:
        """A convolution, its batch normalisation if asked for, and its activation."""
        x = self.conv(name, x, channels, kernel, stride=stride, padding=padding, groups=groups)
        return self.relu(self.norm(x) if norm else x)

    def norm(self, x: str) -> str:
        """A batch normalisation; it folds into a convolution before it."""
        return self.vector(f"{x}.bn", "batch-norm", x, foldable=True)

    def pool(
        self, name: str, x: str, window: int, stride: int, *, padding: int = 0, ceil: bool = False
    ) -> str:
        """A square pooling."""
        _, channels, height, width = self.shapes[x]
        sizes: list[int] = []
        for n in (height, width):
            span = n + 2 * padding - window
            size = (-(-span // stride) if ceil else span // stride) + 1
            # The last window must begin inside the image or its leading padding, as in PyTorch.
            sizes.append(size - 1 if (size - 1) * stride >= n + padding else size)
        pair: Pair = (window, window)
        op = Pool(pair, (stride, stride), window * window)
        return self.add(name, "pool", op, (x,), (1, channels, *sizes))

    def global_pool(self, name: str, x: str) -> str:
        """The mean over all positions."""
        return self.add(name, "global-pool", Reduce((2, 3)), (x,), (1, self.shapes[x][1], 1, 1))

    def concat(self, name: str, *xs: str) -> str:
        """Channels side by side."""
        channels = sum(self.shapes[x][1] for x in xs)
        return self.add(name, "concat", Concat(1), xs, (1, channels, *self.shapes[xs[0]][2:]))

    def flatten(self, name: str, x: str) -> str:
        """All of a sample in one axis."""
        return self.add(name, "flatten", Reshape(), (x,), (1, elements_of(self.shapes[x])))

    def reshape(self, name: str, x: str, *sizes: int) -> str:
        """The same elements under another shape."""
        return self.add(name, "reshape", Reshape(), (x,), (1, *sizes))

    def transpose(self, name: str, x: str, *order: int) -> str:
        """The axes in another order."""
        shape = self.shapes[x]
        return self.add(name, "transpose", Transpose(order), (x,), tuple(shape[i] for i in order))

    def part(self, name: str, x: str, axis: int, size: int) -> str:
        """``size`` of what lies along an axis."""
        shape = self.shapes[x]
        return self.add(name, "slice", Slice(), (x,), (*shape[:axis], size, *shape[axis + 1 :]))

    def join(self, name: str, *xs: str, axis: int, size: int | None = None) -> str:
        """Values one behind the other along an axis; constants among them make it up to ``size``."""
        shape = self.shapes[xs[0]]
        total = sum(self.shapes[x][axis] for x in xs) if size is None else size
        return self.add(name, "concat", Concat(axis), xs, (*shape[:axis], total, *shape[axis + 1 :]))

    def move(self, name: str, label: str, x: str, shape: Shape | None = None) -> str:
        """A copy with the elements in other places."""
        return self.add(name, label, Move(), (x,), shape or self.shapes[x])

    def matmul(self, name: str, x: str, y: str, *, turned: bool = False) -> str:
        """The product of two values for each head; ``turned``: the rows of ``y`` are the columns."""
        *heads, rows, _ = self.shapes[x]
        columns = self.shapes[y][-2 if turned else -1]
        return self.add(name, "matmul", MatMul(transposed_rhs=turned), (x, y), (*heads, rows, columns))

    def linear(self, name: str, x: str, channels: int) -> str:
        """A fully connected layer over the last axis."""
        *rest, reduced = self.shapes[x]
        return self.add(name, "linear", Linear(channels, reduced), (x,), (*rest, channels))

    def graph(self, *outputs: str) -> Graph:
        """The finished graph with these outputs (the last value if none is named)."""
        return Graph(
            self.name,
            tuple(self.inputs),
            tuple(self.nodes),
            outputs or (self.nodes[-1].output,),
            caches=tuple(self.caches),
        )
