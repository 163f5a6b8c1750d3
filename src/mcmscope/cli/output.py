"""Standard output that may go away or fill up."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING

from mcmscope.cli.app import BAD_INPUT

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

CLOSED_PIPE = 0
"""The reader went away, as `head` does, with all it wanted: the code is the same as if it had been sooner
or later than our last write."""


class _Output(io.FileIO):
    """Standard output that ends the program if it cannot be written; what is still buffered is dropped."""

    def write(self, data: ReadableBuffer, /) -> int | None:
        try:
            return super().write(data)
        except OSError as error:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)
            if isinstance(error, BrokenPipeError):
                raise SystemExit(CLOSED_PIPE) from None
            print(f"error: standard output cannot be written: {error.strerror or error}", file=sys.stderr)
            raise SystemExit(BAD_INPUT) from None


def watch_output() -> None:
    """Write standard output through ``_Output``, unless it is a terminal or closed."""
    out = sys.stdout
    if isinstance(out, io.TextIOWrapper) and not out.isatty():
        raw = _Output(out.fileno(), "wb", closefd=False)
        sys.stdout = io.TextIOWrapper(io.BufferedWriter(raw), encoding=out.encoding, errors=out.errors)
