"""Terminals: where tables go, and a progress line that only a terminal sees."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from time import perf_counter

from rich.console import Console
from rich.text import Text

from mcmscope.report.words import clean, duration, percent
from mcmscope.schedule import Scheme
from mcmscope.warm import is_compiled

_WIDTH_OF_A_FILE = 120


def console() -> Console:
    """Standard output; as wide as our tables when it is no terminal."""
    out = Console(markup=False, highlight=False, emoji=False)
    return (
        out
        if out.is_terminal
        else Console(markup=False, highlight=False, emoji=False, width=_WIDTH_OF_A_FILE)
    )


def print_lines(lines: list[str]) -> None:
    """Lines to standard output as they are, control characters shown."""
    for line in lines:
        print(clean(line))


def warn(lines: list[str] | tuple[str, ...]) -> None:
    """Warnings to standard error, one a line."""
    for line in lines:
        print(f"warning: {clean(line)}", file=sys.stderr)


class Progress:
    """The text of a progress line: which scheme is searched, and how far a long search is."""

    def __init__(self, what: str, update: Callable[[str], None]) -> None:
        self._what, self._update = what, update
        self._start = perf_counter()
        self._now = what

    def __call__(self, scheme: Scheme, index: int, total: int) -> None:
        """Scheme number ``index`` of ``total``, from 0, is next."""
        self._now = f"{self._what}: {scheme.value}, {index + 1} of {total}"
        self._update(f"{self._now}, {duration(perf_counter() - self._start)} so far")

    def step(self, name: str) -> None:
        """Something else is next."""
        self._now = f"{self._what}: {name}"
        self._update(self._now)

    def share(self, done: float, left_s: float) -> None:
        """A share of the search is done, 0 to 1; about so many seconds are left."""
        self._update(f"{self._now}, {percent(done)} done, {duration(left_s)} left")


@contextmanager
def progress_line(what: str) -> Generator[Progress | None]:
    """A line on standard error that says what is searched; nothing at all if that is no terminal."""
    err = Console(stderr=True, markup=False, highlight=False, emoji=False)
    if not err.is_terminal:
        yield None
        return
    what = what if is_compiled() else f"{what} (the first run compiles its kernels, up to a minute)"
    with err.status(Text(clean(what))) as status:
        yield Progress(what, lambda text: status.update(Text(clean(text))))
