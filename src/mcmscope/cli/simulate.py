"""``simulate``: a schedule on the simulated package, beside the model's figures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mcmscope.cli.app import JsonFlag, ScheduleFile, print_json, told

PLACEMENTS = ("serpentine", "search")
GIVEN = "given"


def simulate(
    schedule: ScheduleFile,
    placement: Annotated[
        str | None,
        typer.Option(
            metavar="|".join(PLACEMENTS),
            help="Move the regions first: along the serpentine order, or where a search puts them.",
            show_default="as the file has them",
        ),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(
            "--out", "-o", metavar="DIR", help="Write simulation-SCHEME.json and links-SCHEME.svg here."
        ),
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Run a schedule file on a simulated package, and hold the model against it."""
    with told():
        from mcmscope.comparison import compare
        from mcmscope.files import check_directory, make_directory
        from mcmscope.options import Faults, one_of
        from mcmscope.report.comparison import comparison_to_dict
        from mcmscope.report.console import progress_line, warn
        from mcmscope.schedule_file import load_schedule

        faults = Faults()
        saved = faults.attempt(lambda: load_schedule(schedule))
        where = faults.attempt(
            lambda: GIVEN if placement is None else one_of("placement", placement, PLACEMENTS)
        )
        if out == "":
            faults.found.append("--out: expected a directory, got ''")
        elif out is not None:
            faults.attempt(lambda: check_directory(Path(out)))
        faults.throw()
        assert saved is not None
        assert where is not None
        if out is not None:
            make_directory(Path(out))
        warn(saved.network.warnings)
        with progress_line(f"{saved.network.name} on {saved.package.name}") as progress:
            found = compare(saved, where, progress.step if progress is not None else None)
        written = found.save(out) if out is not None else ()
        if json:
            print_json(comparison_to_dict(found))
        else:
            from mcmscope.report.show_comparison import print_comparison

            print_comparison(found, written)
