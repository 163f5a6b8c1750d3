"""Stretches that are aimed at shrink only, whatever is found."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from mcmscope.search.front.cover import Line, excess
from mcmscope.search.front.spots import Spot, unbeaten
from mcmscope.search.front.targets import Targets, shrunk, spaced

from ..cases import examples

POINTS = st.lists(st.tuples(st.integers(1, 400), st.integers(1, 400)), min_size=1, max_size=12)
LINES = st.lists(st.tuples(st.integers(0, 5), st.integers(1, 5)), max_size=2)


@examples(500)
@given(
    found=st.lists(POINTS, min_size=2, max_size=5),
    ends=st.tuples(st.integers(1, 400), st.integers(1, 400)),
    percent=st.integers(1, 40),
    directions=LINES,
)
def test_stretches_are_parts_of_the_first(
    found: list[list[tuple[int, int]]],
    ends: tuple[int, int],
    percent: int,
    directions: list[tuple[int, int]],
) -> None:
    enough, spots = Fraction(percent, 100), list[Spot]()
    everything = [pair for pairs in found for pair in pairs]
    lines = [
        Line(ps, fj, min(ps * time + fj * energy for time, energy in everything)) for ps, fj in directions
    ]
    targets, first = None, list[tuple[int, int]]()
    for pairs in found:
        spots = unbeaten([*spots, *(Spot(time, energy, []) for time, energy in pairs)])
        if targets is None:
            targets = Targets(Line(1, 1, 0), (min(ends), max(ends)), spots, lines, enough)
            first = targets.stretches
        else:
            targets.aim(spots)
        for time, energy in targets.stretches:
            assert any(time <= old_time and energy <= old_energy for old_time, old_energy in first)
            gap = excess(lines, time, energy)
            assert gap is None or gap > enough
        kept = targets.spots
        for spot in spots:  # what is not kept is reached
            if kept and kept[0].time_ps <= spot.time_ps <= kept[-1].time_ps:
                assert any(
                    one.time_ps <= spot.time_ps and one.energy_fj <= (1 + enough) * spot.energy_fj
                    for one in kept
                )


def test_spots_that_one_before_reaches_go() -> None:
    spots = [Spot(1, 1000, []), Spot(2, 999, []), Spot(3, 900, []), Spot(4, 899, []), Spot(5, 898, [])]
    assert [spot.time_ps for spot in spaced(spots, Fraction(101, 100))] == [1, 3, 5]
    assert [spot.time_ps for spot in spaced(spots, Fraction(101, 100), [Spot(9, 999, [])])] == [1, 2, 3, 5]
    assert spaced(spots[:1], Fraction(2)) == spots[:1]


def test_quotients_are_rounded_up() -> None:
    assert [shrunk(value, Fraction(3, 2)) for value in (2, 3, 4)] == [2, 2, 3]
