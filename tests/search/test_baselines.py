"""Baselines are at their optimum: proven against every schedule there is."""

from __future__ import annotations

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from mcmscope.cost.evaluate import evaluate_code
from mcmscope.schedule import Objective, Scheme
from mcmscope.search.run import Found, search_scheme

from .brute import Brute, least_of_all, whole
from .cases import Question, examples, questions

EXACT = (
    Scheme.SEQUENTIAL,
    Scheme.FULL_PIPELINE,
    Scheme.SEGMENTED_PIPELINE,
    Scheme.SEQUENTIAL_FUSED,
)


def found_by_search(question: Question, scheme: Scheme) -> Found:
    return search_scheme(question.model, scheme, question.batch, Objective.THROUGHPUT)


def assert_least(question: Question, scheme: Scheme, least: int | None) -> None:
    """What the search found is the ``least`` time, or as near to it as its certificate says."""
    found = found_by_search(question, scheme)
    status = found.certificate.status
    event(f"{scheme}: {status}")
    if least is None:
        assert found.code is None
        assert status == "infeasible"
        assert found.reason
        return
    assert found.code is not None, found.reason
    priced = evaluate_code(question.model, found.code, question.batch)
    assert priced.feasible, priced.reason
    if status == "optimal":
        assert found.certificate.gap == 0.0
        assert priced.batch_ps == least
    elif status == "bounded":
        gap = found.certificate.gap
        assert gap is not None
        assert 0 < gap < 1
        assert (1 - gap) * priced.batch_ps <= least * (1 + 1e-12)
        assert least <= priced.batch_ps
    else:
        assert status == "heuristic"  # options were dropped: no statement
        assert least <= priced.batch_ps


@pytest.mark.parametrize("scheme", EXACT)
@examples(100)
@given(data=st.data())
def test_the_search_finds_the_optimum(scheme: Scheme, data: st.DataObject) -> None:
    question = data.draw(questions(scheme, 4000))
    assert_least(question, scheme, Brute(question.model, question.batch, question.micro).least(scheme))


@pytest.mark.slow
@pytest.mark.parametrize("scheme", EXACT)
@examples(200)
@given(data=st.data())
def test_the_search_finds_the_optimum_of_larger_spaces(scheme: Scheme, data: st.DataObject) -> None:
    question = data.draw(questions(scheme, 20_000, min_layers=2))
    assert_least(question, scheme, Brute(question.model, question.batch, question.micro).least(scheme))


@pytest.mark.parametrize("scheme", EXACT)
@examples(60)
@given(data=st.data())
def test_the_optimum_over_whole_schedules(scheme: Scheme, data: st.DataObject) -> None:
    """Nothing assumed of segments: complete schedules, each priced."""
    question = data.draw(questions(scheme, 200, max_layers=2, max_chiplets=3, max_batch=3))
    least = least_of_all(
        question.model,
        whole(scheme, len(question.network), question.package.chiplets, question.micro),
        question.batch,
    )
    assert Brute(question.model, question.batch, question.micro).least(scheme) == least
    assert_least(question, scheme, least)
