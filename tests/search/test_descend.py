"""Descent leaves no scheme and no space."""

from __future__ import annotations

import numpy as np
import pytest

from mcmscope import load_network, load_package
from mcmscope.cost.code import Encoded
from mcmscope.cost.model import cost_model
from mcmscope.cost.reports import MICRO_BATCH, REGION
from mcmscope.schedule import Objective
from mcmscope.search.descend import descend, objective_value, with_usual_tiles
from mcmscope.search.space import tile_grids


def one_cluster(u: int, n: int, tiles: tuple[int, int, int], layers: int) -> Encoded:
    """One cluster for all layers."""
    return Encoded(
        np.array([[layers, u]], dtype=np.int64),
        np.array([[layers, n, *tiles]], dtype=np.int64),
        np.zeros(layers, dtype=np.int64),
    )


@pytest.mark.parametrize(
    ("n", "u", "tiles", "usual"),
    [
        (4, 2, (4, 1, 1), (2, 2, 1)),  # (2, 1, 1) would leave two chiplets out
        (4, 1, (4, 1, 1), (1, 4, 1)),
        (4, 4, (4, 1, 1), (4, 1, 1)),
        (6, 3, (4, 1, 1), (2, 3, 1)),
        (6, 3, (2, 3, 1), (2, 3, 1)),
    ],
)
def test_a_micro_batch_takes_tile_grids_of_the_space(
    n: int, u: int, tiles: tuple[int, int, int], usual: tuple[int, int, int]
) -> None:
    found = with_usual_tiles(one_cluster(u, n, tiles, 3), 0, 0)
    assert tuple(found.clusters[0, REGION + 1 :].tolist()) == usual
    assert usual in tile_grids(n, u)


@pytest.mark.parametrize("objective", [Objective.ENERGY, Objective.EDP])
def test_what_is_found_is_better_and_in_the_space(objective: Objective) -> None:
    model = cost_model(load_network("alexnet"), load_package("simba-16"))
    ends = np.arange(1, len(model.network) + 1)
    start = Encoded(
        np.stack([ends, np.full_like(ends, 8)], axis=1),
        np.array([[end, 16, 8, 2, 1] for end in ends.tolist()], dtype=np.int64),
        np.zeros(len(ends), dtype=np.int64),
    )
    begun = objective_value(model, start, 8, objective)
    code, priced = descend(model, start, 8, objective, (1, 2, 4, 8))
    found = objective_value(model, code, 8, objective)
    assert begun is not None
    assert found is not None
    assert found < begun
    assert priced > 1
    for u, cluster in zip(code.segments[:, MICRO_BATCH].tolist(), code.clusters.tolist(), strict=True):
        assert tuple(cluster[REGION + 1 :]) in tile_grids(cluster[REGION], u)
