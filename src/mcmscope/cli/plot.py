"""``plot``: pictures of a result for papers and slides."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mcmscope.cli.app import told

VIEWS = ("schemes", "map", "pipeline", "stages", "roofline", "energy", "links", "rank", "front")
OF_A_SCHEME = ("map", "pipeline", "stages", "roofline", "links")
OF_A_SEGMENT = ("map", "pipeline")
FORMATS = ("svg", "pdf", "png")


def plot(
    result: Annotated[
        str,
        typer.Argument(metavar="RESULT.json|DIR", help="What `run --out` wrote: its folder or result.json."),
    ],
    view: Annotated[str, typer.Option(metavar="NAME", help=f"What to draw: {', '.join(VIEWS)}.")] = "schemes",
    out: Annotated[
        str | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help=f"Where to draw it; the ending says how: {', '.join(FORMATS)}.",
            show_default="VIEW.svg",
        ),
    ] = None,
    scheme: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help=f"The scheme of {', '.join(OF_A_SCHEME)}.", show_default="the best"
        ),
    ] = None,
    segment: Annotated[
        str | None,
        typer.Option(
            metavar="N", help=f"The segment of {' and '.join(OF_A_SEGMENT)}.", show_default="a long one"
        ),
    ] = None,
) -> None:
    """Draw a view of a result as a picture."""
    with told():
        from mcmscope.files import check_file, write_bytes
        from mcmscope.options import Faults, one_of
        from mcmscope.report.console import print_lines, warn
        from mcmscope.report.plots.case import plot_case
        from mcmscope.report.views.saved import load_findings

        faults = Faults()
        what = faults.attempt(lambda: one_of("view", view, VIEWS))
        if what is not None:
            faults.found.extend(_unused(what, scheme, segment))
        place = Path(f"{what or 'picture'}.svg" if out is None else out)
        form = faults.attempt(lambda: _format(out, place))
        if form is not None:
            faults.attempt(lambda: check_file(place))
        findings = faults.attempt(lambda: load_findings(result))
        case = None
        if findings is not None:
            case = faults.attempt(lambda: plot_case(findings, scheme, segment))
        faults.throw()
        assert what is not None
        assert form is not None
        assert findings is not None
        assert case is not None
        warn(findings.notes)
        from mcmscope.report.plots.plot import draw

        write_bytes(place, draw(case, what, form))
        print_lines([f"Wrote {place}."])


def _unused(view: str, scheme: str | None, segment: str | None) -> list[str]:
    """Options that say nothing of this view."""
    return [
        f"--{name}: {view} does not show one {name}: leave it out, or draw {', '.join(views)}"
        for name, given, views in (("scheme", scheme, OF_A_SCHEME), ("segment", segment, OF_A_SEGMENT))
        if given is not None and view not in views
    ]


def _format(out: str | None, place: Path) -> str:
    """What the ending of the file's name says.

    Raises:
        InputError: it says nothing that can be drawn.
    """
    from mcmscope.errors import InputError

    if out == "":
        raise InputError("--out: expected a file, got ''")
    form = place.suffix.lower().removeprefix(".")
    if form not in FORMATS:
        raise InputError(f"--out: {place}: expected a name that ends in .{', .'.join(FORMATS)}")
    return form
