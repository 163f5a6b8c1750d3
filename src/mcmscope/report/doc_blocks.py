"""Tables of a page between markers, so that it shows what the tool computes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

_BLOCK = re.compile(r"(<!-- (table|sensitivity) ([\w-]+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def blocks(text: str) -> dict[tuple[str, str], str]:
    """What stands between the markers of a page, by kind (``table``, ``sensitivity``) and name."""
    return {(found[2], found[3]): found[4] for found in _BLOCK.finditer(text)}


def block(lines: Iterable[str]) -> str:
    """Lines as they stand between markers."""
    return "\n" + "\n".join(lines) + "\n\n"


def filled(text: str, made: Mapping[tuple[str, str], str]) -> str:
    """A page with its blocks replaced by those of ``made``; others stay."""
    return _BLOCK.sub(lambda found: found[1] + made.get((found[2], found[3]), found[4]) + found[5], text)


def markdown_table(
    headings: Sequence[str], rows: Iterable[Sequence[str]], words: int | None = None
) -> list[str]:
    """Lines of a table; the first ``words`` columns (None: all) hold text, those behind them figures."""
    text = len(headings) if words is None else words
    rule = ["---"] * text + ["---:"] * (len(headings) - text)
    return [_row(headings), _row(rule), *(_row([_cell(cell) for cell in row]) for row in rows)]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
