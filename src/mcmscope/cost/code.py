"""A schedule as arrays, and back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mcmscope.cost.arrays import Ints
from mcmscope.hardware.package import Package
from mcmscope.schedule import Cluster, Partition, Schedule, Segment, serpentine

PARTITIONS = (Partition.WSP, Partition.WSP_SHARDED, Partition.ISP)


@dataclass(frozen=True)
class Encoded:
    """A schedule as the arrays that ``price`` reads."""

    segments: Ints
    clusters: Ints
    partitions: Ints
    replicas: int = 1


def encode(schedule: Schedule) -> Encoded:
    """``schedule`` as arrays; of a region only its size counts."""
    return Encoded(
        segments=np.array([[s.layers[1], s.micro_batch] for s in schedule.segments], dtype=np.int64),
        clusters=np.array(
            [[c.layers[1], len(c.chiplets), *c.tiles] for c in schedule.clusters], dtype=np.int64
        ),
        partitions=np.array(
            [PARTITIONS.index(p) for c in schedule.clusters for p in c.partitions], dtype=np.int64
        ),
        replicas=schedule.replicas,
    )


def decode(code: Encoded, package: Package) -> Schedule:
    """The schedule of ``code``, its regions laid one after another along the serpentine order."""
    order = serpentine(package.rows, package.columns, package.strip_height)
    segments: list[Segment] = []
    c = 0
    a = 0
    partitions: list[int] = code.partitions.tolist()
    for end, micro_batch in code.segments.tolist():
        clusters: list[Cluster] = []
        i, place = a, 0
        while i < end:
            j, n, *tiles = code.clusters[c].tolist()
            clusters.append(
                Cluster(
                    layers=(i, j),
                    chiplets=order[place : place + n],
                    tiles=(tiles[0], tiles[1], tiles[2]),
                    partitions=tuple(PARTITIONS[p] for p in partitions[i:j]),
                )
            )
            i, place, c = j, place + n, c + 1
        segments.append(Segment((a, end), micro_batch, tuple(clusters)))
        a = end
    return Schedule(tuple(segments), code.replicas)
