"""The kinds of value that a package file holds: what each expects, and how it becomes whole units."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from mcmscope.errors import did_you_mean

_SHOWN_CHARACTERS = 60


def shown(value: object) -> str:
    """A value as a message shows it: short, and in the file's words."""
    match value:
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case dict():
            return "a mapping"
        case int() if abs(value) >= 10**18:
            return "a huge integer"
        case str() if len(value) > _SHOWN_CHARACTERS:
            return repr(value[:_SHOWN_CHARACTERS]) + "..."
        case list() if len(cast(list[object], value)) > 8:
            return "a long list"
        case _:
            return repr(value)


def fault(message: str) -> PydanticCustomError:
    """A fault with this message (pydantic's own templates would read its braces)."""
    return PydanticCustomError("mcmscope", "{message}", {"message": message})


@dataclass(frozen=True, slots=True)
class Kind:
    """Annotation of a field: all that pydantic runs on it, and all that messages say of it.

    ``parse`` gives the value in the package's units, or None if it is not as ``expected``. ``words`` are the
    words allowed, for hints; ``scale`` is small units per unit of the file.
    """

    expected: str
    parse: Callable[[Any], Any]
    words: tuple[str, ...] = ()
    scale: int = 1

    def check(self, value: object) -> Any:
        """The value in the package's units.

        Raises:
            PydanticCustomError: it is not as expected.
        """
        parsed = self.parse(value)
        if parsed is None:
            raise fault(f"expected {self.expected}, got {shown(value)}{self._hint(value)}")
        return parsed

    def _hint(self, value: object) -> str:
        """The word meant by the first strange one."""
        items: list[object] = cast(list[object], value) if isinstance(value, list) else [value]
        strange = next((item for item in items if isinstance(item, str) and item not in self.words), "")
        return did_you_mean(strange, self.words)

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.check)


def whole(low: int, high: int) -> Kind:
    """A whole number from ``low`` to ``high``. ``16.0`` and ``true`` are none."""

    def parse(value: object) -> int | None:
        # bool is an int to isinstance; a package with `pes: true` is a slip.
        return value if type(value) is int and low <= value <= high else None

    return Kind(f"an integer from {low} to {high}", parse)


def scaled(low: float, high: float, scale: int, step: str = "") -> Kind:
    """A number from ``low`` to ``high`` that becomes ``number * scale``, whole.

    With ``step`` the product must be whole, and ``step`` says so in words; without, it is rounded.
    """

    def parse(value: object) -> int | None:
        # NaN fails both comparisons; infinity the second.
        if not (type(value) is int or type(value) is float) or not low <= value <= high:
            return None
        units = round(value * scale)
        # Division rounds correctly, so it gives the file's number again exactly if that one is whole.
        return None if step and units / scale != value else units

    return Kind(f"a number from {low:.12g} to {high:.12g}{step}", parse, scale=scale)


def unscaled(units: int, scale: int) -> int | float:
    """``units / scale``, an integer if it is one; a field of that scale reads it back as ``units``."""
    return units // scale if units % scale == 0 else units / scale


def flag() -> Kind:
    """``true`` or ``false``."""

    def parse(value: object) -> bool | None:
        return value if isinstance(value, bool) else None

    return Kind("true or false", parse)


def line(longest: int) -> Kind:
    """One line of printable text."""

    def parse(value: object) -> str | None:
        return value if isinstance(value, str) and 0 < len(value) <= longest and value.isprintable() else None

    return Kind(f"one line of printable text, 1 to {longest} characters", parse)


def paragraph(longest: int) -> Kind:
    """Printable text, of several lines or none."""

    def parse(value: object) -> str | None:
        if not isinstance(value, str) or len(value) > longest:
            return None
        return value if value.replace("\n", "").isprintable() else None

    return Kind(f"printable text of at most {longest} characters", parse)


def choice(words: tuple[str, ...]) -> Kind:
    """One of a few words."""

    def parse(value: object) -> str | None:
        return value if isinstance(value, str) and value in words else None

    return Kind(f"one of {', '.join(words)}", parse, words)


def choices(words: tuple[str, ...]) -> Kind:
    """A list of some of a few words: at least one, none twice. It becomes a tuple."""

    def parse(value: object) -> tuple[str, ...] | None:
        if not isinstance(value, list):
            return None
        items = cast(list[object], value)
        chosen = tuple(item for item in items if isinstance(item, str) and item in words)
        return chosen if chosen and len(chosen) == len(items) == len(set(chosen)) else None

    return Kind(f"a list of one or more of {', '.join(words)}, each at most once", parse, words)
