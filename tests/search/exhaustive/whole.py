"""The figure of every schedule of a tiny space, one by one: built whole and priced by the evaluator."""

from __future__ import annotations

from dataclasses import replace

from mcmscope.cost.model import CostModel
from mcmscope.schedule import Objective, Scheme
from mcmscope.search.descend import objective_value
from mcmscope.search.space import micro_batches
from tests.search.brute import whole

Key = tuple[bytes, bytes, bytes, int]


def figures(model: CostModel, scheme: Scheme, objective: Objective, batch: int) -> dict[Key, int | None]:
    """The least figure of each schedule over its tile grids; None where it fits under no grid."""
    found: dict[Key, int | None] = {}
    N = model.machine.chiplets
    micro = (1,) if objective is Objective.LATENCY else micro_batches(batch)
    parts = min(N, batch).bit_length() if scheme is Scheme.DATA_PARALLEL else 1
    inner = Scheme.SEQUENTIAL_FUSED if scheme is Scheme.DATA_PARALLEL else scheme
    for replicas in (1 << e for e in range(parts)):
        for grids in whole(inner, len(model.network), N // replicas, micro):
            code = replace(grids, replicas=replicas)
            key = (
                code.segments.tobytes(),
                code.clusters[:, :2].tobytes(),
                code.partitions.tobytes(),
                replicas,
            )
            value = objective_value(model, code, batch, objective)
            best = found.get(key)
            found[key] = value if best is None else best if value is None else min(best, value)
    return found
