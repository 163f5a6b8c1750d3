"""``docs/packages.md`` lists what there is."""

from __future__ import annotations

from docs.lists import PAGE, tables
from mcmscope.report.doc_blocks import blocks


def test_the_tables_are_what_the_tool_has() -> None:
    assert blocks(PAGE.read_text(encoding="utf-8")) == tables(), "run python docs/lists.py"
