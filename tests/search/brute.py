"""The schedule space by brute force: every schedule built and priced by the evaluator, nothing clever.

Two ways. ``whole`` prices complete schedules, the product of all choices. ``Brute`` prices every choice of
every segment once (inside a complete schedule) and adds segments up: without prefetch the time of a batch
is the sum over segments of what each takes. The first is for tiny spaces and shows that the second is right.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations, pairwise, product
from math import prod

import numpy as np

from mcmscope.cost.arrays import Ints
from mcmscope.cost.code import Encoded
from mcmscope.cost.model import CostModel, Priced, price_code
from mcmscope.cost.reports import LOAD_PS, OK, PASSES, RUN_PS
from mcmscope.schedule import Scheme
from mcmscope.search.space import tile_grids

Row = tuple[int, int, int, int, int]


@dataclass(frozen=True)
class Part:
    """One segment of an encoded schedule."""

    end: int
    micro_batch: int
    clusters: tuple[Row, ...]
    partitions: tuple[int, ...]


def divisions(scheme: Scheme, a: int, b: int, layers: int) -> list[tuple[int, ...]]:
    """The ends of the clusters of a segment [a, b): all ways that the scheme allows."""
    if scheme is Scheme.SEQUENTIAL and b - a > 1:
        return []
    if scheme is Scheme.FULL_PIPELINE and b - a < layers:
        return []
    if scheme in (Scheme.SEQUENTIAL, Scheme.SEQUENTIAL_FUSED):
        return [(b,)]
    if scheme in (Scheme.FULL_PIPELINE, Scheme.SEGMENTED_PIPELINE):
        return [tuple(range(a + 1, b + 1))]
    assert scheme is Scheme.MERGED_PIPELINE
    inner = range(a + 1, b)
    return [(*cuts, b) for count in range(b - a) for cuts in combinations(inner, count)]


def region_sizes(clusters: int, chiplets: int) -> Iterator[tuple[int, ...]]:
    """Sizes of the regions of so many clusters that fit side by side."""
    for sizes in product(range(1, chiplets + 1), repeat=clusters):
        if sum(sizes) <= chiplets:
            yield sizes


def partition_choices(count: int) -> list[tuple[int, ...]]:
    """All partitions of so many layers."""
    return list(product(range(3), repeat=count))


def parts(
    scheme: Scheme, a: int, b: int, layers: int, chiplets: int, micro: tuple[int, ...]
) -> Iterator[Part]:
    """Every segment [a, b) of the scheme's space."""
    for ends in divisions(scheme, a, b, layers):
        for u in micro:
            for sizes in region_sizes(len(ends), chiplets):
                for grids in product(*(tile_grids(n, u) for n in sizes)):
                    rows = tuple((j, n, *grid) for j, n, grid in zip(ends, sizes, grids, strict=True))
                    for partitions in partition_choices(b - a):
                        yield Part(b, u, rows, partitions)


def count_parts(scheme: Scheme, layers: int, chiplets: int, micro: tuple[int, ...]) -> int:
    """How many segments there are in all, each counted once."""
    total = 0
    for a in range(layers):
        for b in range(a + 1, layers + 1):
            for ends in divisions(scheme, a, b, layers):
                for sizes in region_sizes(len(ends), chiplets):
                    grids = sum(prod(len(tile_grids(n, u)) for n in sizes) for u in micro)
                    total += grids * 3 ** (b - a)
    return total


def encoded(pieces: list[Part], replicas: int = 1) -> Encoded:
    """A schedule from its segments in order."""
    return Encoded(
        segments=np.array([(part.end, part.micro_batch) for part in pieces], dtype=np.int64),
        clusters=np.array([row for part in pieces for row in part.clusters], dtype=np.int64),
        partitions=np.array([p for part in pieces for p in part.partitions], dtype=np.int64),
        replicas=replicas,
    )


def segmentations(layers: int) -> Iterator[tuple[int, ...]]:
    """The ends of the segments: all ways."""
    for count in range(layers):
        for cuts in combinations(range(1, layers), count):
            yield (*cuts, layers)


