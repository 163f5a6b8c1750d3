"""Placement: which chiplets each region gets. The model counts them; the simulator sees where they are.

The searches lay regions one after another along the serpentine order. Here the regions of each segment move
so that links carry less.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from mcmscope.hardware.package import Package
from mcmscope.schedule import Schedule, Segment, serpentine
from mcmscope.simulate.anneal import anneal
from mcmscope.simulate.beat import Beat, beat_of, port_routes
from mcmscope.simulate.case import Case
from mcmscope.simulate.mesh import Floats, Ints, Mesh
from mcmscope.simulate.passes import passes_of
from mcmscope.simulate.plan import plan_beat
from mcmscope.simulate.run import cases_of, segment_times, simulate
from mcmscope.workload.network import Network

PLACEMENTS = ("serpentine", "search")

MOVES = 64_000
"""Most swaps of one annealing."""
WORK = 3_200_000_000
"""What all annealings of a schedule may look at, as ``Beat.work`` counts it: up to half a minute."""
WARMTHS = (0.001, 0.002, 0.004)
"""Annealings of a segment, by turns from the best curve and the second best."""
CURVES = 2
"""Curves of a segment that are simulated: the best by merit."""
BEATS = 64
"""Most beats of a segment that its candidates are simulated for."""


def place_serpentine(schedule: Schedule, package: Package) -> Schedule:
    """The regions one after another along the serpentine order, as the searches lay them."""
    order = serpentine(package.rows, package.columns, package.strip_height)
    slots = np.array(order, dtype=np.int64)
    return replace(schedule, segments=tuple(_placed(segment, slots) for segment in schedule.segments))


def place(schedule: Schedule, network: Network, package: Package, batch: int) -> Schedule:
    """The schedule with its regions on better chiplets, or itself: it never simulates slower.

    Sizes of regions stay. Replicas are left as they are: all lie behind each other in serpentine order.

    Raises:
        InputError: the weights of a cluster do not fit where they are stored.
    """
    if schedule.replicas > 1:
        return schedule
    before = simulate(schedule, network, package, batch)
    routes = port_routes(before.mesh)
    found: dict[bytes, Ints] = {}
    left = WORK
    placed = schedule
    cases = cases_of(schedule, network, package, batch)
    for index in range(len(cases)):
        case, segment = cases[index]
        first = next(passes_of(case, segment.micro_batch))
        beat = beat_of(first, plan_beat(first, (segment.micro_batch,)))
        if beat.key not in found:
            moves = min(MOVES, left // (len(schedule.segments) - index) // len(WARMTHS) // max(1, beat.work))
            moves = moves if len(segment.clusters) > 1 else 0
            left -= moves * len(WARMTHS) * beat.work
            some = min(batch, BEATS * segment.micro_batch)
            found[beat.key] = _best(case, segment, some, beat, routes, moves)
        segments = list(placed.segments)
        segments[index] = _placed(segments[index], found[beat.key])
        placed = replace(placed, segments=tuple(segments))
        if case.kept_after:
            cases = cases_of(placed, network, package, batch)
    after = simulate(placed, network, package, batch)
    return placed if after.batch_s < before.batch_s else schedule


def _best(case: Case, segment: Segment, batch: int, beat: Beat, routes: Floats, moves: int) -> Ints:
    """The chiplets of the slots of a segment with which it simulates fastest."""
    best = _slots(case, segment)
    best_s = _seconds(case, segment, batch, best)
    for slots in _candidates(case.mesh, beat, routes, best, moves):
        time_s = _seconds(case, segment, batch, slots)
        if time_s < best_s:
            best, best_s = slots, time_s
    return best


def _candidates(mesh: Mesh, beat: Beat, routes: Floats, own: Ints, moves: int) -> Iterator[Ints]:
    """Placements worth simulating: curves, and what annealing makes of them."""
    curves = [own, *_curves(mesh)]

    def annealed(slots: Ints, moves: int, warmth: float) -> tuple[float, Ints]:
        made = slots.copy()
        merit = anneal(made, beat, mesh.rows, mesh.columns, mesh.capacity, routes, moves, warmth, 0)
        return merit, made

    merits = [annealed(slots, 0, 0.0)[0] for slots in curves]
    first = [curves[index] for index in sorted(range(len(curves)), key=merits.__getitem__)]
    yield from first[:CURVES]
    for index, warmth in enumerate(WARMTHS if moves > 0 else ()):
        yield annealed(first[index % 2], moves, warmth)[1]


def _curves(mesh: Mesh) -> Iterator[Ints]:
    """Orders of all chiplets that go through strips of every height, along rows or along columns."""
    for height in range(1, mesh.rows + 1):
        yield np.array(serpentine(mesh.rows, mesh.columns, height), dtype=np.int64)
    for height in range(1, mesh.columns + 1):
        turned = np.array(serpentine(mesh.columns, mesh.rows, height), dtype=np.int64)
        yield turned % mesh.rows * mesh.columns + turned // mesh.rows


def _slots(case: Case, segment: Segment) -> Ints:
    """The chiplet of each slot: regions in turn, then idle chiplets."""
    used = np.array([x for cluster in segment.clusters for x in cluster.chiplets], dtype=np.int64)
    return np.concatenate([used, np.setdiff1d(np.arange(case.mesh.chiplets), used)])


def _placed(segment: Segment, slots: Ints) -> Segment:
    """A segment whose regions have the first chiplets of ``slots``, each its number of them in turn."""
    chiplets = iter(slots.tolist())
    clusters = tuple(
        replace(cluster, chiplets=tuple(next(chiplets) for _ in cluster.chiplets))
        for cluster in segment.clusters
    )
    return replace(segment, clusters=clusters)


def _seconds(case: Case, segment: Segment, batch: int, slots: Ints) -> float:
    placed = _placed(segment, slots)
    times = segment_times(replace(case, clusters=placed.clusters), placed, batch)
    return times.load_s + times.run_s
