"""The tables of ``docs/validation.md``."""

from __future__ import annotations

from collections.abc import Mapping

from mcmscope.report.doc_blocks import block
from mcmscope.report.validation import sensitivity_markdown, validation_markdown
from mcmscope.validation.run import Effect, Row


def made_blocks(
    rows: Mapping[str, tuple[Row, ...]], effects: Mapping[str, tuple[Effect, ...]]
) -> dict[tuple[str, str], str]:
    """The blocks of these cases."""
    made = {("table", name): block(validation_markdown(of)) for name, of in rows.items()}
    for name, turned in effects.items():
        made["sensitivity", name] = block(sensitivity_markdown(rows[name], turned))
    return made
