"""Layer by layer: each layer on as many chiplets as is best."""

from __future__ import annotations

from mcmscope.search.context import Piece, SearchContext


class Infeasible(Exception):  # noqa: N818 - it is no error
    """A scheme has no schedule here; the text says why."""


def sequential(context: SearchContext, replicas: int = 1, *, quick: bool = False) -> list[tuple[int, Piece]]:
    """Layer by layer, each on as many chiplets as is best.

    ``quick``: layers run in passes only if they fit in no other way. Raises ``Infeasible`` naming the layers
    of which not even one output channel fits.
    """
    pieces = context.singles(replicas, quick=quick)
    missing = [context.model.network.layers[l].name for l, piece in enumerate(pieces) if piece is None]
    if missing:
        named = ", ".join(missing[:5]) + (", ..." if len(missing) > 5 else "")
        raise Infeasible(
            f"not even one output channel of {len(missing)} layer(s) fits into the "
            f"{context.model.machine.weight_limit} bytes for weights of a chiplet: {named}"
        )
    return [(l + 1, piece) for l, piece in enumerate(pieces) if piece is not None]
