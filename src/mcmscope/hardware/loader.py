"""Package files and presets into ``Package``; every fault of a file at once, with its line and key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from mcmscope.errors import InputError, did_you_mean
from mcmscope.hardware.package import Chiplet, Dram, Edge, EnergyProfile, Nop, Overlap, Package

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from mcmscope.hardware.schema import PackageFile
    from mcmscope.hardware.text import KeyPath, Located

LONGEST_EXTENDS = 8


def preset_names() -> tuple[str, ...]:
    """Names of the presets, by family and size."""
    folder = files("mcmscope.hardware").joinpath("presets")
    names = [entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml")]
    return tuple(sorted(names, key=_family_and_size))


def _family_and_size(name: str) -> tuple[str, int]:
    family, _, size = name.partition("-")
    return family, int(size.partition("x")[0])


def as_preset(name: str) -> str | None:
    """The preset that a name means (any case, ``_`` for ``-``), if any."""
    plain = name.strip().lower().replace("_", "-")
    return plain if plain in preset_names() else None


def load_package(name_or_path: str | Path) -> Package:
    """The package of a preset's name or of a YAML file. A preset's name wins; ``./name`` is a file.

    Raises:
        InputError: unknown name, unreadable file, or every fault that the file has.
    """
    return build(read_located(name_or_path))


def package_from_dict(data: object, where: str) -> Package:
    """The package that plain data hold, under the keys of a package file but without ``extends``.

    Raises:
        InputError: every fault, each after ``where``.
    """
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
    base = own.data.pop("extends")
    place = own.place(("extends",))
    if not isinstance(base, str) or not base:
        raise InputError(f"{place}: extends: expected a preset's name or a file, got {base!r}")
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
    if isinstance(name_or_path, str) and not _is_path(name_or_path):
        try:
            known = Path(name_or_path).exists()
        except (OSError, ValueError):
            known = False
        if not known or not name_or_path:
            hint = did_you_mean(name_or_path, preset_names())
            raise InputError(
                f"unknown package {name_or_path!r}{hint}: expected a YAML file or one of "
                + ", ".join(preset_names())
            )
    return Path(name_or_path)


def _extended(own: Located, base: Located) -> Located:
    """``own`` over ``base``: mappings by key, all else as a whole.

    ``name`` and ``description`` are never taken over, since they would name another machine; nor is the
    source of a figure that ``own`` gives anew.
    """
    from mcmscope.hardware.text import Located

    data, places = dict(base.data), dict(base.places)

    def drop(path: KeyPath) -> None:
        for known in [known for known in places if known[: len(path)] == path]:
            del places[known]

    for key in ("name", "description"):
        data.pop(key, None)
        drop((key,))
    given: set[str] = set()
    for key, value in own.data.items():
        old = data.get(key)
        if key in ("chiplet", "nop", "dram", "execution", "sources") and _both_mappings(old, value):
            merged = dict(cast(dict[str, Any], old))
            inner = cast(dict[str, Any], value)
            for rival in _rivals(inner):
                merged.pop(rival, None)
                drop((key, rival))
            for name in inner:
                drop((key, name))
                given.add(f"{key}.{name}")
            data[key] = merged | inner
        else:
            drop((key,))
            given.add(key)
            data[key] = value
    places.update(own.places)
    own_sources = own.data.get("sources")
    sources = data.get("sources")
    if isinstance(sources, dict):
        kept = own_sources if isinstance(own_sources, dict) else {}
        data["sources"] = {
            path: text
            for path, text in cast(dict[str, Any], sources).items()
            if path in kept or not (path in given or path.partition(".")[0] in given)
        }
    return Located(data, places, [*base.faults, *own.faults])


def _both_mappings(old: object, new: object) -> bool:
    return isinstance(old, dict) and isinstance(new, dict)


def _rivals(chiplet: Mapping[str, Any]) -> tuple[str, ...]:
    """Buffers that cannot stand beside those given."""
    separate = ("weight_buffer_kib", "activation_buffer_kib")
    if "unified_buffer_kib" in chiplet:
        return tuple(key for key in separate if key not in chiplet)
    return ("unified_buffer_kib",) if any(key in chiplet for key in separate) else ()


def build(located: Located) -> Package:
    """The package of a file's keys.

    Raises:
        InputError: every fault of the keys and those already found.
    """
    from pydantic import ValidationError

    from mcmscope.hardware.schema import PackageFile, constants, cross_faults
    from mcmscope.hardware.text import dotted

    faults = list(located.faults)
    found: list[tuple[KeyPath, str]] = list(cross_faults(located.data))
    sources = located.data.get("sources")
    for key in cast(dict[str, Any], sources) if isinstance(sources, dict) else ():
        if key not in constants():
            found.append((("sources", key), f"no such key of a package{did_you_mean(key, constants())}"))
    file: PackageFile | None = None
    try:
        file = PackageFile.model_validate(located.data)
    except ValidationError as error:
        found.extend(_found(details) for details in error.errors())
    faults.extend(
        f"{located.place(path)}: {dotted(path) + ': ' if path else ''}{message}" for path, message in found
    )
    if faults or file is None:
        raise InputError(_in_order(faults))
    return _package(file, located.data)


def _in_order(faults: Iterable[str]) -> list[str]:
    """By file and line, as one mends them; each once."""

    def key(fault: str) -> tuple[str, int]:
        where, _, rest = fault.partition(":")
        line = rest.partition(":")[0]
        return where, int(line) if line.isdigit() else 0

    return sorted(dict.fromkeys(faults), key=key)


def _found(details: ErrorDetails) -> tuple[KeyPath, str]:
    """A pydantic error as a key path and our words."""
    from mcmscope.hardware.fields import shown
    from mcmscope.hardware.schema import SECTIONS, keys_of

    path: KeyPath = details["loc"]
    section, key = ".".join(str(part) for part in path[:-1]), str(path[-1]) if path else ""
    match details["type"]:
        case "extra_forbidden":
            keys = keys_of(section)
            homes = [name for name in SECTIONS if name != section and key in keys_of(name)]
            hint = did_you_mean(key, keys)
            if not hint and homes:
                hint = f" (it belongs {f'under {homes[0]!r}' if homes[0] else 'at the top'})"
            return path, f"unknown key{hint}"
        case "missing":
            expected = keys_of(section)[key]
            if not expected:
                expected = _section_expected(key)
            return path, f"missing: expected {expected}"
        case "model_type" | "model_attributes_type" | "dict_type":
            return (
                path,
                f"expected {_section_expected((section and f'{section}.{key}') or key)}, got {shown(details['input'])}",
            )
        case _:
            return path, details["msg"]


def _section_expected(section: str) -> str:
    from mcmscope.hardware.schema import SECTIONS, keys_of

    if section not in SECTIONS:
        return "a mapping"
    return f"a mapping with {', '.join(keys_of(section))}"


def _package(file: PackageFile, data: Mapping[str, Any]) -> Package:
    from mcmscope.hardware.schema import default_strip_height

    chiplet = file.chiplet
    unified = chiplet.unified_buffer_bytes
    buffers = (
        (unified, unified) if unified else (chiplet.weight_buffer_bytes, chiplet.activation_buffer_bytes)
    )
    weight_buffer, activation_buffer = buffers
    assert weight_buffer is not None and activation_buffer is not None  # cross_faults saw to it
    return Package(
        name=file.name,
        description=file.description,
        rows=file.grid.rows,
        columns=file.grid.columns,
        strip_height=file.strip_height or default_strip_height(file.grid.rows),
        chiplet=Chiplet(
            clock_mhz=chiplet.clock_mhz,
            pes=chiplet.pes,
            lanes_k=chiplet.lanes_k,
            lanes_c=chiplet.lanes_c,
            vector_lanes=chiplet.vector_lanes,
            weight_buffer_bytes=weight_buffer,
            activation_buffer_bytes=activation_buffer,
            unified=unified is not None,
            buffer_read_bytes_per_cycle=chiplet.buffer_read_bytes_per_cycle,
            layer_start_ns=chiplet.layer_start_ns,
        ),
        nop=Nop(link_mb_per_s=file.nop.link_mb_per_s, hop_latency_ns=file.nop.hop_latency_ns),
        dram=Dram(
            channels=file.dram.channels,
            channel_mb_per_s=file.dram.channel_mb_per_s,
            edges=tuple(Edge(edge) for edge in file.dram.edges),
        ),
        energy=_energy(file),
        retained_permille=file.retained_permille,
        overlap=Overlap(file.execution.overlap),
        prefetch=file.execution.prefetch,
        provenance=_provenance(file, data),
    )


def _energy(file: PackageFile) -> EnergyProfile:
    """The profile, with the package's own link energy if it gives one."""
    from dataclasses import replace

    energy = file.energy.profile()
    own = file.nop.hop_energy_fj_per_byte
    if own is None or own == energy.nop_hop_fj_per_byte:
        return energy
    # A result names its profile; this one is no longer the published one.
    return replace(energy, nop_hop_fj_per_byte=own, name=f"{energy.name} (own links)")


def _provenance(file: PackageFile, data: Mapping[str, Any]) -> dict[str, str]:
    """Sources of the file, the named profile's own, and of figures that it leaves to a default."""
    from mcmscope.hardware.energy import profile_sources

    sources: dict[str, str] = {}
    if isinstance(data["energy_profile"], str):
        sources = {f"energy_profile.{key}": text for key, text in profile_sources(file.energy.name).items()}
    if file.strip_height is None:
        sources["strip_height"] = "default: floor(sqrt(rows))"
    execution = data.get("execution", {})
    for key, words in {"overlap": "exchange beside compute", "prefetch": "loads are exposed"}.items():
        if key not in execution:
            sources[f"execution.{key}"] = f"default: {words}"
    if file.nop.hop_energy_fj_per_byte is not None:
        own = file.sources.get("nop.hop_energy_pj_per_bit")
        sources["energy_profile.nop_hop_pj_per_bit"] = own or "nop.hop_energy_pj_per_bit of the package file"
    return sources | {key: text for key, text in file.sources.items() if key != "nop.hop_energy_pj_per_bit"}
