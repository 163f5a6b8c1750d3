"""Charts as pictures: SVG, the same bytes for the same data, and PNG."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO, StringIO
from math import ceil
from typing import Any, cast

from mcmscope.report.reproduction.view import Chart, Kind, Panel
from mcmscope.schedule import Scheme

_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7", "#000000", "#999999", "#F0E442")
"""Okabe and Ito's, which colour-blind readers can tell apart; marks and hatches differ too."""
_MARKS = ("o", "s", "^", "D", "v", "P", "X", "*")
_HATCHES = ("", "///", "...", "\\\\\\", "xxx", "---", "+++", "ooo")
_PROVEN = f"{Scheme.MERGED_PIPELINE}, exact"
_SCHEMES = frozenset((*Scheme, _PROVEN))
_PNG_DPI = 150
_LEGEND_COLUMNS = 4
_MOST_BARS = 24
"""Bars of a panel that has half the width."""


def pictures(chart: Chart) -> tuple[str, bytes]:
    """The chart as SVG and as PNG."""
    text, data = StringIO(), BytesIO()
    with _style():
        figure = _figure(chart)
        figure.draw_without_rendering()  # lays it out, which takes longest, once for both
        figure.set_layout_engine("none")
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
        figure.savefig(data, format="png", dpi=_PNG_DPI, metadata={"Software": None})
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines()) + "\n", data.getvalue()


def _style() -> Any:
    import matplotlib as mpl

    context = cast("Any", mpl.rc_context)  # pyright: ignore[reportUnknownMemberType]
    return context(
        {"svg.hashsalt": "mcmscope", "svg.fonttype": "path", "font.size": 8, "hatch.linewidth": 0.5}
    )


def _figure(chart: Chart) -> Any:
    """Panels below each other if their places are many, else two a row; one legend."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    abreast = 1 if chart.kind is Kind.STACKS else max((len(p.series) for p in chart.panels), default=1)
    wide = max((len(panel.places) for panel in chart.panels), default=0) * abreast > _MOST_BARS
    columns = 1 if wide or len(chart.panels) == 1 else 2
    rows = max(1, ceil(len(chart.panels) / columns))
    figure: Any = Figure(figsize=(9.0, 0.7 + 2.6 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(_plain(chart.title), fontsize=10)
    names = list(dict.fromkeys(series.name for panel in chart.panels for series in panel.series))
    if _SCHEMES.issuperset(names):
        names = list(Scheme)  # a scheme looks the same in every chart
    handles: dict[str, Any] = {}
    for index, panel in enumerate(chart.panels):
        axes: Any = figure.add_subplot(rows, columns, index + 1)
        paint = _lines if chart.kind is Kind.LINES else _bars
        handles |= paint(axes, chart, panel, names)
        axes.set_title(_plain(panel.title), fontsize=9)
        axes.set_ylabel(chart.y_label)
        axes.grid(True, axis="y", linewidth=0.4, color="#dddddd")
        axes.set_axisbelow(True)
        if panel.mark is not None:
            axes.axhline(panel.mark[0], color="#555555", linewidth=0.8, linestyle="--")
            axes.annotate(
                _plain(panel.mark[1]),
                (1, panel.mark[0]),
                xycoords=("axes fraction", "data"),
                fontsize=6,
                ha="right",
                va="bottom",
            )
    if handles:
        figure.legend(
            list(handles.values()),
            [_plain(name) for name in handles],
            loc="outside lower center",
            ncols=_LEGEND_COLUMNS,
            frameon=False,
            fontsize=7,
        )
    return figure


def _style_of(name: str, names: Sequence[str]) -> int:
    """The number of a series' colour, hatch and mark; those that no list has come last."""
    return names.index(name) if name in names else len(names)


def _bars(axes: Any, chart: Chart, panel: Panel, names: Sequence[str]) -> dict[str, Any]:
    """Groups of bars side by side, or one bar a place with its parts on each other."""
    handles: dict[str, Any] = {}
    stacked = chart.kind is Kind.STACKS
    width = 0.7 if stacked else 0.8 / max(1, len(panel.series))
    base = [0.0] * len(panel.places)
    for index, series in enumerate(panel.series):
        style = _style_of(series.name, names)
        values = [value or 0.0 for value in series.values]
        shift = 0.0 if stacked else (index - (len(panel.series) - 1) / 2) * width
        handles[series.name] = axes.bar(
            [place + shift for place in range(len(panel.places))],
            values,
            width,
            bottom=base if stacked else None,
            color=_COLOURS[style % len(_COLOURS)],
            hatch=_HATCHES[style % len(_HATCHES)],
            edgecolor="white",
            linewidth=0.3,
        )
        if stacked:
            base = [low + value for low, value in zip(base, values, strict=True)]
    axes.set_xticks(
        range(len(panel.places)), [_plain(place) for place in panel.places], rotation=20, ha="right"
    )
    if chart.log_y:
        axes.set_yscale("log")
    return handles


def _lines(axes: Any, chart: Chart, panel: Panel, names: Sequence[str]) -> dict[str, Any]:
    """Points joined by lines."""
    handles: dict[str, Any] = {}
    for series in panel.series:
        style = _style_of(series.name, names)
        points = [(x, value) for x, value in zip(series.x, series.values, strict=True) if value is not None]
        handles[series.name] = axes.plot(
            [x for x, _ in points],
            [y for _, y in points],
            color=_COLOURS[style % len(_COLOURS)],
            marker=_MARKS[style % len(_MARKS)] if len(points) < 24 else None,
            linestyle=("-", "--", ":")[style // len(_COLOURS) % 3],
            markersize=3,
            linewidth=1,
        )[0]
    if chart.log_x:
        axes.set_xscale("log", base=2 if _powers_of_two(panel) else 10)
    if chart.log_y:
        axes.set_yscale("log")
    else:
        axes.set_ylim(bottom=0)
    axes.set_xlabel(chart.x_label)
    return handles


def _powers_of_two(panel: Panel) -> bool:
    """Whether the places read best as powers of two."""
    return all(x >= 0.125 for series in panel.series for x in series.x)


def _plain(text: str) -> str:
    """Text in which no character asks for mathematics."""
    return text.replace("$", r"\$")
