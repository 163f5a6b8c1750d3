"""The exact search equals plain enumeration, for every scheme."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcmscope.cost.evaluate import evaluate_code
from mcmscope.schedule import Objective, Scheme
from mcmscope.search.context import Found, SearchContext
from mcmscope.search.descend import objective_value
from mcmscope.search.exact import prove
from mcmscope.search.limit import Limit
from mcmscope.search.run import search_scheme
from tests.search.brute import Brute, encoded, parts, segmentations, whole
from tests.search.cases import Question, examples, questions

MOST = 3_000
MERGED = Scheme.MERGED_PIPELINE


def exact(question: Question, scheme: Scheme, objective: Objective) -> Found:
    """What the exact search finds when it begins with layer by layer, so that it has all to do itself."""
    context = SearchContext(question.model, question.batch)
    begin = Scheme.FULL_PIPELINE if scheme is Scheme.FULL_PIPELINE else Scheme.SEQUENTIAL
    start = search_scheme(question.model, begin, question.batch, objective, context=context)
    unproven = replace(start, certificate=replace(start.certificate, status="heuristic"))
    return prove(context, scheme, objective, start if start.code is None else unproven, Limit())


def assert_least(question: Question, scheme: Scheme, objective: Objective, least: int | None) -> None:
    found = exact(question, scheme, objective)
    if least is None:
        assert found.certificate.status == "infeasible"
        return
    assert found.code is not None
    assert objective_value(question.model, found.code, question.batch, objective) == least
    assert found.certificate.status == "optimal"


@examples(50)
@given(questions(MERGED, MOST, max_layers=4, max_chiplets=6))
def test_throughput_of_merged_pipelines(question: Question) -> None:
    least = Brute(question.model, question.batch, question.micro).least(MERGED)
    assert_least(question, MERGED, Objective.THROUGHPUT, least)


@pytest.mark.slow
@examples(200)
@given(questions(MERGED, 40_000, max_layers=6, max_chiplets=8))
def test_throughput_of_larger_merged_pipelines(question: Question) -> None:
    least = Brute(question.model, question.batch, question.micro).least(MERGED)
    assert_least(question, MERGED, Objective.THROUGHPUT, least)


BASELINES = (
    Scheme.SEQUENTIAL,
    Scheme.FULL_PIPELINE,
    Scheme.SEGMENTED_PIPELINE,
    Scheme.SEQUENTIAL_FUSED,
)


@examples(60)
@given(questions(Scheme.SEQUENTIAL_FUSED, 2000, max_layers=5, max_chiplets=6), st.sampled_from(BASELINES))
def test_throughput_of_baselines(question: Question, scheme: Scheme) -> None:
    least = Brute(question.model, question.batch, question.micro).least(scheme)
    assert_least(question, scheme, Objective.THROUGHPUT, least)


def least_replicated(question: Question) -> int | None:
    """The least batch time of 1, 2, 4, .. replicas of a fused machine: every schedule priced."""
    layers, best = len(question.network), None
    replicas = 1
    while replicas <= min(question.package.chiplets, question.batch):
        chiplets = question.package.chiplets // replicas
        for ends in segmentations(layers):
            choices = [
                list(parts(Scheme.SEQUENTIAL_FUSED, a, b, layers, chiplets, question.micro))
                for a, b in pairwise([0, *ends])
            ]
            for pieces in product(*choices):
                code = encoded(list(pieces), replicas)
                time = objective_value(question.model, code, question.batch, Objective.THROUGHPUT)
                best = time if best is None or (time is not None and time < best) else best
        replicas *= 2
    return best


@examples(40)
@given(questions(Scheme.SEQUENTIAL_FUSED, 60, max_layers=3, max_chiplets=4, max_batch=4))
def test_throughput_of_replicas(question: Question) -> None:
    assert_least(question, Scheme.DATA_PARALLEL, Objective.THROUGHPUT, least_replicated(question))


def least_latency(question: Question, scheme: Scheme) -> int | None:
    """The least latency of all schedules of a scheme with micro-batches of 1."""
    layers, chiplets = len(question.network), question.package.chiplets
    found = (
        evaluate_code(question.model, code, question.batch) for code in whole(scheme, layers, chiplets, (1,))
    )
    return min((figures.latency_ps for figures in found if figures.feasible), default=None)


LATENCY_SCHEMES = tuple(scheme for scheme in Scheme if scheme is not Scheme.DATA_PARALLEL)


@examples(60)
@given(questions(MERGED, 60, max_layers=3, max_chiplets=4), st.sampled_from(LATENCY_SCHEMES))
def test_latency(question: Question, scheme: Scheme) -> None:
    assert_least(question, scheme, Objective.LATENCY, least_latency(question, scheme))
