"""Visit every pipeline of a segment on all cores, in tasks of about equal size."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import perf_counter
from typing import TypeVar

import numpy as np

from mcmscope.cost.arrays import Ints
from mcmscope.search.exhaustive.alone import Alone, alone
from mcmscope.search.exhaustive.case import ANY_CLUSTERS, ONE_CLUSTER, ONE_LAYER_EACH, Case
from mcmscope.search.exhaustive.clusters import Clusters, cluster_options
from mcmscope.search.exhaustive.walk import (
    LABEL_COLUMNS,
    NEVER,
    NO_ROOM_FOR_LABELS,
    NO_ROOM_FOR_POINTS,
    PAIRS,
    TIME,
    walk,
)

_R = TypeVar("_R")

Row = tuple[int, int, int]
"""(end layer, chiplets, code of the partitions or -1 for all) of a cluster."""

Tell = Callable[[float, float], None]
"""Called with the share that is done, 0 to 1, and the seconds that are left."""

TASK_PIPELINES = 1 << 21
_LABELS = 1 << 10
EVERY_S = 0.2
"""Seconds between two reports of how far it is."""


@dataclass(frozen=True)
class Figures:
    """Pipelines in the order of the visit: the least figure of each (``NEVER``: does not fit), or all pairs.

    For pairs, ``first`` and ``second`` (ps and fJ) hold ``points[p]`` of them for pipeline p, ascending in
    time; else ``points`` is None and ``second`` empty.
    """

    first: Ints
    second: Ints
    points: Ints | None

    @property
    def visited(self) -> int:
        """Number of pipelines."""
        return len(self.first) if self.points is None else len(self.points)

    @property
    def feasible(self) -> int:
        """Pipelines that fit."""
        return int(np.count_nonzero(self.first < NEVER if self.points is None else self.points))


@dataclass(frozen=True)
class Task:
    """Pipelines of segment [a, b) at micro-batch u that begin with the clusters ``only``."""

    a: int
    b: int
    u: int
    only: tuple[Row, ...]
    pipelines: int


class Visitor:
    """The tables of a case, made once per micro-batch, and the visit of its tasks."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self._clusters: dict[int, Clusters] = {}
        self._alone: dict[tuple[int, int], Alone] = {}
        self._figures: dict[tuple[int, int], Figures] = {}
        self._links: dict[tuple[int, int], Ints] = {}

    def clusters(self, u: int) -> Clusters:
        """The options of all clusters at micro-batch u."""
        if u not in self._clusters:
            self._clusters[u] = cluster_options(self.case, u)
        return self._clusters[u]

    def alone(self, l: int, u: int) -> Alone:
        """The prices of layer l as a segment of its own."""
        if (l, u) not in self._alone:
            self._alone[l, u] = alone(self.case, l, u)
        return self._alone[l, u]

    def links(self, a: int, b: int) -> Ints:
        """Bytes per sample that pass by cluster [i, j) of segment [a, b): [L + 1, L + 1]."""
        if (a, b) not in self._links:
            L = self.case.layers
            relay = np.zeros((L + 1, L + 1), dtype=np.int64)
            for i in range(a, b):
                for j in range(i + 1, b + 1):
                    relay[i, j] = self.case.relayed(a, b, i, j)
            self._links[a, b] = relay
        return self._links[a, b]

    def tasks(self, a: int, b: int, u: int) -> list[Task]:
        """The pipelines of segment [a, b) at micro-batch u, in tasks."""
        if b - a == 1:
            return [Task(a, b, u, (), self.case.pipelines(1))]
        return [Task(a, b, u, only, size) for only, size in _prefixes(self.case, a, b)]

    def run(self, task: Task) -> Figures:
        """The figures of a task's pipelines."""
        if task.b - task.a == 1:
            key = task.a, task.u
            figures = self._figures[key] = self._figures.get(key) or self._run_alone(task)
            return _one(figures, task.only[0]) if task.only else figures
        first, second, points, _ = self._walk(task, -1)
        figures = Figures(first, second, points)
        if figures.visited != task.pipelines:
            raise AssertionError(f"{task}: visited {figures.visited} pipelines")
        return figures

    def path(self, task: Task, index: int) -> tuple[Row, ...]:
        """The clusters of the index-th pipeline of a task."""
        if task.b - task.a == 1:
            return ((task.b, index // 3 + 1, index % 3),)
        *_, path = self._walk(task, index)
        return path

    def _run_alone(self, task: Task) -> Figures:
        priced = self.alone(task.a, task.u)
        time, energy = priced.time_ps, priced.energy_fj
        if self.case.mode != PAIRS:
            least = (time if self.case.mode == TIME else energy).min(axis=2).ravel()
            return Figures(least, np.zeros(0, dtype=np.int64), None)
        first: list[int] = []
        second: list[int] = []
        points: list[int] = []
        for ps, fj in zip(time.reshape(-1, time.shape[2]), energy.reshape(-1, time.shape[2]), strict=True):
            fits = ps < NEVER
            pairs = pareto(ps[fits], fj[fits])
            points.append(len(pairs[0]))
            first.extend(pairs[0].tolist())
            second.extend(pairs[1].tolist())
        return Figures(*(np.array(x, dtype=np.int64) for x in (first, second, points)))

    def _walk(self, task: Task, stop: int) -> tuple[Ints, Ints, Ints | None, tuple[Row, ...]]:
        case, model = self.case, self.case.model
        table = self.clusters(task.u)
        L, pairs = case.layers, case.mode == PAIRS
        cut = np.zeros(L + 1, dtype=np.int64)
        for j in range(task.a + 1, task.b):
            cut[j] = case.cut_ps(task.a, task.b, j, task.u)
        room, labels = (2 * task.pipelines + 64 if pairs else task.pipelines), _LABELS
        path = np.zeros((L + 1, 3), dtype=np.int64)
        while True:
            first = np.zeros(room, dtype=np.int64)
            second = np.zeros(room if pairs else 0, dtype=np.int64)
            points = np.zeros(task.pipelines if pairs else 0, dtype=np.int64)
            done = walk(
                case.facts(task.a, task.b, task.u),
                model.machine,
                model.terms,
                table.first_row,
                table.start,
                table.option,
                table.load_ps,
                table.distinct,
                cut,
                self.links(task.a, task.b),
                np.array(task.only, dtype=np.int64).reshape(-1, 3),
                case.mode,
                stop,
                np.zeros((labels, LABEL_COLUMNS), dtype=np.int64),
                first,
                second,
                points,
                path,
            )
            if done == NO_ROOM_FOR_LABELS:
                labels *= 4
            elif done == NO_ROOM_FOR_POINTS:
                room *= 2
            else:
                break
        rows: list[Row] = []
        for end, n, code in path.tolist():
            rows.append((end, n, code))
            if end == task.b:
                break
        if pairs:
            used = int(points.sum())
            return first[:used], second[:used], points[:done], tuple(rows)
        return first[:done], second, None, tuple(rows)


def _one(figures: Figures, row: Row) -> Figures:
    """The pipeline of a one-layer segment that ``row`` names."""
    at = (row[1] - 1) * 3 + row[2]
    if figures.points is None:
        return Figures(figures.first[at : at + 1], figures.second, None)
    end = int(figures.points[: at + 1].sum())
    begin = end - int(figures.points[at])
    return Figures(figures.first[begin:end], figures.second[begin:end], figures.points[at : at + 1])


def _prefixes(case: Case, a: int, b: int) -> Iterator[tuple[tuple[Row, ...], int]]:
    """First clusters that share out the pipelines of segment [a, b), each with their number."""

    def share(rows: tuple[Row, ...], i: int, left: int, codes: int) -> Iterator[tuple[tuple[Row, ...], int]]:
        count = codes * case.pipelines(b - i, left)
        if rows and (i == b or count <= TASK_PIPELINES):
            if count > 0:
                yield rows, count
            return
        ends = {
            ANY_CLUSTERS: range(i + 1, b + 1),
            ONE_CLUSTER: range(b, b + 1),
            ONE_LAYER_EACH: range(i + 1, i + 2),
        }[case.clusters]
        for end in ends:
            for n in range(1, left + 1 if end == b else left):
                yield from share((*rows, (end, n, -1)), end, left - n, codes * 3 ** (end - i))

    return share((), a, case.chiplets, 1)


def pareto(first: Ints, second: Ints) -> tuple[Ints, Ints]:
    """The pairs that no other is as good as in both, ascending in ``first``; equal ones once."""
    if len(first) == 0:
        return first, second
    order = np.lexsort((second, first))
    x, y = first[order], second[order]
    best = np.minimum.accumulate(y)
    keep = np.ones(len(x), dtype=np.bool_)
    keep[1:] = y[1:] < best[:-1]
    return x[keep], y[keep]


def on_all_cores(
    work: list[tuple[Visitor, Task]],
    reduce: Callable[[Visitor, Figures], _R],
    tell: Tell | None = None,
) -> Iterator[tuple[Visitor, Task, _R]]:
    """``reduce`` of the figures of every task, in order; tells how far it is.

    Threads do, since the kernels let go of the interpreter. ^C stops after the tasks that are running.
    """
    total = sum(task.pipelines for _, task in work)
    begun = told = perf_counter()
    done = 0
    for visitor, task in work:  # tables are made once, before the threads share them
        if task.b - task.a > 1:
            visitor.clusters(task.u)
            visitor.links(task.a, task.b)

    def visited(item: tuple[Visitor, Task]) -> _R:
        return reduce(item[0], item[0].run(item[1]))

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        try:
            parts = pool.map(visited, work)
            for (visitor, task), part in zip(work, parts, strict=True):
                done += task.pipelines
                yield visitor, task, part
                now = perf_counter()
                if tell is not None and now - told > EVERY_S:
                    told = now
                    tell(done / total, (now - begun) * (total - done) / done)
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
