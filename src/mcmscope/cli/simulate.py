"""``simulate``: a schedule on the simulated package, beside the model's figures."""

from __future__ import annotations

from typing import Annotated

import typer

from mcmscope.cli.app import print_json, told
from mcmscope.cli.inputs import out_directory
from mcmscope.cli.options import JsonFlag, ScheduleFile, directory_option

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
    out: Annotated[str | None, directory_option("simulation-SCHEME.json and links-SCHEME.svg")] = None,
    json: JsonFlag = False,
) -> None:
    """Run a schedule file on a simulated package, and hold the model against it."""
    with told():
        from mcmscope.comparison import compare
        from mcmscope.files import make_directory
        from mcmscope.options import Faults, one_of
        from mcmscope.report.comparison import comparison_to_dict
        from mcmscope.report.console import progress_line, warn
        from mcmscope.schedule_file import load_schedule

        faults = Faults()
        saved = faults.attempt(lambda: load_schedule(schedule))
        where = faults.attempt(
            lambda: GIVEN if placement is None else one_of("placement", placement, PLACEMENTS)
        )
        directory = faults.attempt(lambda: out_directory(out))
        faults.throw()
        assert saved is not None
        assert where is not None
        if directory is not None:
            make_directory(directory)
        warn(saved.network.warnings)
        with progress_line(f"{saved.network.name} on {saved.package.name}") as progress:
            found = compare(saved, where, progress.step if progress is not None else None)
        written = found.save(directory) if directory is not None else ()
        if json:
            print_json(comparison_to_dict(found))
        else:
            from mcmscope.report.show_comparison import print_comparison

            print_comparison(found, written)
