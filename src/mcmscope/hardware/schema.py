"""The package file: its keys, their units and what each may hold.

A field bears the name and unit of the ``Package`` value that it becomes; its alias is the key of the file, in
the unit that people write. GB is 1e9 bytes, KiB 1024.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from math import isqrt
from typing import Annotated, Any, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from mcmscope.errors import InputError
from mcmscope.hardware.energy import energy_profile
from mcmscope.hardware.fields import (
    Kind,
    choice,
    choices,
    fault,
    flag,
    line,
    paragraph,
    scaled,
    shown,
    unscaled,
    whole,
)
from mcmscope.hardware.package import Edge, EnergyProfile, Overlap

LARGEST_SIDE = 64
BYTES_PER_KIB = 1024
MB_PER_GB = 1000
PERMILLE = 1000

_Kib = scaled(1 / BYTES_PER_KIB, 1_048_576, BYTES_PER_KIB, " that is a whole number of bytes")
_GbPerS = scaled(0.001, 1_000_000, MB_PER_GB, " with at most 3 decimals")
# Femtojoules of a picojoule, and of a byte at a picojoule per bit.
_PER_MAC = scaled(0, 1_000_000, 1000)
_PER_BIT = scaled(0, 1_000_000, 8000)
_GRID = re.compile(r"\s*(\d{1,9})\s*[xX×]\s*(\d{1,9})\s*")


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class EnergyFile(_Section):
    """The constants of a profile as a file gives them (pJ); the validated values are femtojoules."""

    name: Annotated[str, line(100), Field(description="printed beside every energy")]
    source: Annotated[str, line(2000), Field(description="where the constants are from")]
    mac_fj: Annotated[int, _PER_MAC, Field(alias="mac_pj", description="one int8 multiply-accumulate")]
    input_buffer_read_fj_per_byte: Annotated[
        int,
        _PER_BIT,
        Field(alias="input_buffer_read_pj_per_bit", description="a PE's input buffer, about 8 KiB"),
    ]
    weight_buffer_read_fj_per_byte: Annotated[
        int,
        _PER_BIT,
        Field(alias="weight_buffer_read_pj_per_bit", description="a PE's weight buffer, about 32 KiB"),
    ]
    accumulator_fj_per_byte: Annotated[
        int,
        _PER_BIT,
        Field(alias="accumulator_pj_per_bit", description="partial sums, mean of read and write"),
    ]
    activation_buffer_read_fj_per_byte: Annotated[
        int, _PER_BIT, Field(alias="activation_buffer_read_pj_per_bit", description="the chiplet's buffer")
    ]
    activation_buffer_write_fj_per_byte: Annotated[
        int, _PER_BIT, Field(alias="activation_buffer_write_pj_per_bit", description="the chiplet's buffer")
    ]
    nop_hop_fj_per_byte: Annotated[
        int, _PER_BIT, Field(alias="nop_hop_pj_per_bit", description="from a chiplet to its neighbour")
    ]
    dram_fj_per_byte: Annotated[
        int, _PER_BIT, Field(alias="dram_pj_per_bit", description="device and interface")
    ]
    static_mw_per_chiplet: Annotated[
        int, whole(0, 1_000_000), Field(description="charged for the whole run")
    ] = 0

    def profile(self) -> EnergyProfile:
        """The profile that the cost model takes."""
        return EnergyProfile(**{key: getattr(self, key) for key in EnergyFile.model_fields})


class NamedProfileFile(EnergyFile):
    """A bundled profile: each figure with its source."""

    sources: dict[str, str]


class GridFile(_Section):
    """Shape of the mesh."""

    rows: Annotated[int, whole(1, LARGEST_SIDE)]
    columns: Annotated[int, whole(1, LARGEST_SIDE)]


class ChipletFile(_Section):
    """One chiplet. Either the unified buffer or both others are given; ``cross_faults`` sees to it."""

    clock_mhz: Annotated[int, whole(1, 10_000)]
    pes: Annotated[int, whole(1, 4096), Field(description="PEs of lanes_k x lanes_c int8 MACs each")]
    lanes_k: Annotated[int, whole(1, 1024), Field(description="output channels at once in a PE")]
    lanes_c: Annotated[int, whole(1, 1024), Field(description="input channels at once in a PE")]
    vector_lanes: Annotated[
        int, whole(1, 65_536), Field(description="elements per cycle of pooling, activation, addition")
    ]
    weight_buffer_bytes: Annotated[
        int | None, _Kib, Field(alias="weight_buffer_kib", description="of all PEs together")
    ] = None
    activation_buffer_bytes: Annotated[int | None, _Kib, Field(alias="activation_buffer_kib")] = None
    unified_buffer_bytes: Annotated[
        int | None,
        _Kib,
        Field(alias="unified_buffer_kib", description="or weight_buffer_kib and activation_buffer_kib"),
    ] = None
    buffer_read_bytes_per_cycle: Annotated[
        int, whole(1, 1_048_576), Field(description="of the activation (or unified) buffer")
    ]
    layer_start_ns: Annotated[
        int, whole(0, 1_000_000), Field(description="set-up before a layer runs, once per beat")
    ]


class NopFile(_Section):
    """Network-on-package."""

    link_mb_per_s: Annotated[
        int, _GbPerS, Field(alias="link_gb_per_s", description="of one directed link between neighbours")
    ]
    hop_latency_ns: Annotated[int, whole(0, 1_000_000)]
    hop_energy_fj_per_byte: Annotated[
        int | None,
        _PER_BIT,
        Field(alias="hop_energy_pj_per_bit", description="instead of the energy profile's"),
    ] = None


class DramFile(_Section):
    """DRAM channels and the sides of the mesh at which they sit."""

    channels: Annotated[int, whole(1, 4096)]
    channel_mb_per_s: Annotated[int, _GbPerS, Field(alias="channel_gb_per_s")]
    edges: Annotated[
        tuple[str, ...],
        choices(tuple(edge.value for edge in Edge)),
        Field(description="sides of the mesh; every chiplet there takes in and sends out over one link"),
    ]


class ExecutionFile(_Section):
    """How layers and segments overlap."""

    overlap: Annotated[
        str,
        choice(tuple(overlap.value for overlap in Overlap)),
        Field(description="full: a layer's exchange runs beside its compute; none: before it"),
    ] = Overlap.FULL.value
    prefetch: Annotated[
        bool,
        flag(),
        Field(description="load the next segment's weights during the present one, in half of the buffer"),
    ] = False


def grid_sides(value: object) -> object:
    """``6x6`` as ``{rows: 6, columns: 6}``; anything else as it is."""
    match = _GRID.fullmatch(value) if isinstance(value, str) else None
    return {"rows": int(match[1]), "columns": int(match[2])} if match else value


def _grid(value: object) -> object:
    sides = grid_sides(value)
    if not isinstance(sides, dict):
        raise fault(f"expected rows x columns such as 6x6, or a mapping with both, got {shown(value)}")
    return cast(object, sides)


def _energy(value: object) -> object:
    if isinstance(value, str):
        try:
            return energy_to_dict(energy_profile(value))
        except InputError as error:
            raise fault(str(error)) from None
    if not isinstance(value, dict):
        raise fault(f"expected a profile's name or a mapping of its constants, got {shown(value)}")
    return cast(object, value)


class PackageFile(_Section):
    """A package file without its ``extends``."""

    name: Annotated[str, line(100)]
    description: Annotated[str, paragraph(4000)] = ""
    grid: Annotated[GridFile, BeforeValidator(_grid)]
    strip_height: Annotated[
        int | None,
        whole(1, LARGEST_SIDE),
        Field(description="rows of the strips that regions run along; default floor(sqrt(rows))"),
    ] = None
    chiplet: ChipletFile
    nop: NopFile
    dram: DramFile
    energy: Annotated[EnergyFile, BeforeValidator(_energy), Field(alias="energy_profile")]
    retained_permille: Annotated[
        int,
        scaled(0, 0.9, PERMILLE, " with at most 3 decimals"),
        Field(alias="retained_share", description="of activation buffers, to keep tensors between segments"),
    ]
    execution: ExecutionFile = ExecutionFile()
    sources: dict[str, Annotated[str, line(2000)]] = {}


def energy_to_dict(energy: EnergyProfile) -> dict[str, Any]:
    """A profile under the keys of a file, exactly: reading it gives an equal profile."""
    return section_to_dict(EnergyFile, energy)


def section_to_dict(section: type[BaseModel], value: object) -> dict[str, Any]:
    """A section's keys from the like-named attributes of a value, in the file's units; None is left out."""
    data: dict[str, Any] = {}
    for name, field in section.model_fields.items():
        units: Any = getattr(value, name, None)
        if units is not None:
            kind = next(item for item in field.metadata if isinstance(item, Kind))
            data[field.alias or name] = unscaled(units, kind.scale) if kind.scale > 1 else units
    return data


def default_strip_height(rows: int) -> int:
    """Strip height of a package that gives none: floor(sqrt(rows))."""
    return isqrt(rows)


# The mappings of a file, by their key; "" is the file itself.
SECTIONS: dict[str, type[BaseModel]] = {
    "": PackageFile,
    "grid": GridFile,
    "chiplet": ChipletFile,
    "nop": NopFile,
    "dram": DramFile,
    "energy_profile": EnergyFile,
    "execution": ExecutionFile,
}


def keys_of(section: str) -> dict[str, str]:
    """Keys of a section, each with what it expects ("" if that is a mapping)."""
    keys: dict[str, str] = {}
    for name, field in SECTIONS[section].model_fields.items():
        kind = next((item for item in field.metadata if isinstance(item, Kind)), None)
        keys[field.alias or name] = kind.expected if kind else ""
    return keys


def comment_of(section: str, key: str) -> str:
    """What a key means beyond its name, in a few words, or an empty string."""
    fields = SECTIONS[section].model_fields if section in SECTIONS else {}
    return next(
        (field.description or "" for name, field in fields.items() if (field.alias or name) == key), ""
    )


@cache
def constants() -> frozenset[str]:
    """Every key path that may have an entry in ``sources``."""

    def paths() -> Iterator[str]:
        for section in SECTIONS:
            for key in keys_of(section):
                yield f"{section}.{key}" if section else key

    return frozenset(paths()) - {
        "name",
        "description",
        "sources",
        "energy_profile.name",
        "energy_profile.source",
    }


def cross_faults(data: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Faults between keys, as (key path, message); data need not be valid otherwise."""
    chiplet = data.get("chiplet")
    if isinstance(chiplet, dict):
        keys = set(cast(dict[str, object], chiplet))
        separate = [key for key in ("weight_buffer_kib", "activation_buffer_kib") if key in keys]
        if "unified_buffer_kib" in keys:
            for key in separate:
                yield ("chiplet", key), "not beside unified_buffer_kib: give that one, or both of the others"
        elif not separate:
            yield (
                ("chiplet",),
                "no buffers: give weight_buffer_kib and activation_buffer_kib, or unified_buffer_kib",
            )
        elif len(separate) == 1:
            lacking = ({"weight_buffer_kib", "activation_buffer_kib"} - set(separate)).pop()
            yield ("chiplet", lacking), f"missing: expected beside {separate[0]}, {_Kib.expected}"
    grid = grid_sides(data.get("grid"))
    rows = cast(dict[str, object], grid).get("rows") if isinstance(grid, dict) else None
    strip = data.get("strip_height")
    if (
        type(rows) is int
        and type(strip) is int
        and 1 <= rows <= LARGEST_SIDE
        and rows < strip <= LARGEST_SIDE
    ):
        yield ("strip_height",), f"expected at most the grid's rows, {rows}, got {strip}"
