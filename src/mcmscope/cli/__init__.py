"""The command line: reads arguments, calls the library, prints. Heavy imports wait until a command runs."""

from __future__ import annotations

import os
import sys

from mcmscope.cli.app import INTERRUPTED, app
from mcmscope.cli.inspect import inspect
from mcmscope.cli.lists import networks, packages, show
from mcmscope.cli.output import watch_output
from mcmscope.cli.pareto import pareto
from mcmscope.cli.plot import plot
from mcmscope.cli.price import evaluate, explain
from mcmscope.cli.quality import quality
from mcmscope.cli.report import report
from mcmscope.cli.reproduce import reproduce
from mcmscope.cli.run import run
from mcmscope.cli.simulate import simulate
from mcmscope.cli.trace import trace
from mcmscope.cli.validate import validate

__all__ = ["app", "main"]

COMMANDS = (
    run,
    report,
    plot,
    evaluate,
    explain,
    quality,
    pareto,
    simulate,
    trace,
    validate,
    reproduce,
    packages,
    networks,
    show,
    inspect,
)
for command in COMMANDS:
    app.command()(command)


def main() -> None:
    """Entry point of ``mcmscope``."""
    # Kernels are as fast at this level and compile in two thirds of the time; numba reads it when imported.
    os.environ.setdefault("NUMBA_OPT", "1")
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")  # a name in a terminal that cannot show it
    watch_output()
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    finally:
        if sys.stdout is not None:  # pyright: ignore[reportUnnecessaryComparison] (closed by the shell)
            sys.stdout.flush()
