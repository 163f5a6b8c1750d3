"""One cluster per segment: layers in turn on one region; alone, and on replicas."""

from __future__ import annotations

import numpy as np

from mcmscope.cost.code import Encoded
from mcmscope.cost.dram import load_mb_per_s
from mcmscope.schedule import Scheme
from mcmscope.search.context import Path, Piece, SearchContext, join
from mcmscope.search.fused import MAX_LABELS, best_cluster
from mcmscope.search.fused_bounds import bound_clusters, rank_sizes
from mcmscope.search.lazy import distances, lazy_path
from mcmscope.search.sequential import Infeasible, sequential
from mcmscope.search.tables import NEVER
from mcmscope.search.transfers import moving_ps

MOST_STATES = 5_000_000
"""Labels after which an exact search of fused clusters stops with the gap that is left."""

QUICK_STATES = (40_000, 400_000)
"""Labels spent on each number of replicas, and then on the best of them."""

QUICK_SIZES = 3
QUICK_GRIDS = 3
QUICK_WIDTH = 24
"""Region sizes and tile grids tried per segment, and labels kept, while looking for a first good schedule."""


def fused(
    context: SearchContext,
    replicas: int = 1,
    upper: int = NEVER,
    *,
    quick_states: int | None = None,
) -> tuple[Path, int]:
    """Any segments of one cluster each; also a lower bound of their time (ps), equal to it at the optimum.

    No segments come back if none of these schedules is faster than ``upper`` (ps). With ``quick_states`` only
    the most promising region sizes are tried, for about as many labels, and the bound is 0.
    """
    model, tables = context.model, context.tables
    L = context.layers
    known = np.eye(L + 1, k=1, dtype=bool)
    pieces: dict[tuple[int, int], Piece] = {}
    layerwise = np.zeros(L + 1, dtype=np.int64)
    for l, (_, piece) in enumerate(
        sequential(context, replicas, quick=replicas > 1 and quick_states is not None)
    ):
        layerwise[l + 1] = layerwise[l] + piece.time_ps
        pieces[l, l + 1] = piece
    # A segment that takes as long as its layers one by one is never needed.
    one_by_one = layerwise[None, :] - layerwise[:, None]
    value = one_by_one.copy()
    bound_clusters(
        model.net,
        model.machine,
        context.io,
        tables.inside,
        tables.first,
        tables.price,
        tables.kind,
        np.array(context.micro, dtype=np.int64),
        context.batch,
        replicas,
        model.machine.chiplets // replicas,
        value,
    )
    value[value >= one_by_one] = NEVER
    for l in range(L):
        value[l, l + 1] = pieces[l, l + 1].time_ps
    # A first good schedule from a few region sizes per segment bounds the exact search.
    quick = _Refiner(context, replicas, pieces, QUICK_SIZES)
    begun = context.states
    first, reached = lazy_path(
        value.copy(),
        known.copy(),
        quick,
        upper,
        None if quick_states is None else lambda: context.states - begun > quick_states,
    )
    found = [(b, pieces[a, b]) for a, b in first]
    if quick_states is not None and not found:
        value[~known] = NEVER
        for (a, b), piece in pieces.items():
            value[a, b] = piece.time_ps
            known[a, b] = True
        first, _ = lazy_path(value, known, quick, upper)
        found = [(b, pieces[a, b]) for a, b in first]
    if quick_states is not None:
        return found, 0
    if replicas == 1:
        context.pools[Scheme.SEQUENTIAL_FUSED] = pieces
    slow = _Refiner(context, replicas, pieces, None)
    lower = value.copy()
    begun = context.states
    path, _ = lazy_path(value, known, slow, min(upper, reached), lambda: context.states - begun > MOST_STATES)
    # Where labels had to be dropped, what was found is no lower bound: the first one stands there.
    sure = known.copy()
    for edge in slow.unsure:
        sure[edge] = False
    lower[sure] = value[sure]
    ahead, before, behind = (np.zeros(L + 1, dtype=np.int64) for _ in range(3))
    distances(lower, ahead, before, behind)
    best = [(b, pieces[a, b]) for a, b in path] if path else found
    return best, min(int(ahead[L]), sum(piece.time_ps for _, piece in best))


