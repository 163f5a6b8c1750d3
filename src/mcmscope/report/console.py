"""Terminals: where tables go, and a progress line that only a terminal sees."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from time import perf_counter

from rich.console import Console
from rich.text import Text

from mcmscope.report.words import clean, duration
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


@contextmanager
def progress_line(what: str) -> Generator[Callable[[Scheme, int, int], None] | None]:
    """A line on standard error that says what is searched; nothing at all if that is no terminal."""
    err = Console(stderr=True, markup=False, highlight=False, emoji=False)
    if not err.is_terminal:
        yield None
        return
    start = perf_counter()
    what = (
        what if is_compiled() else f"{what} (the first run compiles its kernels, which takes half a minute)"
    )
    with err.status(Text(clean(what))) as status:

        def show(scheme: Scheme, index: int, total: int) -> None:
            past = duration(perf_counter() - start)
            status.update(Text(clean(f"{what}: {scheme.value}, {index + 1} of {total}, {past} so far")))

        yield show
