"""The load of every link of a simulated package."""

from __future__ import annotations

from typing import Any

from mcmscope.report.links import DIRECTIONS
from mcmscope.report.plots.style import SCALE, TINTS, new_figure, no_axes, title
from mcmscope.report.views.package_map import dram_ports, owners
from mcmscope.report.views.traffic import Traffic
from mcmscope.report.words import layers_text, plural
from mcmscope.schedule_file import SavedSchedule

_SIDE = 0.52
_LANE = 0.13
"""Half the distance between the two links of two neighbours, in steps of the mesh."""
_STEPS: dict[str, tuple[int, int]] = dict(zip(DIRECTIONS, ((1, 0), (-1, 0), (0, 1), (0, -1)), strict=True))


def links_figure(saved: SavedSchedule, found: Traffic) -> Any:
    """Chiplets by the clusters of the longest segment, links and DRAM ports by how busy they are.

    ``saved`` has the regions as they were simulated.
    """
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize
    from matplotlib.ticker import PercentFormatter

    package = saved.package
    width = min(10.0, 2.6 + 0.58 * package.columns)
    step = (width - 1.3) / (package.columns + 0.5)
    figure = new_figure(step * (package.rows + 0.5) + 0.5, max(width, 4.5))
    axes = figure.subplots()
    no_axes(axes)
    axes.set_xlim(-0.75, package.columns - 0.25)
    axes.set_ylim(package.rows - 0.25, -0.75)
    _chiplets(axes, saved, found.longest, 10.0 * step)
    most = max(load.utilization for load in (*found.links, *found.ports))
    scale: Any = ScalarMappable(Normalize(0.0, max(most, 1e-9)), SCALE)
    _links(axes, saved, found, scale)
    _ports(axes, saved, found, scale)
    bar = figure.colorbar(scale, ax=axes, shrink=0.8, aspect=30, pad=0.01)
    bar.outline.set_visible(False)
    bar.set_label("busy, of the batch's time")
    bar.ax.yaxis.set_major_formatter(PercentFormatter(1.0))
    title(figure, *_told(saved, found.longest))
    return figure


def _told(saved: SavedSchedule, longest: int) -> tuple[str, str]:
    segments = saved.schedule.segments
    segment, replicas = segments[longest], saved.schedule.replicas
    noun = "cluster" if len(segment.clusters) == 1 else "clusters"
    regions = f"{noun} of segment {longest + 1} of {len(segments)} ({layers_text(segment.layers)})" + (
        f", {plural(replicas, 'replica')}" if replicas > 1 else ""
    )
    return (
        f"{saved.network.name} on {saved.package.name}, batch {saved.batch}, {saved.scheme.value}",
        f"numbers: {regions}; bars: DRAM ports",
    )


def _chiplets(axes: Any, saved: SavedSchedule, segment: int, size: float) -> None:
    """A square per chiplet, numbered by its cluster; neighbouring clusters and replicas differ in tint."""
    from matplotlib.patches import Rectangle

    schedule, package = saved.schedule, saved.package
    owner = owners(package, schedule.segments[segment], schedule.replicas)
    for chiplet in range(package.chiplets):
        row, column = divmod(chiplet, package.columns)
        replica, index = owner.get(chiplet, (0, None))
        tint = "white" if index is None else TINTS[(replica + index) % len(TINTS)]
        looks: dict[str, Any] = {"facecolor": tint, "edgecolor": "#777777", "linewidth": 0.5, "zorder": 1}
        axes.add_patch(Rectangle((column - _SIDE / 2, row - _SIDE / 2), _SIDE, _SIDE, **looks))
        if index is not None:
            told = {"ha": "center", "va": "center", "fontsize": min(8.0, size), "zorder": 3}
            axes.text(column, row, str(index + 1), **told)


def _links(axes: Any, saved: SavedSchedule, found: Traffic, scale: Any) -> None:
    """An arrow per directed link, on the right of its way."""
    gap = (1 - _SIDE) / 2
    arrows: list[tuple[float, float, float, float]] = []
    for link in found.links:
        row, column = divmod(link.chiplet, saved.package.columns)
        right, down = _STEPS[link.direction]
        arrows.append(
            (
                column + right * (0.5 - gap) - down * _LANE,
                row + down * (0.5 - gap) + right * _LANE,
                right * 2 * gap,
                down * 2 * gap,
            )
        )
    if not arrows:
        return
    colours = scale.to_rgba([link.utilization for link in found.links])
    how = {"angles": "xy", "scale_units": "xy", "scale": 1.0, "units": "xy"}
    shape = {"width": 0.075, "headwidth": 2.6, "headlength": 2.2, "headaxislength": 2.2, "minlength": 0.0}
    axes.quiver(*zip(*arrows, strict=True), color=colours, zorder=2, **how, **shape)


def _ports(axes: Any, saved: SavedSchedule, found: Traffic, scale: Any) -> None:
    """A bar outside each chiplet that has a DRAM port, coloured by its busiest part."""
    from matplotlib.patches import Rectangle

    shapes = {
        "left": (-0.62, -_SIDE / 2, 0.2, _SIDE),
        "right": (0.42, -_SIDE / 2, 0.2, _SIDE),
        "top": (-_SIDE / 2, -0.62, _SIDE, 0.2),
        "bottom": (-_SIDE / 2, 0.42, _SIDE, 0.2),
    }
    busy = {port.chiplet: port.utilization for port in found.ports}
    for port in dram_ports(saved.package):
        # One port even at a corner with DRAM at both edges; it lies at the side.
        edge = next((edge for edge in ("left", "right") if edge in port.edges), port.edges[0])
        x, y, width, height = shapes[edge]
        looks: dict[str, Any] = {"edgecolor": "#333333", "linewidth": 0.5, "zorder": 2}
        colour = scale.to_rgba(busy[port.chiplet])
        axes.add_patch(Rectangle((port.column + x, port.row + y), width, height, facecolor=colour, **looks))
