"""Bits of the weights of quantised graphs: followed from the stored integers to where they are used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import ceil

from mcmscope.workload.graph import Shape, elements_of
from mcmscope.workload.onnx_model import OnnxNode

_UNQUANTISED_BITS = 8
"""Weights in floating point are taken to be quantised to the package's native width before they run."""
# Numbers of onnx.TensorProto.DataType: int8, uint8, the 8-bit floats, 4-bit and 2-bit numbers.
_BITS = {2: 8, 3: 8, 17: 8, 18: 8, 19: 8, 20: 8, 21: 4, 22: 4, 23: 4, 24: 8, 25: 2, 26: 2}
_PACKED = ("com.microsoft.MatMulNBits", "com.microsoft.MatMulBnb4")


class Widths:
    """Bits of an element of each constant that is quantised."""

    def __init__(self) -> None:
        self.bits: dict[str, int] = {}

    def stored(self, name: str, kind: int) -> None:
        """A constant of this element type in the file."""
        if kind in _BITS:
            self.bits[name] = _BITS[kind]

    def passed_on(self, node: OnnxNode, shapes: Mapping[str, Shape], kinds: Mapping[str, int]) -> None:
        """A constant made of others is as wide as the largest of them was."""
        if node.label == "QuantizeLinear":
            zero = node.inputs[2] if len(node.inputs) > 2 else ""
            kind = node.integer("output_dtype", 0) or kinds.get(zero, 2)
            self.stored(node.outputs[0], kind)
            return
        sizes = [(elements_of(shapes[name]), name) for name in node.inputs if name in shapes]
        if sizes:
            largest = max(sizes)[1]
            if largest in self.bits:
                self.bits.update((name, self.bits[largest]) for name in node.outputs if name)


def node_bits(node: OnnxNode, bits: Mapping[str, int]) -> int | None:
    """Bits of the weights that a node with weights uses; None if they are not quantised."""
    if node.label in _PACKED:
        return 4 if node.label.endswith("4") else node.integer("bits", 4)
    return max((bits[name] for name in node.inputs if name in bits), default=None)


def common_bits(weights: Iterable[tuple[int, int | None]]) -> tuple[int | None, str | None]:
    """The width of a network's weights from (elements, bits) of its operators, and a warning if they differ.

    None if no weight is quantised. Where widths differ it is their mean, rounded up.
    """
    totals: dict[int, int] = {}
    quantised = False
    for elements, bits in weights:
        quantised |= bits is not None
        width = _UNQUANTISED_BITS if bits is None else bits
        totals[width] = totals.get(width, 0) + elements
    total = sum(totals.values())
    if not quantised or not total:
        return None, None
    if len(totals) == 1:
        return next(iter(totals)), None
    mean = ceil(sum(bits * elements for bits, elements in totals.items()) / total)
    told = " and ".join(f"{elements:,} of {bits} bits" for bits, elements in sorted(totals.items()))
    return mean, (
        f"the file's weights differ in width ({told}): all are taken at their mean, {mean} bits;"
        " --weight-bits sets another"
    )
