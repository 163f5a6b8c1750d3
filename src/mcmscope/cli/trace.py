"""``trace``: the whole network over time, for a trace viewer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mcmscope.cli.app import told
from mcmscope.cli.options import ScheduleFile
from mcmscope.errors import InputError

ALL = "all"
MOST_BEATS = 1_000_000
"""More than a batch has."""


def trace(
    schedule: ScheduleFile,
    out: Annotated[
        str, typer.Option("--out", "-o", metavar="FILE", help="Where to write the trace.")
    ] = "trace.json",
    simulated: Annotated[
        bool, typer.Option("--simulate", help="Of the simulated package, not of the model.")
    ] = False,
    beats: Annotated[
        str,
        typer.Option(
            metavar="auto|all|N",
            help="Show the first and the last N beats of each segment; auto: all unless they are very many.",
        ),
    ] = "auto",
) -> None:
    """Write a schedule over time as a trace that ui.perfetto.dev and chrome://tracing show."""
    with told():
        from mcmscope.files import check_file, write_text
        from mcmscope.options import AUTO, Faults
        from mcmscope.report.console import print_lines, progress_line, warn
        from mcmscope.report.trace.events import trace_text
        from mcmscope.report.trace.trace import trace_of
        from mcmscope.schedule_file import load_schedule

        faults = Faults()
        saved = faults.attempt(lambda: load_schedule(schedule))
        ends = faults.attempt(lambda: None if beats.strip().lower() == AUTO else read_beats(beats))
        if out == "":
            faults.found.append("--out: expected a file, got ''")
        elif Path(out).resolve() == Path(schedule).resolve():
            faults.found.append(f"--out: {out} is the schedule itself: name another file")
        else:
            faults.attempt(lambda: check_file(Path(out)))
        faults.throw()
        assert saved is not None
        warn(saved.network.warnings)
        with progress_line(f"{saved.network.name} on {saved.package.name}") as progress:
            if progress is not None:
                progress.step("simulating" if simulated else "pricing")
            found = trace_of(saved, simulated=simulated, ends=ends)
            if progress is not None:
                progress.step("writing")
            write_text(Path(out), trace_text(found))
        lines = [f"Wrote {out}. Open it at https://ui.perfetto.dev or chrome://tracing."]
        if found.left_out:
            lines.append("Left out in the middle; totals and counters are whole, and --beats all shows all:")
            lines += [f"  {what}" for what in found.left_out]
        print_lines(lines)


def read_beats(text: str) -> int:
    """How many beats to show at each end of a segment; ``all`` is more than there are.

    Raises:
        InputError: it is neither ``all`` nor a number.
    """
    from mcmscope.options import short, whole_number

    if text.strip().lower() == ALL:
        return MOST_BEATS
    try:
        return whole_number("--beats", text, MOST_BEATS)
    except InputError:
        raise InputError(
            f"--beats: expected auto, all or a whole number from 1 to {MOST_BEATS}, got {short(text)}"
        ) from None
