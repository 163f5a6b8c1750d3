"""Package files and presets into ``Package``; every fault of a file at once, with its line and key."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from mcmscope.errors import InputError, did_you_mean
from mcmscope.hardware.package import Package

if TYPE_CHECKING:
    from mcmscope.hardware.text import Located

LONGEST_EXTENDS = 8

# Sections whose keys an extending file gives one by one; a grid or a profile is given as a whole.
_MERGED = ("chiplet", "nop", "dram", "execution", "sources")


def preset_names() -> tuple[str, ...]:
    """Names of the presets, by family and size."""
    folder = files("mcmscope.hardware").joinpath("presets")
    names = [entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml")]
    return tuple(sorted(names, key=_family_and_size))


def _family_and_size(name: str) -> tuple[str, int]:
    family, _, size = name.rpartition("-")
    digits = size.partition("x")[0]
    return (family, int(digits)) if digits.isdigit() else (name, 0)


def as_preset(name: str) -> str | None:
    """The preset that a name means (any case, ``_`` for ``-``), if any."""
    plain = name.strip().lower().replace("_", "-")
    return plain if plain in preset_names() else None


def load_package(name_or_path: str | Path) -> Package:
    """The package of a preset's name or of a YAML file. A preset's name wins; ``./name`` is a file.

    Raises:
        InputError: unknown name, unreadable file, or every fault that the file has.
    """
    from mcmscope.hardware.build import build

    return build(read_located(name_or_path))


def package_from_dict(data: object, where: str) -> Package:
    """The package that plain data hold, under the keys of a package file but without ``extends``.

    Raises:
        InputError: every fault, each after ``where``.
    """
    from mcmscope.hardware.build import build
    from mcmscope.hardware.text import Located, Place

    if not isinstance(data, dict):
        raise InputError(f"{where}: expected a mapping of a package's keys")
    entries = cast(dict[Any, Any], data)
    strange = [key for key in entries if not isinstance(key, str)]
    if strange:
        raise InputError(f"{where}: expected text as keys, got {key!r}" for key in strange)
    return build(Located(cast(dict[str, Any], entries), {(): Place(where)}))


def read_located(name_or_path: str | Path, seen: tuple[str, ...] = ()) -> Located:
    """A preset's or a file's keys, with those of the file that it ``extends`` filled in.

    Raises:
        InputError: a file that cannot be read as YAML, or ``extends`` that does not lead to an end.
    """
    from mcmscope.hardware.fields import shown
    from mcmscope.hardware.text import parse_yaml, read_text

    preset = as_preset(name_or_path) if isinstance(name_or_path, str) else None
    if preset:
        identity = where = f"{preset}.yaml"
        folder = Path()
        text = files("mcmscope.hardware").joinpath("presets", where).read_text(encoding="utf-8")
    else:
        path = _existing(name_or_path)
        text = read_text(path)
        where, identity, folder = str(path), str(path.resolve()), path.parent
    own = parse_yaml(text, where)
    if "extends" not in own.data:
        return own
    base: object = own.data["extends"]
    place = own.places["extends",]
    own.drop(("extends",))
    if not isinstance(base, str) or not base:
        raise InputError(f"{place}: extends: expected a preset's name or a file, got {shown(base)}")
    if identity in seen or len(seen) >= LONGEST_EXTENDS:
        raise InputError(f"{place}: extends: leads in a circle or through over {LONGEST_EXTENDS} files")
    try:
        target = base if as_preset(base) else folder / base if _is_path(base) else base
        return _extended(own, read_located(target, (*seen, identity)))
    except InputError as error:
        raise InputError(f"{place}: extends: {fault}" for fault in error.faults) from None


def _is_path(name: str) -> bool:
    return "/" in name or "\\" in name or name.lower().endswith((".yaml", ".yml"))


def _existing(name_or_path: str | Path) -> Path:
    """The path, or an error that thinks of presets if it looks like one."""
    from mcmscope.hardware.fields import shown

    if isinstance(name_or_path, str) and not _is_path(name_or_path):
        try:
            known = Path(name_or_path).exists()
        except (OSError, ValueError):
            known = False
        if not known or not name_or_path:
            hint = did_you_mean(name_or_path, preset_names())
            raise InputError(
                f"unknown package {shown(name_or_path)}{hint}: expected a YAML file or one of "
                + ", ".join(preset_names())
            )
    return Path(name_or_path)


def _extended(own: Located, base: Located) -> Located:
    """``own`` over ``base``: the keys within sections one by one, all else as a whole.

    ``name`` and ``description`` are never taken over, since they would name another machine; nor is the
    source of a figure that ``own`` gives anew.
    """
    from mcmscope.hardware.text import Located

    result = Located(dict(base.data), dict(base.places), [*base.faults, *own.faults])
    for key in ("name", "description"):
        result.drop((key,))
    anew: set[str] = set()
    for key, value in own.data.items():
        old = result.data.get(key)
        if key in _MERGED and isinstance(old, dict) and isinstance(value, dict):
            section = cast(dict[str, Any], value)
            result.data[key] = dict(cast(dict[str, Any], old))
            for inner in (*_rivals(section), *section):
                result.drop((key, inner))
                anew.add(f"{key}.{inner}")
            result.data[key].update(section)
        else:
            result.drop((key,))
            result.data[key] = value
            anew.add(key)
    result.places.update(own.places)
    kept: Any = own.data.get("sources")
    sources: Any = result.data.get("sources")
    if isinstance(sources, dict):
        for key in list(cast(dict[str, Any], sources)):
            given = isinstance(kept, dict) and key in kept
            if not given and (key in anew or key.partition(".")[0] in anew):
                result.drop(("sources", key))
    return result


def _rivals(chiplet: Mapping[str, Any]) -> tuple[str, ...]:
    """Buffers that cannot stand beside those given."""
    separate = ("weight_buffer_kib", "activation_buffer_kib")
    if "unified_buffer_kib" in chiplet:
        return tuple(key for key in separate if key not in chiplet)
    return ("unified_buffer_kib",) if any(key in chiplet for key in separate) else ()
