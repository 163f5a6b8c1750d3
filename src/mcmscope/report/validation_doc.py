"""The tables of ``docs/validation.md``, between markers, so that a page shows what the tool computes."""

from __future__ import annotations

import re
from collections.abc import Mapping

from mcmscope.report.validation import sensitivity_markdown, validation_markdown
from mcmscope.validation.run import Effect, Row

_BLOCK = re.compile(r"(<!-- (table|sensitivity) ([\w-]+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def blocks(text: str) -> dict[tuple[str, str], str]:
    """What stands between the markers of a page, by kind (``table``, ``sensitivity``) and case."""
    return {(found[2], found[3]): found[4] for found in _BLOCK.finditer(text)}


def made_blocks(
    rows: Mapping[str, tuple[Row, ...]], effects: Mapping[str, tuple[Effect, ...]]
) -> dict[tuple[str, str], str]:
    """The blocks of these cases."""
    made = {("table", name): _block(validation_markdown(of)) for name, of in rows.items()}
    for name, turned in effects.items():
        made["sensitivity", name] = _block(sensitivity_markdown(rows[name], turned))
    return made


def _block(lines: list[str]) -> str:
    return "\n" + "\n".join(lines) + "\n\n"


def filled(text: str, made: Mapping[tuple[str, str], str]) -> str:
    """A page with its blocks replaced by those of ``made``; others stay."""
    return _BLOCK.sub(lambda found: found[1] + made.get((found[2], found[3]), found[4]) + found[5], text)
