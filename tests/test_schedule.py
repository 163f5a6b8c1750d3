"""Schedules as plain data: the serpentine order and what makes a schedule none."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest

from mcmscope.schedule import Cluster, Partition, Schedule, Segment, schedule_faults, serpentine

WSP = Partition.WSP
MESHES = [(r, c, h) for r in range(1, 7) for c in range(1, 7) for h in range(1, r + 1)]


def cluster(
    first: int,
    end: int,
    *chiplets: int,
    tiles: tuple[int, int, int] = (1, 1, 1),
    partitions: tuple[Partition, ...] | None = None,
) -> Cluster:
    return Cluster(
        (first, end), chiplets, tiles, (WSP,) * (end - first) if partitions is None else partitions
    )


def steps(rows: int, columns: int, h: int) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    places = [divmod(chiplet, columns) for chiplet in serpentine(rows, columns, h)]
    return pairwise(places)


def test_serpentine_by_hand() -> None:
    # 0 3 | 4
    # 1 2 | 5     two strips of two rows: down, up, down; and back
    assert serpentine(4, 3, 2) == (0, 3, 4, 1, 2, 5, 8, 11, 10, 7, 6, 9)
    assert serpentine(1, 4, 1) == (0, 1, 2, 3)
    assert serpentine(3, 2, 1) == (0, 1, 3, 2, 4, 5)


@pytest.mark.parametrize(("rows", "columns", "h"), MESHES)
def test_serpentine_visits_all_once(rows: int, columns: int, h: int) -> None:
    assert sorted(serpentine(rows, columns, h)) == list(range(rows * columns))


@pytest.mark.parametrize(("rows", "columns", "h"), MESHES)
def test_serpentine_steps_to_neighbours(rows: int, columns: int, h: int) -> None:
    """Within a strip one hop; into the next strip the column stays."""
    for (row, column), (next_row, next_column) in steps(rows, columns, h):
        if row // h == next_row // h:
            assert abs(row - next_row) + abs(column - next_column) == 1
        else:
            assert next_row // h == row // h + 1
            assert next_column == column


@pytest.mark.parametrize(("rows", "columns", "h"), MESHES)
def test_runs_in_a_strip_are_compact(rows: int, columns: int, h: int) -> None:
    """n chiplets in a row of the order span at most one column more than they must."""
    order = [divmod(chiplet, columns) for chiplet in serpentine(rows, columns, h)]
    for start in range(len(order)):
        for end in range(start + 1, len(order) + 1):
            run = order[start:end]
            strips = {row // h for row, _ in run}
            height = min(h, rows - min(strips) * h)
            wide = max(c for _, c in run) - min(c for _, c in run) + 1
            if len(strips) == 1:
                assert wide <= -(-(len(run) - 1) // height) + 1


def sound() -> Schedule:
    return Schedule(
        (
            Segment((0, 3), 2, (cluster(0, 2, 0, 1, tiles=(2, 1, 1)), cluster(2, 3, 2))),
            Segment((3, 4), 1, (cluster(3, 4, 0, 1, 2, 3, tiles=(1, 2, 2)),)),
        )
    )


def test_a_sound_schedule_has_no_faults() -> None:
    assert schedule_faults(sound(), 4, 4) == []
    assert [c.layers for c in sound().clusters] == [(0, 2), (2, 3), (3, 4)]


def one(
    *clusters: Cluster, layers: tuple[int, int] = (0, 2), micro_batch: int = 1, replicas: int = 1
) -> Schedule:
    return Schedule((Segment(layers, micro_batch, clusters),), replicas)


@pytest.mark.parametrize(
    ("schedule", "fault"),
    [
        (Schedule(()), "segments: expected at least one segment"),
        (one(cluster(0, 2, 0), replicas=0), "replicas: expected 1 to 4, got 0"),
        (one(cluster(0, 2, 0), replicas=5), "replicas: expected 1 to 4, got 5"),
        (one(cluster(0, 2, 0), micro_batch=0), "segments[0].micro_batch: expected 1 or more, got 0"),
        (one(), "segments[0].clusters: expected at least one cluster"),
        (one(cluster(0, 2, 0, 1, 2), replicas=2), "segments[0]: 3 chiplets for a replica that has 2"),
        (one(cluster(0, 2)), "segments[0].clusters[0].chiplets: expected at least one chiplet"),
        (one(cluster(0, 2, 4)), "segments[0].clusters[0].chiplets: 4 is not on a package of 4"),
        (one(cluster(0, 2, -1)), "segments[0].clusters[0].chiplets: -1 is not on a package of 4"),
        (
            one(cluster(0, 1, 3), cluster(1, 2, 3)),
            "segments[0].clusters[1].chiplets: chiplet 3 is used twice in segments[0] (also by clusters[0])",
        ),
        (
            one(cluster(0, 2, 0, partitions=(WSP,))),
            "segments[0].clusters[0].partitions: expected 2 (one per layer), got 1",
        ),
        (
            one(cluster(0, 2, 0, tiles=(1, 0, 1))),
            "segments[0].clusters[0].tiles: expected positive numbers, got [1, 0, 1]",
        ),
        (
            one(cluster(0, 2, 0, 1, tiles=(1, 3, 1))),
            "segments[0].clusters[0].tiles: 1 x 3 x 1 tiles need more than its 2 chiplets",
        ),
        (
            one(cluster(0, 2, 0, 1, tiles=(2, 1, 1))),
            "segments[0].clusters[0].tiles: 2 sample tiles for a micro-batch of 1",
        ),
        (one(cluster(0, 1, 0)), "segments[0]: clusters end at layer 1, the segment at 2"),
        (
            one(cluster(0, 1, 0), layers=(0, 1)),
            "segments: end at layer 1, the network has 2 layers",
        ),
        (
            one(cluster(1, 2, 0)),
            "segments[0].clusters[0].layers: starts at layer 1 but 0 is next: it skips layers",
        ),
        (
            one(cluster(0, 1, 0), cluster(0, 2, 1)),
            "segments[0].clusters[1].layers: starts at layer 0 but 1 is next: it repeats layers",
        ),
        (
            one(cluster(0, 0, 0), cluster(0, 2, 1)),
            "segments[0].clusters[0].layers: expected an end after 0, got 0",
        ),
        (
            Schedule((Segment((1, 2), 1, (cluster(1, 2, 0),)),)),
            "segments[0].layers: starts at layer 1 but 0 is next: it skips layers",
        ),
    ],
)
def test_each_fault_alone(schedule: Schedule, fault: str) -> None:
    faults = schedule_faults(schedule, 2, 4)
    assert fault in faults
    # Replicas of less than a chiplet have no room for anything either.
    assert len(faults) == (2 if schedule.replicas > 4 else 1)


def test_all_faults_at_once() -> None:
    schedule = Schedule(
        (
            Segment((0, 2), 0, (cluster(0, 1, 9, tiles=(1, 2, 1)), cluster(1, 2, partitions=()))),
            Segment((3, 4), 1, (cluster(3, 4, 0, 1, 1, tiles=(2, 1, 1)),)),
            Segment((4, 5), 1, ()),
        ),
        replicas=9,
    )
    assert schedule_faults(schedule, 6, 4) == [
        "replicas: expected 1 to 4, got 9",
        "segments[0].micro_batch: expected 1 or more, got 0",
        "segments[0]: 1 chiplets for a replica that has 0",
        "segments[0].clusters[0].tiles: 1 x 2 x 1 tiles need more than its 1 chiplets",
        "segments[0].clusters[0].chiplets: 9 is not on a package of 4",
        "segments[0].clusters[1].chiplets: expected at least one chiplet",
        "segments[0].clusters[1].partitions: expected 1 (one per layer), got 0",
        "segments[1].layers: starts at layer 3 but 2 is next: it skips layers",
        "segments[1]: 3 chiplets for a replica that has 0",
        "segments[1].clusters[0].tiles: 2 sample tiles for a micro-batch of 1",
        "segments[1].clusters[0].chiplets: chiplet 1 is used twice in segments[1] (also by clusters[0])",
        "segments[2].clusters: expected at least one cluster",
        "segments: end at layer 5, the network has 6 layers",
    ]
