"""The linear search for merged pipelines.

Stages of several layers are found row by row, for sizes that grow geometrically; at beats a few percent
apart, every segment is divided into the clusters that take the fewest chiplets; segments are a shortest path.
What is on the path is priced truly: chiplets move from the slackest to the slowest stage, clusters shift,
merge and split. The segmented and the fused optimum take part as they are, so the result never loses to one.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from mcmscope.schedule import Scheme
from mcmscope.search.context import Path, Piece, SearchContext
from mcmscope.search.estimates import Estimates
from mcmscope.search.lazy import lazy_path
from mcmscope.search.repair import improve, shortest_known, spans
from mcmscope.search.stages import Stages
from mcmscope.search.tables import NEVER

REFINEMENTS = 200
"""Segments whose estimate is replaced by a true price before the best known path is taken."""


def linear(context: SearchContext, starts: list[tuple[str, Path]]) -> tuple[Path, str]:
    """The best merged pipeline found, and where it came from: one of ``starts``, or clusters of its own."""
    L = context.layers
    upper = min(sum(piece.time_ps for _, piece in path) for _, path in starts)
    stages = Stages(context)
    estimates = Estimates(context, stages, upper)
    pieces: dict[tuple[int, int], Piece] = {}
    for _, path in starts:
        for a, b, piece in spans(path):
            if (a, b) not in pieces or piece.time_ps < pieces[a, b].time_ps:
                pieces[a, b] = piece
    value = np.full((2, L + 1, L + 1), NEVER, dtype=np.int64)
    for (a, b), piece in pieces.items():
        value[:, a, b] = piece.time_ps
    priced = value.copy()
    estimates.segments(value)
    known = (value == priced) & (value < NEVER)
    asked = 0

    def refine(view: int, a: int, b: int, _bound: int) -> int:
        nonlocal asked
        asked += 1
        found = estimates.piece(a, b, view)
        if found is not None and ((a, b) not in pieces or found.time_ps < pieces[a, b].time_ps):
            pieces[a, b] = found
        return pieces[a, b].time_ps if (a, b) in pieces else NEVER

    best: Path = []
    upper = NEVER
    for view in range(2):
        # Where spills are charged only what promises to be better than what is known by then.
        lazy_path(value[view], known[view], partial(refine, view), upper, lambda: asked >= REFINEMENTS)
        best = shortest_known(L, pieces)
        upper = sum(piece.time_ps for _, piece in best)
    best = improve(stages, estimates.piece, best, pieces)
    context.pools[Scheme.MERGED_PIPELINE] = pieces
    total = sum(piece.time_ps for _, piece in best)
    for name, path in starts:
        if sum(piece.time_ps for _, piece in path) <= total:
            return path, name
    return best, "clusters"
