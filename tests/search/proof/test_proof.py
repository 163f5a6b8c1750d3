"""The proof: what exact searches call optimal is the least of every schedule there is, exactly.

Chains and graphs of up to six layers on meshes of up to eight chiplets, with tight and loose memory; every
schedule of their spaces is enumerated with tables that the exact searches do not share.
"""

from __future__ import annotations

import pytest
from hypothesis import assume, event, given
from hypothesis import strategies as st

from mcmscope.schedule import Objective, Scheme
from mcmscope.search.context import Found, SearchContext
from mcmscope.search.descend import objective_value
from mcmscope.search.exhaustive.search import exhaustive
from mcmscope.search.run import scheme_space, search_scheme
from tests.search.cases import Question, examples, questions

PROVEN = tuple(scheme for scheme in Scheme if scheme is not Scheme.DATA_PARALLEL)
CHECKED = 20


def assert_proven(question: Question, scheme: Scheme, objective: Objective) -> None:
    """``exact`` proves its schedule the best, and it is the least of all."""
    model, batch = question.model, question.batch
    best = exhaustive(SearchContext(model, batch), scheme, objective, CHECKED)
    found = search_scheme(model, scheme, batch, objective, search="exact")
    status = found.certificate.status
    event(f"{scheme}, {objective}: {status}")
    if best.code is None:
        assert found.code is None
        assert status == "infeasible"
        return
    least = objective_value(model, best.code, batch, objective)
    assert least is not None
    value = worth(question, objective, found)
    assert status == "optimal"
    assert value == least


def worth(question: Question, objective: Objective, found: Found) -> int:
    assert found.code is not None, found.reason
    value = objective_value(question.model, found.code, question.batch, objective)
    assert value is not None
    return value


def asked(data: st.DataObject, scheme: Scheme, least: int, most: int) -> Question:
    """A question whose space has ``least`` to ``most`` schedules; the batch is cut down to that."""
    question = data.draw(questions(scheme, None, max_layers=6, max_chiplets=8, min_layers=2))
    batch = question.batch
    while batch > 1 and size(question, scheme, batch) > most:
        batch //= 2
    assume(least <= size(question, scheme, batch) <= most)
    return Question(question.network, question.package, batch)


def size(question: Question, scheme: Scheme, batch: int) -> int:
    return scheme_space(SearchContext(question.model, batch), scheme)


@pytest.mark.parametrize("objective", Objective)
@pytest.mark.parametrize("scheme", PROVEN)
@examples(4)
@given(data=st.data())
def test_exact_is_the_least_of_all_schedules(
    scheme: Scheme, objective: Objective, data: st.DataObject
) -> None:
    assert_proven(asked(data, scheme, 1, 10**6), scheme, objective)


@pytest.mark.slow
@pytest.mark.parametrize("objective", Objective)
@pytest.mark.parametrize("scheme", PROVEN)
@examples(60)
@given(data=st.data())
def test_exact_is_the_least_of_all_schedules_of_larger_spaces(
    scheme: Scheme, objective: Objective, data: st.DataObject
) -> None:
    assert_proven(asked(data, scheme, 10**4, 10**8), scheme, objective)
