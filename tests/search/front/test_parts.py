"""Corners of parts against all ways to run each segment."""

from __future__ import annotations

import numpy as np
from hypothesis import assume, event, given
from hypothesis import strategies as st

from mcmscope.cost.arrays import Ints
from mcmscope.schedule import Scheme
from mcmscope.search.context import SearchContext
from mcmscope.search.front.boxes import Weights
from mcmscope.search.front.cover import Line
from mcmscope.search.front.floors import Floors
from mcmscope.search.front.mix import Pieces
from mcmscope.search.front.parts import COUNTED, Part, Parts
from mcmscope.search.front.weigh import Weigher
from mcmscope.search.lazy import distances
from mcmscope.search.limit import Limit
from mcmscope.search.tables import NEVER
from tests.search.cases import examples, questions

from .fronts import Pair, brute_segments

SCHEMES = (Scheme.MERGED_PIPELINE, Scheme.SEGMENTED_PIPELINE, Scheme.SEQUENTIAL_FUSED)


def is_above(way: Pair, parts: list[Part]) -> bool:
    """Whether a way lies above a corner of some part."""
    return any((part.corners <= np.array(way)).all(axis=1).any() for part in parts)


@examples(60)
@given(data=st.data())
def test_every_way_of_interest_lies_above_a_corner_however_parts_are_raised(data: st.DataObject) -> None:
    scheme = data.draw(st.sampled_from(SCHEMES))
    question = data.draw(questions(scheme, 2000))
    L = len(question.network)
    segments = {edge: ways for edge, ways in brute_segments(question, scheme).items() if ways}
    ps, fj = data.draw(st.sampled_from((1, 7, 1000))), data.draw(st.sampled_from((1, 3, 50)))
    context = SearchContext(question.model, question.batch)
    weigher = Weigher(context, scheme, Limit(), Pieces())
    # Sums from ``upper`` on are of no interest to the weigher, and yet to boxes that lie above the line.
    value = np.full((L + 1, L + 1), NEVER, dtype=np.int64)
    for edge, ways in segments.items():
        value[edge] = min(ps * time + fj * energy for time, energy in ways)
    ahead, before, behind = (np.zeros(L + 1, dtype=np.int64) for _ in range(3))
    distances(value, ahead, before, behind)
    least = int(ahead[L])
    assume(least < NEVER)
    upper = least * data.draw(st.integers(90, 150)) // 100 + 1
    weights = Weights(ps + fj * question.model.terms.static_mw, fj)
    weigher.least(weights, upper, data.draw(st.sampled_from((0, 3, 10_000))))
    weigher.work.left = 10_000
    raiser = Parts(weigher, Line(ps, fj, 0))
    assert (raiser.least <= value).all()
    distances(raiser.least, ahead, before, behind)
    most = least * data.draw(st.integers(100, 400)) // 100 + 1
    latest = least // ps * data.draw(st.integers(1, 4))
    parts = raiser.below(ahead, behind, most, latest)
    wanted: dict[tuple[int, int], list[Pair]] = {}
    for (a, b), ways in segments.items():
        rest = most - int(ahead[a]) - int(behind[b])
        wanted[a, b] = [
            (time, energy) for time, energy in ways if ps * time + fj * energy < rest and time < latest
        ]
    little = data.draw(st.sampled_from((1, 1000, 10**9)))
    share = data.draw(st.sampled_from((1, 3)))

    def limits(a: int, b: int, times: Ints) -> Ints:
        del a, b
        return np.full(len(times), NEVER // 4)

    for step in range(8):
        for edge, ways in wanted.items():
            own = [part for part in parts if (part.a, part.b) == edge]
            assert all(is_above(way, own) for way in ways)
        raised: list[Part] = []
        for number, part in enumerate(parts):
            chosen = (number + step) % share == 0 and len(raised) < 400
            fresh = raiser.raised(part, little, limits) if chosen else None
            raised += [part] if fresh is None else fresh
        parts = raised
    event(f"{sum(len(ways) for ways in wanted.values())} ways")
    event(f"{sum(part.known == COUNTED for part in parts) > 0}: counted")


@examples(40)
@given(data=st.data())
def test_what_is_shared_of_beats_does_not_depend_on_who_asked_first(data: st.DataObject) -> None:
    """Nor on the loads that were allowed then."""
    question = data.draw(questions(Scheme.MERGED_PIPELINE, 2000, min_layers=2))
    L = len(question.network)
    hi = data.draw(st.sampled_from((10**4, 10**6, 10**9)))
    asked = data.draw(st.lists(st.tuples(st.integers(0, L - 1), st.booleans()), min_size=1, max_size=3))

    def floors(others: list[tuple[int, bool]]) -> list[int]:
        context = SearchContext(question.model, question.batch)
        boxes = Weigher(context, Scheme.MERGED_PIPELINE, Limit(), Pieces()).boxes[0]
        boxes.work.left = 100
        boxes.aim(np.array([0, 10], dtype=np.int64))
        values: list[int] = []
        for a, early in [*others, (0, False)]:
            box = boxes.box(Weights(0, 1), a, L, 1, hi, 0, 0 if early else NEVER)
            values = Floors(boxes, box, 4, shared=True).values.tolist()
        return values

    assert floors(asked) == floors([])
