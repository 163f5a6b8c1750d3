"""Energy per sample of every scheme, by where it goes."""

from __future__ import annotations

from typing import Any

from mcmscope.cost.energy import ENERGY_NAMES
from mcmscope.report.plots.case import PlotCase
from mcmscope.report.plots.style import BLUE, GOLD, GREEN, PALE, PINK, SKY, label, new_figure, title
from mcmscope.report.views.energy import scheme_bars
from mcmscope.report.words import significant

_LOOKS = {
    "mac": (BLUE, "", "MACs"),
    "pe_buffers": (SKY, "...", "PE buffers"),
    "activation_buffer": (GREEN, "///", "activation buffer"),
    "nop": (GOLD, "", "NoP"),
    "dram": (PINK, "\\\\\\", "DRAM"),
    "static": (PALE, "", "static power"),
}


def energy_figure(case: PlotCase) -> Any:
    """A stacked bar per scheme."""
    bars = scheme_bars(case.findings.result)[::-1]
    figure = new_figure(1.2 + 0.34 * len(bars))
    axes = figure.subplots()
    at = range(len(bars))
    left = [0.0] * len(bars)
    for name in ENERGY_NAMES:
        parts = [1000 * bar.parts_j[name] for bar in bars]
        if not any(parts):
            continue
        colour, hatch, told = _LOOKS[name]
        axes.barh(
            at,
            parts,
            left=left,
            height=0.72,
            color=colour,
            hatch=hatch,
            edgecolor="white",
            linewidth=0.5,
            label=told,
        )
        left = [a + b for a, b in zip(left, parts, strict=True)]
    for y, bar in enumerate(bars):
        axes.text(1000 * bar.total_j, y, f" {significant(1000 * bar.total_j)}", va="center", fontsize=7)
    axes.set_yticks(at, [bar.key for bar in bars])
    axes.tick_params(left=False)
    axes.grid(True, axis="x")
    axes.set_xlim(0, 1.1 * max(left))
    axes.set_xlabel(f"energy per sample (mJ), profile {label(case.saved.package.energy.name)}")
    figure.legend(loc="outside lower left", ncols=6)
    title(figure, f"{case.of()}: energy by where it goes")
    return figure
