from __future__ import annotations

from dataclasses import replace

import pytest

from mcmscope import Evaluation, evaluate
from mcmscope.cost.causes import CAUSES, CUT, DRAM, LOAD, SPILL, beat_cause, exposed_loads_s, time_by_cause
from mcmscope.schedule_file import SavedSchedule


@pytest.fixture(scope="module")
def priced(saved: SavedSchedule) -> Evaluation:
    return evaluate(saved)


def test_shares_sum_to_one_and_fall(priced: Evaluation) -> None:
    shares = list(time_by_cause(priced).values())
    assert sum(shares) == pytest.approx(1)
    assert shares == sorted(shares, reverse=True)
    assert set(time_by_cause(priced)) <= set(CAUSES)


def test_loads_are_what_is_not_running(priced: Evaluation) -> None:
    loads = sum(segment.load_s for segment in priced.segments)
    assert exposed_loads_s(priced) == pytest.approx(loads)
    assert time_by_cause(priced)[LOAD] == pytest.approx(loads / priced.batch_latency_s)


def test_a_floor_names_the_cause_of_a_beat(priced: Evaluation) -> None:
    segment = priced.segments[0]
    above = 2 * segment.slowest_stage_s
    assert beat_cause(replace(segment, cut_s=above, io_s=0.0, spill_s=0.0)) == CUT
    assert beat_cause(replace(segment, cut_s=0.0, io_s=above, spill_s=0.0)) == DRAM
    assert beat_cause(replace(segment, cut_s=0.0, io_s=0.0, spill_s=above)) == SPILL
    free = replace(segment, cut_s=0.0, io_s=0.0, spill_s=0.0)
    assert beat_cause(free) in {layer.binds for stage in free.stages for layer in stage.details}
