"""One independent piece of an experiment, what it measures, and the key under which that is kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import cache
from hashlib import sha256
from pathlib import Path

Cell = str | int | float | bool | None
Row = dict[str, Cell]
"""A row of a table: figures by their name, whose unit is in it."""
Rows = dict[str, list[Row]]
"""Rows by the table that they belong to."""


@dataclass(frozen=True, slots=True)
class Case:
    """A network on a package for a batch, and what is searched.

    ``turned``: knobs of the package (``inputs``) with what they are turned to. ``variant`` says what
    else differs; the experiment knows. ``about_s``: seconds that it is likely to take, for the order of cases
    and the time left; no part of its key.
    """

    experiment: str
    network: str
    package: str
    batch: int = 64
    search: str = "linear"
    turned: tuple[tuple[str, float | str], ...] = ()
    variant: str = ""
    about_s: float = field(default=1.0, compare=False)

    @property
    def inputs(self) -> dict[str, object]:
        """What its figures depend on."""
        return {key: value for key, value in asdict(self).items() if key != "about_s"}

    @property
    def told(self) -> str:
        """The case in a few words."""
        turned = ", ".join(f"{knob} {value}" for knob, value in self.turned)
        words = (f"{self.experiment}: {self.network} on {self.package}", f"batch {self.batch}")
        return ", ".join(word for word in (*words, turned or self.variant) if word)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a case measured: ``rows`` are the same in every run, ``seconds`` are not."""

    rows: Rows
    seconds: dict[str, float]


Measure = Callable[[Case], Outcome]


def key(case: Case) -> str:
    """A digest of what the case's figures depend on: its inputs and the code that computes them."""
    known = [case.inputs, code_digest(case.experiment)]
    return sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()[:24]


_ELSEWHERE = {"cli", "report"}
"""Folders of mcmscope that no figure depends on."""
_CAUSES = "causes.py"
"""But this file: it names what binds a schedule."""
_SHARED = {"measure.py", "inputs.py"}
"""Files of this folder that all experiments measure with."""


@cache
def code_digest(experiment: str = "") -> str:
    """A digest of the code and data of mcmscope that the figures of an experiment depend on."""
    root = Path(__file__).parents[1]
    own = _SHARED | {f"{experiment}.py"}
    found = sha256()
    for path in sorted(root.rglob("*")):
        place = path.relative_to(root)
        room = place.parts[0]
        if path.suffix not in (".py", ".yaml") or (room in _ELSEWHERE and place.name != _CAUSES):
            continue
        if room != Path(__file__).parent.name or place.name in own:
            found.update(place.as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()[:16]


def outcome_to_dict(case: Case, outcome: Outcome) -> dict[str, object]:
    """A finished case as its file holds it."""
    return {"case": case.inputs, "rows": outcome.rows, "seconds": outcome.seconds}


def outcome_from_dict(data: Mapping[str, object]) -> Outcome:
    """A finished case from its file.

    Raises:
        KeyError, TypeError: the file is none.
    """
    kept = {item.name: data[item.name] for item in fields(Outcome)}
    return Outcome(**kept)  # pyright: ignore[reportArgumentType] (written by us, under a digest)
