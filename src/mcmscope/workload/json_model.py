"""The pydantic models behind network files: types, ranges and limits of every field."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from mcmscope.workload.network import MAX_LAYERS, MAX_SIZE

Size = Annotated[int, Field(ge=1, le=MAX_SIZE, strict=True)]
Count = Annotated[int, Field(ge=0, le=MAX_SIZE, strict=True)]
Bits = Annotated[int, Field(ge=1, le=64, strict=True)]
SizePair = tuple[Size, Size]
Name = Annotated[str, Field(max_length=4096)]


class _Model(BaseModel):
    # JSON has lists where we have tuples, so strictness is by field: numbers are not taken from text.
    model_config = ConfigDict(extra="forbid", frozen=True)


class InputModel(_Model):
    """A network input."""

    name: Name
    elements: Size
    cached: Annotated[bool, Field(strict=True)] = False


class OperandModel(_Model):
    """An operand; sizes as in ``Operand``."""

    source: Annotated[int, Field(strict=True)]
    role: Literal["data", "second", "residual"]
    elements: Size
    height: Size = 1
    width: Size = 1
    window: SizePair = (1, 1)
    stride: SizePair = (1, 1)


class LayerModel(_Model):
    """A layer; sizes as in ``Layer``."""

    name: Name
    op: Literal["conv", "linear", "matmul"]
    out_channels: Size
    in_channels: Size
    groups: Size
    out_height: Size
    out_width: Size
    operands: Annotated[tuple[OperandModel, ...], Field(min_length=1)]
    weights: Count
    vector_elements: Count
    output_elements: Size
    output_height: Size
    output_width: Size
    kernel: SizePair = (1, 1)
    stride: SizePair = (1, 1)
    dilation: SizePair = (1, 1)
    padding: tuple[Count, Count, Count, Count] = (0, 0, 0, 0)
    pool_window: SizePair = (1, 1)
    pool_stride: SizePair = (1, 1)
    fused: tuple[Name, ...] = ()


class NetworkModel(_Model):
    """A network file."""

    format: Literal["mcmscope-network"]
    version: Literal[1]
    name: Name
    inputs: tuple[InputModel, ...]
    layers: Annotated[tuple[LayerModel, ...], Field(min_length=1, max_length=MAX_LAYERS)]
    outputs: Annotated[tuple[Count, ...], Field(min_length=1)]
    weight_bits: Bits = 8
    activation_bits: Bits = 8
    partial_sum_bits: Bits = 24
    warnings: tuple[str, ...] = ()
    table_elements: Count = 0
