"""JSON schemas of the files that mcmscope reads and writes."""

from __future__ import annotations

import json
from importlib.resources import files
from itertools import islice
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


_MOST_FAULTS = 10
_LONGEST = 160


def schema(name: str) -> dict[str, Any]:
    """The JSON schema (2020-12) of one of ``NAMES``; each stands alone.

    Raises:
        KeyError: there is no such schema.
    """
    if name not in NAMES:
        raise KeyError(f"{name}: the schemas are {', '.join(NAMES)}")
    text = files("mcmscope.schemas").joinpath(f"{name}.json").read_text(encoding="utf-8")
    return json.loads(text)


def schema_faults(name: str, data: object) -> list[str]:
    """What makes ``data`` no file of that schema, the first few faults, each with its place."""
    from jsonschema import Draft202012Validator

    validator: Any = Draft202012Validator(schema(name))
    found = islice(validator.iter_errors(data), _MOST_FAULTS)
    return [
        f"{error.json_path.removeprefix('$').removeprefix('.')}: {_said(error.message)}" for error in found
    ]


def _said(message: str) -> str:
    return message if len(message) <= _LONGEST else message[:_LONGEST] + "..."
