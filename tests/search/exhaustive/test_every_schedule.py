"""The enumeration against every whole schedule of tiny spaces: how many there are, fit, have each figure."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcmscope.cost.model import CostModel
from mcmscope.schedule import Objective, Scheme
from mcmscope.search.context import SearchContext
from mcmscope.search.descend import objective_value
from mcmscope.search.exhaustive.case import cases
from mcmscope.search.exhaustive.rank import ranking
from mcmscope.search.exhaustive.search import exhaustive
from mcmscope.search.exhaustive.visit import Visitor
from mcmscope.search.run import scheme_space
from tests.search.cases import examples, questions

from .whole import figures


def assert_same(model: CostModel, scheme: Scheme, objective: Objective, batch: int) -> None:
    expected = figures(model, scheme, objective, batch)
    fit = Counter(value for value in expected.values() if value is not None)
    context = SearchContext(model, batch)
    asked = cases(model, scheme, objective, batch, None)
    ranked = ranking([Visitor(case) for case in asked], len(expected))
    assert ranked.schedules == len(expected)
    assert ranked.feasible == sum(fit.values())
    if objective is not Objective.LATENCY:
        assert scheme_space(context, scheme) == len(expected)
    elif scheme is not Scheme.DATA_PARALLEL:
        assert scheme_space(context.alone, scheme) == len(expected)
    below = 0
    for value in sorted(fit):
        rank = ranked.rank(value)
        assert (rank.better, rank.equal) == (below, fit[value])
        below += fit[value]
        assert rank.worse == ranked.feasible - below
    found = exhaustive(context, scheme, objective, checked=20)
    assert found.certificate.space_size == len(expected)
    if not fit:
        assert found.code is None
        assert found.reason
        assert found.certificate.status == "infeasible"
        return
    assert found.code is not None
    assert found.certificate.status == "optimal"
    assert objective_value(model, found.code, batch, objective) == min(fit)


@pytest.mark.parametrize("objective", Objective)
@pytest.mark.parametrize("scheme", Scheme)
@examples(4)
@given(data=st.data())
def test_every_schedule_is_counted_at_its_best(
    scheme: Scheme, objective: Objective, data: st.DataObject
) -> None:
    inner = Scheme.SEQUENTIAL_FUSED if scheme is Scheme.DATA_PARALLEL else scheme
    question = data.draw(questions(inner, 100, max_layers=2, max_chiplets=3, max_batch=5))
    assert_same(question.model, scheme, objective, question.batch)


@pytest.mark.slow
@pytest.mark.parametrize("objective", Objective)
@pytest.mark.parametrize("scheme", Scheme)
@examples(8)
@given(data=st.data())
def test_every_schedule_of_larger_spaces(scheme: Scheme, objective: Objective, data: st.DataObject) -> None:
    inner = Scheme.SEQUENTIAL_FUSED if scheme is Scheme.DATA_PARALLEL else scheme
    question = data.draw(questions(inner, 400, max_layers=3, max_chiplets=4, max_batch=5))
    assert_same(question.model, scheme, objective, question.batch)
