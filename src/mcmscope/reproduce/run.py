"""Run cases in processes: finished ones are kept and not run again; progress, ^C."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from pathlib import Path

from mcmscope.errors import InputError
from mcmscope.files import json_text, write_text
from mcmscope.reproduce.case import Case, Outcome, key, outcome_from_dict, outcome_to_dict
from mcmscope.reproduce.experiments import EXPERIMENTS

CASES = "cases"
"""Folder of finished cases."""

Told = Callable[[Case, bool], None]
"""Called when a case is done; true if it was run before."""


def run_cases(cases: Sequence[Case], directory: Path, jobs: int, told: Told) -> list[Outcome]:
    """The outcomes of ``cases``, in their order, by ``jobs`` processes.

    Each is kept under ``directory`` as soon as it is done, so a run that was broken off goes on from there.

    Raises:
        InputError: a file cannot be written.
        KeyboardInterrupt: the user broke it off.
    """
    done: dict[int, Outcome] = {}
    for index, case in enumerate(cases):
        kept = _kept(case, directory)
        if kept is not None:
            done[index] = kept
            told(case, True)
    left = sorted(
        (index for index in range(len(cases)) if index not in done), key=lambda x: -cases[x].about_s
    )
    if left:
        with _pool(min(jobs, len(left))) as pool:
            running: dict[Future[Outcome], int] = {}
            waiting = iter(left)
            while len(done) < len(cases):
                while len(running) < jobs and (index := next(waiting, None)) is not None:
                    running[pool.submit(run_case, cases[index], directory)] = index
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    index = running.pop(future)
                    try:
                        done[index] = future.result()
                    except BrokenProcessPool:
                        raise InputError(
                            "a process was killed, perhaps for want of memory: try --jobs 1; "
                            "cases that were done are kept"
                        ) from None
                    told(cases[index], False)
    return [done[index] for index in range(len(cases))]


def run_case(case: Case, directory: Path) -> Outcome:
    """Run a case and keep its outcome."""
    outcome = EXPERIMENTS[case.experiment].measure(case)
    write_text(_place(case, directory), json_text(outcome_to_dict(case, outcome)))
    return outcome


def _place(case: Case, directory: Path) -> Path:
    return directory / CASES / case.experiment / f"{key(case)}.json"


def _kept(case: Case, directory: Path) -> Outcome | None:
    """The outcome of a case that was run before, by the same code."""
    try:
        return outcome_from_dict(json.loads(_place(case, directory).read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError):  # none, or not by us: it is run
        return None


@contextmanager
def _pool(jobs: int) -> Generator[ProcessPoolExecutor]:
    """Processes that end with us, whatever ends us; what they have not begun is dropped."""
    pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_begin)
    try:
        yield pool
    except BaseException:
        for process in list((pool._processes or {}).values()):
            process.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _begin() -> None:
    """In a new process: ^C is for the parent to handle; when that is gone, so are we."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def jobs_of(text: str) -> int:
    """How many processes: a number, or ``auto`` for one a core.

    Raises:
        InputError: it is neither.
    """
    from mcmscope.options import AUTO, whole_number

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        return cores if text.strip().lower() == AUTO else whole_number("jobs", text, 1024)
    except InputError as error:
        raise InputError(f"{error}, or {AUTO}") from None
