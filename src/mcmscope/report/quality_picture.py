"""The rank curve as an SVG picture: the same bytes for the same data."""

from __future__ import annotations

from io import StringIO
from typing import Any, cast

from mcmscope.quality import Quality
from mcmscope.report.words import clean
from mcmscope.schedule import Objective

# Okabe and Ito's colours, which colour-blind readers can tell apart; marks differ too.
_CURVE = "#555555"
_MARKS = (("#0072B2", "o"), ("#D55E00", "^"), ("#009E73", "s"), ("#CC79A7", "D"))

_AXES = {
    Objective.THROUGHPUT: ("throughput (samples/s)", 1e12),
    Objective.LATENCY: ("latency of one sample (ms)", 1e-9),
    Objective.ENERGY: ("energy per sample (mJ)", 1e-12),
    Objective.EDP: ("energy-delay product of the batch (mJ ms)", 1e-24),
}


def shown(objective: Objective, batch: int, cost: int) -> float:
    """A cost in the unit of its axis."""
    unit = _AXES[objective][1]
    if objective is Objective.THROUGHPUT:
        return batch * unit / cost
    return cost * unit / (batch if objective is Objective.ENERGY else 1)


def picture(found: Quality) -> str:
    """Figure over the share of schedules that reach it, both logarithmic, with a mark for every search."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    context = cast("Any", mpl.rc_context)  # pyright: ignore[reportUnknownMemberType]
    with context({"svg.hashsalt": "mcmscope", "svg.fonttype": "path", "font.size": 9}):
        figure: Any = Figure(figsize=(6.4, 4.2), layout="constrained")
        FigureCanvasSVG(figure)
        axes: Any = figure.add_subplot()
        shares = [share for share, _ in found.curve]
        values = [shown(found.objective, found.batch, cost) for _, cost in found.curve]
        what = "all schedules" if found.exhaustive else "schedules drawn"
        axes.plot(shares, values, color=_CURVE, linewidth=1.5, drawstyle="steps-post", label=what)
        least = 0.3 / max(1, found.counted)
        for at, row in enumerate(found.standings):
            if row.cost is None or row.better is None or row.equal is None:
                continue
            colour, mark = _MARKS[at % len(_MARKS)]
            share = max(least, (row.better + row.equal) / max(1, found.counted))
            value = shown(found.objective, found.batch, row.cost)
            axes.plot([share], [value], mark, color=colour, markersize=8 - at, label=row.search)
        if found.optimum_cost is not None:
            value = shown(found.objective, found.batch, found.optimum_cost)
            axes.axhline(value, color="#E69F00", linewidth=1, linestyle="--", label="optimum")
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel(
            "share of all schedules that are as good or better"
            if found.exhaustive
            else "share of the schedules drawn that are as good or better"
        )
        axes.set_ylabel(_AXES[found.objective][0])
        title = f"{found.network.name} on {found.package.name}, batch {found.batch}, {found.scheme.value}"
        axes.set_title(clean(title).replace("$", r"\$"), fontsize=9)
        axes.grid(True, which="major", linewidth=0.4, color="#dddddd")
        axes.legend(frameon=False)
        text = StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return text.getvalue()
