"""The options of a run: read from names and numbers, with every fault at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from mcmscope.errors import InputError, did_you_mean
from mcmscope.schedule import Objective, Scheme
from mcmscope.workload.onnx_inputs import MAX_DIM

MAX_BATCH = 65_536
"""Far above any batch that is scheduled as one."""

SEARCHES = ("linear", "exact", "exhaustive", "sample")
MAX_SAMPLES = 10_000_000
MAX_SEED = (1 << 32) - 1
SAMPLES = 1000
"""Schedules that are drawn unless a user says how many."""
MAX_SECONDS = 10**9
ALL = "all"
AUTO = "auto"

_T = TypeVar("_T")
_E = TypeVar("_E", bound=StrEnum)


class Faults:
    """Collects the faults of several inputs, so that all are told at once."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def attempt(self, make: Callable[[], _T]) -> _T | None:
        """What ``make`` returns; None if it raised ``InputError``, whose faults are kept."""
        try:
            return make()
        except InputError as error:
            self.found.extend(error.faults)
            return None

    def throw(self) -> None:
        """Raise all faults, if there are any."""
        if self.found:
            raise InputError(self.found)


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a run, checked. ``micro_batch`` None: the search chooses; no ``time_limit_s``: none."""

    batch: int
    objective: Objective
    schemes: tuple[Scheme, ...]
    search: str
    micro_batch: int | None
    time_limit_s: float | None = None
    samples: int = SAMPLES
    seed: int = 0


def read_options(
    batch: int | str,
    objective: str,
    schemes: str | Iterable[str],
    search: str,
    micro_batch: int | str | None,
    time_limit_s: float | str | None = None,
    samples: int | str = SAMPLES,
    seed: int | str = 0,
) -> Options:
    """Options of a run from what a user gave; numbers may be text.

    Raises:
        InputError: every fault of all of them.
    """
    faults = Faults()
    m = faults.attempt(lambda: whole_number("batch", batch, MAX_BATCH))
    aim = faults.attempt(lambda: member("objective", objective, Objective))
    chosen = faults.attempt(lambda: read_schemes(schemes))
    how = faults.attempt(lambda: one_of("search", search, SEARCHES))
    u = None
    if micro_batch is not None and micro_batch != AUTO:
        u = faults.attempt(lambda: whole_number("micro-batch", micro_batch, MAX_BATCH))
        if u is not None and m is not None and u > m:
            faults.found.append(f"micro-batch: {u} is more than the batch of {m}")
    limit = None
    if time_limit_s is not None:
        limit = faults.attempt(lambda: seconds("time limit", time_limit_s))
    count = faults.attempt(lambda: whole_number("samples", samples, MAX_SAMPLES))
    start = faults.attempt(lambda: whole_number("seed", seed, MAX_SEED, least=0))
    faults.throw()
    assert m is not None
    assert aim is not None
    assert chosen is not None
    assert how is not None
    assert count is not None
    assert start is not None
    return Options(m, aim, chosen, how, u, limit, count, start)


def read_schemes(schemes: str | Iterable[str]) -> tuple[Scheme, ...]:
    """Schemes of ``all``, of names parted by commas or a sequence of names; each once, in a fixed order."""
    names = schemes.split(",") if isinstance(schemes, str) else [str(name) for name in schemes]
    names = [name.strip() for name in names]
    known = (ALL, *Scheme)
    faults = Faults()
    chosen = {faults.attempt(lambda name=name: one_of("scheme", name, known)) for name in names}
    if not names:
        faults.found.append(f"scheme: expected some of {', '.join(known)}")
    faults.throw()
    return tuple(scheme for scheme in Scheme if ALL in chosen or scheme.value in chosen)


def read_searches(searches: str) -> tuple[str, ...]:
    """Searches of names parted by commas; each once, in a fixed order.

    Raises:
        InputError: every name that is none.
    """
    faults = Faults()
    names = [name.strip() for name in searches.split(",")]
    chosen = {faults.attempt(lambda name=name: one_of("search", name, SEARCHES)) for name in names}
    faults.throw()
    return tuple(search for search in SEARCHES if search in chosen)


def whole_number(what: str, value: int | str, most: int, least: int = 1) -> int:
    """A whole number from ``least`` (0 or 1) to ``most``, which may be text.

    Raises:
        InputError: it is something else.
    """
    text = value if isinstance(value, str) else repr(value)
    digits = text.strip()
    number = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 19 else least - 1
    if not least <= number <= most:
        raise InputError(f"{what}: expected a whole number from {least} to {most}, got {short(text)}")
    return number


def read_dims(given: Sequence[str]) -> dict[str, int]:
    """Symbolic sizes from texts such as ``seq=512``, by name.

    Raises:
        InputError: a text is not a name and a size, or a name is there twice; all of them at once.
    """
    faults = Faults()
    sizes: dict[str, int] = {}
    for text in given:
        name, equals, digits = text.rpartition("=")
        name = name.strip()
        if not equals or not name:
            faults.found.append(f"--dim: expected NAME=N such as seq=512, got {short(text)}")
        elif name in sizes:
            faults.found.append(f"--dim {name}: given twice")
        else:
            size = faults.attempt(
                lambda name=name, digits=digits: whole_number(f"--dim {name}", digits, MAX_DIM)
            )
            sizes[name] = size or 1
    faults.throw()
    return sizes


def seconds(what: str, value: float | str) -> float:
    """A number of seconds above 0, which may be text.

    Raises:
        InputError: it is something else.
    """
    try:
        number = float(value)
    except ValueError:
        number = 0.0
    if not 0 < number <= MAX_SECONDS:
        raise InputError(f"{what}: expected a number of seconds above 0, got {short(str(value))}")
    return number


def member(what: str, name: str, kind: type[_E]) -> _E:
    """The member that ``name`` means, case and ``_`` for ``-`` aside.

    Raises:
        InputError: none; the fault lists all.
    """
    return kind(one_of(what, name, tuple(kind)))


def one_of(what: str, name: str, known: tuple[str, ...]) -> str:
    """``name`` in the spelling of ``known``.

    Raises:
        InputError: it is not known; the fault lists all.
    """
    plain = str(name).strip().lower().replace("_", "-")
    words = [str(word) for word in known]
    if plain not in words:
        inside = [word for word in words if plain and plain in word]
        near = inside[0] if len(inside) == 1 else plain[:100]
        hint = did_you_mean(near, words)
        raise InputError(f"unknown {what} {short(str(name))}{hint}: expected one of {', '.join(words)}")
    return plain


def short(text: str) -> str:
    """Text in quotes, cut if it is long."""
    return repr(text if len(text) <= 60 else text[:60] + "...")