class _Refiner:
    """True costs of one-cluster segments, looked up where an equal run of layers was priced before."""

    def __init__(
        self, context: SearchContext, replicas: int, pieces: dict[tuple[int, int], Piece], sizes: int | None
    ) -> None:
        self.context, self.replicas, self.pieces, self.sizes = context, replicas, pieces, sizes
        self.alike: dict[tuple[bytes, int], tuple[int, Piece | None, bool]] = {}
        self.unsure: set[tuple[int, int]] = set()

    def __call__(self, a: int, b: int, bound: int) -> int:
        bound = min(bound, sum(self.pieces[l, l + 1].time_ps for l in range(a, b)))
        key = (self.context.shape(a, b), int(self.context.io[a, b]))
        tried, piece, exact = self.alike.get(key, (-1, None, True))
        if piece is None and tried < bound:
            piece, exact = _best_fused(self.context, a, b, self.replicas, bound, self.sizes)
            self.alike[key] = (bound, piece, exact)
        if not exact:
            self.unsure.add((a, b))
        if piece is None:
            return NEVER
        cluster = (b, *piece.clusters[0][1:])
        self.pieces[a, b] = Piece(piece.time_ps, piece.micro_batch, (cluster,), piece.partitions)
        return piece.time_ps


def _best_fused(
    context: SearchContext, a: int, b: int, replicas: int, bound: int, sizes: int | None
) -> tuple[Piece | None, bool]:
    """The best one-cluster segment [a, b) that takes less than ``bound``, and whether it is proven.

    With ``sizes`` only that many micro-batches and region sizes are tried, the most promising first.
    """
    model, tables = context.model, context.tables
    net, machine = model.net, model.machine
    limit = machine.chiplets // replicas
    micro = np.array(context.micro, dtype=np.int64)
    bounds = np.full((len(micro), limit + 1), NEVER, dtype=np.int64)
    rank_sizes(
        net,
        machine,
        a,
        b,
        int(context.io[a, b]),
        tables.inside,
        tables.first,
        tables.price,
        tables.kind,
        micro,
        context.batch,
        replicas,
        limit,
        bounds,
    )
    share = -(-context.batch // replicas)
    partitions = np.zeros(context.layers, dtype=np.int64)
    tiles = np.zeros(3, dtype=np.int64)
    best, piece, exact = bound, None, True
    order: list[int] = np.argsort(bounds, axis=None, kind="stable").tolist()
    for flat in order[:sizes]:
        index, n = divmod(flat, limit + 1)
        if n == 0 or bounds[index, n] >= best:
            break
        u = context.micro[index]
        inside = tables.inside[index][:, tables.kind[a:b], n]
        rest = np.zeros((inside.shape[0], b - a + 1), dtype=np.int64)
        rest[:, :-1] = np.cumsum(inside[:, ::-1], axis=1)[:, ::-1]
        start, end = tables.grid_start[index, n : n + 2].tolist()
        io_ps = moving_ps(u * int(context.io[a, b]) * replicas, machine.dram_mb_per_s)
        total, made, dropped = best_cluster(
            net,
            machine,
            model.tilings,
            a,
            b,
            a,
            b,
            n,
            u,
            tables.grids[index][start:end],
            rest,
            tables.price[n],
            io_ps,
            moving_ps(int(net.weights[b] - net.weights[a]), int(load_mb_per_s(n, replicas, machine))),
            -(-share // u),
            best,
            QUICK_WIDTH if sizes else MAX_LABELS,
            QUICK_GRIDS if sizes else len(tables.grids[index]),
            partitions,
            tiles,
        )
        context.states += int(made)
        exact = exact and not dropped
        if total < best:
            best = int(total)
            samples, rows, columns = tiles.tolist()
            chosen: list[int] = partitions[a:b].tolist()
            piece = Piece(best, u, ((b, n, samples, rows, columns),), tuple(chosen))
    return piece, exact


def data_parallel(context: SearchContext) -> Encoded:
    """Replicas of a sequential-fused machine; their number is a power of two."""
    best: tuple[int, int, Encoded] | None = None
    replicas = 1
    while replicas <= min(context.model.machine.chiplets, context.batch):
        try:
            best = _replicated(context, replicas, QUICK_STATES[0], best)
        except Infeasible:
            break  # smaller parts hold no more
        replicas *= 2
    if best is None:
        raise Infeasible("no replica holds the network, not even the whole package")
    best = _replicated(context, best[1], QUICK_STATES[1], best)
    assert best is not None
    return best[2]


def _replicated(
    context: SearchContext, replicas: int, states: int, best: tuple[int, int, Encoded] | None
) -> tuple[int, int, Encoded] | None:
    """The better of ``best`` (time, replicas, schedule) and what this number of replicas gives."""
    pieces, _ = fused(context, replicas, best[0] if best else NEVER, quick_states=states)
    if not pieces:
        return best
    return sum(piece.time_ps for _, piece in pieces), replicas, join(pieces, replicas)
