"""JSON schemas of the files that mcmscope reads and writes."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

NAMES = (
    "result",
    "schedule",
    "package",
    "network",
    "inspection",
    "evaluation",
    "quality",
    "pareto",
    "simulation",
    "validation",
)


def schema(name: str) -> dict[str, Any]:
    """The JSON schema (2020-12) of one of ``NAMES``; each stands alone.

    Raises:
        KeyError: there is no such schema.
    """
    if name not in NAMES:
        raise KeyError(f"{name}: the schemas are {', '.join(NAMES)}")
    text = files("mcmscope.schemas").joinpath(f"{name}.json").read_text(encoding="utf-8")
    return json.loads(text)
