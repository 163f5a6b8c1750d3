from __future__ import annotations

from itertools import pairwise, product

import hypothesis.strategies as st
import pytest
from hypothesis import given

from mcmscope.search.context import Piece
from mcmscope.search.front import mix
from mcmscope.search.front.mix import Pieces
from tests.search.cases import examples

LAYERS = 4
STATIC_MW = 3
Met = tuple[int, int, int, int]


def totals(met: list[Met]) -> set[tuple[int, int]]:
    """Time and energy (with static power) of every schedule of these segments, one by one."""
    ways: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for a, b, time, energy in met:
        ways.setdefault((a, b), []).append((time, energy + STATIC_MW * time))
    found: set[tuple[int, int]] = set()
    for cuts in product((False, True), repeat=LAYERS - 1):
        stops = [0, *(l + 1 for l, cut in enumerate(cuts) if cut), LAYERS]
        for chosen in product(*(ways.get(edge, []) for edge in pairwise(stops))):
            found.add((sum(time for time, _ in chosen), sum(energy for _, energy in chosen)))
    return found


@st.composite
def segments(draw: st.DrawFn) -> Met:
    a = draw(st.integers(0, LAYERS - 1))
    return a, draw(st.integers(a + 1, LAYERS)), draw(st.integers(1, 9)), draw(st.integers(0, 40))


@examples(200)
@given(met=st.lists(segments(), max_size=14), most=st.sampled_from((2, 400)))
def test_a_mix_is_the_front_of_all_schedules_of_the_segments(met: list[Met], most: int) -> None:
    pieces = Pieces()
    for a, b, time, energy in met:
        pieces.add(a, b, time, energy, Piece(time, energy, (), ()))
    every = totals(met)
    want = {
        one for one in every if not any(other[0] <= one[0] and other[1] <= one[1] for other in every - {one})
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mix, "MOST_KEPT", most)
        spots = pieces.mixed(LAYERS, STATIC_MW)
    found: set[tuple[int, int]] = set()
    for spot in spots:
        assert spot.path[-1][0] == LAYERS
        time = sum(piece.time_ps for _, piece in spot.path)
        energy = sum(piece.micro_batch for _, piece in spot.path) + STATIC_MW * time  # as put in above
        assert (spot.time_ps, spot.energy_fj) == (time, energy)
        found.add((time, energy))
    assert len(found) == len(spots)
    assert found <= every if most == 2 else found == want
    assert not pieces.fresh
