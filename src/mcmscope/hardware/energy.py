"""Named energy profiles: constants in pJ from ``profiles.yaml``, each with its source."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from mcmscope.errors import InputError, did_you_mean
from mcmscope.hardware.package import EnergyProfile

if TYPE_CHECKING:
    from mcmscope.hardware.schema import NamedProfileFile


@cache
def _profiles() -> dict[str, NamedProfileFile]:
    import yaml

    from mcmscope.hardware.schema import NamedProfileFile

    text = files("mcmscope.hardware").joinpath("profiles.yaml").read_text(encoding="utf-8")
    mappings: dict[str, dict[str, Any]] = yaml.safe_load(text)
    return {name: NamedProfileFile.model_validate({"name": name} | m) for name, m in mappings.items()}


def _named(name: str) -> NamedProfileFile:
    profile = _profiles().get(name)
    if profile is None:
        known = profile_names()
        raise InputError(
            f"unknown energy profile {name!r}{did_you_mean(name, known)}: "
            f"expected one of {', '.join(known)}, or a mapping of a profile's constants"
        )
    return profile


def profile_names() -> tuple[str, ...]:
    """Names of the bundled profiles."""
    return tuple(_profiles())


def energy_profile(name: str) -> EnergyProfile:
    """The bundled profile of that name.

    Raises:
        InputError: no such profile.
    """
    return _named(name).profile()


def profile_sources(name: str) -> dict[str, str]:
    """Source of every figure of a bundled profile, by its key in the file (``mac_pj``).

    Raises:
        InputError: no such profile.
    """
    return dict(_named(name).sources)
