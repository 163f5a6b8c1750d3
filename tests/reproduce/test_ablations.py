"""Searches without a freedom: the optimum of what is left."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mcmscope import load_network, load_package
from mcmscope.cost.code import PARTITIONS, decode
from mcmscope.cost.model import cost_model
from mcmscope.reproduce.ablations import (
    ALL,
    VARIANTS,
    WITHOUT,
    barred,
    even_regions,
    measure,
    one_segment,
    pieces_of,
    proven,
)
from mcmscope.reproduce.case import Case
from mcmscope.reproduce.inputs import first_layers
from mcmscope.reproduce.measure import MERGED
from mcmscope.schedule import Objective
from mcmscope.search.context import SearchContext
from mcmscope.search.descend import objective_value
from mcmscope.search.exhaustive.case import cases
from mcmscope.search.exhaustive.find import optimum
from mcmscope.search.exhaustive.visit import Visitor


@pytest.fixture(scope="module")
def context() -> SearchContext:
    return SearchContext(cost_model(load_network("resnet18"), load_package("simba-36")), 16)


@pytest.mark.slow
@pytest.mark.parametrize("variant", WITHOUT)
def test_the_optimum_without_a_partition_is_that_of_all_schedules_without_it(variant: str) -> None:
    network = first_layers(load_network("resnet18"), 3)
    whole = SearchContext(cost_model(network, load_package("simba-16")), 8, 2)
    part = barred(whole, WITHOUT[variant])
    code, status = proven(part, without=WITHOUT[variant])
    assert code is not None
    assert status == "optimal"
    every = optimum([Visitor(one) for one in cases(part.model, MERGED, Objective.THROUGHPUT, 8, 2)])
    prices = [objective_value(model, code, 8, Objective.THROUGHPUT) for model in (whole.model, part.model)]
    assert prices == [every.figure, every.figure]


@pytest.mark.parametrize("variant", WITHOUT)
def test_barred_partitions_are_not_taken(context: SearchContext, variant: str) -> None:
    without = WITHOUT[variant]
    code, status = proven(barred(context, without), without=without)
    assert code is not None
    assert status == "optimal"
    taken = {
        partition
        for cluster in decode(code, context.model.package).clusters
        for partition in cluster.partitions
    }
    assert not taken & {PARTITIONS[partition] for partition in without}


def test_what_is_left_is_never_faster() -> None:
    case = Case("ablations", "resnet18", "simba-36", 16)
    speed = {
        variant: measure(replace(case, variant=variant)).rows["ablations"][0]["throughput_per_s"]
        for variant in VARIANTS
    }
    best = speed[ALL]
    assert isinstance(best, float)
    for value in speed.values():
        assert value is None or (isinstance(value, float) and 0 < value <= best)


def test_one_segment_has_one(context: SearchContext) -> None:
    code, status = one_segment(context)
    assert status == "optimal"
    assert code is not None
    assert len(code.segments) == 1


def test_even_regions_are_even(context: SearchContext) -> None:
    code, _ = even_regions(context)
    assert code is not None
    for segment in decode(code, context.model.package).segments:
        counts = {len(cluster.chiplets) for cluster in segment.clusters}
        assert max(counts) - min(counts) <= 1


def test_pieces_of_a_schedule_take_its_time(context: SearchContext) -> None:
    code, _ = proven(context)
    assert code is not None
    pieces = pieces_of(context, code)
    total = sum(piece.time_ps for _, piece in pieces)
    assert total == objective_value(context.model, code, context.batch, Objective.THROUGHPUT)
    assert [a for (a, _), _ in pieces] == [0, *(b for (_, b), _ in pieces[:-1])]
