"""Packages as plain data, as YAML, and in words."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mcmscope.hardware import (
    Chiplet,
    Dram,
    Edge,
    EnergyProfile,
    Nop,
    Overlap,
    Package,
    describe_package,
    load_package,
    package_from_dict,
    package_to_dict,
    package_to_yaml,
    preset_names,
)

_LINE = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=20)
_FJ_PER_BYTE = st.integers(0, 8_000_000_000)
_MB_PER_S = st.integers(1, 1_000_000_000)


@st.composite
def chiplets(draw: st.DrawFn) -> Chiplet:
    unified = draw(st.booleans())
    activations = draw(st.integers(1, 2**30))
    return Chiplet(
        clock_mhz=draw(st.integers(1, 10_000)),
        pes=draw(st.integers(1, 4096)),
        lanes_k=draw(st.integers(1, 1024)),
        lanes_c=draw(st.integers(1, 1024)),
        vector_lanes=draw(st.integers(1, 65_536)),
        weight_buffer_bytes=activations if unified else draw(st.integers(1, 2**30)),
        activation_buffer_bytes=activations,
        unified=unified,
        buffer_read_bytes_per_cycle=draw(st.integers(1, 2**20)),
        layer_start_ns=draw(st.integers(0, 10**6)),
    )


@st.composite
def packages(draw: st.DrawFn) -> Package:
    rows = draw(st.integers(1, 64))
    keys = st.sampled_from(["chiplet.pes", "grid.rows", "energy_profile.mac_pj", "retained_share"])
    return Package(
        name=draw(st.sampled_from(["simba-36", "null", "1e3", "a: b", "#", "'"]) | _LINE),
        description=draw(st.sampled_from(["", "two\nlines\n", " # no comment"]) | _LINE),
        rows=rows,
        columns=draw(st.integers(1, 64)),
        strip_height=draw(st.integers(1, rows)),
        chiplet=draw(chiplets()),
        nop=Nop(link_mb_per_s=draw(_MB_PER_S), hop_latency_ns=draw(st.integers(0, 10**6))),
        dram=Dram(
            channels=draw(st.integers(1, 4096)),
            channel_mb_per_s=draw(_MB_PER_S),
            edges=tuple(draw(st.lists(st.sampled_from(list(Edge)), min_size=1, unique=True))),
        ),
        energy=EnergyProfile(
            draw(_LINE | st.just("simba-16nm")),
            draw(_LINE),
            draw(st.integers(0, 10**9)),
            *(draw(_FJ_PER_BYTE) for _ in range(7)),
            static_mw_per_chiplet=draw(st.integers(0, 10**6)),
        ),
        retained_permille=draw(st.integers(0, 900)),
        overlap=draw(st.sampled_from(Overlap)),
        prefetch=draw(st.booleans()),
        provenance=draw(st.dictionaries(keys, _LINE)),
    )


@given(packages())
def test_round_trip_through_json(package: Package) -> None:
    data = json.loads(json.dumps(package_to_dict(package)))
    back = package_from_dict(data, "x")
    assert back == package
    assert back.provenance == package.provenance
    assert package_to_dict(back) == data


@given(package=packages())
def test_round_trip_through_yaml(scratch: Path, package: Package) -> None:
    scratch.write_text(package_to_yaml(package), encoding="utf-8")
    assert load_package(scratch) == package


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_as_yaml_stands_alone(name: str, write: Callable[..., Path]) -> None:
    text = package_to_yaml(name)
    package, back = load_package(name), load_package(write(text))
    assert back == package
    assert back.provenance == package.provenance
    data: dict[str, Any] = yaml.safe_load(text)
    assert "extends" not in data
    assert data["energy_profile"] == package.energy.name
    assert "  # of one directed link between neighbours" in text
    assert package_to_yaml(package) == text


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_as_a_dict(name: str) -> None:
    package = load_package(name)
    data = package_to_dict(package)
    assert json.loads(json.dumps(data)) == data
    back = package_from_dict(data, "x")
    assert back == package
    assert back.provenance == package.provenance


def test_the_dict_has_the_units_of_the_file() -> None:
    data = package_to_dict(load_package("simba-36"))
    assert data["grid"] == {"rows": 6, "columns": 6}
    assert data["chiplet"]["weight_buffer_kib"] == 512
    assert "unified_buffer_kib" not in data["chiplet"]
    assert data["nop"] == {"link_gb_per_s": 12.5, "hop_latency_ns": 20}
    assert data["dram"] == {"channels": 6, "channel_gb_per_s": 25.6, "edges": ["left", "right"]}
    assert data["energy_profile"]["nop_hop_pj_per_bit"] == 1.75
    assert data["energy_profile"]["mac_pj"] == 0.33
    assert data["retained_share"] == 0.25


def test_description_of_simba_36() -> None:
    text = describe_package(load_package("simba-36"))
    for words in (
        "6 x 6 = 36 chiplets",
        "127.5 TOPS",
        "512 KiB for weights, 64 KiB for activations; 18 MiB and 2.25 MiB in all",
        "6 links = 75 GB/s in each direction",
        "12 chiplets x 12.5 GB/s: 150 GB/s reaches the mesh (the links there bind)",
        "simba-16nm",
    ):
        assert words in text
    marked = {line.split("  ")[0] for line in text.splitlines() if line.startswith("* ")}
    assert marked >= {"* vector unit", "* DRAM", "* layer start", "* retained"}
    assert not marked & {"* link", "* chiplet", "* grid", "* buffers"}
    assert "    chiplet.layer_start_ns: about 170 cycles" in text
    assert "without a source" not in text


def test_description_of_a_file_without_sources(write: Callable[..., Path], complete: str) -> None:
    text = describe_package(load_package(write(complete.replace("grid: 2x3", "grid: 1x1"))))
    assert "none: a single chiplet" in text
    assert "without a source: grid.rows, grid.columns, chiplet.clock_mhz" in text


@given(packages())
def test_any_package_can_be_described(package: Package) -> None:
    assert f"{package.chiplets} chiplets" in describe_package(package)


def test_importing_hardware_is_light() -> None:
    code = (
        "import sys, mcmscope.hardware\n"
        "heavy = {'yaml', 'pydantic', 'numpy', 'difflib'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
