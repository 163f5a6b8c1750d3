"""Rooflines: stages against the links of their chiplets, segments against DRAM."""

from __future__ import annotations

from dataclasses import dataclass

from mcmscope.hardware.package import Package
from mcmscope.report.views.stages import SegmentRow

LINKS_PER_CHIPLET = 4


@dataclass(frozen=True, slots=True)
class RoofPoint:
    """A stage, or a whole segment if ``stage`` is None.

    ``intensity``: MACs per byte that comes into a chiplet of the stage, or per byte between the package and
    DRAM; None if nothing moves. ``macs_per_s``: of one chiplet while the stage works, or of the package
    during the segment's beats. ``share``: of the batch's time.
    """

    segment: int
    stage: int | None
    layers: tuple[int, int]
    intensity: float | None
    macs_per_s: float
    share: float


@dataclass(frozen=True, slots=True)
class Roof:
    """``peak_macs_per_s`` flat, and a slope per bandwidth: (words, bytes per second)."""

    peak_macs_per_s: float
    slopes: tuple[tuple[str, float], ...]
    points: tuple[RoofPoint, ...]


def stage_roof(package: Package, segments: tuple[SegmentRow, ...]) -> Roof:
    """Each stage as one of its chiplets, against what one and all four of its links bring."""
    link = package.nop.link_mb_per_s * 1e6
    points = tuple(
        RoofPoint(
            segment=stage.segment,
            stage=stage.stage,
            layers=stage.layers,
            intensity=stage.intensity or None,
            macs_per_s=stage.macs / stage.chiplets / stage.time_s / segment.passes if stage.time_s else 0.0,
            share=segment.share,
        )
        for segment in segments
        for stage in segment.stages
    )
    chiplet = package.chiplet
    peak = chiplet.macs_per_cycle * chiplet.clock_mhz * 1e6
    return Roof(peak, (("4 links", LINKS_PER_CHIPLET * link), ("1 link", link)), points)


def dram_roof(package: Package, segments: tuple[SegmentRow, ...], replicas: int = 1) -> Roof:
    """Each segment as the whole package, against the DRAM's bandwidth; weight loads are counted."""
    points: list[RoofPoint] = []
    for row in segments:
        macs = row.macs * row.micro_batch * row.beats * replicas
        moved = row.dram_bytes_per_beat * row.beats * replicas + row.load_bytes
        taken_s = row.run_s + row.load_s
        points.append(
            RoofPoint(
                segment=row.segment,
                stage=None,
                layers=row.layers,
                intensity=macs / moved if moved else None,
                macs_per_s=macs / taken_s if taken_s else 0.0,
                share=row.share,
            )
        )
    slope = ("DRAM", package.dram_mb_per_s * 1e6)
    return Roof(float(package.peak_macs_per_s), (slope,), tuple(points))
