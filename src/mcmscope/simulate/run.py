"""Simulate a whole schedule: segment after segment, every beat of every stage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from mcmscope.hardware.package import Package
from mcmscope.schedule import Schedule, Segment
from mcmscope.simulate.case import Case, place_of
from mcmscope.simulate.energy import ENERGY_NAMES, beat_energy_fj, traffic_energy_fj
from mcmscope.simulate.flows import load_flows
from mcmscope.simulate.graph import Moved, Timing, run_plan
from mcmscope.simulate.layout import Layout, ceil_div, split_evenly
from mcmscope.simulate.memory import is_kept
from mcmscope.simulate.mesh import Mesh, mesh_of
from mcmscope.simulate.passes import passes_of
from mcmscope.simulate.plan import Activity, Kind, Plan, plan_beat
from mcmscope.simulate.result import PS_PER_S, SegmentTimes, Simulation, StageTimes
from mcmscope.simulate.tensors import Tensors
from mcmscope.simulate.traffic import Flow
from mcmscope.workload.network import Network

IDEALS = ("contention", "hops", "dram", "blocking")
"""Causes of delay that a simulation can leave out: flows that share links, the latency of hops, the limits of
DRAM, and buffers that are full."""


@dataclass(frozen=True, eq=False)
class Passed:
    """One pass of a segment as it was simulated; an ordinary segment has one.

    ``timing`` counts from the beginning of the pass. All beats do what ``plan`` says, the last one what
    ``last`` says: the same activities, perhaps for fewer samples. Of ``loads`` the first ``own`` are the
    weights of the segment's own clusters, in their order; the others are those of the next segment's, loaded
    beside this one. ``count`` runs the pass once more and counts what moves meanwhile.
    """

    segment: int
    number: int
    case: Case
    plan: Plan
    last: Plan
    loads: tuple[Flow | None, ...]
    own: int
    timing: Timing
    count: Callable[[Moved], None]


Watch = Callable[[Passed], None]
"""Told of each pass when it is over, in turn."""


class _Totals:
    """What all segments add up to."""

    def __init__(self, mesh: Mesh) -> None:
        self.link_bytes = np.zeros(len(mesh.capacity))
        self.energy_fj: dict[str, float] = dict.fromkeys(ENERGY_NAMES, 0.0)
        self.macs = 0.0
        self.sent = self.received = self.read = self.written = 0.0
        self.activities = 0

    def add_flow(self, flow: Flow | None, times: int) -> None:
        """Count a flow that ran so many times."""
        if flow is None:
            return
        self.link_bytes += flow.link_bytes * times
        self.sent += flow.sent * times
        self.received += (float(flow.received.sum()) + flow.write_bytes) * times
        self.read += flow.read_bytes * times
        self.written += flow.write_bytes * times

    def add_beats(self, case: Case, plan: Plan, times: int) -> None:
        """Count so many beats of a plan."""
        self.activities += len(plan.activities) * times
        for activity in plan.activities:
            self.add_flow(activity.flow, times)
        for name, amount in beat_energy_fj(plan, case.layers, case.network, case.package).items():
            self.energy_fj[name] += amount * times
        for stage in plan.stages:
            for l, done in zip(stage.layers, stage.executed, strict=True):
                self.macs += case.layers[l].macs * done * times


def simulate(
    schedule: Schedule,
    network: Network,
    package: Package,
    batch: int,
    *,
    micro_batch: int | None = None,
    without: frozenset[str] = frozenset(),
    watch: Watch | None = None,
) -> Simulation:
    """Run a schedule for a batch of samples on the simulated package.

    ``micro_batch`` replaces each segment's own. ``without`` names causes of delay (of ``IDEALS``) to leave
    out. ``watch`` sees when every activity began and ended.

    Raises:
        InputError: the weights of a cluster do not fit where they are stored.
    """
    cases = cases_of(schedule, network, package, batch, micro_batch=micro_batch, without=without)
    mesh = cases[0][0].mesh
    totals = _Totals(mesh)
    times: list[SegmentTimes] = []
    contention = "contention" not in without
    for index, (case, segment) in enumerate(cases):
        following = cases[index + 1][0] if package.prefetch and index + 1 < len(cases) else None
        ahead = load_flows(next(passes_of(following, cases[index + 1][1].micro_batch))) if following else []
        loaded = package.prefetch and index > 0
        times.append(
            _simulate_segment(
                case,
                segment,
                batch,
                totals,
                ahead,
                loaded=loaded,
                contention=contention,
                index=index,
                watch=watch,
            )
        )
    batch_ps = sum((x.load_s + x.run_s) * PS_PER_S for x in times)
    return _simulation(batch, batch_ps, tuple(times), mesh, package, totals)


def cases_of(
    schedule: Schedule,
    network: Network,
    package: Package,
    batch: int,
    *,
    micro_batch: int | None = None,
    without: frozenset[str] = frozenset(),
) -> list[tuple[Case, Segment]]:
    """Each segment as a case to simulate, with where its tensors lie if they were kept; as ``simulate``."""
    tensors, mesh = Tensors(network), mesh_of(package)
    if "dram" in without:
        free = mesh.capacity.copy()
        free[mesh.links :] = np.inf
        mesh = replace(mesh, capacity=free)
    cases: list[tuple[Case, Segment]] = []
    places: dict[int, Layout] = {}
    for segment in schedule.segments:
        if micro_batch is not None:
            segment = replace(segment, micro_batch=micro_batch)
        a, b = segment.layers
        before, after = (is_kept(tensors, package, x, batch) for x in (a, b))
        passing = tensors.passing(a, b) if before != after else []
        case = Case(
            network=network,
            tensors=tensors,
            package=package,
            mesh=mesh,
            segment=segment.layers,
            clusters=segment.clusters,
            layers=network.layers,
            replicas=schedule.replicas,
            kept=dict(places) if before else {},
            kept_after=after,
            moved=tuple((t, not before) for t in passing),
            hops="hops" not in without,
            blocking="blocking" not in without,
        )
        cases.append((case, segment))
        everywhere = split_evenly(case.share, 1)
        for t in passing:
            layer = network.layers[t]
            places[t] = Layout(np.arange(case.share), everywhere, layer.output_height, layer.output_width)
        for cluster in segment.clusters:
            places.update({l: place_of(case, cluster, l) for l in range(*cluster.layers)})
    return cases


def segment_times(case: Case, segment: Segment, batch: int) -> SegmentTimes:
    """One segment by itself, its weights loaded before it runs.

    Raises:
        InputError: the weights of a cluster do not fit where they are stored.
    """
    return _simulate_segment(case, segment, batch, _Totals(case.mesh), [], loaded=False, contention=True)


def _simulation(
    batch: int,
    batch_ps: float,
    times: tuple[SegmentTimes, ...],
    mesh: Mesh,
    package: Package,
    totals: _Totals,
) -> Simulation:
    energy = dict(totals.energy_fj)
    energy["nop"], energy["dram"] = traffic_energy_fj(totals.link_bytes, mesh, package)
    energy["static"] = package.energy.static_mw_per_chiplet * package.chiplets * batch_ps
    return Simulation(
        batch=batch,
        batch_s=batch_ps / PS_PER_S,
        segments=times,
        mesh=mesh,
        link_bytes=totals.link_bytes[: mesh.links],
        port_bytes=totals.link_bytes[mesh.links :].reshape(-1, 3),
        energy_breakdown_j={name: amount / 1e15 / batch for name, amount in energy.items()},
        macs=round(totals.macs),
        sent_bytes=totals.sent,
        received_bytes=totals.received,
        read_bytes=totals.read,
        write_bytes=totals.written,
        activities=totals.activities,
    )


def _counts(batch: int, replicas: int, u: int) -> tuple[int, tuple[int, ...], tuple[int, ...]]:
    """Beats, and samples of each replica in every beat but the last and in the last."""
    shares = [batch // replicas + (1 if r < batch % replicas else 0) for r in range(replicas)]
    beats = ceil_div(shares[0], u)
    return beats, (u,) * replicas, tuple(max(0, share - (beats - 1) * u) for share in shares)


def _simulate_segment(
    case: Case,
    segment: Segment,
    batch: int,
    totals: _Totals,
    ahead: list[Flow | None],
    *,
    loaded: bool,
    contention: bool,
    index: int = 0,
    watch: Watch | None = None,
) -> SegmentTimes:
    """Run one segment, in passes if its weights do not fit.

    ``ahead`` are loads of the next segment that run beside it; ``loaded``: its own first ones did so.
    """
    beats, full, final = _counts(batch, case.replicas, segment.micro_batch)
    load_ps = run_ps = 0.0
    passes = 0
    stages: tuple[StageTimes, ...] = ()
    for part in passes_of(case, segment.micro_batch):
        plan = plan_beat(part, full)
        last = plan if final == full else plan_beat(part, final)
        own = [] if loaded and passes == 0 else load_flows(part)
        flows = own + (ahead if passes == 0 else [])
        loads = [
            Activity(Kind.LOAD, number, 0, -1, part.latency_ps(flow), flow)
            for number, flow in enumerate(flows)
        ]
        waiting = [(stage, first) for (_, stage), first in plan.starts.items() if stage < len(own)]
        run = partial(run_plan, case.mesh, plan, last, beats, loads, waiting, contention=contention)
        timing = run()
        for flow in flows:
            totals.add_flow(flow, 1)
        totals.add_beats(part, plan, beats - 1)
        totals.add_beats(part, last, 1)
        if watch is not None:
            again = partial(_count_moved, run)
            watch(Passed(index, passes, part, plan, last, tuple(flows), len(own), timing, again))
        first = min((timing.beats[0, start, 0] for start in plan.starts.values()), default=0.0)
        load_ps += float(first)
        run_ps += timing.end_ps - float(first)
        passes += 1
        stages = stages or _stage_times(plan, timing, case)
    return SegmentTimes(
        layers=segment.layers,
        micro_batch=segment.micro_batch,
        beats=beats,
        passes=passes,
        load_s=load_ps / PS_PER_S,
        run_s=run_ps / PS_PER_S,
        stages=stages,
    )


def _count_moved(run: Callable[..., Timing], moved: Moved) -> None:
    run(moved=moved)


def _stage_times(plan: Plan, timing: Timing, case: Case) -> tuple[StageTimes, ...]:
    """Times of the first replica's stages."""
    out: list[StageTimes] = []
    for stage, cluster in zip((s for s in plan.stages if s.replica == 0), case.clusters, strict=True):
        first = plan.starts[0, stage.index]
        last = max(
            x
            for x, activity in enumerate(plan.activities)
            if activity.kind is Kind.DONE and activity.stage == stage.index and activity.replica == 0
        )
        begun, ended = timing.beats[:, first, 0], timing.beats[:, last, 1]
        beats = len(ended)
        interval = (ended[-1] - ended[0]) / (beats - 1) if beats > 1 else ended[0] - begun[0]
        out.append(
            StageTimes(
                layers=cluster.layers,
                chiplets=tuple(stage.at.tolist()),
                busy_s=float((ended - begun).mean()) / PS_PER_S,
                interval_s=float(interval) / PS_PER_S,
                held_bytes=stage.held_bytes,
                spilled_bytes=stage.spilled_bytes,
            )
        )
    return tuple(out)
