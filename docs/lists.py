"""Write the tables of packages.md anew: ``python docs/lists.py``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel

from mcmscope.files import write_text
from mcmscope.hardware import load_package, preset_names
from mcmscope.hardware.energy import energy_profile, profile_names
from mcmscope.hardware.schema import PackageFile
from mcmscope.report.doc_blocks import block, filled, markdown_table
from mcmscope.report.words import significant

PAGE = Path(__file__).parent / "packages.md"


def tables() -> dict[tuple[str, str], str]:
    """The blocks of the page."""
    return {
        ("table", "presets"): block(presets()),
        ("table", "package-keys"): block(
            markdown_table(("key", "default", "meaning"), list(keys(PackageFile)))
        ),
        ("table", "profiles"): block(profiles()),
    }


def presets() -> list[str]:
    """Every preset: its size and what it is."""
    rows: list[tuple[str, ...]] = []
    for name in preset_names():
        package = load_package(name)
        tops = significant(2 * package.peak_macs_per_s / 1e12)
        rows.append((f"`{name}`", f"{package.rows} x {package.columns}", tops, package.description))
    return markdown_table(("preset", "chiplets", "TOPS", "what"), rows)


def profiles() -> list[str]:
    """Every energy profile and where it is from."""
    rows = [(f"`{name}`", energy_profile(name).source) for name in profile_names()]
    return markdown_table(("profile", "source"), rows)


def keys(section: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, str, str]]:
    """Keys of a package file with their defaults and meanings, sections one by one."""
    for name, field in section.model_fields.items():
        key = prefix + (field.alias or name)
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel) and name != "energy":
            yield from keys(kind, f"{key}.")
            continue
        required = field.is_required()
        default = "-" if required or field.default in (None, "", {}) else f"`{str(field.default).lower()}`"
        yield f"`{key}`", default, field.description or ""


if __name__ == "__main__":
    write_text(PAGE, filled(PAGE.read_text(encoding="utf-8"), tables()))
