"""Fronts, least energies and least products are those of plain enumeration; bounds lie below."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import combinations

import pytest
from hypothesis import assume, event, given
from hypothesis import strategies as st

from mcmscope import load_network, load_package
from mcmscope.cost.evaluate import evaluate_code
from mcmscope.cost.model import cost_model, price_code
from mcmscope.cost.reports import OK
from mcmscope.hardware.package import EnergyProfile
from mcmscope.schedule import Objective, Scheme
from mcmscope.search.context import SearchContext, join
from mcmscope.search.descend import objective_value
from mcmscope.search.front import find_front, prove
from mcmscope.search.front.boxes import OutOfTime, Weights
from mcmscope.search.front.cover import Line, cover, excess, least_product, thinned
from mcmscope.search.front.front import covered
from mcmscope.search.front.spots import Spot, hull_of, unbeaten
from mcmscope.search.front.sweep import STAGES, Sweep, start
from mcmscope.search.front.weigh import Weigher
from mcmscope.search.limit import Limit
from mcmscope.search.run import search_scheme
from mcmscope.search.tables import NEVER
from tests.search.cases import Question, examples, questions

from .fronts import brute_front

SCHEMES = (
    Scheme.SEQUENTIAL,
    Scheme.SEQUENTIAL_FUSED,
    Scheme.FULL_PIPELINE,
    Scheme.SEGMENTED_PIPELINE,
    Scheme.MERGED_PIPELINE,
)
ENOUGH_WORK = 10_000


def assert_whole_front(question: Question, scheme: Scheme) -> None:
    """The front is that of enumeration, and its ends and best product are what searches prove."""
    want = brute_front(question, scheme)
    context = SearchContext(question.model, question.batch)
    found = find_front(context, scheme, Limit())
    assert found.exact
    assert [(point.time_ps, point.energy_fj) for point in found.points] == want
    event(f"{scheme}: {min(len(want), 5)} points")
    if not want:
        assert found.reason
        return
    for point in found.points:
        priced = evaluate_code(question.model, point.code, question.batch)
        assert priced.feasible
        assert (priced.batch_ps, priced.energy_fj) == (point.time_ps, point.energy_fj)
    least = {Objective.ENERGY: want[-1][1], Objective.EDP: min(time * energy for time, energy in want)}
    for objective, value in least.items():
        begin = search_scheme(question.model, scheme, question.batch, objective, context=context)
        best = prove(context, scheme, objective, begin, Limit())
        assert best.code is not None
        priced = evaluate_code(question.model, best.code, question.batch)
        assert priced.energy_fj * (priced.batch_ps if objective is Objective.EDP else 1) == value
        assert best.certificate.status == "optimal"
        assert best.certificate.gap == 0.0


@examples(60)
@given(data=st.data())
def test_the_front_is_that_of_every_schedule(data: st.DataObject) -> None:
    scheme = data.draw(st.sampled_from(SCHEMES))
    assert_whole_front(data.draw(questions(scheme, 2000)), scheme)


@pytest.mark.slow
@examples(300)
@given(data=st.data())
def test_bounds_of_clusters_lie_below_what_they_bound(data: st.DataObject) -> None:
    """Sizes of regions are hardly bounded as one, so that bounds are refined in many ways."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mcmscope.search.front.ways.MOST_APART", 2)
        assert_weighted_sum(data)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", SCHEMES)
@examples(80)
@given(data=st.data())
def test_the_front_is_that_of_every_schedule_of_larger_spaces(scheme: Scheme, data: st.DataObject) -> None:
    assert_whole_front(data.draw(questions(scheme, 20_000, min_layers=2)), scheme)


@examples(30)
@given(data=st.data())
def test_weighted_sums_are_least_and_their_bounds_below(data: st.DataObject) -> None:
    assert_weighted_sum(data)


def assert_weighted_sum(data: st.DataObject) -> None:
    """The search for large spaces, on small ones: rounded energies of clusters may cost it the last
    digits."""
    scheme = data.draw(st.sampled_from(SCHEMES))
    question = data.draw(questions(scheme, 2000))
    want = brute_front(question, scheme)
    assume(want)
    tolerance = Fraction(data.draw(st.sampled_from((0, 0, 3, 50))), 1000)
    static = question.model.terms.static_mw
    ps, fj = data.draw(st.sampled_from((0, 1, 7, 1000))), data.draw(st.sampled_from((1, 3, 50)))
    least = min(ps * time + fj * energy for time, energy in want)
    weights = Weights(ps + fj * static, fj)  # energies there are without static power
    context = SearchContext(question.model, question.batch)
    weigher = Weigher(context, scheme, Limit())
    # First as good as some schedule, and as near as asked; then in full, with what is known by then.
    upper = data.draw(st.sampled_from([ps * time + fj * energy for time, energy in want])) + 1
    path, lower = weigher.least(weights, upper, ENOUGH_WORK, tolerance)
    assert lower <= least
    assert path is not None or lower >= (1 - tolerance) * upper - 1
    path, lower = weigher.least(weights, NEVER, ENOUGH_WORK)
    assert path is not None
    run = price_code(question.model, join(path), question.batch)
    assert run.status == OK
    total = weights.of(run.total_ps, int(run.energy.sum()))
    assert lower <= least <= total
    terms = question.model.terms
    rounding = 2 * fj * len(question.network) * (4 + terms.dram_byte_fj + 6 * terms.hop_byte_fj)
    assert total - lower <= rounding
    event("to the last digit" if total == lower else "rounded")


