"""The files of a reproduction: data, timings, figures, one page."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path

from mcmscope.files import json_text, write_bytes, write_text
from mcmscope.report.reproduction.draw import pictures
from mcmscope.report.reproduction.page import page
from mcmscope.report.reproduction.sections import claims_table, sections
from mcmscope.reproduce.case import Row
from mcmscope.reproduce.claims import Measured
from mcmscope.reproduce.data import Data, csv_text

DATA, FIGURES, REPORT, TIMINGS, CLAIMS, ABOUT = (
    "data",
    "figures",
    "report.html",
    "timings.csv",
    "claims",
    "about.json",
)


def save(
    directory: Path,
    data: Data,
    timings: Sequence[Row],
    found: Mapping[str, Measured | None],
    about: Mapping[str, object],
) -> tuple[Path, ...]:
    """Write everything; returns the files for people to open.

    Files under ``data`` are the same bytes for the same code. Timings are in a file of their own.

    Raises:
        InputError: a file cannot be written.
    """
    claims = claims_table(found)
    verdicts: list[Row] = [
        {"claim": name, "measured": one.told if one else None, "holds": one.holds if one else None}
        for name, one in found.items()
    ]
    for name, rows in {**data.tables, CLAIMS: verdicts}.items():
        write_text(directory / DATA / f"{name}.csv", csv_text(rows))
        write_text(directory / DATA / f"{name}.json", json_text(rows))
    write_text(directory / DATA / ABOUT, json_text(dict(about)))
    write_text(directory / TIMINGS, csv_text(timings))
    shown = sections(Data({**data.tables, "timings": list(timings)}))
    drawn = {chart.name: pictures(chart) for section in shown for chart in section.charts}
    for name, (svg, png) in drawn.items():
        write_text(directory / FIGURES / f"{name}.svg", svg)
        write_bytes(directory / FIGURES / f"{name}.png", png)
    facts = {name: str(value) for name, value in about.items()} | {"machine (for seconds)": machine()}
    vector = {name: svg for name, (svg, _) in drawn.items()}
    write_text(directory / REPORT, page("The paper's experiments, run again", facts, claims, shown, vector))
    return directory / REPORT, directory / DATA, directory / FIGURES, directory / TIMINGS


def machine() -> str:
    """What the seconds were measured on."""
    return f"{platform.machine()}, {os.cpu_count()} logical CPUs, Python {platform.python_version()}"
