"""Merged pipelines: between the baselines and the optimum, sound, and the same every time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import event, given

from mcmscope.cost.code import decode
from mcmscope.cost.evaluate import evaluate
from mcmscope.schedule import Objective, Scheme, schedule_faults
from mcmscope.search.context import SearchContext
from mcmscope.search.run import search_scheme

from .brute import Brute, code_row, least_of_all, whole
from .cases import Question, examples, questions

MERGED = Scheme.MERGED_PIPELINE


def found_ps(question: Question, scheme: Scheme, context: SearchContext) -> int | None:
    """The time of a scheme's schedule as ``evaluate`` says; its schedule is sound."""
    found = search_scheme(question.model, scheme, question.batch, Objective.THROUGHPUT, context=context)
    if found.code is None:
        assert found.certificate.status == "infeasible"
        assert found.reason
        return None
    schedule = decode(found.code, question.package)
    assert schedule_faults(schedule, len(question.network), question.package.chiplets) == []
    figures = evaluate(schedule, question.network, question.package, question.batch)
    assert figures.feasible
    return figures.batch_ps


def assert_between(question: Question, least: int | None) -> None:
    context = SearchContext(question.model, question.batch)
    found = found_ps(question, MERGED, context)
    if least is None:
        assert found is None
        return
    assert found is not None
    assert found >= least
    event(
        "optimum found" if found == least else f"within {100 * (found - least) // least + 1}% of the optimum"
    )
    for part in (Scheme.SEGMENTED_PIPELINE, Scheme.SEQUENTIAL_FUSED):
        other = found_ps(question, part, context)
        assert other is not None
        assert found <= other


@examples(75)
@given(question=questions(MERGED, 4000))
def test_merged_is_between_its_baselines_and_the_optimum(question: Question) -> None:
    assert_between(question, Brute(question.model, question.batch, question.micro).least(MERGED))


@pytest.mark.slow
@examples(100)
@given(question=questions(MERGED, 20_000, min_layers=3))
def test_merged_is_between_its_baselines_and_the_optimum_of_larger_spaces(question: Question) -> None:
    assert_between(question, Brute(question.model, question.batch, question.micro).least(MERGED))


@examples(60)
@given(question=questions(MERGED, 150, max_layers=2, max_chiplets=3, max_batch=3))
def test_merged_against_whole_schedules(question: Question) -> None:
    codes = whole(MERGED, len(question.network), question.package.chiplets, question.micro)
    assert_between(question, least_of_all(question.model, codes, question.batch))


@examples(30)
@given(question=questions(MERGED, None, max_layers=7, max_chiplets=16, max_batch=70))
def test_every_scheme_is_sound_and_the_same_twice(question: Question) -> None:
    first, second = (SearchContext(question.model, question.batch) for _ in range(2))
    for scheme in Scheme:
        found_ps(question, scheme, first)
        one, two = (
            search_scheme(question.model, scheme, question.batch, Objective.THROUGHPUT, context=context)
            for context in (first, second)
        )
        assert one.certificate == two.certificate
        assert one.reason == two.reason
        if one.code is not None and two.code is not None:
            np.testing.assert_array_equal(code_row(one.code), code_row(two.code))
        else:
            assert one.code is two.code
