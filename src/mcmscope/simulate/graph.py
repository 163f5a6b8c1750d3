"""A plan of one beat, repeated for all beats, as the arrays that the event loop runs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mcmscope.simulate.engine import run_activities
from mcmscope.simulate.mesh import Floats, Ints, Mesh
from mcmscope.simulate.plan import Activity, Plan
from mcmscope.simulate.traffic import Flow


@dataclass(frozen=True, eq=False)
class Timing:
    """When activities began and ended (ps): ``loads[n, 2]``, and ``beats[M, A, 2]`` by beat and activity."""

    loads: Floats
    beats: Floats

    @property
    def end_ps(self) -> float:
        """When all was over."""
        return float(max(self.loads[:, 1].max(initial=0.0), self.beats[:, :, 1].max(initial=0.0)))


@dataclass(frozen=True, eq=False)
class Moved:
    """Where flows are counted as they move.

    ``amounts[bins, P]``: how many flows went through, parts counted, in each bin of ``width_ps``, of which
    the first began ``early_ps`` before all. Flows are numbered as their activities: loads, those of a beat,
    those of the last beat.
    """

    amounts: Floats
    early_ps: float
    width_ps: float


def run_plan(
    mesh: Mesh,
    plan: Plan,
    last: Plan,
    beats: int,
    loads: list[Activity],
    load_edges: list[tuple[int, int]],
    *,
    contention: bool,
    moved: Moved | None = None,
) -> Timing:
    """Run ``beats`` beats of a plan, the last of them as ``last`` says, after its loads.

    ``load_edges``: (load, activity of the first beat that waits for it). ``moved`` is counted up if given.

    Raises:
        AssertionError: activities wait for each other for ever.
    """
    A, n = len(plan.activities), len(loads)
    per_beat = [plan.activities] * (beats - 1) + [last.activities]
    length = np.array(
        [x.length_ps for x in loads] + [x.length_ps for beat in per_beat[-2:] for x in beat], dtype=np.float64
    )
    flows: list[Flow | None] = [x.flow for x in [*loads, *plan.activities, *last.activities]]
    number = np.array([-1 if flow is None else index for index, flow in enumerate(flows)], dtype=np.int64)
    first, final = number[n : n + A], number[n + A :]
    pattern = np.concatenate([number[:n], np.tile(first, beats - 1), final])
    one, end = length[n : n + A], length[-A:]
    length = np.concatenate([length[:n], np.tile(one, beats - 1), end])
    start, link, use, alone = _patterns(mesh, flows)
    sources, targets = _edges(plan.edges, A, n, beats)
    pairs = np.array(load_edges, dtype=np.int64).reshape(-1, 2)
    sources = np.concatenate([pairs[:, 0], sources])
    targets = np.concatenate([n + pairs[:, 1], targets])
    order = np.argsort(sources, kind="stable")
    total = len(length)
    waits = np.bincount(targets, minlength=total).astype(np.int64)
    successor_start = np.concatenate([[0], np.cumsum(np.bincount(sources, minlength=total))]).astype(np.int64)
    begun, ended = np.zeros(total), np.zeros(total)
    done = run_activities(
        length,
        pattern,
        waits,
        successor_start,
        targets[order].astype(np.int64),
        alone,
        start,
        link,
        use,
        len(mesh.capacity),
        int(contention),
        begun,
        ended,
        np.zeros((0, 0)) if moved is None else moved.amounts,
        0.0 if moved is None else moved.early_ps,
        1.0 if moved is None else moved.width_ps,
    )
    if done != total:
        raise AssertionError(f"deadlock: {total - done} of {total} activities never ended")
    times = np.stack([begun, ended], axis=1)
    return Timing(times[:n], times[n:].reshape(beats, A, 2))


def _edges(edges: list[tuple[int, int, int]], A: int, n: int, beats: int) -> tuple[Ints, Ints]:
    """Sources and targets of all beats' edges."""
    table = np.array(edges, dtype=np.int64).reshape(-1, 3)
    beat = np.arange(beats)[:, None]
    sources = n + (beat - table[:, 2]) * A + table[:, 0]
    targets = np.broadcast_to(n + beat * A + table[:, 1], sources.shape)
    within = beat >= table[:, 2]
    return sources[within], targets[within]


def _patterns(mesh: Mesh, flows: list[Flow | None]) -> tuple[Ints, Ints, Floats, Floats]:
    """Links of all flows with the share of each that a flow uses alone, and the time it then takes."""
    start = [0]
    links: list[Ints] = []
    uses: list[Floats] = []
    alone = np.zeros(len(flows))
    for index, flow in enumerate(flows):
        if flow is not None:
            load = flow.link_bytes / mesh.capacity
            used = np.nonzero(load)[0]
            alone[index] = flow.alone_ps
            links.append(used)
            uses.append(load[used] / flow.alone_ps)
        start.append(start[-1] + (0 if flow is None else len(links[-1])))
    return (
        np.array(start, dtype=np.int64),
        np.concatenate([*links, np.zeros(0, dtype=np.int64)]).astype(np.int64),
        np.concatenate([*uses, np.zeros(0)]),
        alone,
    )
