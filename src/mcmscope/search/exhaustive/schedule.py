"""A schedule whose tile grids are still open, and the best grids for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mcmscope.cost.code import Encoded
from mcmscope.search.exhaustive.alone import alone_choices
from mcmscope.search.exhaustive.case import Case
from mcmscope.search.exhaustive.clusters import cluster_stage
from mcmscope.search.exhaustive.trace import Point, Stage, chosen, points_of


@dataclass(frozen=True)
class Choice:
    """A segment [a, b) at micro-batch u: (end, chiplets) per cluster, and the partition of each layer."""

    a: int
    b: int
    u: int
    clusters: tuple[tuple[int, int], ...]
    partitions: tuple[int, ...]


def best_points(
    case: Case, choices: Sequence[Choice], most: int | None = None
) -> tuple[int, list[Point]] | None:
    """The figure of a schedule at its best tile grids, and those; None if it does not fit."""
    segments: list[list[Point]] = []
    for choice in choices:
        points = _points(case, choice, most)
        if not points:
            return None
        segments.append(points)
    return chosen(case, segments, most)


def _points(case: Case, choice: Choice, most: int | None) -> list[Point]:
    a, b, u = choice.a, choice.b, choice.u
    if b - a == 1:
        return alone_choices(case, a, u, choice.clusters[0][1], choice.partitions[0])
    stages: list[Stage] = []
    i = a
    for j, n in choice.clusters:
        stage = cluster_stage(case, i, j, n, u, choice.partitions[i - a : j - a])
        if not len(stage.options):
            return []
        stages.append(stage)
        i = j
    return points_of(case, a, b, u, stages, most)


def encoded_best(case: Case, choices: Sequence[Choice]) -> tuple[Encoded, int]:
    """A schedule that fits with its best tile grids, and its figure."""
    found = best_points(case, choices)
    if found is None:
        raise AssertionError("a schedule that fits was priced as one that does not")
    figure, points = found
    return encoded(case, choices, [point.grids for point in points]), figure


def encoded(
    case: Case, choices: Sequence[Choice], grids: Sequence[Sequence[tuple[int, int, int]]]
) -> Encoded:
    """A schedule with the given tile grids, per segment and cluster."""
    rows = [
        (*cluster, *grid)
        for choice, some in zip(choices, grids, strict=True)
        for cluster, grid in zip(choice.clusters, some, strict=True)
    ]
    return Encoded(
        segments=np.array([(choice.b, choice.u) for choice in choices], dtype=np.int64),
        clusters=np.array(rows, dtype=np.int64),
        partitions=np.array([p for choice in choices for p in choice.partitions], dtype=np.int64),
        replicas=case.replicas,
    )
