"""Simba: 36 chiplets that run ResNet-50 layer by layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcmscope.schedule import Scheme
from mcmscope.validation.case import Case, Figure, Packages, Plan, Published, knob
from mcmscope.validation.plans import searched, zoo_network

if TYPE_CHECKING:
    from mcmscope.simulate import Simulation

PJ_PER_J = 10**12
_ARRAY = ("mac", "pe_buffers", "activation_buffer")

_MICRO = "Simba, MICRO 2019 and CACM 2021: 1 / latency at batch 1"
_JSSC = "Simba, JSSC 2020: batch 1"
_VLSI = "Simba, VLSI 2019: batch not stated"
_ENERGY = "Simba, MICRO 2019 and JSSC 2020: chip at its best voltage to package"


def _resnet50(packages: Packages) -> tuple[Plan, ...]:
    return (searched(zoo_network("resnet50"), packages[0], 1, Scheme.SEQUENTIAL),)


def _throughput(plans: tuple[Plan, ...]) -> float:
    return plans[0].evaluation.throughput_per_s


def _simulated_throughput(_: tuple[Plan, ...], simulated: tuple[Simulation, ...]) -> float:
    return simulated[0].throughput_per_s


def _utilization(plans: tuple[Plan, ...]) -> float:
    return 100 * plans[0].evaluation.utilization


def _simulated_utilization(plans: tuple[Plan, ...], simulated: tuple[Simulation, ...]) -> float:
    return 100 * simulated[0].throughput_per_s * plans[0].network.macs / plans[0].package.peak_macs_per_s


def _array_pj_per_mac(plans: tuple[Plan, ...]) -> float:
    return _pj_per_mac(plans[0], plans[0].evaluation.energy_breakdown_j or {}, _ARRAY)


def _package_pj_per_mac(plans: tuple[Plan, ...]) -> float:
    return _pj_per_mac(plans[0], plans[0].evaluation.energy_breakdown_j or {}, (*_ARRAY, "nop"))


def _simulated_package_pj_per_mac(plans: tuple[Plan, ...], simulated: tuple[Simulation, ...]) -> float:
    return _pj_per_mac(plans[0], simulated[0].energy_breakdown_j, (*_ARRAY, "nop"))


def _pj_per_mac(plan: Plan, breakdown_j: dict[str, float], terms: tuple[str, ...]) -> float:
    return PJ_PER_J * sum(breakdown_j[term] for term in terms) / plan.network.macs


def _speed(published: float, source: str, why: str = "") -> Figure:
    return Figure(
        "ResNet-50, batch 1, layer by layer",
        "images/s",
        Published(published, published, source),
        _resnet50,
        _throughput,
        read_simulated=_simulated_throughput,
        why=why,
    )


SIMBA = Case(
    "simba",
    "Simba: 36 chiplets (NVIDIA)",
    ("simba-36",),
    (
        _speed(1988, _MICRO),
        _speed(1903, _JSSC),
        _speed(
            2615,
            _VLSI,
            "perhaps of a larger batch, whose weights are loaded less often",
        ),
        Figure(
            "utilization in that run",
            "%",
            Published(12, 17, "Simba, MICRO 2019"),
            _resnet50,
            _utilization,
            read_simulated=_simulated_utilization,
        ),
        Figure(
            "energy of MACs and buffers",
            "pJ/MAC",
            Published(0.22, 0.33, _ENERGY),
            _resnet50,
            _array_pj_per_mac,
            fitted="the profile's energy of a MAC is the upper end",
        ),
        Figure(
            "energy without DRAM",
            "pJ/MAC",
            Published(0.22, 0.33, _ENERGY),
            _resnet50,
            _package_pj_per_mac,
            read_simulated=_simulated_package_pj_per_mac,
            why="every layer multicasts its input to 36 chiplets, at 1.75 pJ per bit and hop: three quarters "
            "of it are links; the published figure is of the package at its best efficiency, not of this run",
        ),
    ),
    (
        knob("chiplet.vector_lanes"),
        knob("chiplet.buffer_read_bytes_per_cycle"),
        knob("chiplet.layer_start_ns"),
        knob("dram.channel_gb_per_s", "nop.link_gb_per_s", name="DRAM and the links that carry it"),
        knob("dram.channel_gb_per_s"),
        knob("dram.channels"),
        knob("retained_share"),
    ),
    (
        ("dram.edges", "a place, not a quantity"),
        ("energy_profile.dram_pj_per_bit", "no figure holds the energy of DRAM"),
    ),
)
