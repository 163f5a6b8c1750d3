"""``plot``: pictures of a result for papers and slides."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mcmscope.cli.app import told

VIEWS = ("schemes", "map", "pipeline", "stages", "roofline", "energy", "links", "rank", "front")
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
        str | None, typer.Option(metavar="NAME", help="The scheme to draw.", show_default="the best")
    ] = None,
    segment: Annotated[
        str | None,
        typer.Option(metavar="N", help="The segment of map and pipeline.", show_default="a long one"),
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
