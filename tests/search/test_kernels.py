"""The kernels behind the baselines, one segment at a time, against every choice priced."""

from __future__ import annotations

import numpy as np
from hypothesis import assume, event, given
from hypothesis import strategies as st

from mcmscope.cost.dram import load_mb_per_s
from mcmscope.schedule import Scheme
from mcmscope.search.context import SearchContext
from mcmscope.search.fused import MAX_LABELS, best_cluster
from mcmscope.search.pipeline import solve_pipeline
from mcmscope.search.tables import NEVER

from .brute import Brute, Part, Row, parts
from .cases import Question, examples, questions

ABSENT = int(NEVER)


def draw_segment(data: st.DataObject, layers: int) -> tuple[int, int]:
    a = data.draw(st.integers(0, layers - 2))
    return a, data.draw(st.integers(a + 2, layers))


def beats(question: Question, u: int) -> int:
    return -(-question.batch // u)


@examples(100)
@given(data=st.data())
def test_solve_pipeline_finds_the_best_regions(data: st.DataObject) -> None:
    question = data.draw(questions(Scheme.SEGMENTED_PIPELINE, 4000, min_layers=2))
    a, b = draw_segment(data, len(question.network))
    u = data.draw(st.sampled_from(question.micro))
    brute = Brute(question.model, question.batch, (u,))
    assume(brute.fillers is not None)
    least = brute.segment(Scheme.SEGMENTED_PIPELINE, a, b)
    context = SearchContext(question.model, question.batch, u)
    assume(not context.tables.overflow)

    def solve(bound: int) -> tuple[int, Part]:
        relay, regions, choices = (np.zeros(b - a, dtype=np.int64) for _ in range(3))
        time = solve_pipeline(
            question.model.net,
            question.model.machine,
            context.tables.alone[0],
            context.tables.kind,
            a,
            b,
            u,
            beats(question, u),
            int(context.io[a, b]),
            int(context.dram_ps[a, b]),
            bound,
            relay,
            regions,
            choices,
        )
        rows: list[Row] = []
        partitions: list[int] = []
        for l, n, packed in zip(range(a, b), regions.tolist(), choices.tolist(), strict=True):
            grid, partition = context.grid(0, packed)
            rows.append((l + 1, n, *grid))
            partitions.append(partition)
        return int(time), Part(b, u, tuple(rows), tuple(partitions))

    if least is None:
        event("does not fit")
        assert solve(ABSENT)[0] == ABSENT
        return
    for bound in (ABSENT, least + 1):
        time, part = solve(bound)
        assert time == least
        assert brute.least_segment(a, [part]) == least
    assert solve(least)[0] == least  # nothing below it: the bound comes back
    assert solve(least - 1)[0] == least - 1


@examples(300)
@given(data=st.data())
def test_best_cluster_finds_the_best_partitions_and_grid(data: st.DataObject) -> None:
    question = data.draw(questions(Scheme.SEQUENTIAL_FUSED, 6000, min_layers=2))
    a, b = draw_segment(data, len(question.network))
    u = data.draw(st.sampled_from(question.micro))
    n = data.draw(st.integers(1, question.package.chiplets))
    model = question.model
    brute = Brute(model, question.batch, (u,))
    assume(brute.fillers is not None)
    choices = [
        part
        for part in parts(Scheme.SEQUENTIAL_FUSED, a, b, brute.layers, question.package.chiplets, (u,))
        if part.clusters[0][1] == n
    ]
    least = brute.least_segment(a, choices)
    context = SearchContext(model, question.batch, u)
    tables = context.tables
    inside = tables.inside[0][:, tables.kind[a:b], n]
    assume(int(inside[0].max()) < ABSENT)  # else the search never asks: a layer fits nowhere
    rest = np.zeros((inside.shape[0], b - a + 1), dtype=np.int64)
    rest[:, :-1] = np.cumsum(inside[:, ::-1], axis=1)[:, ::-1]
    start, end = tables.grid_start[0, n : n + 2].tolist()
    rate = load_mb_per_s(n, 1, model.machine)
    arrive_ps = -(-int(model.net.weights[b] - model.net.weights[a]) * 1_000_000 // rate)

    def solve(bound: int) -> tuple[int, Part, bool]:
        partitions = np.zeros(brute.layers, dtype=np.int64)
        tiles = np.zeros(3, dtype=np.int64)
        time, _, dropped = best_cluster(
            model.net,
            model.machine,
            model.tilings,
            a,
            b,
            a,
            b,
            n,
            u,
            tables.grids[0][start:end],
            rest,
            tables.price[n],
            -(-u * int(context.io[a, b]) * 1_000_000 // model.machine.dram_mb_per_s),
            arrive_ps,
            beats(question, u),
            bound,
            MAX_LABELS,
            end - start,
            partitions,
            tiles,
        )
        samples, rows, columns = tiles.tolist()
        part = Part(b, u, ((b, n, samples, rows, columns),), tuple(partitions[a:b].tolist()))
        return int(time), part, bool(dropped)

    if least is None:
        event("does not fit")
        assert solve(ABSENT)[0] == ABSENT
        return
    for bound in (ABSENT, least + 1):
        time, part, dropped = solve(bound)
        assert not dropped
        assert time == least
        assert brute.least_segment(a, [part]) == least
    assert solve(least)[0] == least
