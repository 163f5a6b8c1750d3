"""The batch over time: weight loads, then each stage's work in the beats of its segment, as modelled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mcmscope.cost.breakdown import PS_PER_S, SegmentEvaluation
from mcmscope.cost.evaluate import Evaluation
from mcmscope.schedule_file import SavedSchedule


@dataclass(frozen=True, slots=True)
class StageSpan:
    """A stage's part of a beat: it works for ``busy_ps`` from the beat's begin, then waits."""

    layers: tuple[int, int]
    chiplets: tuple[int, ...]
    busy_ps: int


@dataclass(frozen=True, slots=True)
class SegmentSpan:
    """A segment in the batch's time. Stage c works on micro-batch b in slot b + c, counted from ``begin_ps``.

    ``load_begin_ps`` .. ``load_end_ps``: when its weights come in; with prefetch that is while the segment
    before runs. ``end_ps``: when the next segment begins or its exposed load does; after the last slot the
    package may wait for DRAM until then. In ``passes`` there is one stage, which runs all micro-batches once
    per pass; the loads of all passes are drawn as one before the first.
    """

    layers: tuple[int, int]
    micro_batch: int
    beats: int
    beat_ps: int
    load_begin_ps: int
    load_end_ps: int
    begin_ps: int
    end_ps: int
    passes: int
    stages: tuple[StageSpan, ...]

    @property
    def slots(self) -> int:
        """Beats that it takes with fill and drain."""
        return self.beats * self.passes + len(self.stages) - 1

    @property
    def run_ps(self) -> int:
        """From the first beat to the last, without a wait for DRAM behind it."""
        return self.slots * self.beat_ps if self.passes == 1 else self.end_ps - self.begin_ps


@dataclass(frozen=True, slots=True)
class Slice:
    """One stage at work on one micro-batch."""

    segment: int
    stage: int
    micro_batch: int
    begin_ps: int
    end_ps: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """The whole batch: spans in order, from 0 to ``end_ps``, which is the evaluation's ``batch_ps``."""

    segments: tuple[SegmentSpan, ...]
    replicas: int
    end_ps: int


def timeline(saved: SavedSchedule, evaluation: Evaluation) -> Timeline:
    """When everything happens by the model, in whole picoseconds, on each of the replicas alike."""
    prefetch = saved.package.prefetch
    spans: list[SegmentSpan] = []
    now = 0
    for s, segment in enumerate(evaluation.segments):
        load = ps(segment.load_s)
        if s == 0 or not prefetch:
            load_begin, now = now, now + load
            load_end = now
        else:
            load_begin, load_end = spans[-1].begin_ps, spans[-1].begin_ps + load
        end = now + ps(segment.run_s)
        if prefetch and s + 1 < len(evaluation.segments):
            end = now + _with_prefetch_ps(segment, evaluation.segments[s + 1], saved)
        stages = tuple(
            StageSpan(stage.layers, cluster.chiplets, ps(stage.time_s))
            for stage, cluster in zip(segment.stages, saved.schedule.segments[s].clusters, strict=True)
        )
        spans.append(
            SegmentSpan(
                layers=segment.layers,
                micro_batch=segment.micro_batch,
                beats=segment.beats,
                beat_ps=ps(segment.beat_s),
                load_begin_ps=load_begin,
                load_end_ps=load_end,
                begin_ps=now,
                end_ps=end,
                passes=segment.passes,
                stages=stages,
            )
        )
        now = end
    if now != evaluation.batch_ps:
        raise AssertionError(f"the timeline ends at {now} ps, the batch at {evaluation.batch_ps} ps")
    return Timeline(tuple(spans), saved.schedule.replicas, now)


def _with_prefetch_ps(segment: SegmentEvaluation, after: SegmentEvaluation, saved: SavedSchedule) -> int:
    """How long a segment lasts whose successor's weights come in beside it, as the model has it."""
    moved = saved.schedule.replicas * segment.beats * segment.dram_bytes_per_beat + after.load_bytes
    busy = -(-moved * 1_000_000 // saved.package.dram_mb_per_s)
    return max(ps(segment.run_s), busy, ps(after.load_s))


def slices(span: SegmentSpan, number: int, first: int = 0, end: int | None = None) -> Iterator[Slice]:
    """Stages at work in the slots ``first`` to ``end`` of a segment, slot by slot.

    Passes differ in their beats only where the last has fewer slices; they are drawn alike, each an equal
    part of the segment's time.
    """
    beat = span.beat_ps if span.passes == 1 else (span.end_ps - span.begin_ps) // (span.beats * span.passes)
    for slot in range(first, span.slots if end is None else min(end, span.slots)):
        begin = span.begin_ps + slot * beat
        for c, stage in enumerate(span.stages):
            if 0 <= slot - c < span.beats * span.passes:
                yield Slice(number, c, (slot - c) % span.beats, begin, begin + min(stage.busy_ps, beat))


def ps(seconds: float) -> int:
    """Whole picoseconds of a time that was whole picoseconds over 10^12."""
    return round(seconds * PS_PER_S)
