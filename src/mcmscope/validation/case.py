"""What a validation case is: published figures, schedules that stand for them, constants they rest on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcmscope.cost.evaluate import Evaluation
from mcmscope.hardware.package import Package
from mcmscope.schedule import Schedule
from mcmscope.workload.network import Network

if TYPE_CHECKING:
    from mcmscope.simulate import Simulation


@dataclass(frozen=True, slots=True)
class Plan:
    """A schedule of a network on a package for a batch, priced."""

    network: Network
    package: Package
    batch: int
    schedule: Schedule
    evaluation: Evaluation


Simulate = Callable[[Schedule, Network, Package, int], "Simulation"]

Packages = tuple[Package, ...]
"""The packages of a case, in the order of ``Case.packages``."""


@dataclass(frozen=True, slots=True)
class Published:
    """A published figure: ``low`` to ``high``, equal unless a range was published; where it is from."""

    low: float
    high: float
    source: str

    def ratio(self, value: float) -> float:
        """``value`` over the figure; over the nearer end of a range, 1 inside it."""
        nearest = min(max(value, self.low), self.high)
        return value / nearest


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a case and how the model comes to its own.

    ``plans`` makes the schedules that stand for what was measured; ``read`` takes the figure from them, and
    ``bounds`` how low and how high it could be where the model cannot say. ``read_simulated`` takes it from
    their simulations, if these can tell it. ``fitted`` names what was fitted to this figure (empty: nothing),
    ``why`` the reason of a difference.
    """

    name: str
    unit: str
    published: Published
    plans: Callable[[Packages], tuple[Plan, ...]]
    read: Callable[[tuple[Plan, ...]], float]
    bounds: Callable[[tuple[Plan, ...]], tuple[float, float]] | None = None
    read_simulated: Callable[[tuple[Plan, ...], tuple[Simulation, ...]], float] | None = None
    fitted: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Knob:
    """Constants varied together: keys of a package file, each with the power that it is scaled by."""

    name: str
    powers: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Case:
    """A chip: its packages by name, its figures, and the constants that were assumed.

    ``inert`` are assumed constants that are not varied, each with the reason.
    """

    name: str
    title: str
    packages: tuple[str, ...]
    figures: tuple[Figure, ...]
    knobs: tuple[Knob, ...]
    inert: tuple[tuple[str, str], ...] = ()


def knob(*keys: str, inverse: tuple[str, ...] = (), name: str = "") -> Knob:
    """A knob of keys that grow together while those of ``inverse`` shrink (by the square if given twice)."""
    powers = Counter(keys)
    powers.subtract(inverse)
    return Knob(name or keys[0], tuple(powers.items()))
