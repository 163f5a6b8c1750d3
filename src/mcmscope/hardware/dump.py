"""``Package`` under the keys of a package file: as plain data and as YAML to start from."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

from mcmscope.hardware.energy import energy_profile, profile_names, profile_sources
from mcmscope.hardware.loader import load_package
from mcmscope.hardware.package import EnergyProfile, Package

_HEADER = """\
# A package file of mcmscope. GB is 1e9 bytes, KiB is 1024 bytes; the unit of a figure is in its key.
# A file may also hold just what differs: `extends: simba-36`, a name, and the keys to change.
"""
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")


def package_to_dict(package: Package) -> dict[str, Any]:
    """The package as JSON-ready data under the keys of a package file; the energy profile as a mapping.

    ``package_from_dict`` gives an equal package back, provenance and all.
    """
    from mcmscope.hardware import schema

    chiplet = schema.section_to_dict(schema.ChipletFile, package.chiplet)
    if package.chiplet.unified:
        del chiplet["weight_buffer_kib"]
        chiplet["unified_buffer_kib"] = chiplet.pop("activation_buffer_kib")
    return {
        "name": package.name,
        "description": package.description,
        "grid": {"rows": package.rows, "columns": package.columns},
        "strip_height": package.strip_height,
        "chiplet": chiplet,
        "nop": schema.section_to_dict(schema.NopFile, package.nop),
        "dram": schema.section_to_dict(schema.DramFile, package.dram)
        | {"edges": [edge.value for edge in package.dram.edges]},
        "energy_profile": schema.energy_to_dict(package.energy),
        "retained_share": package.retained_permille / schema.PERMILLE,
        "execution": {"overlap": package.overlap.value, "prefetch": package.prefetch},
        "sources": dict(package.provenance),
    }


def package_to_yaml(name_or_package: str | Path | Package) -> str:
    """A complete package file with a comment on every key that needs one; loading it gives an equal package.

    Raises:
        InputError: the name or path does not lead to a package.
    """
    package = name_or_package if isinstance(name_or_package, Package) else load_package(name_or_package)
    data = package_to_dict(package)
    profile = _bundled_name(package.energy)
    if profile:
        data["energy_profile"] = profile
        bundled = {f"energy_profile.{key}": text for key, text in profile_sources(profile).items()}
        data["sources"] = {key: text for key, text in data["sources"].items() if bundled.get(key) != text}
    return _HEADER + "\n".join(_lines(data)) + "\n"


def _bundled_name(energy: EnergyProfile) -> str | None:
    return energy.name if energy.name in profile_names() and energy_profile(energy.name) == energy else None


def _lines(data: dict[str, Any]) -> Iterator[str]:
    from mcmscope.hardware.schema import comment_of

    for key, value in data.items():
        if isinstance(value, dict):
            section = cast(dict[str, object], value)
            yield f"{key}:" if section else f"{key}: {{}}"
            for inner, figure in section.items():
                yield f"  {inner}: {_scalar(figure)}{_comment(comment_of(key, inner))}"
        else:
            yield f"{key}: {_scalar(value)}{_comment(comment_of('', key))}"


def _comment(text: str) -> str:
    return f"  # {text}" if text else ""


def _scalar(value: object) -> str:
    """A scalar or a flat list as YAML; text is quoted unless it plainly reads as itself."""
    import yaml

    match value:
        case bool():
            return str(value).lower()
        case list():
            return f"[{', '.join(_scalar(item) for item in cast(list[object], value))}]"
        case str() if not (_PLAIN.fullmatch(value) and yaml.safe_load(value) == value):
            # Its newest stubs (2026-11) give `width` a type that pyright does not know yet.
            dump = cast(Callable[..., str], yaml.safe_dump)  # pyright: ignore[reportUnknownMemberType]
            return dump(value, default_style='"', width=2**31, allow_unicode=True).rstrip("\n")
        case _:
            return str(value)
