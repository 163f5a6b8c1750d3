"""Hardware: the package's types, presets and files, energy profiles."""

from mcmscope.hardware.describe import describe_package
from mcmscope.hardware.dump import package_to_dict, package_to_yaml
from mcmscope.hardware.energy import energy_profile, profile_names
from mcmscope.hardware.loader import load_package, package_from_dict, preset_names
from mcmscope.hardware.package import Chiplet, Dram, Edge, EnergyProfile, Nop, Overlap, Package

__all__ = [
    "Chiplet",
    "Dram",
    "Edge",
    "EnergyProfile",
    "Nop",
    "Overlap",
    "Package",
    "describe_package",
    "energy_profile",
    "load_package",
    "package_from_dict",
    "package_to_dict",
    "package_to_yaml",
    "preset_names",
    "profile_names",
]
