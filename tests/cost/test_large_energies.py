"""Batches whose energies do not fit, or hardly fit, into 64 bits of femtojoules."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mcmscope import InputError, Package, evaluate, load_network, load_package
from mcmscope.cost.model import cost_model
from mcmscope.schedule import Objective, Schedule, Scheme
from mcmscope.schedule_file import SavedSchedule
from mcmscope.search.context import SearchContext
from mcmscope.search.front.front import find_front
from mcmscope.search.limit import Limit
from mcmscope.search.run import search_scheme

BATCH = 65_536


def dear(package: Package, times: int) -> Package:
    """The package with hops that take so many times the energy."""
    energy = replace(package.energy, nop_hop_fj_per_byte=package.energy.nop_hop_fj_per_byte * times)
    return replace(package, energy=energy)


def test_the_energy_of_many_samples_is_that_of_each(saved: SavedSchedule, package: Package) -> None:
    plan: Schedule = saved.schedule
    few, many = (evaluate(plan, saved.network, dear(package, 200), batch) for batch in (4096, BATCH))
    assert many.energy_fj > 2**58
    assert few.energy_breakdown_j is not None
    assert many.energy_breakdown_j is not None
    assert many.energy_breakdown_j["nop"] == pytest.approx(few.energy_breakdown_j["nop"], rel=0.1)


def test_more_than_64_bits_are_refused(saved: SavedSchedule, package: Package) -> None:
    with pytest.raises(InputError, match="take at most") as refused:
        evaluate(saved.schedule, saved.network, dear(package, 1_000_000), BATCH)
    most = int(str(refused.value).split("at most ")[1].replace(",", ""))
    assert evaluate(saved.schedule, saved.network, dear(package, 1_000_000), most).energy_fj > 2**60


@pytest.mark.parametrize("objective", [Objective.ENERGY, Objective.EDP])
def test_nothing_is_claimed_where_sums_do_not_fit(objective: Objective) -> None:
    model = cost_model(load_network("resnet18"), dear(load_package("simba-16"), 40))
    found = search_scheme(model, Scheme.SEQUENTIAL_FUSED, BATCH, objective, search="exact")
    assert found.code is not None
    assert found.certificate.status == "heuristic"
    assert found.certificate.gap is None


def test_a_front_says_how_many_samples_fit() -> None:
    model = cost_model(load_network("alexnet"), dear(load_package("simba-16"), 400))
    context = SearchContext(model, BATCH)
    with pytest.raises(InputError, match="take at most"):
        find_front(context, Scheme.SEQUENTIAL_FUSED, Limit())
