"""What a run returns: one row per scheme, its schedule, its figures and the certificate of its search."""

from __future__ import annotations

from dataclasses import dataclass

from mcmscope.cost.evaluate import Evaluation
from mcmscope.hardware.package import Package
from mcmscope.schedule import Objective, Schedule, Scheme
from mcmscope.workload.network import Network


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a search can say of its schedule.

    ``status``: ``optimal`` (proven, within the scheme's space), ``bounded`` (at most ``gap`` from the
    optimum), ``heuristic`` (no statement; ``gap`` is then the distance to the bound of the roofline) or
    ``infeasible``. ``space_size`` is the exact number of schedules in the space, ``states`` how many
    priced parts the search touched. ``start`` names the start that a local search won from.
    """

    status: str
    gap: float | None
    space_size: int
    states: int
    start: str | None = None


@dataclass(frozen=True, slots=True)
class SchemeResult:
    """One scheme: attributes carry the names of the keys in ``result.json``; figures of an infeasible one are None."""

    scheme: Scheme
    search: str
    certificate: Certificate
    feasible: bool
    reason: str | None
    search_s: float
    schedule: Schedule | None
    evaluation: Evaluation | None


@dataclass(frozen=True, slots=True)
class Result:
    """All schemes of one network on one package at one batch."""

    network: Network
    package: Package
    batch: int
    objective: Objective
    schemes: tuple[SchemeResult, ...]
