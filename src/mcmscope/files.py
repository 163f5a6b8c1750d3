"""Reading JSON that others wrote, and writing files that are whole or not there."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any, cast

from mcmscope.errors import InputError

MAX_FILE_BYTES = 256 << 20
_LINE_CHARACTERS = 110


def read_json(path: Path) -> object:
    """The data of a JSON file.

    Raises:
        InputError: missing, unreadable, a directory, too large, or not JSON (with the line).
    """
    try:
        with path.open("rb") as file:
            # One byte more than allowed tells, and a device without an end is not read to its end.
            content = file.read(MAX_FILE_BYTES + 1)
        if len(content) > MAX_FILE_BYTES:
            raise InputError(f"{path}: larger than {MAX_FILE_BYTES >> 20} MiB")
        return json.loads(content.decode("utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise InputError(f"{path}: is a directory, expected a JSON file") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
    except json.JSONDecodeError as error:
        raise InputError(f"{path}:{error.lineno}: not JSON: {error.msg}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not JSON: it is not UTF-8 text") from None
    except RecursionError:
        raise InputError(f"{path}: nested too deeply") from None
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: cannot be read: {error}") from None


def json_text(data: object) -> str:
    """JSON for files: the same bytes for the same data, a container on one line if it fits, ASCII only."""
    return _pretty(data, "") + "\n"


def _pretty(value: object, indent: str) -> str:
    flat = json.dumps(value, allow_nan=False)
    if not isinstance(value, dict | list | tuple):
        return flat
    items: list[Any] = list(cast("dict[str, Any] | list[Any] | tuple[Any, ...]", value))
    numbers = isinstance(value, list | tuple) and all(isinstance(item, int | float) for item in items)
    if not items or numbers or len(indent) + len(flat) <= _LINE_CHARACTERS:
        return flat
    inner = indent + " "
    if isinstance(value, dict):
        named = cast("dict[str, Any]", value)
        lines = [f"{inner}{json.dumps(key)}: {_pretty(item, inner)}" for key, item in named.items()]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    return "[\n" + ",\n".join(f"{inner}{_pretty(item, inner)}" for item in items) + f"\n{indent}]"


def check_directory(directory: Path) -> None:
    """See that files can be written to ``directory``, or that it can be made, without touching anything.

    Raises:
        InputError: it cannot.
    """
    try:
        near = directory
        while not near.exists() and near != near.parent:
            near = near.parent
        if not near.is_dir():
            what = "is a file, expected a directory" if near == directory else f"{near} is a file"
            raise InputError(f"{directory}: {what}")
        if not os.access(near, os.W_OK | os.X_OK):
            raise InputError(f"{directory}: cannot be written: no permission for {near}")
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise InputError(f"{directory}: cannot be written: {reason}") from None


def check_file(path: Path) -> None:
    """See that ``path`` can be written as a file, without touching anything.

    Raises:
        InputError: it cannot.
    """
    try:
        if path.is_dir():
            raise InputError(f"{path}: is a directory, expected a file to write")
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: cannot be written: {error}") from None
    check_directory(path.parent)


def make_directory(directory: Path) -> None:
    """Make ``directory`` unless it is there.

    Raises:
        InputError: it cannot be made.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{directory}: cannot be made: {error.strerror or error}") from None


def write_text(path: Path, text: str) -> None:
    """Write a file as a whole: beside its place, then renamed into it.

    Raises:
        InputError: it cannot be written; what was there before is untouched.
    """
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, data: bytes) -> None:
    """``write_text`` for data that are no text.

    Raises:
        InputError: it cannot be written; what was there before is untouched.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from None
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(name).chmod(0o666 & ~_umask())
        Path(name).replace(path)
    except BaseException as error:
        Path(name).unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise InputError(f"{path}: cannot be written: {error.strerror or error}") from None
        raise


def _umask() -> int:
    """The process's umask, which can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
