"""``report``: a page to look at, from saved results."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mcmscope.cli.app import told


def report(
    results: Annotated[
        list[str],
        typer.Argument(
            metavar="RESULT.json|DIR...", help="What `run --out` wrote; several stand side by side."
        ),
    ],
    out: Annotated[
        str | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="The page.",
            show_default="report.html beside the first result",
        ),
    ] = None,
) -> None:
    """Make an HTML report of saved results: one file that needs no network."""
    with told():
        from mcmscope.errors import InputError
        from mcmscope.files import check_file, write_text
        from mcmscope.options import Faults
        from mcmscope.report.console import print_lines, warn
        from mcmscope.report.page.page import report_html
        from mcmscope.report.save import REPORT_FILE
        from mcmscope.report.views.saved import load_findings

        if out == "":
            raise InputError("--out: expected a file, got ''")
        faults = Faults()
        first = Path(results[0])
        target = Path(out) if out else (first if first.is_dir() else first.parent) / REPORT_FILE
        if out:
            faults.attempt(lambda: check_file(target))
        cases = [faults.attempt(lambda path=path: load_findings(path)) for path in results]
        faults.throw()
        if not out:  # beside the results, which were there to be read
            check_file(target)
        found = [case for case in cases if case is not None]
        for case in found:
            warn(case.notes)
        write_text(target, report_html(found))
        print_lines([f"Wrote {target}: open it in a browser."])
