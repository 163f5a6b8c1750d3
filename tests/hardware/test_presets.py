"""Presets: their published and derived figures, and a source for each."""

from __future__ import annotations

import pytest

from mcmscope.errors import InputError
from mcmscope.hardware import Edge, load_package, preset_names
from mcmscope.hardware.describe import is_assumed, keys_without_source

SIMBA_GRIDS = {16: (4, 4), 36: (6, 6), 64: (8, 8), 128: (8, 16), 256: (16, 16), 512: (16, 32)}


def test_names() -> None:
    assert preset_names() == (
        "edge-tpu",
        "edge-tpu-4",
        "hailo-8",
        "mesh-4x4",
        "mesh-6x6",
        "mesh-8x8",
        *(f"simba-{size}" for size in SIMBA_GRIDS),
        "ucie-64",
        "ucie-256",
    )


@pytest.mark.parametrize("name", preset_names())
def test_every_constant_has_a_source(name: str) -> None:
    package = load_package(name)
    assert package.name == name
    assert package.description
    assert keys_without_source(package) == ()
    # No key of another layout, such as the separate buffers' in a unified package.
    assert ("chiplet.unified_buffer_kib" in package.provenance) == package.chiplet.unified
    assert ("chiplet.weight_buffer_kib" in package.provenance) != package.chiplet.unified


@pytest.mark.parametrize("size", SIMBA_GRIDS)
def test_simba(size: int) -> None:
    package, published = load_package(f"simba-{size}"), load_package("simba-36")
    assert (package.rows, package.columns) == SIMBA_GRIDS[size]
    assert package.chiplets == size
    assert package.chiplet == published.chiplet
    assert package.nop == published.nop
    assert package.energy == published.energy
    # One channel for two rows on each of two sides; the 12.5 GB/s links of the ports just bind.
    assert package.dram.channels == package.rows
    assert package.dram_ports == 2 * package.rows
    assert package.dram_mb_per_s == package.rows * 25_000
    # Only the package of 36 was built.
    assert is_assumed(package, "grid.rows") == (size != 36)


def test_simba_36_has_the_published_figures() -> None:
    package = load_package("simba-36")
    assert 2 * package.peak_macs_per_s / 1e12 == pytest.approx(127.8, rel=0.003)
    assert package.chiplet.macs_per_cycle == 16 * 64
    assert package.chiplets * package.chiplet.weight_buffer_bytes == 18 * 2**20
    assert package.chiplet.activation_buffer_bytes == 64 * 2**10
    assert package.nop.link_mb_per_s * 8 == 100_000
    assert package.nop.hop_latency_ns == 20
    assert package.strip_height == 2
    assert package.energy.name == "simba-16nm"
    for key in ("dram.channels", "dram.channel_gb_per_s", "chiplet.vector_lanes", "chiplet.layer_start_ns"):
        assert is_assumed(package, key)
    for key in ("chiplet.clock_mhz", "nop.link_gb_per_s", "nop.hop_latency_ns"):
        assert not is_assumed(package, key)


@pytest.mark.parametrize(("side", "link", "dram"), [(4, 24, 16), (6, 32, 36), (8, 24, 64)])
def test_meshes_are_those_that_other_tools_were_measured_on(side: int, link: int, dram: int) -> None:
    package = load_package(f"mesh-{side}x{side}")
    assert (package.rows, package.columns) == (side, side)
    assert package.chiplet.clock_mhz == 1000
    assert package.chiplet.macs_per_cycle == 1024
    assert package.chiplet.unified
    assert package.chiplet.activation_buffer_bytes == package.chiplet.weight_buffer_bytes == 2**20
    assert package.chiplet.vector_lanes == 64
    assert package.chiplet.layer_start_ns == package.nop.hop_latency_ns == 0
    assert package.nop.link_mb_per_s == link * 1000
    assert package.dram_mb_per_s == dram * 1000
    assert package.dram.edges == (Edge.LEFT, Edge.RIGHT)
    assert package.energy.name == "set-12nm"
    assert package.energy.nop_hop_fj_per_byte == 5600


@pytest.mark.parametrize(("size", "stacks"), [(64, 2), (256, 4)])
def test_ucie(size: int, stacks: int) -> None:
    package = load_package(f"ucie-{size}")
    assert package.chiplets == size
    assert package.chiplet.activation_buffer_bytes == 2 * 2**20
    assert package.nop.link_mb_per_s == 64_000
    assert package.dram.channels * package.dram.channel_mb_per_s == stacks * 819_200
    # The ports' links bind: 2 sides of the mesh at 64 GB/s each.
    assert package.dram_mb_per_s == 2 * package.rows * 64_000
    assert package.energy.nop_hop_fj_per_byte == 4800
    assert package.energy.dram_fj_per_byte == 44_000


def test_edge_tpu_has_the_published_figures() -> None:
    package, four = load_package("edge-tpu"), load_package("edge-tpu-4")
    assert package.chiplets == 1
    assert 2 * package.peak_macs_per_s / 1e12 == pytest.approx(4, rel=0.02)
    assert package.chiplet.activation_buffer_bytes == 8 * 2**20
    assert package.chiplet.unified
    # The link of USB binds, not the host's memory.
    assert package.dram_mb_per_s == package.nop.link_mb_per_s == 5000 * 8 // 10 // 8
    assert four.chiplets == 4
    assert four.chiplet == package.chiplet
    assert four.nop == package.nop
    # Each device has a port of its own.
    assert four.dram_mb_per_s == 4 * package.dram_mb_per_s
    for key in ("nop.link_gb_per_s", "chiplet.unified_buffer_kib"):
        assert not is_assumed(package, key)


def test_hailo_8_has_the_published_figures() -> None:
    package = load_package("hailo-8")
    assert 2 * package.peak_macs_per_s / 1e12 == pytest.approx(26, rel=0.01)
    assert package.rows == 8
    assert package.dram_mb_per_s == 3938
    # Nearly all of its inside is assumed, and says so.
    for key in ("grid.columns", "chiplet.clock_mhz", "chiplet.unified_buffer_kib", "nop.link_gb_per_s"):
        assert is_assumed(package, key)


@pytest.mark.parametrize("name", ["SIMBA-36", "simba_36", "Simba_36"])
def test_names_forgive_case_and_underscores(name: str) -> None:
    assert load_package(name) == load_package("simba-36")


def test_an_unknown_name_lists_the_presets() -> None:
    with pytest.raises(InputError) as caught:
        load_package("simba-35")
    assert "unknown package 'simba-35' (did you mean 'simba-36'?)" in str(caught.value)
    assert "ucie-256" in str(caught.value)
