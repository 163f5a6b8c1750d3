"""Fill reproduction.md and comparison.md: ``python docs/reproduction.py [OUT]``.

OUT is the directory of a whole ``mcmscope reproduce``: what the pages show of it is copied to
``docs/reproduction/`` first. Without it the pages are filled from what lies there.
"""

from __future__ import annotations

import csv
import json
import shutil
import sys
from pathlib import Path
from typing import Any

from mcmscope.files import write_text
from mcmscope.report.doc_blocks import block, filled, markdown_table
from mcmscope.report.reproduction.save import ABOUT, CLAIMS, DATA, FIGURES, TIMINGS
from mcmscope.report.reproduction.sections import claims_table, sections
from mcmscope.report.reproduction.view import Table
from mcmscope.reproduce.case import Cell, Row
from mcmscope.reproduce.claims import measured
from mcmscope.reproduce.data import Data

HERE = Path(__file__).parent
KEPT = HERE / "reproduction"
PAGES = (HERE / "reproduction.md", HERE / "comparison.md")
SHOWN = ("throughput", "batch", "scaling-throughput", "ablations")
"""Figures of the pages."""


def copy(out: Path) -> None:
    """Copy what the pages show of a run."""
    shutil.rmtree(KEPT, ignore_errors=True)
    KEPT.mkdir()
    for path in (*sorted((out / DATA).glob("*.csv")), out / DATA / ABOUT, out / TIMINGS):
        shutil.copy(path, KEPT)
    for name in SHOWN:
        shutil.copy(out / FIGURES / f"{name}.svg", KEPT)


def kept() -> tuple[Data, dict[str, Any]]:
    """The rows that lie in the docs, timings among them, and what they are of."""
    tables = {path.stem: rows_of(path) for path in sorted(KEPT.glob("*.csv")) if path.stem != CLAIMS}
    return Data(tables), json.loads((KEPT / ABOUT).read_text(encoding="utf-8"))


def rows_of(path: Path) -> list[Row]:
    """Rows of a CSV file as they were measured."""
    with path.open(encoding="utf-8", newline="") as file:
        return [{name: cell(text) for name, text in row.items()} for row in csv.DictReader(file)]


def cell(text: str) -> Cell:
    """The value that a cell of CSV stands for."""
    if text in ("", "True", "False"):
        return None if text == "" else text == "True"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def made() -> dict[tuple[str, str], str]:
    """All blocks."""
    data, about = kept()
    tables = [table for section in sections(data) for table in section.tables]
    rows = tuple((name, f"`{value}`") for name, value in about.items() if name != "experiments")
    tables += [claims_table(measured(data)), Table("about", "", ("of", ""), rows, 2)]
    return {
        ("table", table.name): block(markdown_table(table.headings, table.rows, table.words))
        for table in tables
    }


def main() -> None:
    """Copy a run, if one is named, and fill the pages."""
    for out in sys.argv[1:]:
        copy(Path(out))
    blocks = made()
    for page in PAGES:
        write_text(page, filled(page.read_text(encoding="utf-8"), blocks))


if __name__ == "__main__":
    main()
