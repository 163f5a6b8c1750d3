"""The whole front of a small space, exactly: every pair of time and energy that no schedule beats.

All clusters, then all segments of them, then all paths of segments are built up, and only what something else
beats in everything is dropped. Where that takes too much room nothing is said; ``front`` bounds the front
then.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mcmscope.cost.arrays import MACS, MADE_BEFORE, WEIGHT_BYTES, Ints
from mcmscope.schedule import Scheme
from mcmscope.search.context import Path, Piece, SearchContext, kept_boundaries
from mcmscope.search.front.cluster import GRID, POINT_COLUMNS, Scale, cluster_points
from mcmscope.search.front.labels import LABEL_COLUMNS
from mcmscope.search.front.layers import LayerTable, layer_table
from mcmscope.search.front.passes import passes_points
from mcmscope.search.front.segment import LABEL_COLUMNS as SEGMENT_COLUMNS
from mcmscope.search.front.segment import PARENT, POINT, REGION, segment_points
from mcmscope.search.limit import Limit
from mcmscope.search.tables import NEVER

MOST_CLUSTERS = 4000
"""Clusters times region sizes up to which a space counts as small."""
MOST_LABELS = 4000
"""Ways to run a cluster or a segment up to which all are followed."""
MOST_PAIRS = 20_000
"""Pairs of time and energy of a prefix of the layers that are followed."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A schedule of the first layers: its time and energy (fJ, without static power), and its segments."""

    time_ps: int
    energy_fj: int
    path: Path


class TooLarge(Exception):  # noqa: N818 - it is no error
    """The space is not small."""


def allowed(scheme: Scheme, layers: int, a: int, b: int, i: int, j: int) -> bool:
    """Whether the scheme's space has cluster [i, j) in segment [a, b)."""
    match scheme:
        case Scheme.SEQUENTIAL:
            return b - a == 1
        case Scheme.FULL_PIPELINE:
            return b - a == layers and j - i == 1
        case Scheme.SEGMENTED_PIPELINE:
            return j - i == 1
        case Scheme.SEQUENTIAL_FUSED | Scheme.DATA_PARALLEL:
            return i == a and j == b
        case Scheme.MERGED_PIPELINE:
            return True


