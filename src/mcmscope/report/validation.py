"""Validation as a table on the terminal, as Markdown for the documentation, and as data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from mcmscope.report.words import ratio, significant
from mcmscope.validation.case import Case
from mcmscope.validation.run import Effect, Row

VALIDATION_FORMAT = "mcmscope-validation"
VERSION = 1

HEADINGS = ("figure", "published", "model", "ratio", "could be", "simulator", "ratio", "notes")
_NONE = "-"
_WORDS = 2
"""The first and the last column are words, those between are figures."""


def cells(row: Row, notes: list[str]) -> tuple[str, ...]:
    """A figure's row, in the order of the headings; ``notes`` takes in what is told below the table."""
    figure, published = row.figure, row.figure.published
    low, high = published.low, published.high
    told = [published.source]
    told += [f"fitted: {figure.fitted}"] if figure.fitted else []
    told += [figure.why] if figure.why else []
    marks: list[str] = []
    for note in told:
        if note not in notes:
            notes.append(note)
        marks.append(str(notes.index(note) + 1))
    return (
        f"{figure.name} ({figure.unit})",
        significant(low) if low == high else f"{significant(low)} to {significant(high)}",
        significant(row.model),
        ratio(row.ratio),
        f"{significant(row.bounds[0])} to {significant(row.bounds[1])}" if row.bounds else _NONE,
        significant(row.simulated) if row.simulated is not None else _NONE,
        ratio(row.simulated_ratio) if row.simulated_ratio is not None else _NONE,
        " ".join(marks),
    )


def validation_table(rows: tuple[Row, ...]) -> tuple[Table, list[str]]:
    """A case's figures, one a row, and the notes that they refer to by number."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for at, heading in enumerate(HEADINGS):
        words = at in (0, len(HEADINGS) - 1)
        table.add_column(Text(heading), justify="left" if words else "right", no_wrap=at > 0)
    notes: list[str] = []
    for row in rows:
        table.add_row(*(Text(cell) for cell in cells(row, notes)))
    return table, numbered(notes)


def numbered(notes: list[str]) -> list[str]:
    """Notes behind their numbers."""
    return [f"{number}. {note}" for number, note in enumerate(notes, 1)]


def validation_markdown(rows: tuple[Row, ...]) -> list[str]:
    """The table and its notes as lines of Markdown."""
    notes: list[str] = []
    lines = [_markdown_row(cells(row, notes)) for row in rows]
    return [*_markdown_head(HEADINGS, _WORDS), *lines, "", *numbered(notes)]


def sensitivity_table(rows: tuple[Row, ...], effects: tuple[Effect, ...]) -> Table:
    """A constant a row at half and at twice, a figure a column: the model's figure over its own before."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    table.add_column(Text("constant"))
    table.add_column(Text("times"), justify="right")
    for number in range(1, len(rows) + 1):
        table.add_column(Text(str(number)), justify="right", no_wrap=True)
    for effect in effects:
        table.add_row(*(Text(cell) for cell in _effect_cells(effect)))
    return table


def sensitivity_markdown(rows: tuple[Row, ...], effects: tuple[Effect, ...]) -> list[str]:
    """``sensitivity_table`` as lines of Markdown; figures by their number in the case's table."""
    heads = ("constant", "times", *(str(number) for number in range(1, len(rows) + 1)))
    return [*_markdown_head(heads, 1), *(_markdown_row(_effect_cells(effect)) for effect in effects)]


def _effect_cells(effect: Effect) -> tuple[str, ...]:
    changes = (_NONE if change is None else f"{change:.2f}" for change in effect.changes)
    return effect.knob.name, f"{effect.factor:g}", *changes


def _markdown_head(headings: tuple[str, ...], words: int) -> list[str]:
    rule = ["---", *["---:"] * (len(headings) - words), *["---"] * (words - 1)]
    return [_markdown_row(headings), _markdown_row(tuple(rule))]


def _markdown_row(told: tuple[str, ...]) -> str:
    return f"| {' | '.join(told)} |"


def validation_to_dict(
    rows: Mapping[str, tuple[Row, ...]], effects: Mapping[str, tuple[Effect, ...]]
) -> dict[str, Any]:
    """The content of ``validation.json``: cases by name with their rows, and effects if there are any."""
    return {
        "format": VALIDATION_FORMAT,
        "version": VERSION,
        "cases": [_case_to_dict(of[0].case, of, effects.get(name)) for name, of in rows.items()],
    }


def _case_to_dict(case: Case, rows: tuple[Row, ...], effects: tuple[Effect, ...] | None) -> dict[str, Any]:
    data: dict[str, Any] = {
        "name": case.name,
        "title": case.title,
        "packages": list(case.packages),
        "figures": [_row_to_dict(row) for row in rows],
    }
    if effects is not None:
        data["not_varied"] = dict(case.inert)
        data["sensitivity"] = [
            {
                "constant": effect.knob.name,
                "keys": dict(effect.knob.powers),
                "times": effect.factor,
                "model_over_model": list(effect.changes),
            }
            for effect in effects
        ]
    return data


def _row_to_dict(row: Row) -> dict[str, Any]:
    figure, published = row.figure, row.figure.published
    return {
        "name": figure.name,
        "unit": figure.unit,
        "published": [published.low, published.high],
        "source": published.source,
        "model": row.model,
        "model_over_published": row.ratio,
        "model_bounds": list(row.bounds) if row.bounds is not None else None,
        "simulated": row.simulated,
        "simulated_over_published": row.simulated_ratio,
        "fitted": figure.fitted or None,
        "why": figure.why or None,
    }
