"""``reproduce``: run the paper's experiments, and say which of its claims hold."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mcmscope.cli.app import told

CLAIM_BROKEN = 1


def reproduce(
    out: Annotated[str, typer.Argument(metavar="OUT", help="Where everything is written, and resumed from.")],
    quick: Annotated[
        bool,
        typer.Option("--quick", help="A few small cases of each experiment: minutes instead of an hour."),
    ] = False,
    jobs: Annotated[
        str, typer.Option("--jobs", "-j", metavar="auto|J", help="Processes; auto: one for each core.")
    ] = "auto",
    experiment: Annotated[
        str, typer.Option(metavar="all|NAME,...", help="Some experiments only; an unknown name lists them.")
    ] = "all",
) -> None:
    """Run the paper's experiments again: data, figures, a report, and which claims hold.

    A run that was broken off goes on where it stopped. Exit code 1: a claim that held holds no more.
    """
    with told():
        from mcmscope.files import check_directory, make_directory
        from mcmscope.options import Faults
        from mcmscope.report.console import print_lines
        from mcmscope.report.reproduction.progress import case_progress
        from mcmscope.report.reproduction.save import save
        from mcmscope.report.reproduction.verdict import verdict_lines
        from mcmscope.reproduce.claims import broken, measured
        from mcmscope.reproduce.data import about, collected, timing_rows
        from mcmscope.reproduce.experiments import EXPERIMENTS, experiments_named
        from mcmscope.reproduce.run import jobs_of, run_cases
        from mcmscope.warm import compiled

        faults = Faults()
        names = faults.attempt(lambda: experiments_named(experiment))
        count = faults.attempt(lambda: jobs_of(jobs))
        if out == "":
            faults.found.append("OUT: expected a directory, got ''")
        else:
            faults.attempt(lambda: check_directory(Path(out)))
        faults.throw()
        assert names is not None
        assert count is not None
        directory = Path(out)
        make_directory(directory)
        cases = [case for name in names for case in EXPERIMENTS[name].cases(quick)]
        with compiled(), case_progress(cases) as tell:
            outcomes = run_cases(cases, directory, count, tell)
        data = collected(outcomes)
        found = measured(data)
        written = save(directory, data, timing_rows(cases, outcomes), found, about(quick, names))
        lost = broken(found, quick)
        print_lines([*verdict_lines(found, lost, quick), "", f"Wrote {', '.join(map(str, written))}."])
        if lost:
            raise typer.Exit(CLAIM_BROKEN)
