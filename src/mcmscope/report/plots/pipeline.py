"""Stages over time: the batch by segments, and one segment from its first beats to its drain."""

from __future__ import annotations

from typing import Any

from mcmscope.report.plots.case import PlotCase
from mcmscope.report.plots.style import (
    BLUE,
    GOLD,
    PALE,
    SKY,
    SOFT,
    TINTS,
    label,
    new_figure,
    spread_labels,
    title,
)
from mcmscope.report.views.timeline import SegmentSpan, Timeline, slices, timeline
from mcmscope.report.words import layers_text, plural

_COLOURS = (BLUE, SKY, GOLD)
"""Of micro-batches in turn."""
_MOST_SLOTS = 30
"""Beats that are drawn at each end of a segment."""
_PANEL = 5.2
"""Inches across, about."""
_UNITS = ((1e12, "s"), (1e9, "ms"), (1e6, "us"), (1e3, "ns"))


def pipeline_figure(case: PlotCase) -> Any:
    """Above: when each segment loads and runs. Below: what the stages of one do in each beat."""
    found = timeline(case.saved, case.evaluation)
    chosen = case.chosen(least_stages=2)
    one = found.segments[chosen]
    rows = len(one.stages)
    figure = new_figure(1.75 + min(5.5, max(0.9, 0.2 * rows)))
    above, below = figure.subfigures(2, 1, height_ratios=(0.8, max(1.0, 0.2 * min(rows, 28)) + 0.2))
    _batch(above.subplots(), found, chosen)
    _segment(case, below, one, chosen)
    title(figure, f"{case.heading()}: the batch over time, as modelled")
    return figure


def _unit(ps: int) -> tuple[float, str]:
    """A unit that suits times up to ``ps``."""
    return next(((size, name) for size, name in _UNITS if ps >= size), _UNITS[-1])


def _batch(axes: Any, found: Timeline, chosen: int) -> None:
    """Loads and runs of all segments in one strip, loads above where they are prefetched."""
    unit, name = _unit(found.end_ps)
    middles: list[float] = []
    for s, one in enumerate(found.segments):
        begin, end = one.begin_ps / unit, one.end_ps / unit
        edge = "#333333" if s == chosen else "white"
        looks = {"facecolor": TINTS[s % 5], "edgecolor": edge, "linewidth": 1.2 if s == chosen else 0.3}
        axes.broken_barh([(begin, end - begin)], (0, 1), zorder=3 if s == chosen else 2, **looks)
        load, loaded = one.load_begin_ps / unit, one.load_end_ps / unit
        ahead = one.load_begin_ps < one.begin_ps and one.load_end_ps != one.begin_ps
        strip = (1.08, 0.35) if ahead or (s > 0 and _prefetched(found)) else (0, 1)
        told = "weights" if s == 0 else None
        grey = {"facecolor": "#777777", "hatch": "////", "edgecolor": "white", "linewidth": 0.0}
        axes.broken_barh([(load, loaded - load)], strip, label=told, **grey)
        middles.append((begin + end) / 2)
    wide = found.end_ps / unit / 45
    widths = [(one.end_ps - one.begin_ps) / unit for one in found.segments]
    roomy = [s for s in range(len(middles)) if widths[s] > wide]
    for s in roomy:
        axes.text(middles[s], 0.5, str(s + 1), ha="center", va="center", fontsize=7, zorder=4)
    axes.set_xlim(0, found.end_ps / unit)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(f"time of the batch ({name}); {plural(len(found.segments), 'segment')}", labelpad=1)
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0.2, handlelength=1.2)
    if found.replicas > 1:
        axes.set_title(f"each of {found.replicas} replicas", loc="left", fontsize=7, color=SOFT)


def _prefetched(found: Timeline) -> bool:
    return any(one.load_end_ps > one.begin_ps for one in found.segments)


def _segment(case: PlotCase, place: Any, one: SegmentSpan, chosen: int) -> None:
    """The first beats and, behind a break, the last ones; a row per stage."""
    rows, slots = len(one.stages), one.slots
    ends = min(_MOST_SLOTS, rows + 4)
    whole = slots <= 2 * ends + 2
    parts = [(0, slots)] if whole else [(0, ends), (slots - ends, slots)]
    panels = place.subplots(1, len(parts), sharey=True, squeeze=False)[0]
    beat = one.run_ps // slots
    unit, name = _unit(beat * (ends if not whole else slots))
    inches = _PANEL / (sum(end - first for first, end in parts) * beat / unit)
    for panel, (first, end) in zip(panels, parts, strict=True):
        _slots(panel, one, first, end, beat, unit, inches)
    panels[0].set_ylim(rows - 0.4, -0.6)
    shown = spread_labels([float(row) for row in range(rows)], rows / 28)
    panels[0].set_yticks(shown, [_stage_name(case, one, c) for c in shown])
    for panel in panels[1:]:
        panel.tick_params(left=False)
        panel.spines["left"].set_visible(False)
    for panel in panels:
        panel.tick_params(axis="y", left=False)
    which = f"segment {chosen + 1} ({layers_text(one.layers)})"
    passes = f" in {one.passes} passes" if one.passes > 1 else ""
    left_out = "" if whole else f"; {slots - 2 * ends} beats left out"
    panels[0].set_title(
        f"{which}: {plural(slots, 'beat')}{passes}, micro-batches of {one.micro_batch}; gaps: waits"
        + left_out,
        loc="left",
        fontsize=7.5,
    )
    place.supxlabel(f"time from the segment's first beat ({name})", fontsize=8)


def _slots(axes: Any, one: SegmentSpan, first: int, end: int, beat: int, unit: float, inches: float) -> None:
    """Bars of one panel: a stage at work on a micro-batch, numbered where there is room.

    ``inches``: how long a unit of time is drawn.
    """
    rows = len(one.stages)
    for at in range(first, end + 1):
        axes.axvline(at * beat / unit, color=PALE, linewidth=0.5, zorder=0)
    bars: dict[tuple[int, int], list[tuple[float, float]]] = {}
    for x in slices(one, 0, first, end):
        begin, width = (x.begin_ps - one.begin_ps) / unit, (x.end_ps - x.begin_ps) / unit
        bars.setdefault((x.stage, x.micro_batch % len(_COLOURS)), []).append((begin, width))
        number = str(x.micro_batch + 1)
        if rows <= 28 and inches * width > 0.035 + 0.045 * len(number):
            colour = "white" if x.micro_batch % len(_COLOURS) == 0 else "#222222"
            told = {"ha": "center", "va": "center", "fontsize": 5.5, "color": colour, "zorder": 3}
            axes.text(begin + width / 2, x.stage, number, **told)
    for (stage, colour), spans in sorted(bars.items()):
        looks = {"facecolor": _COLOURS[colour], "edgecolor": "white", "linewidth": 0.3}
        axes.broken_barh(spans, (stage - 0.42, 0.84), zorder=2, **looks)
    axes.set_xlim(first * beat / unit, end * beat / unit)


def _stage_name(case: PlotCase, one: SegmentSpan, c: int) -> str:
    first, end = one.stages[c].layers
    names = [case.saved.network.layers[l].name for l in (first, end - 1)]
    told = names[0] if end - first == 1 else f"{names[0]} to {names[1]}"
    return label(f"{c + 1}: {told}", 34)
