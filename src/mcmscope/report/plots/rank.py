"""The rank curve: where searches stand among all schedules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mcmscope.report.plots.front import heading
from mcmscope.report.plots.style import GOLD, MARKS, SOFT, new_figure, title
from mcmscope.report.views.search import rank_curve
from mcmscope.schedule import Objective

_AXES = {
    Objective.THROUGHPUT: "throughput (samples/s)",
    Objective.LATENCY: "latency of one sample (ms)",
    Objective.ENERGY: "energy per sample (mJ)",
    Objective.EDP: "energy-delay product of the batch (mJ ms)",
}


def rank_figure(data: Mapping[str, Any]) -> Any:
    """What a ``quality.json`` holds: the figure over the share of schedules that reach it."""
    found = rank_curve(data)
    figure = new_figure(3.8, 6.0)
    axes = figure.subplots()
    shares, values = [share for share, _ in found.points], [value for _, value in found.points]
    what = "all schedules" if found.exhaustive else "schedules drawn"
    axes.plot(shares, values, color=SOFT, linewidth=1.5, drawstyle="steps-post", label=what)
    least = 0.3 / max(1, found.counted)
    for at, mark in enumerate(found.marks):
        if mark.value is None or mark.share is None:
            continue
        colour, shape = MARKS[at % len(MARKS)]
        looks = {"color": colour, "markersize": 8 - at, "label": mark.search}
        axes.plot([max(least, mark.share)], [mark.value], shape, **looks)
    if found.optimum is not None:
        axes.axhline(found.optimum, color=GOLD, linewidth=1, linestyle="--", label="optimum")
    axes.set_xscale("log")
    axes.set_yscale("log")
    these = "all schedules" if found.exhaustive else "the schedules drawn"
    axes.set_xlabel(f"share of {these} that are as good or better")
    axes.set_ylabel(_AXES[Objective(found.objective)])
    axes.grid(True)
    axes.legend()
    title(figure, f"{heading(data)}: ranks of the searches' schedules")
    return figure
