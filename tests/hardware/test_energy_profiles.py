"""Energy profiles: the figures of their sources, in femtojoules."""

from __future__ import annotations

import pytest

from mcmscope.errors import InputError
from mcmscope.hardware import EnergyProfile, energy_profile, profile_names
from mcmscope.hardware.energy import profile_sources


def test_names() -> None:
    assert profile_names() == (
        "set-12nm",
        "gemini-12nm",
        "nnbaton-16nm",
        "simba-16nm",
        "edge-tpu",
        "hailo-8",
    )


def pj_per_bit(energy: EnergyProfile) -> list[float]:
    """Input, weight, accumulator, activation read and write, hop, DRAM."""
    return [
        fj / 8000
        for fj in (
            energy.input_buffer_read_fj_per_byte,
            energy.weight_buffer_read_fj_per_byte,
            energy.accumulator_fj_per_byte,
            energy.activation_buffer_read_fj_per_byte,
            energy.activation_buffer_write_fj_per_byte,
            energy.nop_hop_fj_per_byte,
            energy.dram_fj_per_byte,
        )
    ]


@pytest.mark.parametrize(
    ("name", "mac_fj", "expected"),
    [
        ("set-12nm", 18, [0.049, 0.038, 0.0755, 0.132, 0.234, 0.7, 7.5]),
        ("gemini-12nm", 18, [0.074, 0.195, 0.073, 0.217, 0.234, 0.6, 5.5]),
        (
            "nnbaton-16nm",
            24,
            [*(0.0165 * kib + 0.2835 for kib in (8, 32, 4, 64, 64)), 1.17, 8.75],
        ),
        ("simba-16nm", 330, [0, 0, 0, 0, 0, 1.75, 15]),
        ("edge-tpu", 1000, [0, 0, 0, 0, 0, 50, 15]),
        ("hailo-8", 690, [0, 0, 0, 0, 0, 0, 20]),
    ],
)
def test_figures(name: str, mac_fj: int, expected: list[float]) -> None:
    energy = energy_profile(name)
    assert energy.name == name
    assert energy.mac_fj == mac_fj
    assert pj_per_bit(energy) == pytest.approx(expected, abs=0.0006)
    assert energy.static_mw_per_chiplet == 0


def test_rounding_is_to_the_nearest_femtojoule_per_byte() -> None:
    energy = energy_profile("set-12nm")
    assert energy.activation_buffer_read_fj_per_byte == round(0.1317125 * 8000) == 1054
    assert energy.nop_hop_fj_per_byte == 5600
    assert energy.dram_fj_per_byte == 60_000


@pytest.mark.parametrize("name", profile_names())
def test_every_figure_has_a_source(name: str) -> None:
    sources = profile_sources(name)
    assert len(sources) == 9
    assert all(sources.values())
    assert energy_profile(name).source


def test_what_is_assumed_is_said() -> None:
    assert profile_sources("simba-16nm")["dram_pj_per_bit"].startswith("assumed: ")
    assert not profile_sources("set-12nm")["nop_hop_pj_per_bit"].startswith("assumed")


def test_unknown_profile() -> None:
    with pytest.raises(
        InputError, match=r"unknown energy profile 'simba-16' \(did you mean 'simba-16nm'\?\)"
    ):
        energy_profile("simba-16")
