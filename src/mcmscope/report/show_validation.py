"""Validation on the terminal."""

from __future__ import annotations

from collections.abc import Mapping

from rich.text import Text

from mcmscope.report.console import console
from mcmscope.report.validation import sensitivity_table, validation_table
from mcmscope.validation.run import Effect, Row


def print_validation(rows: Mapping[str, tuple[Row, ...]], effects: Mapping[str, tuple[Effect, ...]]) -> None:
    """A table for each case, its notes below it, and how its figures hang on what was assumed."""
    out = console()
    for number, (name, of) in enumerate(rows.items()):
        case = of[0].case
        out.print(Text(f"{name}: {case.title}; presets {', '.join(case.packages)}", style="bold"))
        table, notes = validation_table(of)
        out.print(table)
        for note in notes:
            out.print(Text(note))
        if name in effects:
            out.print(Text("\nThe model's figures, in the order above, at half and twice each constant:"))
            out.print(sensitivity_table(of, effects[name]))
            for key, why in case.inert:
                out.print(Text(f"Not varied: {key} ({why})"))
        if number + 1 < len(rows):
            out.print()
