"""The network and the package of a case: cut short, or with constants turned."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mcmscope.hardware import load_package
from mcmscope.hardware.dump import package_to_dict
from mcmscope.hardware.energy import energy_profile
from mcmscope.hardware.loader import package_from_dict
from mcmscope.hardware.package import Package
from mcmscope.hardware.schema import energy_to_dict
from mcmscope.reproduce.case import Case
from mcmscope.workload import Network, load_network

SCALED: dict[str, tuple[str, ...]] = {
    "NoP bandwidth": ("nop.link_gb_per_s",),
    "DRAM bandwidth": ("dram.channel_gb_per_s",),
    "buffers": (
        "chiplet.weight_buffer_kib",
        "chiplet.activation_buffer_kib",
        "chiplet.unified_buffer_kib",
    ),
}
"""Knobs that scale the keys of a package file; those that a package does not have are passed over."""
OVERLAP, PROFILE = "overlap", "energy profile"
"""Knobs that are set to a word."""


_FIRST = "first "


def first(count: int) -> str:
    """The variant of a case whose network is cut behind so many layers."""
    return f"{_FIRST}{count} layers"


def network_of(case: Case) -> Network:
    """The network, or as many of its layers as the case's variant says."""
    network = load_network(case.network)
    if not case.variant.startswith(_FIRST):
        return network
    return first_layers(network, int(case.variant.removeprefix(_FIRST).split()[0]))


def package_of(case: Case) -> Package:
    """The package with the case's knobs turned."""
    package = load_package(case.package)
    if not case.turned:
        return package
    data = package_to_dict(package)
    for knob, value in case.turned:
        if knob == OVERLAP:
            data["execution"]["overlap"] = value
        elif knob == PROFILE:
            data["energy_profile"] = energy_to_dict(energy_profile(str(value)))
        else:
            _scale(data, SCALED[knob], float(value))
    return package_from_dict(data, case.told)


def _scale(data: dict[str, Any], keys: tuple[str, ...], factor: float) -> None:
    for key in keys:
        section, _, name = key.partition(".")
        if data[section].get(name) is not None:
            scaled = data[section][name] * factor
            data[section][name] = int(scaled) if scaled == int(scaled) else scaled


def first_layers(network: Network, count: int) -> Network:
    """The network cut behind a layer. Whatever is used behind leaves the package there."""
    assert count < len(network)
    used = {
        operand.source
        for layer in network.layers[count:]
        for operand in layer.operands
        if 0 <= operand.source < count
    }
    outputs = tuple(sorted(used | {output for output in network.outputs if output < count}))
    return replace(
        network, name=f"{network.name}, {count} layers", layers=network.layers[:count], outputs=outputs
    )
