"""Rooflines: stages against their links, segments against DRAM."""

from __future__ import annotations

from typing import Any

from mcmscope.report.plots.case import PlotCase
from mcmscope.report.plots.style import BLUE, INK, ORANGE, SOFT, new_figure, title
from mcmscope.report.views.roofline import Roof, RoofPoint, dram_roof, stage_roof
from mcmscope.report.words import plural

_MOST_NAMES = 24


def roofline_figure(case: PlotCase) -> Any:
    """Two panels: a chiplet of each stage, and the package in each segment; larger dots last longer."""
    figure = new_figure(3.4)
    chiplets, package = figure.subplots(1, 2)
    _draw(chiplets, stage_roof(case.saved.package, case.segments), BLUE)
    chiplets.set_xlabel("MACs per byte that comes into a chiplet")
    chiplets.set_ylabel("MACs per second, one chiplet")
    chiplets.set_title("stages (segment.stage)")
    _draw(package, dram_roof(case.saved.package, case.segments, case.saved.schedule.replicas), ORANGE)
    package.set_xlabel("MACs per byte to or from DRAM")
    package.set_ylabel("MACs per second, package")
    package.set_title("segments")
    title(figure, f"{case.heading()}: rooflines; larger dots take more of the time")
    return figure


def _draw(axes: Any, roof: Roof, colour: str) -> None:
    points = [point for point in roof.points if point.intensity and point.macs_per_s > 0]
    knees = [roof.peak_macs_per_s / slope for _, slope in roof.slopes]
    ends = [*knees, *(point.intensity or 0.0 for point in points)]
    low, high = min(ends) / 4, max(ends) * 4
    for index, (words, slope) in enumerate(roof.slopes):
        knee = roof.peak_macs_per_s / slope
        xs, ys = [low, knee, high], [low * slope, roof.peak_macs_per_s, roof.peak_macs_per_s]
        axes.plot(xs, ys, color=INK, linewidth=1, linestyle=("-", "--")[index], label=words)
    sizes = [12 + 160 * point.share for point in points]
    axes.scatter(
        [point.intensity for point in points],
        [point.macs_per_s for point in points],
        s=sizes,
        color=colour,
        alpha=0.75,
        edgecolor="white",
        linewidth=0.5,
        zorder=3,
    )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(low, high)
    if points:
        axes.set_ylim(min(point.macs_per_s for point in points) / 3, roof.peak_macs_per_s * 2)
    axes.grid(True)
    for point in _named(points):
        axes.annotate(
            _name(point),
            (point.intensity, point.macs_per_s),
            textcoords="offset points",
            xytext=(4, 3),
            fontsize=6,
            color=SOFT,
        )
    axes.legend(loc="lower right")
    silent = sum(not point.intensity for point in roof.points)
    if silent:
        axes.text(
            0.02,
            0.02,
            f"{plural(silent, 'stage')} without traffic not shown",
            transform=axes.transAxes,
            fontsize=6.5,
        )


def _named(points: list[RoofPoint]) -> list[RoofPoint]:
    """Points with room for a name: those that last longest, no two at one place."""
    order = sorted(points, key=lambda point: -point.share)
    shown: list[RoofPoint] = []
    for point in order:
        near = any(
            abs((point.intensity or 1) / (other.intensity or 1) - 1) < 0.25
            and abs(point.macs_per_s / other.macs_per_s - 1) < 0.12
            for other in shown
        )
        if not near and len(shown) < _MOST_NAMES:
            shown.append(point)
    return shown


def _name(point: RoofPoint) -> str:
    return str(point.segment + 1) if point.stage is None else f"{point.segment + 1}.{point.stage + 1}"