def assert_cover(sweep: Sweep, want: list[tuple[int, int]]) -> None:
    """What a sweep has proven holds of the front of all schedules."""
    for line in sweep.lines:
        assert all(line.ps * time + line.fj * energy >= line.least for time, energy in want)
    for void in sweep.voids:
        assert not any(time < void.time_ps and energy < void.energy_fj for time, energy in want)
    assert least_product(sweep.lines) <= min(time * energy for time, energy in want)
    found = covered(sweep, 0)
    assert found.gap is not None
    for time, energy in want:
        factor = (1 + Fraction(found.gap)) * (1 + Fraction(1, 10**9))
        assert any(
            point.time_ps <= factor * time and point.energy_fj <= factor * energy for point in found.points
        )
    for point in found.points:
        assert point.gap is not None
        factor = (1 + Fraction(point.gap)) * (1 + Fraction(1, 10**9))
        assert not any(
            factor * time < point.time_ps and factor * energy < point.energy_fj for time, energy in want
        )


@examples(12)
@given(data=st.data())
def test_the_sweep_covers_what_it_says(data: st.DataObject) -> None:
    question = data.draw(questions(Scheme.MERGED_PIPELINE, 2000))
    want = brute_front(question, Scheme.MERGED_PIPELINE)
    assume(want)
    context = SearchContext(question.model, question.batch)
    sweep = Sweep(context, Scheme.MERGED_PIPELINE, Limit(), start(context, Scheme.MERGED_PIPELINE))
    sweep.run()
    assert_cover(sweep, want)


class Asked(Limit):
    """Reached when asked for the n-th time."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.left = times

    def reached(self) -> bool:
        """Whether to stop."""
        self.left -= 1
        return self.left < 0


def assert_closing(data: st.DataObject, scheme: Scheme, most_schedules: int) -> None:
    """A sweep of few directions that closes what they leave uncovered, and may be stopped at any time."""
    question = data.draw(questions(scheme, most_schedules, min_layers=2))
    want = brute_front(question, scheme)
    assume(len(want) > 1)
    context = SearchContext(question.model, question.batch)
    known = start(context, scheme)
    stopped = data.draw(st.booleans())
    sweep = Sweep(context, scheme, Limit(), known)
    enough = Fraction(1, data.draw(st.sampled_from((10, 100, 1000, 100_000))))
    sweep.run(most=data.draw(st.integers(1, 3)), enough=Fraction(10**7))  # directions alone
    assert not sweep.voids
    sweep.limit = Asked(data.draw(st.integers(0, 400))) if stopped else Limit()
    for weigher in (sweep.quick, sweep.weigher):
        assert weigher is not None
        weigher.work.limit = sweep.limit
    ended = True
    try:
        sweep.close(enough)
    except OutOfTime:
        ended = False
    assert_cover(sweep, want)
    event(f"{scheme}: {len(sweep.voids)} voids" if ended else "stopped")
    if ended:
        inner = cover(sweep.proofs, sweep.spots)[1:-1]
        event("as good as asked" if all(gap is not None and gap <= enough for gap in inner) else "short")


@examples(60)
@given(data=st.data())
def test_what_is_said_to_be_empty_is(data: st.DataObject) -> None:
    assert_closing(data, Scheme.MERGED_PIPELINE, 2000)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", SCHEMES)
@examples(100)
@given(data=st.data())
def test_what_is_said_to_be_empty_is_in_larger_spaces(scheme: Scheme, data: st.DataObject) -> None:
    assert_closing(data, scheme, 20_000)


@examples(12)
@given(data=st.data(), costless=st.booleans(), work=st.sampled_from((0, 2, 2000)))
def test_what_a_product_is_bounded_by(data: st.DataObject, costless: bool, work: int) -> None:
    """Lines for a product lie below all schedules too, however soon the work ends; no direction is taken
    twice at one tolerance, nor where MACs and DRAM take no energy."""
    question = data.draw(questions(Scheme.MERGED_PIPELINE, 2000))
    if costless:
        free = EnergyProfile("free", "", 0, 0, 0, 0, 100, 100, 300, 0, 0)
        question = replace(question, package=replace(question.package, energy=free))
    want = brute_front(question, Scheme.MERGED_PIPELINE)
    assume(want)
    context = SearchContext(question.model, question.batch)
    sweep = Sweep(context, Scheme.MERGED_PIPELINE, Limit(), start(context, Scheme.MERGED_PIPELINE))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mcmscope.search.front.sweep.WORK", work)
        sweep.run(aim=Objective.EDP)
    for line in sweep.lines:
        assert all(line.ps * time + line.fj * energy >= line.least for time, energy in want)
    ratios = {Fraction(ps, fj) for ps, fj in sweep.tried}
    assert len(ratios) == len(sweep.tried)
    assert len(sweep.lines) - 2 <= len(STAGES) * len(ratios)
    least = min(time * energy for time, energy in want)
    assert least_product(sweep.lines) <= least <= min(spot.time_ps * spot.energy_fj for spot in sweep.spots)
    event("the least product" if least_product(sweep.lines) == least else "bounded")


def test_a_space_that_is_not_small_is_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What was found keeps its certificate when time is up at once."""
    from tests.search.cases import stack
    from tests.search.packages import package

    question = Question(stack(4, 8, 8), package(2, 2), 4)
    monkeypatch.setattr("mcmscope.search.front.small.MOST_CLUSTERS", 0)
    context = SearchContext(question.model, question.batch)
    stopped = find_front(context, Scheme.MERGED_PIPELINE, Limit(0.0))
    assert not stopped.exact
    assert stopped.points
    begin = search_scheme(question.model, Scheme.MERGED_PIPELINE, 4, Objective.ENERGY, context=context)
    late = prove(context, Scheme.MERGED_PIPELINE, Objective.ENERGY, begin, Limit(0.0))
    assert late.code is not None
    assert late.certificate.status == "bounded"
    best = prove(context, Scheme.MERGED_PIPELINE, Objective.ENERGY, begin, Limit())
    whole = brute_front(question, Scheme.MERGED_PIPELINE)
    assert best.code is not None
    assert evaluate_code(question.model, best.code, 4).energy_fj == whole[-1][1]


