"""A result on the terminal."""

from __future__ import annotations

from pathlib import Path
from shlex import quote

from mcmscope.report.console import console, print_lines
from mcmscope.report.save import NETWORK_FILE, REPORT_FILE, schedule_file_name
from mcmscope.report.sentences import sentences, title
from mcmscope.report.table import energy_line, scheme_table
from mcmscope.report.words import plural
from mcmscope.result import Result


def print_result(result: Result, written: tuple[Path, ...] = ()) -> None:
    """Title, table and sentences; then the files ``written``, the result last."""
    print_lines([*title(result.network, result.package, result.batch, result.objective), ""])
    out = console()
    out.print(scheme_table(result, out.width))
    print_lines(["", *sentences(result), *energy_line(result.best)])
    if written:
        others = plural(len(written) - 2, "schedule") if result.best else NETWORK_FILE
        print_lines(["", f"Wrote {written[-1]}, {REPORT_FILE} and {others} beside it."])
        name = schedule_file_name(result.best.scheme) if result.best else None
        best = [path for path in written if path.name == name]
        print_lines([f"More on the best: mcmscope explain {quote(str(path))}" for path in best])
