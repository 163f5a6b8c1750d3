"""The baselines, each at the exact throughput optimum of its own space."""

from __future__ import annotations

import numpy as np

from mcmscope.cost.arrays import Ints
from mcmscope.cost.evaluate import Encoded
from mcmscope.search.context import Piece, SearchContext, join
from mcmscope.search.fused import MAX_LABELS, best_cluster, bound_clusters, rank_sizes
from mcmscope.search.lazy import distances, lazy_path
from mcmscope.search.pipeline import solve_pipeline
from mcmscope.search.tables import HELD, NEVER, TIME


class Infeasible(Exception):  # noqa: N818 - it is no error
    """A scheme has no schedule here; the text says why."""


def sequential(context: SearchContext, replicas: int = 1) -> list[tuple[int, Piece]]:
    """Layer by layer, each on as many chiplets as is best.

    Raises ``Infeasible`` naming the layers of which not even one output channel fits.
    """
    pieces = context.singles(replicas)
    missing = [context.model.network.layers[l].name for l, piece in enumerate(pieces) if piece is None]
    if missing:
        named = ", ".join(missing[:5]) + (", ..." if len(missing) > 5 else "")
        raise Infeasible(
            f"not even one output channel of {len(missing)} layer(s) fits into the "
            f"{context.model.machine.weight_limit} bytes for weights of a chiplet: {named}"
        )
    return [(l + 1, piece) for l, piece in enumerate(pieces) if piece is not None]


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
) -> tuple[list[tuple[int, Piece]], int]:
    """Any segments of one cluster each; also a lower bound of their time (ps), equal to it at the optimum.

    No segments come back if none of these schedules is faster than ``upper`` (ps). With ``quick_states`` only
    the most promising region sizes are tried, for about as many labels, and the bound is 0.
    """
    model, tables = context.model, context.tables
    L = context.layers
    known = np.eye(L + 1, k=1, dtype=bool)
    pieces: dict[tuple[int, int], Piece] = {}
    layerwise = np.zeros(L + 1, dtype=np.int64)
    for l, (_, piece) in enumerate(sequential(context, replicas)):
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
        context.pools["fused"] = pieces
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
        io_ps = -(-u * int(context.io[a, b]) * replicas * 1_000_000 // machine.dram_mb_per_s)
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
            int(context.dram_ps[a, b]),
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


def segmented(context: SearchContext) -> list[tuple[int, Piece]]:
    """Any segments with one layer per cluster, exactly."""
    L = context.layers
    value, each = _pipeline_bounds(context)
    known = np.zeros((L + 1, L + 1), dtype=bool)
    pieces: dict[tuple[int, int], Piece] = {}
    for l, (_, piece) in enumerate(sequential(context)):
        value[l, l + 1] = piece.time_ps
        known[l, l + 1] = True
        pieces[l, l + 1] = piece

    def refine(a: int, b: int, bound: int, tries: int | None = None) -> int:
        found = best_pipeline(context, a, b, each[:, a, b], bound, tries)
        if found is None:
            return NEVER
        pieces[a, b] = found
        return found.time_ps

    context.pools["segmented"] = pieces
    # A first good schedule from the most promising micro-batches bounds the exact search.
    first, reached = lazy_path(value.copy(), known.copy(), lambda a, b, bound: refine(a, b, bound, 1))
    found = [(b, pieces[a, b]) for a, b in first]
    path, _ = lazy_path(value, known, refine, reached)
    return [(b, pieces[a, b]) for a, b in path] if path else found


def full_pipeline(context: SearchContext) -> list[tuple[int, Piece]]:
    """One segment with one layer per cluster.

    Raises ``Infeasible`` with the reason where there is none.
    """
    L, machine = context.layers, context.model.machine
    if L == 1:
        return sequential(context)
    if machine.chiplets < L:
        raise Infeasible(f"{L} layers need a chiplet each; the package has {machine.chiplets}")
    room = machine.chiplets * machine.weight_limit
    weights = int(context.model.net.weights[L])
    if weights > room:
        raise Infeasible(f"{weights} bytes of weights do not fit into the package's {room}")
    piece = best_pipeline(context, 0, L, _pipeline_bounds(context)[1][:, 0, L])
    if piece is None:
        raise Infeasible(
            "the layers' weights do not fit side by side: no choice of regions on "
            f"{machine.chiplets} chiplets gives each layer the room it needs"
        )
    return [(L, piece)]


def _pipeline_bounds(context: SearchContext) -> tuple[Ints, Ints]:
    """Lower bounds (ps) of one-layer-per-cluster segments: the best micro-batch's, and per micro-batch."""
    machine, net = context.model.machine, context.model.net
    L, N = context.layers, machine.chiplets
    each = np.full((len(context.micro), L + 1, L + 1), NEVER, dtype=np.int64)
    options = context.tables.alone
    spilled = np.maximum(options[..., HELD] - machine.activation_free, 0)
    spill_ps = 2 * spilled * N * 1_000_000 // machine.dram_mb_per_s
    fastest = np.maximum(options[..., TIME], spill_ps).min(axis=3)  # [U, kinds, N + 1]
    sizes = np.arange(N + 1)
    for index, u in enumerate(context.micro):
        beats = -(-context.batch // u)
        work = np.where(fastest[index] < NEVER, fastest[index] * sizes, NEVER)[:, 1:].min(axis=1)
        quickest = fastest[index][:, 1:].min(axis=1)
        for a in range(L - 1):
            kinds = context.tables.kind[a : min(L, a + N)]
            stuck = np.nonzero(quickest[kinds] >= NEVER)[0]
            kinds = kinds[: stuck[0]] if len(stuck) else kinds
            if len(kinds) < 2:
                continue
            ends = slice(a + 2, a + 1 + len(kinds))
            k = np.arange(2, len(kinds) + 1)
            beat = np.maximum(-(-np.cumsum(work[kinds])[1:] // N), np.maximum.accumulate(quickest[kinds])[1:])
            beat = np.maximum(beat, -(-u * context.io[a, ends] * 1_000_000 // machine.dram_mb_per_s))
            bound = context.dram_ps[a, ends] + (beats + k - 1) * beat
            too_much = net.weights[ends] - net.weights[a] > N * machine.weight_limit
            each[index, a, ends] = np.where(too_much, NEVER, bound)
    return each.min(axis=0), each


def best_pipeline(
    context: SearchContext,
    a: int,
    b: int,
    bounds: Ints,
    bound: int = NEVER,
    tries: int | None = None,
) -> Piece | None:
    """The best segment [a, b) with one layer per cluster; None if none is below ``bound`` (ps).

    ``bounds`` has a lower bound for each micro-batch; ``tries`` limits how many of them are tried.
    """
    best, winner = bound, None
    relay, regions, choices = (np.zeros(b - a, dtype=np.int64) for _ in range(3))
    order: list[int] = np.argsort(bounds, kind="stable").tolist()
    for index in order[:tries]:
        if bounds[index] >= best:
            break
        u = context.micro[index]
        total = int(
            solve_pipeline(
                context.model.net,
                context.model.machine,
                context.tables.alone[index],
                context.tables.kind,
                a,
                b,
                u,
                -(-context.batch // u),
                int(context.io[a, b]),
                int(context.dram_ps[a, b]),
                best,
                relay,
                regions,
                choices,
            )
        )
        context.states += b - a
        if total < best:
            best, winner = total, index
    if winner is None:
        return None
    # ``regions`` and ``choices`` are those of the last that was better.
    grids = [context.grid(winner, packed) for packed in choices.tolist()]
    clusters = [
        (l + 1, n, *tiles) for l, n, (tiles, _) in zip(range(a, b), regions.tolist(), grids, strict=True)
    ]
    return Piece(best, context.micro[winner], tuple(clusters), tuple(partition for _, partition in grids))


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
