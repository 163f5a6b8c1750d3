"""A scheme is never worse than one whose space lies inside its own, whatever the objective."""

from __future__ import annotations

from functools import lru_cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcmscope import load_network, load_package
from mcmscope.cost.code import decode
from mcmscope.cost.model import CostModel, cost_model
from mcmscope.hardware import preset_names
from mcmscope.schedule import Objective, Scheme, schedule_faults
from mcmscope.search.context import SearchContext
from mcmscope.search.descend import objective_value
from mcmscope.search.run import search_scheme
from mcmscope.workload.zoo import ZOO

from .cases import Question, examples, questions

NO_WORSE = (
    (Scheme.MERGED_PIPELINE, Scheme.SEGMENTED_PIPELINE),
    (Scheme.MERGED_PIPELINE, Scheme.SEQUENTIAL_FUSED),
    (Scheme.SEGMENTED_PIPELINE, Scheme.SEQUENTIAL),
    (Scheme.SEGMENTED_PIPELINE, Scheme.FULL_PIPELINE),
    (Scheme.SEQUENTIAL_FUSED, Scheme.SEQUENTIAL),
    (Scheme.DATA_PARALLEL, Scheme.SEQUENTIAL_FUSED),
)

PAPER = (
    *("alexnet", "darknet19", "googlenet", "mobilenet_v2", "vgg16", "vgg19"),
    *("resnet18", "resnet34", "resnet50", "resnet101", "resnet152"),
)
"""Networks that are searched on half of the presets; the others, some of them very deep, on one."""
OTHERS = tuple(sorted(set(ZOO) - set(PAPER)))
OTHER_PACKAGES = ("simba-36", "mesh-8x8")
EVERY_OTHER = [
    (network, package)
    for networks, packages in ((PAPER, preset_names()), (OTHERS, OTHER_PACKAGES))
    for n, network in enumerate(networks)
    for p, package in enumerate(packages)
    if (n + p) % 2 == 0
]


@lru_cache(maxsize=4)
def model_of(network: str, package: str) -> CostModel:
    return cost_model(load_network(network), load_package(package))


def assert_order(model: CostModel, batch: int, objective: Objective, context: SearchContext) -> None:
    """Every scheme is searched; what is found is sound, and no better in a smaller space than in a larger."""
    values: dict[Scheme, int | None] = {}
    for scheme in Scheme:
        found = search_scheme(model, scheme, batch, objective, context=context)
        values[scheme] = None
        if found.code is None:
            assert found.certificate.status == "infeasible"
            assert found.reason
            continue
        assert found.certificate.status in ("optimal", "bounded", "heuristic")
        schedule = decode(found.code, model.package)
        assert schedule_faults(schedule, len(model.network), model.package.chiplets) == []
        values[scheme] = objective_value(model, found.code, batch, objective)
        assert values[scheme] is not None
    for larger, smaller in NO_WORSE:
        more, less = values[larger], values[smaller]
        if less is not None:
            assert more is not None, (larger, smaller)
            assert more <= less, (larger, smaller)


@pytest.mark.parametrize("batch", [1, 64])
@pytest.mark.parametrize("package", ["simba-16", "mesh-4x4"])
@pytest.mark.parametrize("network", ["alexnet", "mobilenet_v2", "resnet18"])
def test_order_of_schemes(network: str, package: str, batch: int) -> None:
    model = model_of(network, package)
    assert_order(model, batch, Objective.THROUGHPUT, SearchContext(model, batch))


@pytest.mark.slow
@pytest.mark.parametrize(("network", "package"), EVERY_OTHER)
def test_order_of_schemes_everywhere(network: str, package: str) -> None:
    model = cost_model(load_network(network), load_package(package))
    assert_order(model, 64, Objective.THROUGHPUT, SearchContext(model, 64))


@pytest.mark.parametrize("objective", [Objective.LATENCY, Objective.ENERGY, Objective.EDP])
@pytest.mark.parametrize(("package", "batch"), [("simba-16", 16), ("mesh-4x4", 4)])
def test_order_of_schemes_by_objective(package: str, batch: int, objective: Objective) -> None:
    model = model_of("alexnet", package)
    assert_order(model, batch, objective, SearchContext(model, batch))


@pytest.mark.parametrize("objective", list(Objective))
@examples(15)
@given(data=st.data())
def test_order_of_schemes_on_random_networks(objective: Objective, data: st.DataObject) -> None:
    question: Question = data.draw(questions(Scheme.SEQUENTIAL, None, max_layers=6, max_chiplets=9))
    fixed = data.draw(st.sampled_from((None, None, 1, question.batch)))
    assert_order(
        question.model, question.batch, objective, SearchContext(question.model, question.batch, fixed)
    )
