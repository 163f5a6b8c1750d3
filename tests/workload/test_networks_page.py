"""docs/networks.md names every operator that has a rule, once, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from onnx import defs

from mcmscope.workload.onnx_operators import REFUSED, RULES

PAGE = (Path(__file__).parents[2] / "docs" / "networks.md").read_text()


def table(title: str) -> list[str]:
    """The operators in the table under a title: words that are an operator's name."""
    text = PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]
    rows = [line for line in text.splitlines() if line.startswith("|")][2:]
    known = {schema.name for schema in defs.get_all_schemas()} | set(RULES)
    words = re.findall(r"[\w.]*\w", "\n".join(rows))
    return [word for word in words if word in known and not word.islower()]


def test_every_operator_is_on_the_page() -> None:
    assert set(table("Operators")) >= set(RULES) - set(REFUSED)
    assert set(table("What is not understood")) >= set(REFUSED)


def test_no_operator_is_on_the_page_that_has_no_rule() -> None:
    assert set(table("Operators")) <= set(RULES) - set(REFUSED)
    assert {name for name in table("What is not understood") if name != "Conv"} <= set(REFUSED)
