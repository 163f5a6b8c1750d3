"""Entries of clusters: what is replaced gives its room back."""

from __future__ import annotations

import numpy as np
import pytest

from mcmscope import load_network, load_package
from mcmscope.cost.model import cost_model
from mcmscope.schedule import Scheme
from mcmscope.search.context import SearchContext
from mcmscope.search.front import ways as module
from mcmscope.search.front.bounds import BOUND, CLASSES, ENTRY_POINT, ENTRY_PS, HIGH, LOW, WIDE
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


def test_a_way_is_found_again_where_labels_are_short_of_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_LABELS", 20)
    context = SearchContext(cost_model(load_network("resnet18"), load_package("simba-16")), 64, 16)
    ways = Weigher(context, Scheme.MERGED_PIPELINE, Limit()).boxes[0].ways
    hopeless = exact = 0
    for s, (i, j) in enumerate(ways.spans.tolist()):
        begin, end = ways.begin[s].tolist()
        single = (ways.entries[begin:end, LOW] == ways.entries[begin:end, HIGH]) & (
            ways.entries[begin:end, ENTRY_POINT] == BOUND
        )
        narrow = np.flatnonzero(single & (ways.entries[begin:end, WIDE] < CLASSES - 1))
        if len(narrow) > 0:
            ways.refine(s, begin + int(narrow[-1]))
        for entry in ways.entries[slice(*ways.begin[s].tolist())].tolist():
            hopeless += entry[ENTRY_POINT] == module.HOPELESS
            if entry[ENTRY_POINT] >= 0 and j - i > 1 and exact < 2000:
                point, partitions = ways.point(i, j, entry)
                assert point[POINT_PS] == entry[ENTRY_PS]
                assert len(partitions) == j - i
                exact += 1
    assert hopeless > 0
    assert exact > 100
