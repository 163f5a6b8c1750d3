"""Runs cases: the model's figure beside each published one, and how far it hangs on what was assumed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mcmscope.errors import InputError
from mcmscope.hardware import load_package
from mcmscope.hardware.dump import package_to_dict
from mcmscope.hardware.loader import package_from_dict
from mcmscope.hardware.package import Package
from mcmscope.options import ALL, one_of
from mcmscope.validation.case import Case, Figure, Knob, Packages, Simulate
from mcmscope.validation.edge_tpu import EDGE_TPU
from mcmscope.validation.edge_tpu_pipeline import EDGE_TPU_CALL, EDGE_TPU_PIPELINE
from mcmscope.validation.hailo import HAILO
from mcmscope.validation.simba import SIMBA

CASES: dict[str, Case] = {
    case.name: case for case in (SIMBA, EDGE_TPU, EDGE_TPU_PIPELINE, EDGE_TPU_CALL, HAILO)
}
FACTORS = (0.5, 2.0)
"""What a constant is scaled by to see what hangs on it."""

_MOST_RETAINED = 0.9


@dataclass(frozen=True, slots=True)
class Row:
    """One figure as published, by the model, and as simulated (None: not simulated, or it cannot tell)."""

    case: Case
    figure: Figure
    model: float
    bounds: tuple[float, float] | None
    simulated: float | None

    @property
    def ratio(self) -> float:
        """Model over published."""
        return self.figure.published.ratio(self.model)

    @property
    def simulated_ratio(self) -> float | None:
        """Simulated over published."""
        return None if self.simulated is None else self.figure.published.ratio(self.simulated)


@dataclass(frozen=True, slots=True)
class Effect:
    """What a case's figures become when a knob is turned: per figure, the model's figure over its own before.

    None where nothing fits any more, or where the constant can go no further.
    """

    knob: Knob
    factor: float
    changes: tuple[float | None, ...]


def cases_named(name: str) -> tuple[Case, ...]:
    """The case of a name, or ``all`` of them.

    Raises:
        InputError: there is none; the fault lists all.
    """
    known = one_of("case", name, (ALL, *CASES))
    return tuple(CASES.values()) if known == ALL else (CASES[known],)


def run_case(case: Case, simulate: Simulate | None = None) -> tuple[Row, ...]:
    """All figures of a case by the model and, with ``simulate``, as simulated."""
    packages = tuple(load_package(name) for name in case.packages)
    return tuple(_row(case, figure, packages, simulate) for figure in case.figures)


def _row(case: Case, figure: Figure, packages: Packages, simulate: Simulate | None) -> Row:
    plans = figure.plans(packages)
    simulated = None
    if simulate is not None and figure.read_simulated is not None:
        runs = tuple(simulate(plan.schedule, plan.network, plan.package, plan.batch) for plan in plans)
        simulated = figure.read_simulated(plans, runs)
    bounds = figure.bounds(plans) if figure.bounds is not None else None
    return Row(case, figure, figure.read(plans), bounds, simulated)


def sensitivities(rows: Mapping[str, tuple[Row, ...]]) -> dict[str, tuple[Effect, ...]]:
    """``sensitivity`` of every case that has knobs."""
    return {name: tuple(sensitivity(CASES[name], of)) for name, of in rows.items() if CASES[name].knobs}


def sensitivity(case: Case, rows: tuple[Row, ...]) -> Iterator[Effect]:
    """What becomes of the figures of ``rows`` at half and twice each assumed constant."""
    packages = tuple(load_package(name) for name in case.packages)
    for knob in case.knobs:
        for factor in FACTORS:
            turned = tuple(scaled(package, knob, factor) for package in packages)
            yield Effect(knob, factor, tuple(_change(row, turned) for row in rows))


def _change(row: Row, turned: tuple[Package | None, ...]) -> float | None:
    packages = tuple(package for package in turned if package is not None)
    if len(packages) < len(turned):
        return None
    try:
        return row.figure.read(row.figure.plans(packages)) / row.model
    except InputError:
        return None


def scaled(package: Package, knob: Knob, factor: float) -> Package | None:
    """``package`` with the knob's constants scaled; None if one of them cannot be."""
    data = package_to_dict(package)
    for key, power in knob.powers:
        section, _, name = key.rpartition(".")
        keys: dict[str, Any] = data[section] if section else data
        value = keys[name] * factor**power
        if isinstance(keys[name], int):
            if value != int(value):
                return None
            value = int(value)
        keys[name] = round(min(value, _MOST_RETAINED) if name == "retained_share" else value, 3)
    if data["grid"]["rows"] < data["strip_height"]:
        data["strip_height"] = data["grid"]["rows"]
    try:
        return package_from_dict(data, f"{package.name}, {knob.name} x {factor:g}")
    except InputError:
        return None