def whole(scheme: Scheme, layers: int, chiplets: int, micro: tuple[int, ...]) -> Iterator[Encoded]:
    """Every complete schedule of the scheme's space."""
    for ends in segmentations(layers):
        choices = [list(parts(scheme, a, b, layers, chiplets, micro)) for a, b in pairwise([0, *ends])]
        for pieces in product(*choices):
            yield encoded(list(pieces))


class Brute:
    """Least times of a model's schedules for a batch, by pricing every segment there is."""

    def __init__(self, model: CostModel, batch: int, micro: tuple[int, ...]) -> None:
        assert not model.package.prefetch, "with prefetch the time is no sum over segments"
        self.model, self.batch, self.micro = model, batch, micro
        self.layers = len(model.network)
        self.fillers = self._fillers()
        self.known: dict[tuple[Scheme, int, int], int | None] = {}

    def _price(self, pieces: list[Part]) -> Priced:
        return price_code(self.model, encoded(pieces), self.batch, layers=False)

    def _rest(self, start: int) -> list[Part]:
        """Any segments for the layers from ``start`` on, fitting or not: they are priced last."""
        return [Part(l + 1, 1, ((l + 1, 1, 1, 1, 1),), (0,)) for l in range(start, self.layers)]

    def _fillers(self) -> list[Part] | None:
        """Per layer some one-layer segment that fits; None if one layer has none."""
        found: list[Part] = []
        for l in range(self.layers):
            for part in parts(
                Scheme.SEQUENTIAL, l, l + 1, self.layers, self.model.machine.chiplets, self.micro
            ):
                run = self._price([*found, part, *self._rest(l + 1)])
                if _fits(run, l):
                    found.append(part)
                    break
            else:
                return None
        return found

    def priced(self, a: int, part: Part) -> Priced | None:
        """A complete schedule with ``part`` as its segment from layer a on; None if it does not fit."""
        assert self.fillers is not None
        run = self._price([*self.fillers[:a], part, *self.fillers[part.end :]])
        return run if run.status == OK else None

    def segment(self, scheme: Scheme, a: int, b: int) -> int | None:
        """Least time (ps) of segment [a, b), its load included; None if nothing fits."""
        key = scheme, a, b
        if key not in self.known:
            self.known[key] = self._segment(scheme, a, b)
        return self.known[key]

    def _segment(self, scheme: Scheme, a: int, b: int) -> int | None:
        if self.fillers is None:
            return None
        choices = parts(scheme, a, b, self.layers, self.model.machine.chiplets, self.micro)
        return self.least_segment(a, choices)

    def least_segment(self, a: int, choices: Iterable[Part]) -> int | None:
        """Least time (ps) of the given segments from layer a on; None if none fits."""
        runs = (self.priced(a, part) for part in choices)
        times = (int(run.segments[a, LOAD_PS] + run.segments[a, RUN_PS]) for run in runs if run is not None)
        return min(times, default=None)

    def least(self, scheme: Scheme) -> int | None:
        """Least time (ps) of the batch; None if no schedule of the scheme fits."""
        reach: list[int | None] = [0] + [None] * self.layers
        for b in range(1, self.layers + 1):
            for a in range(b):
                begun, time = reach[a], self.segment(scheme, a, b)
                if begun is not None and time is not None:
                    best = reach[b]
                    reach[b] = begun + time if best is None else min(best, begun + time)
        return reach[self.layers]


def _fits(run: Priced, s: int) -> bool:
    """Whether segment s was priced: segments are priced in order, up to the first that does not fit."""
    return run.status == OK or int(run.segments[s, PASSES]) > 0


def least_of_all(model: CostModel, codes: Iterator[Encoded], batch: int) -> int | None:
    """Least time (ps) of complete schedules; None if none fits."""
    best: int | None = None
    for code in codes:
        run = price_code(model, code, batch, layers=False)
        if run.status == OK:
            best = run.total_ps if best is None else min(best, run.total_ps)
    return best


def code_row(code: Encoded) -> Ints:
    """All of a schedule as one row of numbers."""
    return np.concatenate([code.segments.ravel(), code.clusters.ravel(), code.partitions, [code.replicas]])
