"""How far a reproduction is: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from time import perf_counter

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from mcmscope.report.words import clean
from mcmscope.reproduce.case import Case

_LINES = 20
"""Lines that tell of a whole run where there is no terminal."""


class _Left:
    """The time that is left, from what the work done so far took."""

    def __init__(self, cases: Sequence[Case]) -> None:
        self.work = sum(case.about_s for case in cases)
        self.done = self.fresh = 0.0
        self.begun = perf_counter()

    def step(self, case: Case, kept: bool) -> None:
        """A case is done; one that was ``kept`` took no time."""
        self.done += case.about_s
        self.fresh += 0.0 if kept else case.about_s

    @property
    def told(self) -> str:
        """``12 min left, ``, once something was measured."""
        if not self.fresh or self.done >= self.work:
            return ""
        seconds = (self.work - self.done) * (perf_counter() - self.begun) / self.fresh
        return f"{seconds / 60:.0f} min left, " if seconds >= 90 else f"{seconds:.0f} s left, "


@contextmanager
def case_progress(cases: Sequence[Case]) -> Generator[Callable[[Case, bool], None]]:
    """What ``run_cases`` tells when a case is done."""
    left = _Left(cases)
    err = Console(stderr=True, markup=False, highlight=False, emoji=False)
    columns = (
        BarColumn(),
        TextColumn("{task.completed} of {task.total}"),
        TextColumn("{task.description}", markup=False),
    )
    with Progress(*columns, console=err, disable=not err.is_terminal, transient=True) as bar:
        task = bar.add_task("", total=len(cases))
        count = 0

        def tell(case: Case, kept: bool) -> None:
            nonlocal count
            count += 1
            left.step(case, kept)
            text = f"{left.told}{clean(case.told)}"
            bar.update(task, advance=1, description=text)
            every = max(1, len(cases) // _LINES)
            if not err.is_terminal and not kept and (count % every == 0 or count == len(cases)):
                print(f"{count} of {len(cases)}, {text}", file=sys.stderr, flush=True)

        yield tell
