"""The commands and snippets of a page, in the order in which a reader runs them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
LANGUAGES = ("sh", "python")

_FENCE = re.compile(
    r"(?:<!-- (?P<mark>not run|after): (?P<text>[^\n]*?) -->\n)?^```(?P<language>\w*)\n(?P<code>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Snippet:
    """A fence that is ``sh`` or ``python``.

    ``not_run`` is the reason why the tests leave it out, ``after`` a command that makes what it takes for
    given.
    """

    language: str
    code: str
    line: int
    not_run: str | None
    after: str | None


def snippets(text: str) -> list[Snippet]:
    """Those of a page. A comment in front of a fence says ``not run: why`` or ``after: command``."""
    return [
        Snippet(
            found["language"],
            found["code"],
            text.count("\n", 0, found.start("code")),
            found["text"] if found["mark"] == "not run" else None,
            found["text"] if found["mark"] == "after" else None,
        )
        for found in _FENCE.finditer(text)
        if found["language"] in LANGUAGES
    ]
