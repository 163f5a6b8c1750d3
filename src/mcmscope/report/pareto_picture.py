"""A throughput-energy front as an SVG picture: the same bytes for the same data."""

from __future__ import annotations

from io import StringIO
from typing import Any, cast

from mcmscope.pareto import Pareto
from mcmscope.report.words import clean

# Okabe and Ito's colours, which colour-blind readers can tell apart; marks differ too.
_MARKS = {
    "exact": ("#0072B2", "o", "on the front, proven"),
    "supported": ("#0072B2", "o", "on the front's convex hull, proven"),
    "found": ("#D55E00", "^", "found; its gap is in the table"),
}


def picture(found: Pareto) -> str:
    """Energy per sample over throughput: a point per schedule, and the steps of what they reach."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    context = cast("Any", mpl.rc_context)  # pyright: ignore[reportUnknownMemberType]
    with context({"svg.hashsalt": "mcmscope", "svg.fonttype": "path", "font.size": 9}):
        figure: Any = Figure(figsize=(6.4, 4.2), layout="constrained")
        FigureCanvasSVG(figure)
        axes: Any = figure.add_subplot()
        # A schedule gives its throughput and any less: the steps fall to the left.
        speeds = [point.evaluation.throughput_per_s for point in found.points]
        energies = [1000 * point.evaluation.energy_j_per_sample for point in found.points]
        axes.plot(speeds, energies, color="#555555", linewidth=1, drawstyle="steps-post", zorder=1)
        for proof, (colour, mark, label) in _MARKS.items():
            at = [x for x, point in enumerate(found.points) if point.proof == proof]
            if at:
                axes.plot(
                    [speeds[x] for x in at],
                    [energies[x] for x in at],
                    mark,
                    color=colour,
                    markersize=5,
                    label=label,
                )
        axes.set_xlabel("throughput (samples/s)")
        axes.set_ylabel(
            f"energy per sample (mJ), profile {clean(found.package.energy.name)}".replace("$", r"\$")
        )
        title = f"{found.network.name} on {found.package.name}, batch {found.batch}, {found.scheme.value}"
        axes.set_title(clean(title).replace("$", r"\$"), fontsize=9)
        axes.grid(True, which="major", linewidth=0.4, color="#dddddd")
        if found.points:
            axes.legend(frameon=False)
        text = StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return text.getvalue()
