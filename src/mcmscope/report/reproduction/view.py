"""What is shown of an experiment, as plain data: tables of text, charts of numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from math import floor, log10

from mcmscope.reproduce.case import Row
from mcmscope.reproduce.data import number

NONE = "-"


class Kind(StrEnum):
    """How a chart shows its series."""

    BARS = "bars"
    STACKS = "stacks"
    LINES = "lines"


@dataclass(frozen=True, slots=True)
class Series:
    """Values at the panel's places (``BARS``, ``STACKS``) or at its own ``x`` (``LINES``); None: none."""

    name: str
    values: tuple[float | None, ...]
    x: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Panel:
    """One set of axes; ``places`` name the groups of bars. ``mark``: a level with its name."""

    title: str
    series: tuple[Series, ...]
    places: tuple[str, ...] = ()
    mark: tuple[float, str] | None = None


@dataclass(frozen=True, slots=True)
class Chart:
    """A figure of one or more panels that share their axes' meaning."""

    name: str
    title: str
    kind: Kind
    panels: tuple[Panel, ...]
    x_label: str
    y_label: str
    log_x: bool = False
    log_y: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text; the first ``words`` columns are words, those behind them figures."""

    name: str
    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: int = 1


@dataclass(frozen=True, slots=True)
class Section:
    """An experiment: what is shown of it."""

    title: str
    text: str
    tables: tuple[Table, ...] = ()
    charts: tuple[Chart, ...] = field(default=())


def times(value: float | None) -> str:
    """A ratio as a cell."""
    return NONE if value is None else f"{value:.2f}x"


def cell(value: float | None, digits: int = 3) -> str:
    """A figure as a cell, to so many significant digits."""
    if value is None:
        return NONE
    if value == 0:
        return "0"
    decimals = max(0, digits - 1 - floor(log10(abs(value))))
    return f"{value:,.{decimals}f}"


def share(value: float | None) -> str:
    """A share in percent as a cell."""
    return NONE if value is None else f"{100 * value:.1f}%"


def distinct(rows: list[Row], column: str) -> list[str]:
    """The values of a column, each once, in the order of the rows."""
    return list(dict.fromkeys(str(row[column]) for row in rows))


def sizes(rows: list[Row], column: str = "chiplets") -> list[int]:
    """The whole numbers of a column, sorted."""
    return sorted({int(value) for row in rows if isinstance(value := row[column], int)})


def figure(rows: list[Row], column: str) -> float | None:
    """A figure of the first row; None if there is no row, or none in it."""
    return number(rows[0], column) if rows else None