def scale_of(context: SearchContext, u: int, replicas: int = 1) -> Scale:
    """How energies count at micro-batch ``u``; see ``Scale``."""
    terms, m = context.model.terms, context.batch
    whole = m % u == 0
    # A beat is rounded in three terms, each by less than a femtojoule of the batch.
    return Scale(
        beats=m // u if whole else 1,
        load_fj=terms.hop_byte_fj * replicas * (1 if whole else u),
        per=1 if whole else m,
        slack=0 if whole else -(-3 * u // m) + 2,
        hop_fj=terms.hop_byte_fj,
        write_fj=terms.write_byte_fj,
    )


class _Small:
    """Scratch and prices of one run."""

    def __init__(self, context: SearchContext, scheme: Scheme, replicas: int, limit: Limit) -> None:
        self.context, self.scheme, self.replicas, self.limit = context, scheme, replicas, limit
        self.labels = np.zeros((MOST_LABELS, LABEL_COLUMNS), dtype=np.int64)
        self.points = np.zeros((MOST_LABELS, POINT_COLUMNS), dtype=np.int64)
        self.segments = np.zeros((MOST_LABELS, SEGMENT_COLUMNS), dtype=np.int64)
        self.out = np.zeros((MOST_LABELS, 3), dtype=np.int64)
        L = context.layers
        self.pairs: dict[tuple[int, int], list[Pair]] = {}
        span = context.model.net.span
        self.relayed = int(max(span[MADE_BEFORE, b, L] for b in range(L + 1)))

    def clusters(self, u: int, table: LayerTable, scale: Scale) -> tuple[Ints, Ints, list[tuple[int, ...]]]:
        """Points of every cluster that the scheme may use, where those of (i, j, n) are, their partitions."""
        context = self.context
        L, N = context.layers, context.model.machine.chiplets // self.replicas
        where = np.zeros((L, L + 1, N + 1, 2), dtype=np.int64)
        rows: list[Ints] = [np.zeros((0, POINT_COLUMNS), dtype=np.int64)]
        chosen: list[tuple[int, ...]] = []
        known: dict[tuple[bytes, int], tuple[int, int]] = {}
        for i in range(L):
            for j in range(i + 1, L + 1):
                if not self._is_used(i, j):
                    continue
                partitions = np.zeros((MOST_LABELS, j - i), dtype=np.int64)
                for n in range(1, N + 1):
                    key = context.shape(i, j), n
                    if key not in known:
                        if self.limit.reached():
                            raise TooLarge
                        found = int(
                            cluster_points(
                                context.model.net,
                                context.model.machine,
                                table,
                                scale,
                                i,
                                j,
                                n,
                                u,
                                self.relayed,
                                int(context.dram_ps[i, j]),
                                NEVER,
                                NEVER,
                                0,
                                NEVER,
                                context.batch,
                                np.zeros((0, 2), dtype=np.int64),
                                self.labels,
                                self.points,
                                partitions,
                            )
                        )
                        if found < 0:
                            raise TooLarge
                        context.states += found
                        rows.append(self.points[:found].copy())
                        known[key] = len(chosen), len(chosen) + found
                        chosen += [tuple(row) for row in partitions[:found].tolist()]
                    where[i, j, n] = known[key]
        return np.concatenate(rows), where, chosen

    def _is_used(self, i: int, j: int) -> bool:
        L = self.context.layers
        wholes = [(i, j), (0, L)]
        return any(allowed(self.scheme, L, a, b, i, j) for a, b in wholes)

    def price(self, u: int) -> None:
        """Add the pairs of every segment at micro-batch ``u`` to ``pairs``."""
        context, model = self.context, self.context.model
        L, m = context.layers, context.batch
        table, scale = layer_table(model, u), scale_of(context, u, self.replicas)
        points, where, chosen = self.clusters(u, table, scale)
        kept = kept_boundaries(model, m)
        for a in range(L):
            for b in range(a + 1, L + 1):
                if not allowed(self.scheme, L, a, b, a, b if b - a == 1 or self._is_one(a, b) else a + 1):
                    continue
                if self.limit.reached():
                    raise TooLarge
                mine = where.copy() if not self._is_one(a, b) else _only(where, a, b)
                found = segment_points(
                    model.net,
                    model.machine,
                    model.terms,
                    scale,
                    points,
                    mine,
                    a,
                    b,
                    u,
                    m,
                    self.replicas,
                    int(context.io[a, b]),
                    int(context.dram_ps[a, b]),
                    m * int(model.net.layer[a:b, MACS].sum()) * model.terms.mac_fj,
                    self.segments,
                    self.out,
                )
                if found < 0:
                    raise TooLarge
                context.states += int(found)
                self._add(
                    a,
                    b,
                    [self._pair(a, b, u, row, points, chosen, table) for row in self.out[:found].tolist()],
                )
                if b - a == 1 and int(model.net.layer[a, WEIGHT_BYTES]) > 0:
                    found = passes_points(
                        model.net,
                        model.machine,
                        model.terms,
                        a,
                        u,
                        table.grid_start,
                        table.grids,
                        m,
                        self.replicas,
                        int(kept[a]),
                        int(kept[b]),
                        self.out,
                    )
                    if found < 0:
                        raise TooLarge
                    self._add(a, b, [in_passes(a, u, row, table.grids) for row in self.out[:found].tolist()])

    def _is_one(self, a: int, b: int) -> bool:
        return self.scheme in (Scheme.SEQUENTIAL_FUSED, Scheme.DATA_PARALLEL)

    def _add(self, a: int, b: int, found: list[Pair]) -> None:
        self.pairs[a, b] = unbeaten(self.pairs.get((a, b), []) + found)

    def _pair(
        self,
        a: int,
        b: int,
        u: int,
        row: list[int],
        points: Ints,
        chosen: list[tuple[int, ...]],
        table: LayerTable,
    ) -> Pair:
        """A segment from the labels that led to it."""
        time, energy, at = row
        parts: list[tuple[int, int]] = []
        while at > 0:
            parts.append((int(self.segments[at, POINT]), int(self.segments[at, REGION])))
            at = int(self.segments[at, PARENT])
        clusters: list[tuple[int, int, int, int, int]] = []
        partitions: list[int] = []
        end = a
        for x, n in reversed(parts):
            end += len(chosen[x])
            samples, rows, columns = table.grids[points[x, GRID]].tolist()
            clusters.append((end, n, samples, rows, columns))
            partitions.extend(chosen[x])
        return Pair(time, energy, [(b, Piece(time, u, tuple(clusters), tuple(partitions)))])


def _only(where: Ints, a: int, b: int) -> Ints:
    """``where`` with no cluster but [a, b)."""
    mine = np.zeros_like(where)
    mine[a, b] = where[a, b]
    return mine


def in_passes(l: int, u: int, row: list[int], grids: Ints) -> Pair:
    """Layer ``l`` alone in a segment, from a row that ``passes_points`` filled."""
    time, energy, which = row
    packed, partition = divmod(which, 3)
    n, g = divmod(packed, len(grids))
    samples, rows, columns = grids[g].tolist()
    return Pair(time, energy, [(l + 1, Piece(time, u, ((l + 1, n, samples, rows, columns),), (partition,)))])


def unbeaten(pairs: list[Pair]) -> list[Pair]:
    """The pairs that no other beats, by time."""
    best: list[Pair] = []
    for pair in sorted(pairs, key=lambda pair: (pair.time_ps, pair.energy_fj)):
        if not best or pair.energy_fj < best[-1].energy_fj:
            best.append(pair)
    return best


def small_front(context: SearchContext, scheme: Scheme, limit: Limit, replicas: int = 1) -> list[Pair]:
    """All pairs of time and energy of the scheme's schedules on one number of replicas that no other beats.

    Empty if nothing fits.

    Raises:
        TooLarge: the space is not small, or time is up.
    """
    L = context.layers
    limit_n = context.model.machine.chiplets // replicas
    if L * (L + 1) // 2 * limit_n * len(context.micro) > MOST_CLUSTERS:
        raise TooLarge
    work = _Small(context, scheme, replicas, limit)
    for u in context.micro:
        work.price(u)
    nothing: Path = []
    reach: list[list[Pair]] = [[Pair(0, 0, nothing)]]
    for b in range(1, L + 1):
        sums = [
            Pair(before.time_ps + pair.time_ps, before.energy_fj + pair.energy_fj, before.path + pair.path)
            for a in range(b)
            for pair in work.pairs.get((a, b), [])
            for before in reach[a]
        ]
        if len(sums) > MOST_PAIRS:
            raise TooLarge
        reach.append(unbeaten(sums))
    return reach[L]
