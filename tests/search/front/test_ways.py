"""Entries of clusters: what is replaced gives its room back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, event, given
from hypothesis import strategies as st

from mcmscope import load_network, load_package
from mcmscope.cost.model import cost_model
from mcmscope.schedule import Scheme
from mcmscope.search.context import SearchContext
from mcmscope.search.front import ways as module
from mcmscope.search.front.bounds import (
    ENTRY_FJ,
    ENTRY_HELD,
    ENTRY_LOADED,
    ENTRY_POINT,
    ENTRY_PS,
    HIGH,
    HOPELESS,
    LATEST,
    LOW,
    NARROW,
)
from mcmscope.search.front.cluster import POINT_PS
from mcmscope.search.front.ground import Ground
from mcmscope.search.front.ways import ROUNDED, Ways, round_up
from mcmscope.search.front.weigh import Weigher
from mcmscope.search.limit import Limit
from mcmscope.search.tables import NEVER
from tests.search.cases import Question, examples, questions

from .points import Way, all_ways


def test_tidying_keeps_every_entry_and_drops_what_was_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    context = SearchContext(cost_model(load_network("vgg16"), load_package("simba-16")), 4, 1)
    ways = Weigher(context, Scheme.MERGED_PIPELINE, Limit()).boxes[0].ways
    assert isinstance(ways, Ways)
    refined = 0
    for s in range(len(ways.begin)):
        begin, end = ways.begin[s].tolist()
        unknown = [e for e in range(begin, end) if ways.entries[e, ENTRY_POINT] < 0]
        refined += bool(unknown) and ways.refine(s, unknown[0], NEVER)
    assert refined > 5
    held = [ways.entries[begin:end].copy() for begin, end in ways.begin.tolist()]
    live = sum(map(len, held))
    assert ways.end > live
    ways.tidy()
    assert ways.end > live  # not worth it yet
    monkeypatch.setattr(module, "MOST_POINTS", -ways.end)
    ways.tidy()
    assert ways.end == len(ways.entries) == live
    for (begin, end), rows in zip(ways.begin.tolist(), held, strict=True):
        assert (ways.entries[begin:end] == rows).all()
    s = next(s for s in range(len(held)) if (held[s][:, ENTRY_POINT] < 0).any())
    place = int(ways.begin[s, 0]) + int((held[s][:, ENTRY_POINT] < 0).argmax())
    assert ways.refine(s, place, NEVER)  # it still grows


def test_a_way_is_found_again_in_the_room_it_was_found_in() -> None:
    """What is behind an entry is searched for once more, by the same windows: others take more labels."""
    context = SearchContext(cost_model(load_network("resnet50"), load_package("simba-64")), 64, 1)
    ways = Weigher(context, Scheme.MERGED_PIPELINE, Limit()).boxes[0].ways
    assert isinstance(ways, Ways)
    ways.labels = ways.labels[:300]
    i, j, n = 0, 15, 47
    s = int(ways.shape[i, j])
    for _ in range(200):
        begin, end = ways.begin[s].tolist()
        own = ways.entries[begin:end]
        wanted = (own[:, LOW] <= n) & (n <= own[:, HIGH]) & (own[:, ENTRY_POINT] < 0)
        wanted &= own[:, ENTRY_POINT] != HOPELESS
        cheapest = np.where(wanted, own[:, ENTRY_FJ], NEVER).argmin()
        ways.refine(s, begin + int(cheapest), NEVER)
    begin, end = ways.begin[s].tolist()
    own = ways.entries[begin:end]
    exact = own[own[:, ENTRY_POINT] >= 0].tolist()
    assert len(exact) > 5
    assert any(entry[NARROW] > 0 for entry in exact)
    for entry in exact:
        point, partitions = ways.point(i, j, entry)
        assert point[POINT_PS] == entry[ENTRY_PS]
        assert len(partitions) == j - i


@examples(60)
@given(question=questions(scheme=Scheme.MERGED_PIPELINE, most=20_000), data=st.data())
def test_entries_never_lose_a_way(question: Question, data: st.DataObject) -> None:
    """However entries are refined, each way is among them, or is no better than a bound of its kind."""
    context = SearchContext(question.model, question.batch)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "MOST_APART", 2)
        patched.setattr(module, "SPREAD", 10**9)
        ways: Ways = data.draw(st.sampled_from(Ground(context).ways(Limit())))
        long = [s for s, (i, j) in enumerate(ways.spans.tolist()) if j - i > 1]
        assume(long)
        s = data.draw(st.sampled_from(long))
        i, j = ways.spans[s].tolist()
        every = {n: all_ways(context, ways.u, i, j, n) for n in range(1, question.model.machine.chiplets + 1)}
        times = sorted({way[0] for found in every.values() for way in found})
        exact = 0
        for _ in range(data.draw(st.integers(1, 40))):
            begin, end = ways.begin[s].tolist()
            unknown = [e for e in range(begin, end) if ways.entries[e, ENTRY_POINT] < 0]
            if not unknown:
                break
            hi = data.draw(st.sampled_from([*times, NEVER]))
            ways.refine(s, data.draw(st.sampled_from(unknown)), hi)
            begin, end = ways.begin[s].tolist()
            rows = ways.entries[begin:end].tolist()
            exact = sum(row[ENTRY_POINT] >= 0 for row in rows)
            assert [row[LOW] for row in rows] == sorted(row[LOW] for row in rows)
            for n, found in every.items():
                for way in found:
                    assert any(row[LOW] <= n <= row[HIGH] and stands_for(row, way) for row in rows)
    event(f"{min(exact, 3)} exact")


def stands_for(row: list[int], way: Way) -> bool:
    """Whether an entry is as good as a way, and what bounds is of its time."""
    time, energy, held, loaded = way
    if row[ENTRY_POINT] < 0 and time > row[LATEST]:
        return False
    least = row[ENTRY_PS], row[ENTRY_FJ], row[ENTRY_HELD], row[ENTRY_LOADED]
    return all(a <= b for a, b in zip(least, (time, energy, held, loaded), strict=True))


@given(st.integers(0, 1 << 52))
def test_a_time_is_rounded_up_by_little(ps: int) -> None:
    rounded = round_up(ps)
    assert ps <= rounded <= ps + (ps >> (ROUNDED - 1))
    assert round_up(rounded) == rounded
    if ps < 1 << ROUNDED:
        assert rounded == ps
