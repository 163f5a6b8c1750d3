"""The load of every link of a simulated package as an SVG picture: the same bytes for the same data."""

from __future__ import annotations

from io import StringIO
from typing import Any, cast

from mcmscope.report.links import DIRECTIONS, port_utilization
from mcmscope.report.words import clean, plural, span
from mcmscope.schedule_file import SavedSchedule
from mcmscope.simulate import Simulation
from mcmscope.simulate.mesh import Mesh

_COLOURS = "viridis_r"
"""Grows darker with the load, so that it can be read without colours, too."""
_TINTS = ("#cfe4f2", "#f7dfc2", "#cdeadf", "#f3d5e5", "#f6f2c4", "#dddddd")
"""Pale shades of Okabe and Ito's colours for neighbouring clusters, whose numbers say which is which."""
_IDLE = "#ffffff"
_SIDE = 0.52
_LANE = 0.13
"""Half the distance between the two links of two neighbours, in steps of the mesh."""


def links_picture(saved: SavedSchedule, simulation: Simulation) -> str:
    """Chiplets by the clusters of the longest segment, links and DRAM ports by how busy they are."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure
    from matplotlib.ticker import PercentFormatter

    mesh = simulation.mesh
    context = cast("Any", mpl.rc_context)  # pyright: ignore[reportUnknownMemberType]
    with context({"svg.hashsalt": "mcmscope", "svg.fonttype": "path", "font.size": 9}):
        width = min(11.0, 2.6 + 0.62 * mesh.columns)
        step = (width - 1.3) / (mesh.columns + 0.5)
        figure: Any = Figure(figsize=(max(width, 4.5), step * (mesh.rows + 0.5) + 0.7), layout="constrained")
        FigureCanvasSVG(figure)
        axes: Any = figure.add_subplot()
        axes.set_aspect("equal")
        axes.set_xlim(-0.75, mesh.columns - 0.25)
        axes.set_ylim(mesh.rows - 0.25, -0.75)
        axes.set_axis_off()
        longest = max(range(len(simulation.segments)), key=lambda s: simulation.segments[s].run_s)
        _draw_chiplets(axes, _owners(saved, simulation, longest), mesh, 10.0 * step)
        scale = _draw_links(axes, simulation)
        _draw_ports(axes, simulation, scale)
        bar = figure.colorbar(scale, ax=axes, shrink=0.8, aspect=30, pad=0.01)
        bar.set_label("share of the batch's time that a link or DRAM port is busy")
        bar.ax.yaxis.set_major_formatter(PercentFormatter(1.0))
        axes.set_title(_title(saved, simulation, longest), fontsize=8)
        text = StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return text.getvalue()


def _title(saved: SavedSchedule, simulation: Simulation, longest: int) -> str:
    segment = simulation.segments[longest]
    noun = "cluster" if len(segment.stages) == 1 else "clusters"
    regions = (
        f"{noun} of segment {longest + 1} of {len(simulation.segments)} (layers {span(segment.layers)})"
        + (f", {plural(saved.schedule.replicas, 'replica')}" if saved.schedule.replicas > 1 else "")
    )
    lines = (
        f"{saved.network.name} on {saved.package.name}, batch {saved.batch}, {saved.scheme.value}",
        f"numbers: {regions}; bars at the edge: DRAM ports",
    )
    return "\n".join(clean(line).replace("$", r"\$") for line in lines)


def _owners(saved: SavedSchedule, simulation: Simulation, segment: int) -> dict[int, tuple[int, int]]:
    """Replica and index of the cluster of each chiplet that has one; replicas lie behind each other."""
    order: list[int] = simulation.mesh.order.tolist()
    place = {chiplet: at for at, chiplet in enumerate(order)}
    replicas = saved.schedule.replicas
    share = len(order) // replicas
    return {
        chiplet if replica == 0 else order[place[chiplet] + replica * share]: (replica, index)
        for replica in range(replicas)
        for index, cluster in enumerate(saved.schedule.segments[segment].clusters)
        for chiplet in cluster.chiplets
    }


def _draw_chiplets(axes: Any, owners: dict[int, tuple[int, int]], mesh: Mesh, size: float) -> None:
    """A square per chiplet, numbered by its cluster; neighbouring clusters and replicas differ in tint."""
    from matplotlib.patches import Rectangle

    for chiplet in range(mesh.chiplets):
        row, column = divmod(chiplet, mesh.columns)
        replica, index = owners.get(chiplet, (0, None))
        tint = _IDLE if index is None else _TINTS[(replica + index) % len(_TINTS)]
        corner = (column - _SIDE / 2, row - _SIDE / 2)
        axes.add_patch(
            Rectangle(corner, _SIDE, _SIDE, facecolor=tint, edgecolor="#777777", linewidth=0.5, zorder=1)
        )
        if index is not None:
            text = {"ha": "center", "va": "center", "fontsize": min(8.0, size), "zorder": 3}
            axes.text(column, row, str(index + 1), **text)


def _draw_links(axes: Any, simulation: Simulation) -> Any:
    """An arrow per directed link, on the right of its way; returns the scale of colours."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    mesh = simulation.mesh
    exists, shares = mesh.exists().tolist(), simulation.link_utilization.tolist()
    steps = ((1, 0), (-1, 0), (0, 1), (0, -1))
    x: list[float] = []
    y: list[float] = []
    u: list[float] = []
    v: list[float] = []
    colours: list[float] = []
    gap = (1 - _SIDE) / 2
    for link, share in enumerate(shares):
        if not exists[link]:
            continue
        row, column = divmod(link // len(DIRECTIONS), mesh.columns)
        right, down = steps[link % len(DIRECTIONS)]
        x.append(column + right * (0.5 - gap) - down * _LANE)
        y.append(row + down * (0.5 - gap) + right * _LANE)
        u.append(right * 2 * gap)
        v.append(down * 2 * gap)
        colours.append(share)
    most = max([*colours, *(max(port) for port in port_utilization(simulation))])
    scale: Any = ScalarMappable(Normalize(0.0, max(most, 1e-9)), _COLOURS)
    if colours:
        arrows = {"angles": "xy", "scale_units": "xy", "scale": 1.0, "units": "xy"}
        shape = {"width": 0.075, "headwidth": 2.6, "headlength": 2.2, "headaxislength": 2.2, "minlength": 0.0}
        axes.quiver(x, y, u, v, color=scale.to_rgba(colours), zorder=2, **arrows, **shape)
    return scale


def _draw_ports(axes: Any, simulation: Simulation, scale: Any) -> None:
    """A bar outside each chiplet that has a DRAM port, coloured by its busiest part."""
    from matplotlib.patches import Rectangle

    mesh = simulation.mesh
    shares = port_utilization(simulation)
    sides = zip(mesh.ports.tolist(), mesh.along_row.tolist(), shares, strict=True)
    for chiplet, along_row, share in sides:
        row, column = divmod(chiplet, mesh.columns)
        if along_row:
            x = column - 0.62 if column == 0 else column + 0.42
            place, width, height = (x, row - _SIDE / 2), 0.2, _SIDE
        else:
            y = row - 0.62 if row == 0 else row + 0.42
            place, width, height = (column - _SIDE / 2, y), _SIDE, 0.2
        axes.add_patch(
            Rectangle(
                place,
                width,
                height,
                facecolor=scale.to_rgba(max(share)),
                edgecolor="#333333",
                linewidth=0.5,
                zorder=2,
            )
        )
