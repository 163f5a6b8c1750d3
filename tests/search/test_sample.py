"""Random schedules: each as likely as any other, the same for the same seed, priced by the evaluator."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from mcmscope import load_network, load_package
from mcmscope.cost.evaluate import evaluate_code
from mcmscope.cost.model import CostModel, cost_model
from mcmscope.result import cost_of
from mcmscope.schedule import Objective, Scheme
from mcmscope.search.context import SearchContext
from mcmscope.search.exhaustive.case import cases
from mcmscope.search.run import scheme_space, search_scheme
from mcmscope.search.sample import Sampler, sample

from .cases import stack
from .packages import package


def small(layers: int = 3) -> CostModel:
    return cost_model(stack(layers, 8, 8), package(1, 3))


@pytest.mark.parametrize("scheme", Scheme)
def test_every_schedule_comes_up_equally_often(scheme: Scheme) -> None:
    """Pearson's chi-square of 40 draws per schedule lies within five deviations of its mean."""
    model = small(2)
    sampler = Sampler(cases(model, scheme, Objective.THROUGHPUT, 2, None))
    size = scheme_space(SearchContext(model, 2), scheme)
    assert sampler.schedules == size
    random = Random(7)
    drawn = Counter(
        (case.replicas, *choices) for case, choices in (sampler.draw(random) for _ in range(40 * size))
    )
    assert len(drawn) == size
    chi = sum((count - 40) ** 2 / 40 for count in drawn.values())
    assert abs(chi - (size - 1)) < 5 * (2 * (size - 1)) ** 0.5


def test_sizes_of_regions_and_cuts_come_up_equally_often() -> None:
    """One segment of three layers on three chiplets: C(5, 3) ways to cut and size it, 27 of partitions."""
    model = small(3)
    sampler = Sampler(cases(model, Scheme.MERGED_PIPELINE, Objective.THROUGHPUT, 1, None))
    random = Random(1)
    drawn: Counter[tuple[tuple[int, int], ...]] = Counter()
    for _ in range(20_000):
        _, choices = sampler.draw(random)
        if len(choices) == 1:
            drawn[choices[0].clusters] += 1
    assert len(drawn) == 10
    expected = drawn.total() / 10
    assert all(abs(count - expected) < 5 * expected**0.5 for count in drawn.values())


@pytest.mark.parametrize("objective", Objective)
def test_the_same_seed_draws_the_same(objective: Objective) -> None:
    asked = cases(small(), Scheme.MERGED_PIPELINE, objective, 3, None)
    first, again, other = (sample(asked, 100, seed, None).figures for seed in (3, 3, 4))
    assert first == again
    assert first != other


def test_a_large_space_is_drawn_from_and_its_misfits_counted() -> None:
    model = cost_model(load_network("resnet50"), load_package("simba-64"))
    asked = cases(model, Scheme.MERGED_PIPELINE, Objective.EDP, 64, None)
    drawn = sample(asked, 40, 0, None)
    assert drawn.drawn == 40
    assert 0 < len(drawn.figures) < 40
    assert drawn.infeasible == 40 - len(drawn.figures)
    assert drawn.best is not None
    assert cost_of(evaluate_code(model, drawn.best, 64), Objective.EDP) == min(drawn.figures)


def test_the_search_returns_the_best_drawn() -> None:
    model = small()
    found = search_scheme(
        model, Scheme.MERGED_PIPELINE, 4, Objective.THROUGHPUT, search="sample", samples=50, seed=1
    )
    asked = cases(model, Scheme.MERGED_PIPELINE, Objective.THROUGHPUT, 4, None)
    assert found.code is not None
    assert evaluate_code(model, found.code, 4).batch_ps == min(sample(asked, 50, 1, None).figures)
    assert found.certificate.status == "heuristic"
    assert found.certificate.states == 50
    assert found.certificate.space_size == scheme_space(SearchContext(model, 4), Scheme.MERGED_PIPELINE)


def test_an_empty_space_has_nothing_to_draw() -> None:
    found = search_scheme(
        small(4), Scheme.FULL_PIPELINE, 4, Objective.THROUGHPUT, search="sample", samples=50
    )
    assert found.code is None
    assert found.certificate.status == "infeasible"
