"""The verbs of the Python interface: load, run, evaluate, simulate."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from mcmscope.cost.code import decode
from mcmscope.cost.evaluate import Evaluation
from mcmscope.cost.evaluate import evaluate as price_schedule
from mcmscope.cost.model import CostModel, cost_model
from mcmscope.errors import InputError
from mcmscope.hardware import Package, load_package
from mcmscope.options import SAMPLES, Faults, Options, read_options
from mcmscope.result import Result, SchemeResult
from mcmscope.schedule import Schedule, Scheme, serpentine
from mcmscope.schedule_file import SavedSchedule, load_schedule
from mcmscope.workload import Network, load_network

if TYPE_CHECKING:
    from mcmscope.search.context import SearchContext
    from mcmscope.search.limit import Limit
    from mcmscope.simulate import Simulation
    from mcmscope.simulate.run import Watch

__all__ = [
    "evaluate",
    "load_network",
    "load_package",
    "load_schedule",
    "run",
    "run_options",
    "simulate_schedule",
]

DEFAULT_BATCH = 64

MOST_LAYER_BEATS = 1_000_000
"""Layers times beats of a segment that are simulated: they take a GB or more."""

Progress = Callable[[Scheme, int, int], None]
"""Called before each scheme with it, its number from 0 and how many there are."""


def run(
    network: str | Path | Network,
    package: str | Path | Package,
    batch: int = DEFAULT_BATCH,
    objective: str = "throughput",
    schemes: str | Iterable[str] = "all",
    search: str = "linear",
    micro_batch: int | None = None,
    *,
    time_limit_s: float | None = None,
    samples: int = SAMPLES,
    seed: int = 0,
    progress: Progress | None = None,
) -> Result:
    """Search every scheme for ``network`` on ``package`` and price what was found.

    Networks and packages are given as names, files or loaded objects. ``objective`` is what the searches
    make best: ``throughput``, ``latency``, ``energy`` or ``edp``. ``schemes`` is ``all``, or names in a
    sequence or parted by commas. ``micro_batch`` None: the search chooses. ``search`` is ``linear``,
    ``exact``, ``exhaustive`` or ``sample``; an exact search stops after ``time_limit_s`` seconds per scheme,
    with the gap that is left; ``samples`` schedules are drawn with ``seed``.

    Raises:
        InputError: every fault of all the inputs at once. An infeasible scheme is none.
    """
    faults = Faults()
    options = faults.attempt(
        lambda: read_options(batch, objective, schemes, search, micro_batch, time_limit_s, samples, seed)
    )
    net = faults.attempt(lambda: as_network(network))
    pkg = faults.attempt(lambda: as_package(package))
    faults.throw()
    assert options is not None
    assert net is not None
    assert pkg is not None
    return run_options(net, pkg, options, progress)


def run_options(
    network: Network,
    package: Package,
    options: Options,
    progress: Progress | None,
    tell: Callable[[float, float], None] | None = None,
) -> Result:
    """``run`` for inputs that are loaded and checked.

    ``tell`` is called with the share that a long search has done and the seconds left.

    Where the user breaks off, schemes that were not searched are left out. Nothing at all to tell is a
    ``KeyboardInterrupt``.
    """
    from mcmscope.search.context import SearchContext
    from mcmscope.search.limit import Limit

    model = cost_model(network, package)
    context = SearchContext(model, options.batch, options.micro_batch)
    context.tell = tell
    rows: list[SchemeResult] = []
    interrupted = False
    for index, scheme in enumerate(options.schemes):
        if progress is not None:
            progress(scheme, index, len(options.schemes))
        limit = Limit(options.time_limit_s)
        try:
            rows.append(_search(model, scheme, options, context, limit))
        except KeyboardInterrupt:
            if not rows:
                raise
            limit.interrupted = True
        if limit.interrupted:
            interrupted = True
            break
    segmented = next((row for row in rows if row.scheme is Scheme.SEGMENTED_PIPELINE), None)
    schemes = tuple(replace(row, speedup_over_segmented=_speedup(row, segmented)) for row in rows)
    return Result(network, package, options.batch, options.objective, schemes, interrupted)


def _search(
    model: CostModel, scheme: Scheme, options: Options, context: SearchContext, limit: Limit
) -> SchemeResult:
    from mcmscope.search.run import search_scheme

    start = perf_counter()
    found = search_scheme(
        model,
        scheme,
        options.batch,
        options.objective,
        search=options.search,
        micro_batch=options.micro_batch,
        context=context,
        limit=limit,
        samples=options.samples,
        seed=options.seed,
    )
    elapsed = perf_counter() - start
    schedule = decode(found.code, model.package) if found.code is not None else None
    evaluation = price_schedule(schedule, model.network, model.package, options.batch) if schedule else None
    if evaluation is not None and not evaluation.feasible:
        raise AssertionError(f"{scheme}: the search returned an infeasible schedule: {evaluation.reason}")
    return SchemeResult(
        scheme=scheme,
        search=options.search,
        certificate=found.certificate,
        feasible=evaluation is not None,
        reason=found.reason if evaluation is None else None,
        search_s=elapsed,
        energy_profile=model.package.energy.name,
        schedule=schedule,
        evaluation=evaluation,
    )


def _speedup(row: SchemeResult, segmented: SchemeResult | None) -> float | None:
    """The smaller of the synchronous and the flow-line ratio, so that fill and drain flatter nobody."""
    if segmented is None or segmented.evaluation is None or row.evaluation is None:
        return None
    mine, base = row.evaluation, segmented.evaluation
    return min(
        mine.throughput_per_s / base.throughput_per_s,
        mine.flow_line_throughput_per_s / base.flow_line_throughput_per_s,
    )


def evaluate(
    schedule: Schedule | SavedSchedule,
    network: str | Path | Network | None = None,
    package: str | Path | Package | None = None,
    batch: int | None = None,
) -> Evaluation:
    """Price a schedule: its figures, and what binds each segment, stage and layer.

    What a schedule file holds besides the schedule stands in for arguments left out; else ``batch`` is 64.
    A schedule that does not fit comes back with ``feasible`` false and the reason.

    Raises:
        InputError: it is no schedule of this network on this package, with all faults.
    """
    plan, net, pkg, m = _given(schedule, network, package, batch)
    return price_schedule(plan, net, pkg, m)


def simulate_schedule(
    schedule: Schedule | SavedSchedule,
    network: str | Path | Network | None = None,
    package: str | Path | Package | None = None,
    batch: int | None = None,
    *,
    watch: Watch | None = None,
) -> Simulation:
    """Run a schedule on the simulated package, event by event: its times, energy and the load of each link.

    Takes what ``evaluate`` takes. ``watch`` is told of each pass of a segment: when every activity began
    and ended.

    Raises:
        InputError: it is no schedule of this network on this package, with all faults; or it does not fit,
            with the reason; or it has too many beats to be simulated.
    """
    from mcmscope.simulate import simulate

    plan, net, pkg, m = _given(schedule, network, package, batch)
    priced = price_schedule(plan, net, pkg, m)
    if not priced.feasible:
        raise InputError(f"the schedule does not fit, so it cannot be simulated: {priced.reason}")
    faults = _replica_faults(plan, pkg)
    if faults:
        raise InputError(faults)
    for number, segment in enumerate(priced.segments):
        layers = (segment.layers[1] - segment.layers[0]) * plan.replicas
        if segment.beats * layers > MOST_LAYER_BEATS:
            raise InputError(
                f"segments[{number}]: {segment.beats} beats of {layers} layers are more than the "
                f"{MOST_LAYER_BEATS} that are simulated: take a smaller batch or larger micro-batches"
            )
    return simulate(plan, net, pkg, m, watch=watch)


def _replica_faults(schedule: Schedule, package: Package) -> list[str]:
    """Regions beyond the first replica: the places of the other replicas would not be known."""
    if schedule.replicas == 1:
        return []
    share = package.chiplets // schedule.replicas
    first = serpentine(package.rows, package.columns, package.strip_height)[:share]
    return [
        f"segments[{s}].clusters[{c}].chiplets: {chiplet} is not in the first of {schedule.replicas} "
        f"replicas, which has the first {share} of the serpentine order: {', '.join(map(str, first))}"
        for s, segment in enumerate(schedule.segments)
        for c, cluster in enumerate(segment.clusters)
        for chiplet in sorted(set(cluster.chiplets) - set(first))[:1]
    ]


def _given(
    schedule: Schedule | SavedSchedule,
    network: str | Path | Network | None,
    package: str | Path | Package | None,
    batch: int | None,
) -> tuple[Schedule, Network, Package, int]:
    """A schedule and what it is for; what its file holds stands in for arguments left out."""
    saved = schedule if isinstance(schedule, SavedSchedule) else None
    plan = saved.schedule if saved else schedule
    assert isinstance(plan, Schedule)
    network = network if network is not None else saved.network if saved else None
    package = package if package is not None else saved.package if saved else None
    if network is None or package is None:
        raise TypeError("a schedule alone does not say its network and package: give both")
    m = batch if batch is not None else saved.batch if saved else DEFAULT_BATCH
    return plan, as_network(network), as_package(package), m


def as_network(network: str | Path | Network) -> Network:
    """The network itself, or that of a name or file."""
    return network if isinstance(network, Network) else load_network(network)


def as_package(package: str | Path | Package) -> Package:
    """The package itself, or that of a name or file."""
    return package if isinstance(package, Package) else load_package(package)
