"""A throughput-energy front."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mcmscope.report.plots.style import BLUE, ORANGE, SOFT, label, new_figure, title
from mcmscope.report.views.search import front

_MARKS = {
    "exact": (BLUE, "o", "on the front, proven"),
    "supported": (BLUE, "o", "on the front's convex hull, proven"),
    "found": (ORANGE, "^", "found; its gap is in the table"),
}


def front_figure(data: Mapping[str, Any]) -> Any:
    """Energy per sample over throughput, of what a ``pareto.json`` holds: the steps that are reached."""
    found = front(data)
    figure = new_figure(3.8, 6.0)
    axes = figure.subplots()
    # A schedule gives its throughput and any less: the steps fall to the left.
    speeds = [point.throughput_per_s for point in found.points]
    energies = [1000 * point.energy_j_per_sample for point in found.points]
    axes.plot(speeds, energies, color=SOFT, linewidth=1, drawstyle="steps-post", zorder=1)
    for proof, (colour, mark, told) in _MARKS.items():
        at = [x for x, point in enumerate(found.points) if point.proof == proof]
        if at:
            xs, ys = [speeds[x] for x in at], [energies[x] for x in at]
            axes.plot(xs, ys, mark, color=colour, markersize=5, label=told)
    axes.set_xlabel("throughput (samples/s)")
    axes.set_ylabel(f"energy per sample (mJ), profile {label(data['energy_profile'])}")
    axes.grid(True)
    if found.points:
        axes.legend()
    title(figure, f"{heading(data)}: throughput against energy")
    return figure


def heading(data: Mapping[str, Any]) -> str:
    """What a file of ``pareto`` or ``quality`` is of."""
    network, package = data["network"]["name"], data["package"]["name"]
    return f"{network} on {package}, batch {data['batch']}, {data['scheme']}"
