from __future__ import annotations

from dataclasses import replace

import pytest
from rich.console import Console

from mcmscope import Evaluation, evaluate
from mcmscope.report.advice import advice
from mcmscope.report.explain import explanation
from mcmscope.report.figures import evaluation_lines
from mcmscope.report.words import percent
from mcmscope.schedule_file import SavedSchedule


@pytest.fixture(scope="module")
def priced(saved: SavedSchedule) -> Evaluation:
    found = evaluate(saved)
    assert found.feasible, found.reason
    return found


def shown(saved: SavedSchedule, priced: Evaluation) -> str:
    console = Console(width=140, markup=False, highlight=False)
    with console.capture() as capture:
        for part in explanation(saved, priced):
            console.print(part, soft_wrap=True)
    return capture.get()


def test_every_segment_and_stage_is_told(saved: SavedSchedule, priced: Evaluation) -> None:
    text = shown(saved, priced)
    for fact in (
        "alexnet (8 layers",
        "What binds merged-pipeline at batch 16, in 5 segments: ",
        "Segment 1: layers 0-1 (features.0 .. features.3)",
        "Segment 2: layers 2-4 (features.6 .. features.10)",
        "Segment 3: layer 5 (classifier.fc1)",
        "16 beats of 1 sample at",
        "8 beats of 2 samples at",
        "the beat is set by",
        "3 ISP",
    ):
        assert fact in text


def test_the_slowest_stage_and_the_imbalance_are_named(saved: SavedSchedule, priced: Evaluation) -> None:
    lines = advice(priced.segments[0], saved)
    assert "layer features.0 (64 x 3 channels" in lines[0]
    assert lines[0].startswith("Stage 1 on 1 chiplet is the slowest and bound by compute")
    waits = 1 - priced.segments[0].stages[1].time_s / priced.segments[0].beat_s
    assert lines[1].startswith("Imbalance: ")
    assert f"stage 2 waits {percent(waits)} of it" in lines[1]


def test_passes_and_loads_are_told(saved: SavedSchedule, priced: Evaluation) -> None:
    segment = priced.segments[2]
    assert segment.passes > 1
    text = "\n".join(advice(segment, saved))
    assert f"it runs in {segment.passes} passes" in text
    assert "Loading 37.7 MB of weights takes" in text


def test_every_cause_has_its_advice(saved: SavedSchedule, priced: Evaluation) -> None:
    segment = priced.segments[1]
    stage = segment.stages[0]
    for binds, words in (
        ("compute", "bound by compute"),
        ("NoP", "bound by exchanges over the NoP: "),
        ("start", "a larger micro-batch"),
        ("vector", "more vector lanes"),
        ("memory", "buffer reads"),
    ):
        details = tuple(replace(layer, binds=binds) for layer in stage.details)
        changed = replace(
            segment, stages=(replace(stage, details=details),), cut_s=0.0, io_s=0.0, spill_s=0.0
        )
        assert any(words in line for line in advice(changed, saved)), binds
    above = 2 * segment.slowest_stage_s
    assert any(line.startswith("DRAM: ") for line in advice(replace(segment, io_s=above, spill_s=0.0), saved))
    spilling = replace(segment, spill_s=above, stages=(replace(stage, spilled_bytes=5000),))
    assert any("spills 5.00 KB per chiplet" in line for line in advice(spilling, saved))
    assert any(
        "takes" in line
        and line.endswith("of it: a smaller micro-batch, fewer merged layers here, or larger buffers.")
        for line in advice(spilling, saved)
    )
    pipeline = priced.segments[0]
    first = replace(pipeline.stages[0], cut_s=1.0)
    cut = replace(pipeline, cut_s=1.0, stages=(first, *pipeline.stages[1:]))
    assert any(line.startswith("Cut: the tensors that pass from stage 1 to 2") for line in advice(cut, saved))


def test_a_spill_names_only_moves_that_exist(saved: SavedSchedule, priced: Evaluation) -> None:
    segment = priced.segments[2]
    above = 2 * segment.slowest_stage_s
    stages = (replace(segment.stages[0], spilled_bytes=5000),)
    binding = advice(replace(segment, spill_s=above, stages=stages, micro_batch=1), saved)
    assert any(line.endswith(" of it: larger buffers.") for line in binding)
    hidden = advice(replace(segment, io_s=0.0, spill_s=1e-12, stages=stages), saved)
    assert any(line.endswith(" and does not set the beat.") for line in hidden)


def test_a_replica_has_only_its_own_chiplets(saved: SavedSchedule, priced: Evaluation) -> None:
    segment = priced.segments[1]
    (stage,) = segment.stages
    half = replace(stage, chiplets=8, details=tuple(replace(d, binds="vector") for d in stage.details))
    changed = replace(segment, stages=(half,), cut_s=0.0, io_s=0.0, spill_s=0.0)
    assert any("more chiplets here" in line for line in advice(changed, saved))
    replicas = replace(saved, schedule=replace(saved.schedule, replicas=2))
    assert not any("more chiplets here" in line for line in advice(changed, replicas))


def test_a_load_behind_a_run_is_no_share_of_the_time(saved: SavedSchedule) -> None:
    fetching = replace(saved, package=replace(saved.package, prefetch=True))
    priced = evaluate(fetching)
    text = shown(fetching, priced)
    shares = [
        float(line.split("% of the batch")[0].rsplit(" ", 1)[1])
        for line in text.splitlines()
        if line.startswith("Segment ")
    ]
    assert sum(shares) <= 101
    assert text.count(" while the segment before runs, then ") == len(priced.segments) - 1
    for segment in priced.segments[1:]:
        assert not any(line.startswith("Loading ") for line in advice(segment, fetching))


def test_an_infeasible_schedule_says_why(saved: SavedSchedule) -> None:
    reason = "the weights of a cluster do not fit"
    found = Evaluation(False, reason, saved.batch)
    assert f"it does not fit: {reason}." in shown(saved, found)
    assert f"It does not fit: {reason}." in evaluation_lines(saved, found)


def test_figures_name_the_energy_profile(saved: SavedSchedule, priced: Evaluation) -> None:
    text = "\n".join(evaluation_lines(saved, priced))
    assert "mJ, profile simba-16nm" in text
    assert "samples/s at batch 16" in text
