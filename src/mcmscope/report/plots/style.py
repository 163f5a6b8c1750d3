"""What all pictures share: colours, type sizes, and bytes that are the same for the same data.

Colours are Okabe and Ito's or shades of them, which colour-blind readers can tell apart; scales are cividis,
whose lightness changes in step. Neighbours differ in lightness, or have a hatch or a mark besides, so that
print without colours can be read.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from io import BytesIO
from textwrap import wrap
from typing import Any, cast

from mcmscope.report.words import clean

BLUE, ORANGE, GREEN, PINK, GOLD, SKY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"
INK, SOFT, LINE, PALE = "#222222", "#555555", "#dddddd", "#e4e8ec"
SCALE = "cividis_r"
"""Grows darker with the figure."""
TINTS = ("#cfe4f2", "#f7dfc2", "#cdeadf", "#f3d5e5", "#f6f2c4", "#dddddd")
"""Pale shades for neighbouring clusters, whose numbers say which is which."""
MARKS = ((BLUE, "o"), (ORANGE, "^"), (GREEN, "s"), (PINK, "D"))

WIDTH = 7.0
"""Inches: across the text of a page."""
_PNG_DPI = 200
_LETTERS_PER_INCH = 15
FORMATS = ("svg", "pdf", "png")
_NO_DATES: dict[str, dict[str, Any]] = {
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    "png": {"Software": None},
}

_SETTINGS: dict[str, Any] = {
    "svg.hashsalt": "mcmscope",
    "svg.fonttype": "path",
    "pdf.fonttype": 42,
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.titlesize": 8.5,
    "axes.linewidth": 0.6,
    "axes.edgecolor": SOFT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": LINE,
    "grid.linewidth": 0.5,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "text.color": INK,
    "axes.labelcolor": INK,
    "legend.frameon": False,
    "legend.fontsize": 7.5,
    "hatch.linewidth": 0.5,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}


@contextmanager
def styled() -> Generator[None]:
    """Draw in here."""
    import matplotlib as mpl

    context = cast("Any", mpl.rc_context)  # pyright: ignore[reportUnknownMemberType]
    # From matplotlib's own defaults: a user's settings would change the bytes.
    with context(mpl.rcParamsDefault.copy()), context(_SETTINGS):
        yield


def new_figure(height: float, width: float = WIDTH) -> Any:
    """An empty figure of so many inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def saved_bytes(figure: Any, form: str) -> bytes:
    """A figure as a file of one of ``FORMATS``."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    FigureCanvasAgg(figure)
    _settle(figure)
    out = BytesIO()
    figure.savefig(out, format=form, metadata=_NO_DATES[form], dpi=_PNG_DPI)
    if form != "svg":
        return out.getvalue()
    lines = out.getvalue().decode("utf-8").splitlines()
    return ("\n".join(line.rstrip() for line in lines) + "\n").encode("utf-8")


def _settle(figure: Any) -> None:
    """Lay the figure out, and keep the places, rounded.

    The solver behind the layout may find another last bit each time, which shows in the file.
    """
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for part in (figure, *figure.subfigs):
        if part is not figure:
            part.bbox_relative.set_points(part.bbox_relative.get_points().round(5))
        for text in part.texts:
            text.set_position([round(float(at), 5) for at in text.get_position()])
    for axes in figure.axes:
        axes.set_position([round(float(at), 5) for at in axes.get_position(original=True).bounds])


def svg(make: Callable[[], Any]) -> str:
    """The figure that ``make`` draws, as SVG."""
    with styled():
        return saved_bytes(make(), "svg").decode("utf-8")


def label(text: str, most: int = 80) -> str:
    """Text of a file as it is, never as mathematics; long text is cut."""
    shown = clean(text)
    shown = shown if len(shown) <= most else shown[: most - 3] + "..."
    return shown.replace("$", r"\$")


def title(figure: Any, *lines: str) -> None:
    """Above all panels, at the left, folded to the width."""
    across = int(_LETTERS_PER_INCH * figure.get_figwidth())
    text = "\n".join(part for line in lines for part in wrap(label(line, 200), across))
    figure.suptitle(text, x=0.01, ha="left", fontsize=8.5)


def no_axes(axes: Any) -> None:
    """A drawing rather than a diagram."""
    axes.set_axis_off()
    axes.set_aspect("equal")


def spread_labels(places: Sequence[float], gap: float) -> list[int]:
    """Indices of labels that can be shown without touching: at least ``gap`` from each other."""
    shown: list[int] = []
    for index, place in enumerate(places):
        if not shown or place - places[shown[-1]] >= gap:
            shown.append(index)
    return shown
