"""What exhaustive search refuses, notices and says of a known network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mcmscope import InputError, load_network, load_package
from mcmscope.cost.model import CostModel, cost_model
from mcmscope.schedule import Objective, Scheme
from mcmscope.search.context import SearchContext
from mcmscope.search.descend import objective_value
from mcmscope.search.exhaustive import visit
from mcmscope.search.exhaustive.case import cases, check_size
from mcmscope.search.exhaustive.check import check
from mcmscope.search.exhaustive.find import optimum
from mcmscope.search.exhaustive.rank import ranking
from mcmscope.search.exhaustive.search import exhaustive
from mcmscope.search.exhaustive.visit import Visitor
from mcmscope.search.exhaustive.walk import STEP_PS
from mcmscope.search.run import scheme_space, search_scheme
from mcmscope.search.space import space_size
from tests.search.cases import stack
from tests.search.packages import package

ALEXNET = Path(__file__).parents[2] / "data" / "alexnet_convolutions.json"


def small() -> CostModel:
    return cost_model(stack(3, 8, 8, residuals={2: 0}), package(2, 2))


def visitors(model: CostModel, objective: Objective, batch: int = 4) -> list[Visitor]:
    return [Visitor(case) for case in cases(model, Scheme.MERGED_PIPELINE, objective, batch, None)]


@pytest.mark.parametrize("objective", Objective)
def test_random_schedules_are_worth_what_the_evaluator_says(objective: Objective) -> None:
    check(visitors(small(), objective), 300)


def test_a_wrong_table_is_noticed() -> None:
    asked = visitors(small(), Objective.THROUGHPUT)
    asked[0].clusters(4).option[:, STEP_PS] += 1
    with pytest.raises(AssertionError, match="by the evaluator"):
        check(asked, 300)


def test_a_large_space_is_refused_with_its_size_and_what_helps() -> None:
    model = cost_model(load_network("resnet50"), load_package("simba-64"))
    with pytest.raises(InputError) as fault:
        exhaustive(SearchContext(model, 64), Scheme.MERGED_PIPELINE, Objective.THROUGHPUT)
    text = str(fault.value)
    assert str(space_size(len(model.network), 64, 5)) in text
    for word in ("at most 2000000000", "--micro-batch", "fewer chiplets", "fewer layers", "exact or sample"):
        assert word in text


def test_prefetch_and_a_fixed_micro_batch_for_latency_are_refused() -> None:
    model = small()
    ahead = cost_model(model.network, replace(model.package, prefetch=True))
    asked = cases(ahead, Scheme.MERGED_PIPELINE, Objective.THROUGHPUT, 4, None)
    with pytest.raises(InputError, match="prefetch"):
        check_size(asked, 1)
    with pytest.raises(InputError, match="one sample alone"):
        cases(model, Scheme.MERGED_PIPELINE, Objective.LATENCY, 4, 2)


def test_how_far_it_is_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visit, "EVERY_S", -1.0)
    told: list[tuple[float, float]] = []
    optimum(visitors(small(), Objective.THROUGHPUT), lambda done, left: told.append((done, left)))
    shares = [done for done, _ in told]
    assert shares == sorted(shares)
    assert told[-1] == (1.0, 0.0)


@pytest.mark.parametrize("micro_batch", [1, pytest.param(None, marks=pytest.mark.slow)])
def test_the_convolutions_of_alexnet_on_sixteen_chiplets(micro_batch: int | None) -> None:
    """Every schedule of 1.25e9 (1.18e12 with all micro-batches): the linear search finds the best of them."""
    model = cost_model(load_network(ALEXNET), load_package("simba-16"))
    scheme, aim = Scheme.MERGED_PIPELINE, Objective.THROUGHPUT
    context = SearchContext(model, 64, micro_batch)
    size = scheme_space(context, scheme)
    assert size == (1_252_126_512 if micro_batch else 1_182_797_426_160)
    asked = [Visitor(case) for case in cases(model, scheme, aim, 64, micro_batch)]
    ranked = ranking(asked, size)
    found = search_scheme(model, scheme, 64, aim, micro_batch=micro_batch, context=context)
    assert found.code is not None
    cost = objective_value(model, found.code, 64, aim)
    assert cost is not None
    rank = ranked.rank(cost)
    assert rank.better / size < 0.0005
    assert cost <= 1.03 * (optimum(asked).figure or 0)
