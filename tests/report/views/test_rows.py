"""Rows of views on random schedules: parts sum to their wholes, nothing overlaps, nothing is lost."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, assume, given, settings

from mcmscope.cost.evaluate import Evaluation, evaluate
from mcmscope.report.views.energy import segment_bars
from mcmscope.report.views.layers import layer_rows
from mcmscope.report.views.package_map import owners, package_map
from mcmscope.report.views.roofline import dram_roof, stage_roof
from mcmscope.report.views.stages import PARTS, SegmentRow, segment_rows
from mcmscope.report.views.timeline import slices, timeline
from mcmscope.schedule import Objective, Scheme
from mcmscope.schedule_file import SavedSchedule
from tests.cost.generators import Case, cases

QUICK = settings(
    max_examples=60, deadline=None, suppress_health_check=(HealthCheck.too_slow, HealthCheck.filter_too_much)
)


def priced(case: Case) -> tuple[SavedSchedule, Evaluation]:
    evaluation = evaluate(case.schedule, case.network, case.package, case.batch)
    assume(evaluation.feasible)
    saved = SavedSchedule(
        case.network,
        case.package,
        case.batch,
        Objective.THROUGHPUT,
        Scheme.MERGED_PIPELINE,
        case.schedule,
    )
    return saved, evaluation


def rows_of(case: Case) -> tuple[SavedSchedule, Evaluation, tuple[SegmentRow, ...]]:
    saved, evaluation = priced(case)
    return saved, evaluation, segment_rows(saved, evaluation)


@given(cases())
@QUICK
def test_parts_of_a_beat_sum_to_it(case: Case) -> None:
    _, evaluation, segments = rows_of(case)
    for segment, found in zip(segments, evaluation.segments, strict=True):
        for stage, told in zip(segment.stages, found.stages, strict=True):
            assert tuple(stage.parts_s) == PARTS
            assert sum(stage.parts_s.values()) == pytest.approx(found.beat_s)
            assert min(stage.parts_s.values()) > -1e-15
            waits = sum(stage.parts_s[name] for name in ("links", "dram", "spill", "idle"))
            assert stage.beat_s - waits == pytest.approx(told.time_s)
            assert 0 <= stage.filled <= 1 + 1e-9


@given(cases())
@QUICK
def test_the_time_line_ends_with_the_batch_and_stages_never_overlap(case: Case) -> None:
    saved, evaluation = priced(case)
    found = timeline(saved, evaluation)
    assert found.end_ps == evaluation.batch_ps
    free = 0
    for s, (span, segment) in enumerate(zip(found.segments, evaluation.segments, strict=True)):
        assert span.begin_ps >= free
        assert span.load_end_ps <= span.begin_ps
        assert span.end_ps - span.begin_ps >= round(segment.run_s * 1e12)
        at = [span.begin_ps] * len(span.stages)
        worked = [0] * len(span.stages)
        for part in slices(span, s):
            assert at[part.stage] <= part.begin_ps <= part.end_ps <= span.end_ps
            at[part.stage] = part.end_ps
            worked[part.stage] += part.end_ps - part.begin_ps
        if span.passes == 1:
            assert worked == [span.beats * stage.busy_ps for stage in span.stages]
        free = span.end_ps


@given(cases())
@QUICK
def test_energies_of_layers_and_segments_sum_to_the_whole(case: Case) -> None:
    saved, evaluation, segments = rows_of(case)
    parts = dict.fromkeys(evaluation.energy_breakdown_j or {}, 0.0)
    for bar in segment_bars(segments):
        for name, joules in bar.parts_j.items():
            parts[name] += joules
    parts["static"] = (evaluation.energy_breakdown_j or {})["static"]
    assert parts == pytest.approx(evaluation.energy_breakdown_j)
    layers = layer_rows(saved, evaluation)
    assert [row.layer for row in layers] == list(range(len(case.network)))
    assert [row.name for row in layers] == [layer.name for layer in case.network.layers]
    most = {s: sum(row.energy_j.values()) for s, row in enumerate(segments)}
    for s, whole in most.items():
        assert sum(row.energy_j for row in layers if row.segment == s) <= whole * (1 + 1e-9)


@given(cases())
@QUICK
def test_nothing_is_above_a_roof_that_no_schedule_beats(case: Case) -> None:
    saved, _, segments = rows_of(case)
    stages = stage_roof(saved.package, segments)
    whole = dram_roof(saved.package, segments, saved.schedule.replicas)
    for roof in (stages, whole):
        assert all(point.macs_per_s <= roof.peak_macs_per_s * (1 + 1e-9) for point in roof.points)
    (_, bandwidth), *_ = whole.slopes
    for point in whole.points:
        if point.intensity is not None and not saved.package.prefetch:
            assert point.macs_per_s <= point.intensity * bandwidth * (1 + 1e-6)


@given(cases())
@QUICK
def test_every_chiplet_of_a_cluster_is_on_the_map(case: Case) -> None:
    saved, _, segments = rows_of(case)
    found = package_map(saved.package, saved.schedule, segments)
    for plan, uses in zip(saved.schedule.segments, found.segments, strict=True):
        assert [use.chiplet for use in uses] == list(range(saved.package.chiplets))
        first = {use.chiplet: use.stage for use in uses if use.replica == 0 and use.stage is not None}
        assert first == {x: c for c, cluster in enumerate(plan.clusters) for x in cluster.chiplets}
        assert set(owners(saved.package, plan, saved.schedule.replicas)) == {
            use.chiplet for use in uses if use.stage is not None
        }
    assert len(found.ports) == saved.package.dram_ports
