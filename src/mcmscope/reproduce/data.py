"""All rows of a run by table, and what its figures are of."""

from __future__ import annotations

import csv
import io
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mcmscope import __version__
from mcmscope.reproduce.case import Case, Cell, Outcome, Row, code_digest


@dataclass(frozen=True)
class Data:
    """The tables of a run: rows in the order of their cases."""

    tables: dict[str, list[Row]]

    def rows(self, table: str, **values: Cell) -> list[Row]:
        """Rows of a table whose columns have these values; none if it was not measured."""
        rows = self.tables.get(table, [])
        return [row for row in rows if all(row.get(name) == value for name, value in values.items())]

    def row(self, table: str, **values: Cell) -> Row | None:
        """The first of ``rows``, if there is one."""
        return next(iter(self.rows(table, **values)), None)


def collected(outcomes: Iterable[Outcome]) -> Data:
    """The rows of all outcomes."""
    tables: dict[str, list[Row]] = {}
    for outcome in outcomes:
        for name, rows in outcome.rows.items():
            tables.setdefault(name, []).extend(rows)
    return Data(tables)


def number(row: Row | None, column: str) -> float | None:
    """A figure of a row; None if there is no row, or none in it."""
    value = row.get(column) if row is not None else None
    return float(value) if isinstance(value, int | float) else None


def csv_text(rows: Sequence[Row]) -> str:
    """Rows under all columns that any of them has, in the order in which they come up."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def timing_rows(cases: Sequence[Case], outcomes: Sequence[Outcome]) -> list[Row]:
    """Seconds of every part of every case."""
    rows: list[Row] = []
    for case, outcome in zip(cases, outcomes, strict=True):
        own: Row = {
            "experiment": case.experiment,
            "network": case.network,
            "package": case.package,
            "batch": case.batch,
            "variant": case.variant,
            "turned": ", ".join(f"{knob} {value}" for knob, value in case.turned),
        }
        rows += [own | {"part": part, "seconds": seconds} for part, seconds in outcome.seconds.items()]
    return rows


def about(quick: bool, experiments: Sequence[str]) -> dict[str, object]:
    """What the data are of: the same for the same code."""
    return {
        "mcmscope": __version__,
        "code": code_digest(),
        "commit": commit(),
        "command": "mcmscope reproduce OUT" + (" --quick" if quick else ""),
        "experiments": list(experiments),
    }


def commit() -> str | None:
    """The commit of the checkout that this code lies in, if it does; with a mark if files differ from it."""
    root = Path(__file__).parents[1]

    def git(*words: str) -> str:
        command = ["git", "-C", str(root), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        # Installed inside a checkout of something else, it is no file of that.
        git("ls-files", "--error-unmatch", str(Path(__file__)))
        head, changed = git("rev-parse", "--short=12", "HEAD"), git("status", "--porcelain", "--", ".")
    except (OSError, subprocess.CalledProcessError):
        return None
    return head + (" and changes" if changed else "")
