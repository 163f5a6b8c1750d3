"""The pydantic models behind schedule files: types and ranges of every field."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from mcmscope.options import MAX_BATCH
from mcmscope.schedule import Objective, Partition, Scheme

# JSON has lists where we have tuples and text where we have enums, so strictness is by field.
Index = Annotated[int, Field(ge=0, le=1 << 20, strict=True)]
Size = Annotated[int, Field(ge=1, le=1 << 20, strict=True)]
Samples = Annotated[int, Field(ge=1, le=MAX_BATCH, strict=True)]
Bits = Annotated[int, Field(ge=1, le=64, strict=True)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ClusterModel(_Model):
    """A cluster; without ``tiles`` the best of the usual grids is taken."""

    layers: tuple[Index, Index]
    chiplets: tuple[Index, ...]
    tiles: tuple[Size, Size, Size] | None = None
    partitions: tuple[Partition, ...]


class SegmentModel(_Model):
    """A segment."""

    layers: tuple[Index, Index]
    micro_batch: Samples
    clusters: tuple[ClusterModel, ...]


class ScheduleModel(_Model):
    """A schedule."""

    replicas: Size = 1
    segments: tuple[SegmentModel, ...]


class PrecisionModel(_Model):
    """The network's precision, written out."""

    weight_bits: Bits
    activation_bits: Bits
    partial_sum_bits: Bits


class FileModel(_Model):
    """A schedule file. Network and package have readers of their own."""

    format: Literal["mcmscope-schedule"]
    version: Literal[1]
    scheme: Scheme
    objective: Objective
    batch: Samples
    precision: PrecisionModel | None = None
    schedule: ScheduleModel
    package: Annotated[dict[str, Any], Field(strict=True)]
    network: Annotated[dict[str, Any], Field(strict=True)]
