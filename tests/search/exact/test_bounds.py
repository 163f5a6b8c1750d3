"""Bounds of segments: what is left out of them lies on no path that could win."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pytest

from mcmscope.cost.arrays import Ints
from mcmscope.cost.model import cost_model
from mcmscope.hardware import load_package
from mcmscope.schedule import Objective, Scheme
from mcmscope.search.exact import pipelines
from mcmscope.search.run import search_scheme
from mcmscope.search.tables import NEVER
from mcmscope.workload import load_network


@pytest.mark.parametrize("micro_batch", [None, 1])
def test_only_what_cannot_win_is_left_out(micro_batch: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    left_out = 0
    bound = cast("Callable[..., None]", pipelines.bound_segments)

    def compared(*arguments: Any) -> None:
        nonlocal left_out
        bound(*arguments)
        upper: int = arguments[-4]
        ahead: Ints = arguments[-3]
        behind: Ints = arguments[-2]
        value: Ints = arguments[-1]
        all_of_them = np.full_like(value, NEVER)
        nothing = np.zeros_like(ahead)
        bound(*arguments[:-3], nothing, nothing, all_of_them)
        rows, columns = np.nonzero((value != all_of_them) & (all_of_them < upper))
        for a, b in zip(rows.tolist(), columns.tolist(), strict=True):
            assert ahead[a] + all_of_them[a, b] + behind[b] >= upper
            left_out += 1

    monkeypatch.setattr(pipelines, "bound_segments", compared)
    model = cost_model(load_network("resnet18"), load_package("simba-16"))
    merged, throughput = Scheme.MERGED_PIPELINE, Objective.THROUGHPUT
    found = search_scheme(model, merged, 4, throughput, micro_batch=micro_batch, search="exact")
    assert found.certificate.status == "optimal"
    assert left_out > 0
