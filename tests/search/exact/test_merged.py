"""The exact search of merged pipelines equals plain enumeration."""

from __future__ import annotations

from hypothesis import given

from mcmscope.schedule import Objective, Scheme
from mcmscope.search.descend import objective_value
from mcmscope.search.run import search_scheme
from tests.search.brute import Brute
from tests.search.cases import Question, examples, questions

MOST = 20_000


@examples(60)
@given(questions(Scheme.MERGED_PIPELINE, MOST, max_layers=4, max_chiplets=6))
def test_equals_brute_force(question: Question) -> None:
    model = question.model
    found = search_scheme(
        model, Scheme.MERGED_PIPELINE, question.batch, Objective.THROUGHPUT, search="exact"
    )
    least = Brute(model, question.batch, question.micro).least(Scheme.MERGED_PIPELINE)
    if least is None:
        assert found.certificate.status == "infeasible"
        return
    assert found.code is not None
    assert objective_value(model, found.code, question.batch, Objective.THROUGHPUT) == least
    assert found.certificate.status == "optimal"
