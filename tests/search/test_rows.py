"""Stages found in rows and segments divided at beats, against plain enumeration."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, pairwise, product

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mcmscope.cost.model import cost_model
from mcmscope.cost.stage import stage_cost
from mcmscope.schedule import Scheme
from mcmscope.search.context import SearchContext
from mcmscope.search.divide import divide_segment, estimate_segments
from mcmscope.search.linear import Estimates
from mcmscope.search.stages import Stages
from mcmscope.search.tables import NEVER

from .cases import Question, examples, questions

LIMIT = 6
SIZES = np.arange(1, LIMIT + 1)
CHARGE = 1024  # one chiplet


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
        found = stages.stage(index, 0, L, N, 0)
        assert found is not None
        assert found.time_ps == min(priced[N])
        estimated = int(estimates.times[index][estimates.shape[0, L - 1]].min())
        assert estimated in {time for n in estimates.sizes.tolist() for time in priced[n]}


@given(data=st.data(), layers=st.integers(1, 5), beats=st.integers(1, 9))
def test_segments_are_divided_for_the_fewest_chiplets(data: st.DataObject, layers: int, beats: int) -> None:
    shape = np.full((layers, layers), -1, dtype=np.int64)
    count = 0
    for i in range(layers):
        for x in range(layers - i):
            shape[i, x] = count
            count += 1
    cell = st.integers(1, 40)
    times = np.array([sorted((data.draw(cell) for _ in SIZES), reverse=True) for _ in range(count)])
    cut_ps = np.array([[data.draw(cell) for _ in range(layers + 1)] for _ in range(layers + 1)])
    io_ps, load_ps = np.full_like(cut_ps, 3), np.full_like(cut_ps, 5)
    trial = np.array([41, 23, 11], dtype=np.int64)
    value = np.full((layers + 1, layers + 1), NEVER, dtype=np.int64)
    choice = np.zeros((*value.shape, 3), dtype=np.int64)
    prices = np.array([CHARGE], dtype=np.int64)
    estimate_segments(
        times, SIZES, shape, cut_ps, io_ps, load_ps, beats, LIMIT, trial, prices, 0, value, choice
    )
    for a, b in combinations(range(layers + 1), 2):
        least = NEVER
        for beat in trial.tolist():
            ways = [
                (sum(sizes) + len(sizes), len(sizes), sum(sizes))
                for ends in _divisions(a, b)
                if all(cut_ps[a, j] <= beat for j in ends[1:-1])
                and (sizes := _sizes(times, shape, ends, beat)) is not None
            ]
            if ways and min(ways)[2] <= LIMIT:
                least = min(least, 5 + (beats + min(ways)[1] - 1) * beat)
        assert value[a, b] == least
        if least < NEVER:
            _, beat, price = choice[a, b].tolist()
            cuts, regions = np.zeros(b - a, dtype=np.int64), np.zeros(b - a, dtype=np.int64)
            k = divide_segment(times, SIZES, shape, cut_ps, LIMIT, a, b, beat, price, cuts, regions)
            assert regions[:k].sum() <= LIMIT
            assert 5 + (beats + k - 1) * beat == least
            ends = [a, *cuts[:k][::-1].tolist()]
            assert _sizes(times, shape, ends, beat) == regions[:k][::-1].tolist()


def _divisions(a: int, b: int) -> list[list[int]]:
    """All ways to divide [a, b): the ends of the clusters, a first."""
    inner = range(a + 1, b)
    return [[a, *ends, b] for k in range(b - a) for ends in combinations(inner, k)]


def _sizes(times: np.ndarray, shape: np.ndarray, ends: list[int], beat: int) -> list[int] | None:
    """Fewest chiplets of each cluster at a beat."""
    sizes: list[int] = []
    for i, j in pairwise(ends):
        fits = np.nonzero(times[shape[i, j - i - 1]] <= beat)[0]
        if len(fits) == 0:
            return None
        sizes.append(int(SIZES[fits[0]]))
    return sizes
