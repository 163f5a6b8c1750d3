"""The baselines, each at the exact throughput optimum of its own space."""

from __future__ import annotations

import numpy as np

from mcmscope.cost.arrays import OPERAND_COLUMNS, SOURCE, Ints
from mcmscope.cost.evaluate import Encoded
from mcmscope.search.context import Piece, SearchContext, join
from mcmscope.search.fused import best_cluster, bound_clusters, rank_sizes
from mcmscope.search.lazy import lazy_path
from mcmscope.search.pipeline import solve_pipeline
from mcmscope.search.tables import NEVER, TIME


class Infeasible(Exception):
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


def fused(context: SearchContext, replicas: int = 1) -> tuple[list[tuple[int, Piece]], bool]:
    """Any segments of one cluster each; also whether the search was exact (no label had to be dropped)."""
    model, tables = context.model, context.tables
    L = context.layers
    limit = model.machine.chiplets // replicas
    singles = sequential(context, replicas)
    micro = np.array(context.micro, dtype=np.int64)
    value = np.full((L + 1, L + 1), NEVER, dtype=np.int64)
    bound_clusters(
        model.net,
        model.machine,
        context.io,
        tables.alone,
        tables.inside,
        tables.kind,
        micro,
        context.batch,
        replicas,
        limit,
        value,
    )
    known = np.zeros((L + 1, L + 1), dtype=bool)
    pieces: dict[tuple[int, int], Piece] = {}
    layerwise = np.zeros(L + 1, dtype=np.int64)
    for l, (_, piece) in enumerate(singles):
        value[l, l + 1] = piece.time_ps
        known[l, l + 1] = True
        pieces[l, l + 1] = piece
        layerwise[l + 1] = layerwise[l] + piece.time_ps
    # Whatever costs as much as its layers one by one is never needed.
    value[value >= layerwise[None, :] - layerwise[:, None]] = NEVER
    for l, (_, piece) in enumerate(singles):
        value[l, l + 1] = piece.time_ps
    alike: dict[bytes, Piece | None] = {}
    exact = True

    def refine(a: int, b: int) -> int:
        nonlocal exact
        key = _shape_of(context, a, b)
        if key not in alike:
            found, complete = _best_fused(context, a, b, replicas, int(layerwise[b] - layerwise[a]))
            exact = exact and complete
            alike[key] = found
        piece = alike[key]
        if piece is None:
            return int(NEVER)
        pieces[a, b] = Piece(
            piece.time_ps, piece.micro_batch, ((b, *piece.clusters[0][1:]),), piece.partitions
        )
        return piece.time_ps

    path, _, _ = lazy_path(value, known, refine)
    return [(b, pieces[a, b]) for a, b in path], exact


def _shape_of(context: SearchContext, a: int, b: int) -> bytes:
    """Equal for two runs of layers that cost the same as a cluster."""
    net = context.model.net
    operand = net.operand[net.operand_start[a] : net.operand_start[b]].copy()
    operand[:, SOURCE] = np.maximum(operand[:, SOURCE] - a, -1)
    readers = net.use[net.use_start[a] : net.use_start[b]] - a
    assert operand.shape[1] == OPERAND_COLUMNS
    return b"|".join(
        (
            context.tables.kind[a:b].tobytes(),
            operand.tobytes(),
            np.where(readers < b - a, readers, b - a).tobytes(),
            net.span[:, a, b].tobytes(),
            context.io[a, b].tobytes(),
        )
    )


