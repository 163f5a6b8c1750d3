"""The beat of every stage: what it works on, and what it waits for."""

from __future__ import annotations

from typing import Any

from mcmscope.report.plots.case import PlotCase
from mcmscope.report.plots.style import (
    BLUE,
    GOLD,
    ORANGE,
    PALE,
    PINK,
    SKY,
    SOFT,
    new_figure,
    spread_labels,
    title,
)
from mcmscope.report.views.stages import PARTS
from mcmscope.report.words import duration

_LOOKS = {
    "compute": (BLUE, "", "MACs"),
    "on_chip": (SKY, "...", "vector work, buffer reads"),
    "start": ("#8FA3B0", "xxxx", "layer start-up"),
    "exchange": (GOLD, "", "exchange over the NoP"),
    "links": (ORANGE, "///", "waits for links between regions"),
    "dram": (PINK, "\\\\\\", "waits for DRAM"),
    "spill": ("#6F3C78", "///", "waits for spills"),
    "idle": (PALE, "", "waits for the slowest stage"),
}
_GAP = 0.6
"""Between segments, in stages."""
_MOST_NAMES = 45


def stages_figure(case: PlotCase) -> Any:
    """A bar per stage in percent of its segment's beat; the beats are told above."""
    figure = new_figure(3.3)
    axes = figure.subplots()
    places: list[float] = []
    middles: list[float] = []
    now = 0.0
    for segment in case.segments:
        first = now
        for _ in segment.stages:
            places.append(now)
            now += 1
        middles.append((first + now - 1) / 2)
        now += _GAP
    stages = [stage for segment in case.segments for stage in segment.stages]
    base = [0.0] * len(stages)
    for part in PARTS:
        shares = [100 * stage.parts_s[part] / stage.beat_s if stage.beat_s else 0.0 for stage in stages]
        if not any(share > 0.05 for share in shares):
            continue
        colour, hatch, told = _LOOKS[part]
        looks = {"color": colour, "hatch": hatch, "edgecolor": "white", "linewidth": 0.3, "label": told}
        axes.bar(places, shares, bottom=base, width=0.9, **looks)
        base = [a + b for a, b in zip(base, shares, strict=True)]
    many = len(stages) > _MOST_NAMES
    axes.set_xticks([] if many else places, [] if many else [str(stage.stage + 1) for stage in stages])
    axes.set_xlim(-0.7, now - _GAP - 0.3)
    axes.set_ylim(0, 100)
    axes.set_ylabel("of the beat (%)")
    axes.set_xlabel("stages of each segment" + (f" ({len(stages)} in all)" if many else ""))
    axes.tick_params(bottom=False, labelsize=6.5)
    wide = (now + 1) / 11
    for s in spread_labels(middles, wide):
        segment = case.segments[s]
        told = f"{s + 1}\n{duration(segment.beat_s)}"
        axes.text(middles[s], 104.5, told, ha="center", va="bottom", fontsize=6.5, color=SOFT)
    axes.text(-0.04, 1.045, "segment\nbeat", transform=axes.transAxes, ha="right", fontsize=6.5, color=SOFT)
    figure.legend(loc="outside lower left", ncols=4)
    title(figure, f"{case.heading()}: what stages do with a beat")
    return figure
