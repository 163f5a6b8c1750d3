"""A stage that is found in rows, against plain enumeration."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
from hypothesis import given

from mcmscope.cost.model import cost_model
from mcmscope.cost.stage import stage_cost
from mcmscope.schedule import Scheme
from mcmscope.search.context import SearchContext
from mcmscope.search.estimates import Estimates
from mcmscope.search.stages import Stages
from mcmscope.search.tables import NEVER

from .cases import Question, examples, questions


@examples(25)
@given(question=questions(Scheme.MERGED_PIPELINE, None, max_layers=3, min_layers=2, max_batch=4))
def test_a_stage_with_room_is_the_fastest_of_all(question: Question) -> None:
    chip = replace(
        question.package.chiplet, weight_buffer_bytes=10**9, activation_buffer_bytes=10**9, unified=False
    )
    model = cost_model(question.network, replace(question.package, chiplet=chip))
    context = SearchContext(model, question.batch)
    stages = Stages(context)
    L, N = context.layers, model.machine.chiplets
    estimates = Estimates(context, stages, NEVER)
    for index, u in enumerate(context.micro):
        priced = {
            n: [
                int(
                    stage_cost(
                        model.net, model.machine, model.tilings, 0, L, np.array(p), n, u, tuple(grid)
                    ).time_ps
                )
                for grid in context.tables.grids[index][slice(*context.tables.grid_start[index, n : n + 2])]
                for p in product(range(3 if n > 1 else 2), repeat=L)
                if n > 1 or 1 not in p
            ]
            for n in range(1, N + 1)
        }
        found = stages.stage(index, 0, L, N, 0, NEVER)
        assert found is not None
        assert found.time_ps == min(priced[N])
        for estimated in estimates.times[index][:, estimates.shape[0, L - 1]].min(axis=1).tolist():
            assert estimated in {time for n in estimates.sizes.tolist() for time in priced[n]}
