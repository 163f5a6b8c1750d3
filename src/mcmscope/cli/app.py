"""The application and what its commands share: errors as lines and exit codes, JSON."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from mcmscope import __version__
from mcmscope.errors import InputError

BAD_INPUT = 2
INTERRUPTED = 130
_MOST_FAULTS = 200

app = typer.Typer(
    name="mcmscope",
    help="Decide how neural networks run on multi-chip-module (chiplet) accelerators.",
    epilog="Start with: mcmscope run resnet50 --package simba-64",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@contextmanager
def told() -> Generator[None]:
    """Bad input as ``error: ...`` lines and exit code 2; ^C as exit code 130. Bugs keep their traceback."""
    try:
        yield
    except InputError as error:
        from mcmscope.report.words import clean

        for fault in error.faults[:_MOST_FAULTS]:
            print(f"error: {clean(fault)}", file=sys.stderr)
        if len(error.faults) > _MOST_FAULTS:
            print(f"error: ... and {len(error.faults) - _MOST_FAULTS} more", file=sys.stderr)
        raise typer.Exit(BAD_INPUT) from None
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None


def _version(asked: bool) -> None:
    if asked:
        print(f"mcmscope {__version__}")
        raise typer.Exit


@app.callback()
def _root(  # pyright: ignore[reportUnusedFunction]
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    pass


def print_json(data: dict[str, Any]) -> None:
    """One JSON document to standard output."""
    from mcmscope.files import json_text

    print(json_text(data), end="")
