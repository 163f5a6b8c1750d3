"""Rooflines: stages against their links, segments against DRAM."""

from __future__ import annotations

from math import log10, sqrt
from typing import Any

from mcmscope.report.plots.case import PlotCase
from mcmscope.report.plots.style import BLUE, INK, ORANGE, SOFT, new_figure, title
from mcmscope.report.views.roofline import Roof, RoofPoint, dram_roof, stage_roof
from mcmscope.report.words import plural

_PANEL = (2.8, 2.45)
"""Inches across and up, about."""
_LETTER, _LINE = 0.053, 0.085
"""Inches of a name's letter and its height."""
_GAP = 0.03
"""Inches between names beside each other."""
_FEW_DECADES = 2.2

Range = tuple[float, float]
_Box = tuple[float, float, float, float]
"""Left, bottom, right and top, in inches."""


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
    sizes = [_size(point) for point in points]
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
    bottom = min((point.macs_per_s for point in points), default=roof.peak_macs_per_s) / 3
    _log_axes(axes, (low, high), (bottom, 2 * roof.peak_macs_per_s))
    _tell_names(axes, points, (low, high), (bottom, 2 * roof.peak_macs_per_s))
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


def _log_axes(axes: Any, across: Range, up: Range) -> None:
    """Logarithmic axes whose ticks carry numbers: every decade, or 1, 2 and 5 where there are few decades."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.set(xscale="log", yscale="log", xlim=across, ylim=up)
    axes.grid(True)
    for axis, (low, high), told in ((axes.xaxis, across, _plain), (axes.yaxis, up, _prefixed)):
        few = log10(high / low) < _FEW_DECADES
        axis.set_major_locator(LogLocator(subs=(1, 2, 5) if few else (1,)))
        axis.set_major_formatter(FuncFormatter(told))
        axis.set_minor_formatter(NullFormatter())


def _plain(value: float, _: int | None = None) -> str:
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"


def _prefixed(value: float, _: int | None = None) -> str:
    """``500 G``, ``2 T``."""
    for size, prefix in ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size * 0.9995:
            return f"{value / size:g} {prefix}"
    return f"{value:g}"


def _tell_names(axes: Any, points: list[RoofPoint], across: Range, up: Range) -> None:
    from matplotlib.patheffects import withStroke

    for point, (right, above) in placed(points, across, up):
        axes.annotate(
            _name(point),
            (point.intensity, point.macs_per_s),
            textcoords="offset points",
            xytext=(right * 72, above * 72),
            fontsize=6,
            color=SOFT,
            path_effects=[withStroke(linewidth=1.5, foreground="white")],
        )


def placed(points: list[RoofPoint], across: Range, up: Range) -> list[tuple[RoofPoint, tuple[float, float]]]:
    """Points whose names have room, those that last longest first, and where: inches from the point.

    ``across`` and ``up`` are what the axes show. A name covers no other name and no other point's dot, and
    stays in the panel.
    """
    width, height = _PANEL
    centres = [
        (
            width * log10((point.intensity or across[0]) / across[0]) / log10(across[1] / across[0]),
            height * log10(point.macs_per_s / up[0]) / log10(up[1] / up[0]),
        )
        for point in points
    ]
    radii = [sqrt(_size(point)) / 144 for point in points]
    dots = [(x - r, y - r, x + r, y + r) for (x, y), r in zip(centres, radii, strict=True)]
    taken: list[_Box] = []
    found: list[tuple[RoofPoint, tuple[float, float]]] = []
    for index in sorted(range(len(points)), key=lambda index: -points[index].share):
        x, y = centres[index]
        wide, reach = _LETTER * len(_name(points[index])), 0.7 * radii[index] + 0.02
        left, below = -reach - wide, -reach - _LINE
        others = [*taken, *dots[:index], *dots[index + 1 :]]
        for right, above in ((reach, reach), (left, reach), (reach, below), (left, below)):
            box = (x + right, y + above, x + right + wide, y + above + _LINE)
            inside = box[0] >= 0 and box[1] >= 0 and box[2] <= width and box[3] <= height
            if inside and not any(_overlap(box, other) for other in others):
                taken.append((box[0] - _GAP, box[1], box[2] + _GAP, box[3]))
                found.append((points[index], (right, above)))
                break
    return found


def _overlap(one: _Box, other: _Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _size(point: RoofPoint) -> float:
    """Square points that a dot covers."""
    return 12 + 160 * point.share


def _name(point: RoofPoint) -> str:
    return str(point.segment + 1) if point.stage is None else f"{point.segment + 1}.{point.stage + 1}"
