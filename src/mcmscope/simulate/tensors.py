"""Which tensors a segment or a cluster takes in, hands on and passes by, and how many bytes are alive."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from mcmscope.workload.network import Network, bytes_of


@dataclass(frozen=True)
class Tensors:
    """Tensors of a network: number ``l >= 0`` is made by layer l, ``-1 - i`` is the i-th network input."""

    network: Network

    @cached_property
    def readers(self) -> dict[int, list[int]]:
        """Layers that read each tensor, ascending."""
        found: dict[int, list[int]] = {l: [] for l in range(len(self.network))}
        for l, layer in enumerate(self.network.layers):
            for op in layer.operands:
                at = found.setdefault(op.source, [])
                if not at or at[-1] != l:
                    at.append(l)
        return found

    @cached_property
    def outputs(self) -> frozenset[int]:
        """Tensors that leave the package."""
        return frozenset(self.network.outputs)

    def sample_bytes(self, t: int) -> int:
        """Bytes of a tensor for one sample."""
        made = self.network.layers[t].output_elements if t >= 0 else self.network.inputs[-1 - t].elements
        return bytes_of(made, self.network.activation_bits)

    def used(self, t: int, first: int, end: int) -> bool:
        """Whether a layer of [first, end) reads the tensor."""
        return any(first <= l < end for l in self.readers[t])

    def alive_bytes(self, b: int) -> int:
        """Bytes per sample made before layer b and read at or after it."""
        return sum(self.sample_bytes(t) for t in range(b) if self.readers[t] and self.readers[t][-1] >= b)

    def arriving(self, i: int, j: int) -> list[int]:
        """Tensors from outside that layers [i, j) read, in the order of their first reader there."""
        found: list[int] = []
        for l in range(i, j):
            for op in self.network.layers[l].operands:
                if op.source < i and op.source not in found:
                    found.append(op.source)
        return found

    def leaving(self, i: int, j: int) -> list[int]:
        """Tensors that layers [i, j) make and that are read behind them or leave the network."""
        return [t for t in range(i, j) if t in self.outputs or (self.readers[t] and self.readers[t][-1] >= j)]

    def passing(self, a: int, b: int) -> list[int]:
        """Tensors made before layer a and still read at or after b."""
        return [t for t in range(a) if self.readers[t] and self.readers[t][-1] >= b]

    def relayed_bytes(self, a: int, b: int, i: int, j: int) -> int:
        """Bytes per sample made in [a, i) and read in [j, b), but not in [i, j)."""
        return sum(self.sample_bytes(t) for t in range(a, i) if self.used(t, j, b) and not self.used(t, i, j))

    def peak_bytes(self, i: int, j: int) -> int:
        """The most bytes per sample held at once while layers [i, j) run in turn.

        A tensor from outside is held from the start, one made inside from its making, both to their last
        reader inside.
        """
        most = 0
        last = {t: max(l for l in self.readers[t] if l < j) for t in self.arriving(i, j)}
        for l in range(i, j):
            inside = [r for r in self.readers[l] if r < j]
            last[l] = inside[-1] if inside else l
            held = sum(self.sample_bytes(t) for t, end in last.items() if end >= l)
            most = max(most, held)
        return most
