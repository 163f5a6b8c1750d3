"""The throughput-energy front: the schedules of which none is both faster and thriftier."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mcmscope.cost.code import decode
from mcmscope.cost.evaluate import Evaluation, evaluate
from mcmscope.cost.model import cost_model
from mcmscope.errors import InputError
from mcmscope.hardware.package import Package
from mcmscope.options import Options
from mcmscope.schedule import Schedule, Scheme
from mcmscope.workload.network import Network


@dataclass(frozen=True, slots=True)
class ParetoPoint:
    """A schedule on the front, and what is proven of it.

    ``proof``: ``exact`` (no schedule beats it), ``supported`` (nor any mix of schedules: it is a vertex or
    lies on an edge of the front's lower convex hull) or ``found``. ``gap``: no schedule is better in time and
    in energy at once by more than this factor less 1. ``cover``: of all schedules between this point and the
    next slower one, one of the two reaches each within this factor less 1 in both; behind the last point, it
    does. None: nothing is known.
    """

    schedule: Schedule
    evaluation: Evaluation
    proof: str
    gap: float | None
    cover: float | None


@dataclass(frozen=True, slots=True)
class Pareto:
    """The front of one scheme, fastest first.

    ``exact``: the points are the whole front. Else ``gap`` says how well they cover it: each schedule there
    is, is reached by one of them within this factor less 1, in time and in energy. ``reason`` says why there
    are no points. ``stopped``: by the limit of time, or ``interrupted``.
    """

    network: Network
    package: Package
    batch: int
    scheme: Scheme
    micro_batch: int | None
    exact: bool
    gap: float | None
    states: int
    points: tuple[ParetoPoint, ...]
    reason: str | None = None
    stopped: bool = False
    interrupted: bool = False

    def save(self, directory: str | Path) -> tuple[Path, ...]:
        """Write ``pareto.csv``, ``pareto.svg`` and ``pareto.json``, each whole or not at all; returns the
        files.

        Raises:
            InputError: the directory cannot be made or written to.
        """
        from mcmscope.report.pareto import save_pareto

        return save_pareto(self, Path(directory))


def fit_for_front(scheme: Scheme, package: Package) -> list[str]:
    """Why there is no front of this scheme on this package; nothing if there is."""
    faults: list[str] = []
    if scheme is Scheme.DATA_PARALLEL:
        faults.append("scheme: data-parallel has no front; take another")
    if package.prefetch:
        faults.append(
            f"{package.name}: with prefetch a segment's time depends on the next; set prefetch to false"
        )
    return faults


def pareto(
    network: Network,
    package: Package,
    options: Options,
    tell: Callable[[str], None] | None = None,
) -> Pareto:
    """The front of the first scheme of ``options``; ``tell`` hears of the steps of a long search.

    Raises:
        InputError: there is no front of the scheme or on the package.
    """
    from mcmscope.search.context import SearchContext
    from mcmscope.search.front import find_front
    from mcmscope.search.limit import Limit

    scheme = options.schemes[0]
    faults = fit_for_front(scheme, package)
    if faults:
        raise InputError(faults)
    context = SearchContext(cost_model(network, package), options.batch, options.micro_batch)
    limit = Limit(options.time_limit_s)
    found = find_front(context, scheme, limit, tell)
    stopped = not found.exact and limit.reached()
    points: list[ParetoPoint] = []
    for point in found.points:
        schedule = decode(point.code, package)
        priced = evaluate(schedule, network, package, options.batch)
        if (priced.batch_ps, priced.energy_fj) != (point.time_ps, point.energy_fj):
            raise AssertionError(
                f"{scheme}: the evaluator says {priced.batch_ps} ps and {priced.energy_fj} fJ, "
                f"the search {point.time_ps} ps and {point.energy_fj} fJ"
            )
        points.append(ParetoPoint(schedule, priced, point.proof, point.gap, point.cover))
    return Pareto(
        network=network,
        package=package,
        batch=options.batch,
        scheme=scheme,
        micro_batch=options.micro_batch,
        exact=found.exact,
        gap=found.gap,
        states=found.states,
        points=tuple(points),
        reason=found.reason,
        stopped=stopped,
        interrupted=limit.interrupted,
    )
