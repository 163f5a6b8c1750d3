"""A package file's keys into ``Package``, or into every fault that they have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from mcmscope.errors import InputError, did_you_mean
from mcmscope.hardware.energy import profile_names, profile_sources
from mcmscope.hardware.fields import shown
from mcmscope.hardware.package import Chiplet, Dram, Edge, EnergyProfile, Nop, Overlap, Package
from mcmscope.hardware.schema import (
    SECTIONS,
    PackageFile,
    constants,
    cross_faults,
    default_strip_height,
    keys_of,
)
from mcmscope.hardware.text import KeyPath, Located


def build(located: Located) -> Package:
    """The package of a file's keys.

    Raises:
        InputError: every fault of the keys and those already found, by file and line.
    """
    found: list[tuple[KeyPath, str]] = [*cross_faults(located.data), *_source_faults(located.data)]
    file: PackageFile | None = None
    try:
        file = PackageFile.model_validate(located.data)
    except ValidationError as error:
        found.extend(_in_our_words(details) for details in error.errors())
    faults = [*located.faults, *(located.fault(path, message) for path, message in found)]
    if faults or file is None:
        # In the order in which one mends them; an alias may show one fault twice.
        faults.sort(key=lambda fault: (fault.place.where, fault.place.line or 0))
        raise InputError(dict.fromkeys(str(fault) for fault in faults))
    return _package(file, located.data)


def _source_faults(data: Mapping[str, Any]) -> list[tuple[KeyPath, str]]:
    """Entries of ``sources`` that name no key."""
    sources = data.get("sources")
    if not isinstance(sources, dict):
        return []
    return [
        (("sources", key), f"no such key of a package{did_you_mean(key, constants())}")
        for key in cast(dict[str, Any], sources)
        if key not in constants()
    ]


def _in_our_words(details: ErrorDetails) -> tuple[KeyPath, str]:
    """A pydantic error as a key path and a message of what was expected."""
    path: KeyPath = details["loc"]
    section, key = ".".join(str(part) for part in path[:-1]), str(path[-1]) if path else ""
    match details["type"]:
        case "extra_forbidden":
            return path, f"unknown key{_nearest_key(section, key)}"
        case "missing":
            return path, f"missing: expected {keys_of(section)[key] or _mapping_of(key)}"
        case "model_type" | "dict_type":
            return path, f"expected {_mapping_of(key)}, got {shown(details['input'])}"
        case _:
            return path, details["msg"]


def _nearest_key(section: str, key: str) -> str:
    """Hint for an unknown key: one of another section, or one spelt alike."""
    homes = [name for name in SECTIONS if name != section and key in keys_of(name)]
    if homes:
        return f" (it belongs {f'under {homes[0]!r}' if homes[0] else 'at the top level'})"
    return did_you_mean(key, keys_of(section))


def _mapping_of(section: str) -> str:
    match section:
        case "sources":
            return "a mapping of key paths, such as chiplet.clock_mhz, to their sources"
        case "grid":
            return "rows x columns such as 6x6, or a mapping with both"
        case "energy_profile":
            return f"one of {', '.join(profile_names())}, or a mapping of a profile's constants"
        case _:
            return f"a mapping with {', '.join(keys_of(section))}"


def _package(file: PackageFile, data: Mapping[str, Any]) -> Package:
    chiplet = file.chiplet
    # cross_faults saw to it that either the unified buffer is given or both others are; no buffer is empty.
    unified = chiplet.unified_buffer_bytes
    weight_buffer = unified or chiplet.weight_buffer_bytes or 0
    activation_buffer = unified or chiplet.activation_buffer_bytes or 0
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
    energy = file.energy.profile()
    own = file.nop.hop_energy_fj_per_byte
    if own is None or own == energy.nop_hop_fj_per_byte:
        return energy
    # A result names its profile; this one is no longer the published one.
    return replace(energy, nop_hop_fj_per_byte=own, name=f"{energy.name} (own links)")


def _provenance(file: PackageFile, data: Mapping[str, Any]) -> dict[str, str]:
    """Sources of the file, the named profile's own, and of figures that it leaves to a default."""
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
