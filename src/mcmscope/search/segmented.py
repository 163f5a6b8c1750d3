"""One layer per cluster, exactly: segmented pipelines and the full pipeline."""

from __future__ import annotations

import numpy as np

from mcmscope.cost.arrays import Ints
from mcmscope.schedule import Scheme
from mcmscope.search.context import Path, Piece, SearchContext, moved
from mcmscope.search.lazy import lazy_path
from mcmscope.search.pipeline import solve_pipeline
from mcmscope.search.sequential import Infeasible, sequential
from mcmscope.search.tables import HELD, NEVER, TIME
from mcmscope.search.transfers import moving_ps, spilling_ps


def segmented(context: SearchContext) -> Path:
    """Any segments with one layer per cluster, exactly."""
    L = context.layers
    value, each = _pipeline_bounds(context)
    known = np.zeros((L + 1, L + 1), dtype=bool)
    pieces: dict[tuple[int, int], Piece] = {}
    for l, (_, piece) in enumerate(sequential(context)):
        value[l, l + 1] = piece.time_ps
        known[l, l + 1] = True
        pieces[l, l + 1] = piece

    alike: dict[tuple[bytes, int, int | None], tuple[int, Piece | None]] = {}

    def refine(a: int, b: int, bound: int, tries: int | None = None) -> int:
        """Runs of equal structure are solved once; no piece: none takes less than the bound that it has."""
        key = (context.shape(a, b), int(context.io[a, b]), tries)
        tried, piece = alike.get(key, (-1, None))
        if piece is None and tried < bound:
            piece = best_pipeline(context, a, b, each[:, a, b], bound, tries)
            alike[key] = (bound, piece)
        if piece is None:
            return NEVER
        pieces[a, b] = moved(piece, b)
        return piece.time_ps

    context.pools[Scheme.SEGMENTED_PIPELINE] = pieces
    found: Path = []
    reached = NEVER
    if len(context.micro) > 1:
        # A first good schedule from the most promising micro-batches bounds the exact search.
        first, reached = lazy_path(value.copy(), known.copy(), lambda a, b, bound: refine(a, b, bound, 1))
        found = [(b, pieces[a, b]) for a, b in first]
    path, _ = lazy_path(value, known, refine, reached)
    return [(b, pieces[a, b]) for a, b in path] if path else found


def full_pipeline(context: SearchContext) -> Path:
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
    fastest = np.maximum(options[..., TIME], spilling_ps(spilled, machine)).min(axis=3)  # [U, kinds, N + 1]
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
            beat = np.maximum(beat, moving_ps(u * context.io[a, ends], machine.dram_mb_per_s))
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