def test_lines_say_how_well_spots_cover() -> None:
    """Lines through (2, 8) and (8, 2), and below both: T >= 2, E >= 2, T + E >= 10."""
    lines = [Line(1, 0, 2), Line(0, 1, 2), Line(1, 1, 10)]
    spots = [Spot(2, 8, []), Spot(8, 2, [])]
    assert cover(lines, spots) == [0, Fraction(6, 10), 0]
    assert excess(lines, 6, 6) == Fraction(2, 10)
    assert excess(lines[1:2], 6, None) is None
    assert least_product(lines) == 16
    assert least_product(lines[1:]) == 0


@given(
    st.lists(st.tuples(st.integers(1, 60), st.integers(1, 60)), min_size=1, max_size=12),
    st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), max_size=4),
    st.integers(0, 30),
)
def test_spots_that_are_hardly_needed_go(
    points: list[tuple[int, int]], directions: list[tuple[int, int]], percent: int
) -> None:
    spots = unbeaten([Spot(time, energy, []) for time, energy in points])
    lines = [
        Line(ps, fj, min(ps * spot.time_ps + fj * spot.energy_fj for spot in spots))
        for ps, fj in ((1, 0), (0, 1), *directions)
    ]
    enough = Fraction(percent, 100)
    kept = thinned(lines, spots, enough)
    assert kept == [spot for spot in spots if spot in kept]
    assert [kept[0], kept[-1]] == [spots[0], spots[-1]]
    assert all(spot in kept for spot in spots if excess(lines, spot.time_ps, spot.energy_fj) == 0)
    before, after = (max([gap for gap in cover(lines, some) if gap is not None]) for some in (spots, kept))
    assert after <= max(before, enough)


@given(st.lists(st.tuples(st.integers(1, 30), st.integers(1, 30)), min_size=1, max_size=8))
def test_corners_of_the_hull_are_those_that_some_weights_make_least(points: list[tuple[int, int]]) -> None:
    spots = unbeaten([Spot(time, energy, []) for time, energy in points])
    edges = [(a.energy_fj - b.energy_fj, b.time_ps - a.time_ps) for a, b in combinations(spots, 2)]
    corners = set[int]()
    for ps, fj in [(1, 40), (40, 1), *edges]:
        totals = [ps * spot.time_ps + fj * spot.energy_fj for spot in spots]
        least = [z for z, total in enumerate(totals) if total == min(totals)]
        corners |= {least[0], least[-1]}  # of those on one edge its ends
    assert hull_of(spots) == sorted(corners)


@pytest.mark.parametrize("package", ["simba-16", "mesh-4x4"])
def test_linear_is_near_the_least_energy_and_the_least_product(package: str) -> None:
    model = cost_model(load_network("alexnet"), load_package(package))
    context = SearchContext(model, 16)
    for objective in (Objective.ENERGY, Objective.EDP):
        found = search_scheme(model, Scheme.MERGED_PIPELINE, 16, objective, context=context)
        least = search_scheme(
            model, Scheme.MERGED_PIPELINE, 16, objective, search="exact", context=context, limit=Limit(60)
        )
        assert found.code is not None
        assert least.code is not None
        value, best = (objective_value(model, code, 16, objective) for code in (found.code, least.code))
        assert value is not None
        assert best is not None
        assert best <= value <= 1.01 * best
