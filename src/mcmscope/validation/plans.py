"""Schedules that stand for what was measured: searched, or built as the measured ones were."""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations, pairwise
from typing import TYPE_CHECKING

from mcmscope.api import run
from mcmscope.cost.evaluate import evaluate
from mcmscope.errors import InputError
from mcmscope.hardware.package import Package
from mcmscope.schedule import Cluster, Partition, Schedule, Scheme, Segment
from mcmscope.validation.case import Plan
from mcmscope.workload import Network, load_network

if TYPE_CHECKING:
    from mcmscope.simulate import Simulation


@lru_cache(maxsize=64)
def searched(
    network: Network, package: Package, batch: int, scheme: Scheme, micro_batch: int | None = None
) -> Plan:
    """The fastest schedule of one scheme.

    Raises:
        InputError: the scheme has none that fits.
    """
    found = run(network, package, batch, schemes=[scheme.value], micro_batch=micro_batch).schemes[0]
    if found.schedule is None or found.evaluation is None:
        raise InputError(f"{network.name} on {package.name}: no {scheme} schedule: {found.reason}")
    return Plan(network, package, batch, found.schedule, found.evaluation)


@lru_cache(maxsize=32)
def zoo_network(name: str) -> Network:
    """A network of the zoo, loaded once."""
    return load_network(name)


def alone(plan: Plan) -> Plan:
    """The same schedule for one sample."""
    evaluation = evaluate(plan.schedule, plan.network, plan.package, 1)
    return Plan(plan.network, plan.package, 1, plan.schedule, evaluation)


def simulated_beat_s(simulation: Simulation) -> float:
    """Seconds between samples of a simulated pipeline of one segment and single samples, once it is full."""
    return max(stage.interval_s for stage in simulation.segments[0].stages)


def pipelined(network: Network, package: Package, batch: int) -> Plan:
    """All chiplets as a pipeline, sample by sample: the division of the layers that is fastest when full.

    For short chains, since every division is priced.

    Raises:
        InputError: no division fits.
    """
    cuts = combinations(range(1, len(network)), package.chiplets - 1)
    plans = [_divided(network, package, batch, (0, *inner, len(network))) for inner in cuts]
    fitting = [plan for plan in plans if plan.evaluation.feasible]
    if not fitting:
        raise InputError(f"{network.name} on {package.name}: no pipeline of {package.chiplets} parts fits")
    return max(fitting, key=lambda plan: plan.evaluation.steady_throughput_per_s)


def _divided(network: Network, package: Package, batch: int, bounds: tuple[int, ...]) -> Plan:
    clusters = tuple(
        Cluster((i, j), (chiplet,), (1, 1, 1), (Partition.ISP,) * (j - i))
        for chiplet, (i, j) in enumerate(pairwise(bounds))
    )
    schedule = Schedule((Segment((0, len(network)), 1, clusters),))
    return Plan(network, package, batch, schedule, evaluate(schedule, network, package, batch))
