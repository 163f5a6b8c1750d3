"""A schedule by the model and on the simulated package, side by side, and why they differ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from mcmscope.api import simulate_schedule
from mcmscope.cost.evaluate import Evaluation, evaluate
from mcmscope.errors import InputError
from mcmscope.hardware.package import Package
from mcmscope.schedule import Schedule
from mcmscope.schedule_file import SavedSchedule
from mcmscope.simulate import IDEALS, Simulation, simulate
from mcmscope.simulate.placement import place, place_serpentine

_UNLIMITED_MB_PER_S = 10**9
"""Bandwidth of a link, or of a DRAM channel, that no exchange feels."""
NEAR = 0.01
"""Times that differ by less are not told apart: shares of nothing mean nothing."""

Step = Callable[[str], None]
"""Told what is simulated next."""


@dataclass(frozen=True, slots=True)
class Cause:
    """A cause of delay that the simulator knows, and the batch's time without it.

    ``alone_s``: with only this cause left out; ``in_turn_s``: with this one and all before it left out.
    """

    name: str
    alone_s: float
    in_turn_s: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """A schedule by the model (``evaluation``) and as simulated.

    ``alone`` is one sample through the same schedule, one replica, micro-batches of one. ``causes``: those
    that cost most first. ``unlimited_links_ratio``: simulated over modelled flow-line throughput if for both
    links had no limit and hops no latency; ``unlimited_ratio``: if DRAM had no limit either. ``before``: the
    schedule as it was before regions were moved; None if they were not.
    """

    saved: SavedSchedule
    placement: str
    evaluation: Evaluation
    simulation: Simulation
    alone: Simulation
    causes: tuple[Cause, ...]
    unlimited_links_ratio: float
    unlimited_ratio: float
    before: Simulation | None = None

    @property
    def ratio(self) -> float:
        """Simulated over modelled throughput, in step."""
        return self.simulation.throughput_per_s / self.evaluation.throughput_per_s

    @property
    def flow_line_ratio(self) -> float:
        """Simulated over modelled throughput, as a flow line."""
        return self.simulation.throughput_per_s / self.evaluation.flow_line_throughput_per_s

    @property
    def resident(self) -> bool:
        """Whether weights stay where they are from sample to sample: one segment, no passes."""
        return len(self.simulation.segments) == 1 and self.simulation.segments[0].passes == 1

    @property
    def latency_s(self) -> float:
        """One sample alone; as in the model, without the load if weights are resident."""
        return self.alone.batch_s - (self.alone.segments[0].load_s if self.resident else 0.0)

    @property
    def flow_line_s(self) -> float:
        """The batch by the model, as a flow line."""
        return self.simulation.batch / self.evaluation.flow_line_throughput_per_s

    @property
    def gap_s(self) -> float:
        """How much longer the simulated batch takes; negative if the model is the slower one."""
        return self.simulation.batch_s - self.flow_line_s

    @property
    def near(self) -> bool:
        """Whether both times are so near that there is nothing to explain."""
        return abs(self.gap_s) < NEAR * self.flow_line_s

    @property
    def ideal_s(self) -> float:
        """The simulated batch with all causes left out."""
        return self.causes[-1].in_turn_s

    def in_turn(self) -> tuple[float, ...]:
        """Seconds that leaving out each cause after those before it saves; they sum to what all save."""
        times = [self.simulation.batch_s, *(cause.in_turn_s for cause in self.causes)]
        return tuple(times[at] - times[at + 1] for at in range(len(self.causes)))

    def save(self, directory: str | Path) -> tuple[Path, ...]:
        """Write ``links-SCHEME.svg`` and ``simulation-SCHEME.json``, each whole or not at all.

        Returns the files.

        Raises:
            InputError: the directory cannot be made or written to.
        """
        from mcmscope.report.comparison import save_comparison

        return save_comparison(self, Path(directory))


def compare(saved: SavedSchedule, placement: str = "given", step: Step | None = None) -> Comparison:
    """Price and simulate a schedule, and simulate it again without each cause of delay.

    ``placement`` is ``given`` (regions as the schedule has them), or ``serpentine`` or ``search``, which move
    them first.

    Raises:
        InputError: the schedule does not fit, with the reason, or is too long to be simulated.
    """

    def tell(what: str) -> None:
        if step is not None:
            step(what)

    tell("as it is")
    network, package, batch = saved.network, saved.package, saved.batch
    before = None
    if placement != "given":
        before = simulate_schedule(saved)
        tell("placement")
        saved = replace(saved, schedule=_placed(saved, placement))
        tell("placed")
    evaluation = evaluate(saved.schedule, network, package, batch)
    simulation = simulate_schedule(saved)

    def batch_s(*without: str) -> float:
        tell(f"without {', '.join(without)}")
        return simulate(saved.schedule, network, package, batch, without=frozenset(without)).batch_s

    single = {name: batch_s(name) for name in IDEALS}
    order = sorted(IDEALS, key=lambda name: single[name])
    in_turn = [single[order[0]], *(batch_s(*order[:count]) for count in range(2, len(order) + 1))]
    causes = tuple(Cause(name, single[name], time) for name, time in zip(order, in_turn, strict=True))
    tell("one sample")
    alone = _alone(saved, simulation)
    tell("links and DRAM without limit")
    nop = replace(package.nop, link_mb_per_s=_UNLIMITED_MB_PER_S, hop_latency_ns=0)
    dram = replace(package.dram, channel_mb_per_s=_UNLIMITED_MB_PER_S)
    return Comparison(
        saved=saved,
        placement=placement,
        evaluation=evaluation,
        simulation=simulation,
        alone=alone,
        causes=causes,
        unlimited_links_ratio=_ratio_on(saved, replace(package, nop=nop)),
        unlimited_ratio=_ratio_on(saved, replace(package, nop=nop, dram=dram)),
        before=before,
    )


def _placed(saved: SavedSchedule, placement: str) -> Schedule:
    """The schedule with its regions along the serpentine order, or where a search puts them."""
    if placement == "serpentine":
        return place_serpentine(saved.schedule, saved.package)
    return place(saved.schedule, saved.network, saved.package, saved.batch)


def _alone(saved: SavedSchedule, simulation: Simulation) -> Simulation:
    """One sample, as the model's latency has it.

    Where micro-batches of one would store more copies of a weight than fit, the sample runs in a beat of the
    schedule's own size.
    """
    schedule = replace(saved.schedule, replicas=1)
    try:
        alone = simulate(schedule, saved.network, saved.package, 1, micro_batch=1)
    except InputError:
        return simulate(schedule, saved.network, saved.package, 1)
    passes = zip(alone.segments, simulation.segments, strict=True)
    if any(one.passes > usual.passes for one, usual in passes):
        return simulate(schedule, saved.network, saved.package, 1)
    return alone


def _ratio_on(saved: SavedSchedule, package: Package) -> float:
    """Simulated over modelled flow-line throughput on another package."""
    simulated = simulate(saved.schedule, saved.network, package, saved.batch)
    modelled = evaluate(saved.schedule, saved.network, package, saved.batch)
    return simulated.throughput_per_s / modelled.flow_line_throughput_per_s
