"""Entries of clusters: what is replaced gives its room back."""

from __future__ import annotations

import numpy as np
import pytest

from mcmscope import load_network, load_package
from mcmscope.cost.model import cost_model
from mcmscope.schedule import Scheme
from mcmscope.search.context import SearchContext
from mcmscope.search.front import ways as module
from mcmscope.search.front.bounds import ENTRY_POINT, ENTRY_PS, HIGH, LOW, NARROW, WIDE
from mcmscope.search.front.cluster import POINT_PS
from mcmscope.search.front.weigh import Weigher
from mcmscope.search.limit import Limit


def test_tidying_keeps_every_entry_and_drops_what_was_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    context = SearchContext(cost_model(load_network("vgg16"), load_package("simba-16")), 4, 1)
    ways = Weigher(context, Scheme.MERGED_PIPELINE, Limit()).boxes[0].ways
    refined = 0
    for s in range(len(ways.begin)):
        begin, end = ways.begin[s].tolist()
        unknown = [e for e in range(begin, end) if ways.entries[e, ENTRY_POINT] < 0]
        refined += bool(unknown) and ways.refine(s, unknown[0])
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
    assert ways.refine(s, place)  # it still grows


def test_a_way_is_found_again_in_the_room_it_was_found_in() -> None:
    """What is behind an entry is searched for once more, by the same windows: others take more labels."""
    context = SearchContext(cost_model(load_network("resnet50"), load_package("simba-64")), 64, 1)
    ways = Weigher(context, Scheme.MERGED_PIPELINE, Limit()).boxes[0].ways
    ways.labels = ways.labels[:300]
    i, j, n, window = 0, 15, 47, 1
    s = int(ways.shape[i, j])
    while True:
        begin, end = ways.begin[s].tolist()
        own = ways.entries[begin:end]
        wanted = (own[:, LOW] <= n) & (n <= own[:, HIGH]) & (own[:, NARROW] <= window)
        wanted &= (window <= own[:, WIDE]) & (own[:, ENTRY_POINT] < 0)
        e = begin + int(np.flatnonzero(wanted)[0])
        if not ways.refine(s, e):
            break  # it is hopeless from here on
    exact = own[(own[:, ENTRY_POINT] >= 0) & (own[:, WIDE] == window)].tolist()
    assert len(exact) > 5
    for entry in exact:
        point, partitions = ways.point(i, j, entry)
        assert point[POINT_PS] == entry[ENTRY_PS]
        assert len(partitions) == j - i