def _best_fused(
    context: SearchContext, a: int, b: int, replicas: int, bound: int
) -> tuple[Piece | None, bool]:
    """The best one-cluster segment [a, b) that takes less than ``bound``, and whether it is proven."""
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
        tables.alone,
        tables.inside,
        tables.kind,
        micro,
        context.batch,
        replicas,
        limit,
        bounds,
    )
    partitions = np.zeros(context.layers, dtype=np.int64)
    tiles = np.zeros(3, dtype=np.int64)
    best, piece, exact = bound, None, True
    for flat in np.argsort(bounds, axis=None, kind="stable").tolist():
        index, n = divmod(flat, limit + 1)
        if n == 0 or bounds[index, n] >= best:
            break
        u = context.micro[index]
        inside = tables.inside[index, tables.kind[a:b], n]
        rest = np.concatenate([np.cumsum(inside[::-1])[::-1], [0]]).astype(np.int64)
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
            io_ps,
            int(context.dram_ps[a, b]),
            -(-(-(-context.batch // replicas)) // u),
            best,
            partitions,
            tiles,
        )
        context.states += int(made)
        exact = exact and not dropped
        if total < best:
            best = int(total)
            piece = Piece(best, u, ((b, n, *tiles.tolist()),), tuple(partitions[a:b].tolist()))
    return piece, exact


def segmented(context: SearchContext) -> list[tuple[int, Piece]]:
    """Any segments with one layer per cluster, exactly."""
    L = context.layers
    value, index_of = _pipeline_bounds(context)
    known = np.zeros((L + 1, L + 1), dtype=bool)
    pieces: dict[tuple[int, int], Piece] = {}
    for l, (_, piece) in enumerate(sequential(context)):
        value[l, l + 1] = piece.time_ps
        known[l, l + 1] = True
        pieces[l, l + 1] = piece

    def refine(a: int, b: int) -> int:
        found = best_pipeline(context, a, b, index_of[:, a, b])
        if found is None:
            return int(NEVER)
        pieces[a, b] = found
        return found.time_ps

    path, _, _ = lazy_path(value, known, refine)
    return [(b, pieces[a, b]) for a, b in path]


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
            f"the layers' weights do not fit side by side: no choice of regions on {machine.chiplets} chiplets "
            f"gives each layer the room it needs"
        )
    return [(L, piece)]


def _pipeline_bounds(context: SearchContext) -> tuple[Ints, Ints]:
    """Lower bounds (ps) of one-layer-per-cluster segments: the best micro-batch's, and per micro-batch."""
    machine, net = context.model.machine, context.model.net
    L, N = context.layers, machine.chiplets
    each = np.full((len(context.micro), L + 1, L + 1), NEVER, dtype=np.int64)
    fastest = context.tables.alone[..., TIME].min(axis=3)  # [U, kinds, N + 1]
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
            beat = np.maximum(
                -(-np.cumsum(work[kinds])[1:] // N), np.maximum.accumulate(quickest[kinds])[1:]
            )
            beat = np.maximum(beat, -(-u * context.io[a, ends] * 1_000_000 // machine.dram_mb_per_s))
            bound = context.dram_ps[a, ends] + (beats + k - 1) * beat
            too_much = net.weights[ends] - net.weights[a] > N * machine.weight_limit
            each[index, a, ends] = np.where(too_much, NEVER, bound)
    return each.min(axis=0), each


def best_pipeline(context: SearchContext, a: int, b: int, bounds: Ints) -> Piece | None:
    """The best segment [a, b) with one layer per cluster over all micro-batches; None if there is none."""
    best, piece = int(NEVER), None
    relay, regions, choices = (np.zeros(b - a, dtype=np.int64) for _ in range(3))
    for index in np.argsort(bounds, kind="stable").tolist():
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
            best = total
            clusters: list[tuple[int, int, int, int, int]] = []
            partitions: list[int] = []
            for l, n, packed in zip(range(a, b), regions.tolist(), choices.tolist(), strict=True):
                tiles, partition = context.grid(index, packed)
                clusters.append((l + 1, n, *tiles))
                partitions.append(partition)
            piece = Piece(best, u, tuple(clusters), tuple(partitions))
    return piece


def data_parallel(context: SearchContext) -> tuple[Encoded, bool]:
    """Replicas of a sequential-fused machine, their number a power of two; also whether each was exact."""
    best: tuple[int, Encoded] | None = None
    exact = True
    replicas = 1
    while replicas <= min(context.model.machine.chiplets, context.batch):
        try:
            pieces, complete = fused(context, replicas)
        except Infeasible:
            break  # smaller parts hold no more
        exact = exact and complete
        total = sum(piece.time_ps for _, piece in pieces)
        if best is None or total < best[0]:
            best = (total, join(pieces, replicas))
        replicas *= 2
    if best is None:
        raise Infeasible("no replica holds the network, not even the whole package")
    return best[1], exact
