"""Reading YAML into plain data that remembers the file and line of every key."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import yaml

from mcmscope.errors import InputError

LARGEST_FILE_BYTES = 1_000_000
# A package file has about 60 nodes; aliases can make a few lines into billions.
_MOST_NODES = 10_000
_DEEPEST_NESTING = 20

_CONVERTED = {f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float")}
# What else a plain scalar may be to YAML, such as a date, is text here.
_TEXT = {f"tag:yaml.org,2002:{name}" for name in ("str", "timestamp", "merge", "value")}

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a key is: a file, or whatever holds the data, and a line from 1 if there are lines."""

    where: str
    line: int | None = None

    def __str__(self) -> str:
        return self.where if self.line is None else f"{self.where}:{self.line}"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and where. Its text is the place, then what."""

    place: Place
    what: str

    def __str__(self) -> str:
        return f"{self.place}: {self.what}"


@dataclass(slots=True)
class Located:
    """Plain data, the places of its keys, and faults found on the way."""

    data: dict[str, Any]
    places: dict[KeyPath, Place]
    faults: list[Fault] = field(default_factory=list[Fault])

    def fault(self, path: KeyPath, message: str) -> Fault:
        """Fault of a key, at its place or that of the nearest mapping around it."""
        near = path
        while near not in self.places:
            near = near[:-1]
        return Fault(self.places[near], f"{dotted(path)}: {message}" if path else message)

    def drop(self, path: tuple[str, ...]) -> None:
        """Forget a key of the data or of a mapping in it, if there is one."""
        *around, key = path
        mapping: Any = self.data
        for part in around:
            mapping = mapping[part]
        mapping.pop(key, None)
        for known in [known for known in self.places if known[: len(path)] == path]:
            del self.places[known]


def read_text(path: Path) -> str:
    """Text of a file.

    Raises:
        InputError: missing, unreadable, a directory, too large or not UTF-8.
    """
    try:
        with path.open("rb") as file:
            # One byte more than allowed tells, and a device without an end is not read to its end.
            content = file.read(LARGEST_FILE_BYTES + 1)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise InputError(f"{path}: is a directory, expected a YAML file") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise InputError(f"{path}: cannot be read: {reason}") from None
    if len(content) > LARGEST_FILE_BYTES:
        raise InputError(f"{path}: larger than {LARGEST_FILE_BYTES} bytes: not a package file")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}:{line}: not UTF-8 text (byte 0x{content[error.start]:02x})") from None


def parse_yaml(text: str, where: str) -> Located:
    """The mapping that a YAML text holds. Doubled keys and odd tags are left in ``faults``.

    Raises:
        InputError: not YAML, empty, no mapping, nested or aliased beyond any package file.
    """
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        said = " ".join(part for part in (error.context, error.problem) if part)
        raise InputError(f"{where}:{line}: not YAML: {said}") from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise InputError(f"{where}:{line}: not YAML: character that cannot be printed") from None
    except RecursionError:
        raise InputError(f"{where}:1: nested too deeply for a package file") from None
    if node is None:
        raise InputError(f"{where}:1: empty: expected a mapping of a package's keys")
    if not isinstance(node, yaml.MappingNode):
        raise InputError(f"{where}:{node.start_mark.line + 1}: expected a mapping of a package's keys")
    reader = _Reader(where)
    data = reader.mapping(node, ())
    return Located(data, reader.places, reader.faults)


class _Reader:
    """Walks composed nodes; each visit counts, so that aliases are paid for."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.places: dict[KeyPath, Place] = {(): Place(where, 1)}
        self.faults: list[Fault] = []
        self.visits = 0
        self.scalars = yaml.SafeLoader("")

    def place(self, node: yaml.Node) -> Place:
        return Place(self.where, node.start_mark.line + 1)

    def value(self, node: yaml.Node, path: KeyPath) -> Any:
        self.visits += 1
        if self.visits > _MOST_NODES or len(path) > _DEEPEST_NESTING:
            raise InputError(
                f"{self.place(node)}: nested too deeply or too large for a package file (aliases?)"
            )
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            items: list[yaml.Node] = node.value
            for index, item in enumerate(items):
                self.places[*path, index] = self.place(item)
            return [self.value(item, (*path, index)) for index, item in enumerate(items)]
        return self.scalar(node)

    def mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        data: dict[str, Any] = {}
        pairs: list[tuple[yaml.Node, yaml.Node]] = node.value
        for key_node, value_node in pairs:
            place = self.place(key_node)
            if not isinstance(key_node, yaml.ScalarNode):
                self.faults.append(Fault(place, "expected a key of plain text, got a list or a mapping"))
                continue
            key = str(key_node.value)
            inner = (*path, key)
            value = self.value(value_node, inner)
            if key in data:
                self.faults.append(
                    Fault(place, f"{dotted(inner)}: given twice, first at line {self.places[inner].line}")
                )
                continue
            data[key] = value
            self.places[inner] = place
        return data

    def scalar(self, node: yaml.Node) -> Any:
        text, tag = str(node.value), str(node.tag)
        if tag not in _CONVERTED:
            if tag not in _TEXT:
                self.faults.append(Fault(self.place(node), f"tag {tag} has no place in a package file"))
            return text
        try:
            return cast(Any, self.scalars).construct_object(node)
        except (ValueError, yaml.YAMLError):
            # `!!int x`, or more digits than Python converts: the field's own message is the better one.
            return text


def dotted(path: KeyPath) -> str:
    """A key path as messages write it: ``chiplet.pes``, ``dram.edges[0]``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
