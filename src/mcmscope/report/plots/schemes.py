"""All schemes side by side: throughput with its bound, the latency of one sample, energy."""

from __future__ import annotations

from typing import Any

from mcmscope.report.plots.case import PlotCase
from mcmscope.report.plots.style import BLUE, INK, ORANGE, SKY, SOFT, new_figure, title
from mcmscope.report.views.summary import SummaryRow, answer, summary_rows
from mcmscope.report.words import ratio, significant


def schemes_figure(case: PlotCase) -> Any:
    """A row of bars per scheme; the best by the run's objective is darker."""
    from matplotlib.ticker import StrMethodFormatter

    result = case.findings.result
    rows = summary_rows(result)[::-1]
    figure = new_figure(1.2 + 0.34 * len(rows))
    fast, soon, thrifty = figure.subplots(1, 3, sharey=True, width_ratios=(1.7, 1, 1))
    _bars(fast, rows, [row.throughput_per_s for row in rows])
    steady = [(row.steady_throughput_per_s, at) for at, row in enumerate(rows) if row.steady_throughput_per_s]
    fast.plot(*zip(*steady, strict=True), "|", color=INK, markersize=9, label="steady state")
    bound = case.evaluation.bound_throughput_per_s
    fast.axvline(
        bound, color=ORANGE, linewidth=1, linestyle="--", label="no schedule is faster at this batch"
    )
    right = 1.04 * max(bound, *(value for value, _ in steady))
    fast.set_xlim(0, right)
    fast.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    fast.set_yticks(range(len(rows)), [row.scheme for row in rows])
    fast.set_xlabel("samples per second")
    for at, row in enumerate(rows):
        _tell_speed(fast, at, row, right)
    _bars(soon, rows, [_milli(row.latency_s) for row in rows])
    soon.set_xlabel("one sample (ms)")
    _bars(thrifty, rows, [_milli(row.energy_j_per_sample) for row in rows])
    thrifty.set_xlabel("energy per sample (mJ)")
    for axes, key in ((soon, "latency_s"), (thrifty, "energy_j_per_sample")):
        for at, row in enumerate(rows):
            value = _milli(getattr(row, key))
            if value is not None:
                _tell(axes, 0, at, significant(value), _on(row))
    figure.legend(loc="outside lower left", ncols=2)
    title(figure, f"Batch {result.batch}: {answer(result)}")
    return figure


def _tell_speed(axes: Any, at: int, row: SummaryRow, right: float) -> None:
    """Throughput and the headline ratio, in the bar where there is room, else behind it."""
    if row.throughput_per_s is None:
        _tell(axes, 0, at, "does not fit", SOFT)
        return
    told = significant(row.throughput_per_s)
    if row.speedup_over_segmented is not None:
        told += f" ({ratio(row.speedup_over_segmented)})"
    if row.throughput_per_s > 0.42 * right:
        _tell(axes, 0, at, told, _on(row))
    else:
        _tell(axes, max(row.throughput_per_s, row.steady_throughput_per_s or 0.0), at, told, INK)


def _tell(axes: Any, x: float, y: int, text: str, colour: str) -> None:
    axes.annotate(
        text,
        (x, y),
        textcoords="offset points",
        xytext=(4, 0),
        va="center_baseline",
        fontsize=7,
        color=colour,
    )


def _on(row: SummaryRow) -> str:
    """A colour that can be read on the row's bar."""
    return "white" if row.best else INK


def _milli(value: float | None) -> float | None:
    return None if value is None else 1000 * value


def _bars(axes: Any, rows: tuple[SummaryRow, ...], values: list[float | None]) -> None:
    colours = [BLUE if row.best else SKY for row in rows]
    axes.barh(range(len(rows)), [value or 0.0 for value in values], color=colours, height=0.72)
    axes.grid(True, axis="x")
    axes.tick_params(left=False)
    axes.margins(y=0.02)
