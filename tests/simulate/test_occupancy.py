"""No activation buffer is ever over capacity: what merged stages hold, from the times of a simulation.

A merged stage holds whole tensors from when they begin to come in, or their layer begins, until their last
reader inside has ended and who takes them has them. A stage of one layer streams rows, which is finer than
what is simulated: it is held to its share as ``stage_bytes`` counts it.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, assume, event, given, settings

from mcmscope import load_network, load_package
from mcmscope.errors import InputError
from mcmscope.schedule import Cluster, Partition, Schedule, Segment
from mcmscope.simulate.case import Case
from mcmscope.simulate.graph import Timing, run_plan
from mcmscope.simulate.memory import free_bytes, weight_room
from mcmscope.simulate.passes import passes_of
from mcmscope.simulate.plan import Kind, Plan, Stage, plan_beat
from mcmscope.simulate.run import cases_of
from tests.cost import generators

BEATS = 5
QUICK = settings(
    max_examples=100, deadline=None, suppress_health_check=(HealthCheck.too_slow, HealthCheck.filter_too_much)
)
Held = tuple[float, float, int]
"""From when, until when (ps), how many bytes."""


class Times:
    """When the activities of the first replica ran."""

    def __init__(self, plan: Plan, timing: Timing) -> None:
        self.plan, self.timing = plan, timing

    def of(self, kind: Kind, stage: int, tensor: int, beat: int) -> tuple[float, float] | None:
        """First begin and last end of an activity; None if there is none such."""
        found = [
            x
            for x, a in enumerate(self.plan.activities)
            if (a.kind, a.stage, a.replica, a.layer) == (kind, stage, 0, tensor)
        ]
        if not found:
            return None
        return float(self.timing.beats[beat, found, 0].min()), float(self.timing.beats[beat, found, 1].max())

    def sure(self, kind: Kind, stage: int, tensor: int, beat: int) -> tuple[float, float]:
        """As ``of``, of what must be there."""
        found = self.of(kind, stage, tensor, beat)
        assert found is not None
        return found

    def taken(self, stage: int, tensor: int, beat: int, last: float, again: float) -> float:
        """When a stage may forget a tensor: the next reader has it, or (if that is further on) it is relayed.

        ``last`` is the end of its own use, ``again`` when the next beat's takes its place.
        """
        for other in range(stage + 1, len(self.plan.stages)):
            found = self.of(Kind.ARRIVE, other, tensor, beat)
            if found is not None:
                return max(last, found[1] if other == stage + 1 else min(found[1], again))
        return last


def held(case: Case, times: Times, stage: Stage, cluster: Cluster) -> Iterator[Held]:
    """Every tensor of every beat in a merged stage."""
    (i, j), index = cluster.layers, stage.index
    for beat in range(BEATS):

        def last_use(tensor: int, beat: int = beat) -> float:
            inside = [l for l in case.tensors.readers[tensor] if i <= l < j]
            return max((times.sure(Kind.DONE, index, l, beat)[1] for l in inside), default=0.0)

        after = min(beat + 1, BEATS - 1)
        for t in case.tensors.arriving(i, j):
            begin = times.sure(Kind.ARRIVE, index, t, beat)[0]
            again = times.sure(Kind.ARRIVE, index, t, after)[0] if after > beat else float("inf")
            end = last_use(t)
            if t >= case.segment[0]:  # others come from memory to each reader
                end = times.taken(index, t, beat, end, again)
            yield begin, end, case.tensors.sample_bytes(t)
        for t in range(i, j):
            begin, done = times.sure(Kind.START, index, t, beat)[0], times.sure(Kind.DONE, index, t, beat)[1]
            drain = times.of(Kind.DRAIN, index, t, beat)
            last = max(done, last_use(t), drain[1] if drain is not None else 0.0)
            again = times.sure(Kind.DONE, index, t, after)[1] if after > beat else float("inf")
            yield begin, times.taken(index, t, beat, last, again), case.tensors.sample_bytes(t)


def most(intervals: list[Held]) -> int:
    """The most bytes at once; what ends when another begins makes room for it."""
    marks = sorted(
        [(begin + 1e-3, size) for begin, _, size in intervals] + [(end, -size) for _, end, size in intervals]
    )
    here = peak = 0
    for _, change in marks:
        here += change
        peak = max(peak, here)
    return peak


def simulated(case: Case, u: int) -> tuple[Plan, Times]:
    """A few beats of a segment's first pass."""
    plan = plan_beat(case, (u,) * case.replicas)
    return plan, Times(plan, run_plan(case.mesh, plan, plan, BEATS, [], [], contention=True))


def occupied(case: Case, times: Times, stage: Stage, cluster: Cluster) -> float:
    """The most bytes that each chiplet of a merged stage holds at once, what passes by included."""
    relayed = case.tensors.relayed_bytes(*case.segment, *cluster.layers)
    return stage.samples * (most(list(held(case, times, stage, cluster))) + relayed) / len(cluster.chiplets)


@QUICK
@given(generators.cases())
def test_merged_stages_hold_no_more_than_they_have(asked: generators.Case) -> None:
    for case, segment in cases_of(asked.schedule, asked.network, asked.package, asked.batch):
        try:
            parts = list(passes_of(case, segment.micro_batch))
        except InputError:
            assume(condition=False)
            raise
        plan, times = simulated(parts[0], segment.micro_batch)
        for stage, cluster in zip((s for s in plan.stages if s.replica == 0), case.clusters, strict=True):
            chip = case.package.chiplet
            stored = sum(work.stored_bytes for work in stage.works)
            assert stored <= weight_room(case.package)
            here = stage.held_bytes - stage.spilled_bytes + (stored if chip.unified else 0)
            assert here <= free_bytes(case.package) or stage.held_bytes == 0
            if cluster.layers[1] - cluster.layers[0] == 1:
                continue
            event("a merged stage")
            assert occupied(case, times, stage, cluster) <= stage.held_bytes


@pytest.mark.parametrize("blocking", [True, False])
def test_a_slow_stage_holds_up_those_before_it(blocking: bool) -> None:
    """Four convolutions in two stages, the second on one chiplet: unless it waits, the first runs away."""
    network, package = load_network("vgg16"), load_package("simba-36")
    clusters = (
        Cluster((0, 2), tuple(range(30)), (1, 5, 6), (Partition.WSP,) * 2),
        Cluster((2, 4), (30,), (1, 1, 1), (Partition.WSP,) * 2),
    )
    rest = tuple(
        Segment((l, l + 1), 1, (Cluster((l, l + 1), tuple(range(36)), (1, 6, 6), (Partition.ISP,)),))
        for l in range(4, len(network))
    )
    schedule = Schedule((Segment((0, 4), 1, clusters), *rest))
    without = frozenset[str]() if blocking else frozenset(("blocking",))
    case, _ = cases_of(schedule, network, package, BEATS, without=without)[0]
    plan, times = simulated(case, 1)
    first = plan.stages[0]
    assert (occupied(case, times, first, clusters[0]) <= first.held_bytes) == blocking


def test_most_counts_what_is_there_at_once() -> None:
    assert most([(0.0, 10.0, 5), (5.0, 20.0, 7), (10.0, 30.0, 1)]) == 12
    assert most([(0.0, 10.0, 5), (10.0, 20.0, 7)]) == pytest.approx(7)
