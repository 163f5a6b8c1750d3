"""The package as a map: regions of a segment, and how much of their chiplets' MACs they use."""

from __future__ import annotations

from typing import Any

from mcmscope.report.plots.case import PlotCase
from mcmscope.report.plots.style import SCALE, SOFT, TINTS, label, new_figure, no_axes, title
from mcmscope.report.views.package_map import ChipletUse, PackageMap, package_map
from mcmscope.report.views.stages import StageRow
from mcmscope.report.words import layers_text, percent, plural

_SIDE = 0.92
_MOST_LINES = 16


def map_figure(case: PlotCase) -> Any:
    """Left: chiplets by their cluster. Right: the same, darker where more of the MACs are used."""
    found = package_map(case.saved.package, case.saved.schedule, case.segments)
    chosen = case.chosen()
    uses, segment = found.segments[chosen], case.segments[chosen]
    lines = [_line(case, segment.stages[c]) for c in range(min(len(segment.stages), _MOST_LINES))]
    if len(segment.stages) > _MOST_LINES:
        lines.append(f"... and {len(segment.stages) - _MOST_LINES} more")
    half = (len(lines) + 1) // 2
    high = min(6.5, 3.0 * (found.rows + 0.6) / (found.columns + 0.6) + 0.25)
    below = 0.1 + 0.125 * half
    figure = new_figure(high + below + 0.45)
    grid = figure.add_gridspec(2, 2, height_ratios=(high, below))
    regions, filled = figure.add_subplot(grid[0, 0]), figure.add_subplot(grid[0, 1])
    for column, part in enumerate((lines[:half], lines[half:])):
        axes = figure.add_subplot(grid[1, column])
        axes.set_axis_off()
        axes.text(0, 1, "\n".join(part), va="top", fontsize=6.5, color=SOFT)
    for axes in (regions, filled):
        no_axes(axes)
        axes.set_xlim(-0.8, found.columns - 0.2)
        axes.set_ylim(found.rows - 0.2, -0.8)
        _ports(axes, found)
    size = min(8.0, 120 / max(found.columns, found.rows))
    for use in uses:
        tint = "white" if use.stage is None else TINTS[(use.replica + use.stage) % len(TINTS)]
        _square(regions, use, tint)
        if use.stage is not None:
            told = {"ha": "center", "va": "center", "fontsize": size}
            regions.text(use.column, use.row, str(use.stage + 1), **told)
    regions.set_title("stages (listed below, with the MACs they use)")
    _heat(figure, filled, uses)
    replicas = case.saved.schedule.replicas
    title(
        figure,
        case.heading(),
        f"segment {chosen + 1} of {len(case.segments)} ({layers_text(segment.layers)}, "
        f"{percent(segment.share)} of the time)"
        + (f", {plural(replicas, 'replica')}" if replicas > 1 else "")
        + "; bars at the edge: DRAM ports",
    )
    return figure


def _line(case: PlotCase, stage: StageRow) -> str:
    names = [case.saved.network.layers[l].name for l in (stage.layers[0], stage.layers[1] - 1)]
    layers = names[0] if stage.layers[1] - stage.layers[0] == 1 else f"{names[0]} to {names[1]}"
    return label(
        f"{stage.stage + 1}: {layers}, {plural(stage.chiplets, 'chiplet')}, {percent(stage.filled)}", 66
    )


def _square(axes: Any, use: ChipletUse, colour: Any) -> None:
    from matplotlib.patches import Rectangle

    corner = (use.column - _SIDE / 2, use.row - _SIDE / 2)
    looks: dict[str, Any] = {"facecolor": colour, "edgecolor": "#888888", "linewidth": 0.4}
    axes.add_patch(Rectangle(corner, _SIDE, _SIDE, **looks))


def _heat(figure: Any, axes: Any, uses: tuple[ChipletUse, ...]) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize
    from matplotlib.ticker import PercentFormatter

    scale: Any = ScalarMappable(Normalize(0.0, 1.0), SCALE)
    for use in uses:
        _square(axes, use, "white" if use.stage is None else scale.to_rgba(use.filled))
    bar = figure.colorbar(scale, ax=axes, shrink=0.75, aspect=25, pad=0.02)
    bar.ax.yaxis.set_major_formatter(PercentFormatter(1.0))
    bar.outline.set_visible(False)
    axes.set_title("MACs used, over a beat")


def _ports(axes: Any, found: PackageMap) -> None:
    from matplotlib.patches import Rectangle

    shapes = {
        "left": (-0.72, -_SIDE / 2, 0.16, _SIDE),
        "right": (0.56, -_SIDE / 2, 0.16, _SIDE),
        "top": (-_SIDE / 2, -0.72, _SIDE, 0.16),
        "bottom": (-_SIDE / 2, 0.56, _SIDE, 0.16),
    }
    for port in found.ports:
        for edge in port.edges:
            x, y, width, height = shapes[edge]
            axes.add_patch(Rectangle((port.column + x, port.row + y), width, height, color="#777777"))
