"""Ways that are found in one pass are ways: found again as they were, and none better than all ways are."""

from __future__ import annotations

from hypothesis import event, given
from hypothesis import strategies as st

from mcmscope.schedule import Scheme
from mcmscope.search.context import SearchContext
from mcmscope.search.front.bounds import (
    ENTRY_FJ,
    ENTRY_HELD,
    ENTRY_LOADED,
    ENTRY_PS,
    LOW,
)
from mcmscope.search.front.cluster import LOADED_BYTES, POINT_PS
from mcmscope.search.front.ground import Ground
from mcmscope.search.front.quick import QuickWays
from mcmscope.search.limit import Limit
from tests.search.cases import Question, examples, questions

from .points import all_ways, energy_of, free_bytes


@examples(60)
@given(question=questions(scheme=Scheme.MERGED_PIPELINE, most=20_000), data=st.data())
def test_good_ways_are_ways_and_no_better_than_all(question: Question, data: st.DataObject) -> None:
    context = SearchContext(question.model, question.batch)
    ways: QuickWays = data.draw(st.sampled_from(Ground(context).quick(Limit())))
    N = question.model.machine.chiplets
    singles = 0
    for s, (i, j) in enumerate(ways.spans.tolist()):
        begin, end = ways.begin[s].tolist()
        rows = ways.entries[begin:end].tolist()
        for n in sorted({row[LOW] for row in rows}):
            every = all_ways(context, ways.u, i, j, n)
            for row in (row for row in rows if row[LOW] == n):
                point, partitions = ways.point(i, j, row)
                assert len(partitions) == j - i
                assert point[POINT_PS] == row[ENTRY_PS]
                assert point[LOADED_BYTES] == row[ENTRY_LOADED]
                assert energy_of(context, ways.u, n, point) == row[ENTRY_FJ]
                loaded = max(row[ENTRY_LOADED], free_bytes(context, i, j, n))
                own = row[ENTRY_PS], row[ENTRY_FJ], row[ENTRY_HELD], loaded
                # Rounded energies of ways that take equal cost may differ in the last digit.
                slack = (0, 2, 0, 0)
                assert any(
                    all(a <= b + more for a, b, more in zip(other, own, slack, strict=True))
                    for other in every
                )
        if j - i == 1 and all_ways(context, ways.u, i, j, N):
            assert rows  # every layer that fits at all is found on all chiplets
            singles += 1
    event(f"{min(singles, 3)} layers that fit")
