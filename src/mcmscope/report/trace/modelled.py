"""The trace of a schedule as modelled: a synchronous pipeline per segment, one segment after another."""

from __future__ import annotations

from dataclasses import dataclass

from mcmscope.cost.breakdown import SegmentEvaluation
from mcmscope.cost.evaluate import Evaluation
from mcmscope.report.trace.beats import Shown
from mcmscope.report.trace.events import Counter, Process, Slice, Trace
from mcmscope.report.trace.names import region_name, segment_name
from mcmscope.report.views.timeline import ps, timeline
from mcmscope.report.words import plural
from mcmscope.schedule_file import SavedSchedule

BATCH, REGIONS = 1, 2
SEGMENTS, WEIGHTS, BEATS = 1, 2, 3
"""Processes, and tracks of the first."""
GB_PER_S = 1000.0
"""A byte per picosecond in GB/s."""


@dataclass(frozen=True, slots=True)
class _Pass:
    """One pass of a segment, in picoseconds; an ordinary segment has one."""

    number: int
    load_ps: int
    beat_ps: int
    stage_ps: tuple[int, ...]


class _Counters:
    """What the package's links and DRAM do."""

    def __init__(self, process: Process) -> None:
        self.dram = process.counter("DRAM (GB/s)", "weights", "activations")
        self.chiplets = process.counter("chiplets", "at work", "taking in over the NoP")
        self.cut = process.counter("busiest cut between regions (% of the beat)", "busy")

    def all(self) -> tuple[Counter, ...]:
        """Every counter."""
        return self.dram, self.chiplets, self.cut

    def rest(self, ps: int) -> None:
        """Nothing happens from here on."""
        for counter in self.all():
            counter.at(ps, *(0.0 for _ in counter.series))


def modelled_trace(saved: SavedSchedule, evaluation: Evaluation, shown: Shown) -> Trace:
    """Segments, beats and the stages of each region; counters are means of a beat or of a segment's run.

    Where there are replicas, the tracks are those of each: they run in step.
    """
    replicas = saved.schedule.replicas
    trace = Trace({"times": "modelled", "batch_ps": evaluation.batch_ps})
    _, batch = trace.process("batch")
    for name in ("segments", "weights", "beats"):
        batch.track(name)
    each = f", each of {replicas} replicas" if replicas > 1 else ""
    _, regions = trace.process(f"regions{each}")
    _, links = trace.process("links and DRAM")
    counters = _Counters(links)
    now = 0
    for s, (segment, span) in enumerate(
        zip(evaluation.segments, timeline(saved, evaluation).segments, strict=True)
    ):
        tracks = [
            regions.track(region_name(saved.network, s, c, stage.layers, stage.chiplets))
            for c, stage in enumerate(segment.stages)
        ]
        following = evaluation.segments[s + 1] if s + 1 < len(evaluation.segments) else None
        one = _Segment(saved, s, segment, tracks, shown, trace, counters)
        now = one.draw(now, span.end_ps, following)
    counters.rest(now)
    return trace


class _Segment:
    """Draws one segment."""

    def __init__(
        self,
        saved: SavedSchedule,
        index: int,
        segment: SegmentEvaluation,
        tracks: list[int],
        shown: Shown,
        trace: Trace,
        counters: _Counters,
    ) -> None:
        self.saved = saved
        self.index = index
        self.segment = segment
        self.tracks = tracks
        self.shown = shown
        self.trace = trace
        self.counters = counters
        self.name = segment_name(index, segment.layers)
        self.prefetch = saved.package.prefetch

    def draw(self, now: int, end: int, following: SegmentEvaluation | None) -> int:
        """Draw from ``now`` to ``end``, which is returned: when the next segment begins.

        With prefetch only the weights of the first segment are waited for: those of all its passes.
        """
        if self.prefetch and self.index == 0:
            now = self._load(now, ps(self.segment.load_s), self.segment.load_bytes, "weights")
        begin = now
        for part in passes(self.segment):
            label = f" pass {part.number}" if self.segment.passes > 1 else ""
            if not self.prefetch:
                loaded = self.segment.load_bytes * part.load_ps / max(1, ps(self.segment.load_s))
                now = self._load(now, part.load_ps, loaded, f"weights{label}")
            run = (self.segment.beats + len(self.tracks) - 1) * part.beat_ps
            self._say(SEGMENTS, f"{self.name}{label}", "run", now, now + run, self._details(part))
            self._beats(now, part)
            self._stages(now, part)
            self._count(now, part)
            now += run
        if self.prefetch:
            self._prefetch(begin, now, end, following)
        return end

    def _details(self, part: _Pass) -> dict[str, object]:
        x = self.segment
        return {
            "micro_batch": x.micro_batch,
            "beats": x.beats,
            "beat_ps": part.beat_ps,
            "slowest_stage_ps": max(part.stage_ps),
            "cut_ps": ps(x.cut_s),
            "dram_ps": ps(x.io_s + x.spill_s),
            "binds": x.binds,
        }

    def _say(
        self, track: int, name: str, kind: str, begin: int, end: int, details: dict[str, object] | None = None
    ) -> None:
        """A slice of the batch's tracks; one that takes no time is none."""
        if end > begin:
            self.trace.slices.append(Slice(BATCH, track, name, kind, begin, end, details or {}))

    def _load(self, now: int, load_ps: int, loaded_bytes: float, label: str) -> int:
        """Weights that are waited for."""
        end = now + load_ps
        details: dict[str, object] = {"bytes": round(loaded_bytes)}
        self._say(SEGMENTS, f"{self.name}: {label}", "load", now, end, details)
        self._say(WEIGHTS, f"{self.name}: {label}", "load", now, end, details)
        if load_ps > 0:
            self.counters.rest(now)
            self.counters.dram.at(now, GB_PER_S * loaded_bytes / load_ps, 0.0)
        return end

    def _prefetch(self, begin: int, done: int, end: int, following: SegmentEvaluation | None) -> None:
        """Weights of the next segment, which come in beside this one and may hold up its end."""
        loading = 0
        if following is not None:
            loading = following.load_bytes
            name = segment_name(self.index + 1, following.layers)
            loaded = begin + ps(following.load_s)
            self._say(WEIGHTS, f"{name}: prefetched", "load", begin, loaded, {"bytes": loading})
            self._say(SEGMENTS, f"{name}: waits for DRAM", "wait", done, end)
        lasts = max(1, end - begin)
        self.counters.dram.at(begin, GB_PER_S * loading / lasts, GB_PER_S * self._run_bytes() / lasts)
        if end > done:
            self.counters.chiplets.at(done, 0.0, 0.0)
            self.counters.cut.at(done, 0.0)

    def _beats(self, begin: int, part: _Pass) -> None:
        """Beats of the pipeline: it fills, is full, drains."""
        k, beats = len(self.tracks), self.segment.beats
        first, without, last = self.shown.parted(beats)
        shown = [*first, *(beat for beat in range(last.start, beats + k - 1) if last)]
        if not last:
            shown = list(range(beats + k - 1))
        for beat in shown:
            phase = "fill" if beat < k - 1 else "drain" if beat >= beats else "full"
            at = begin + beat * part.beat_ps
            self._say(BEATS, f"beat {beat + 1}", phase, at, at + part.beat_ps, {"pipeline": phase})
        if without:
            at, end = (begin + edge * part.beat_ps for edge in (without.start, without.stop))
            name = f"beats {without.start + 1} to {without.stop} not shown"
            self._say(BEATS, name, "left out", at, end, {"beats": len(without)})

    def _stages(self, begin: int, part: _Pass) -> None:
        """What each region does for each micro-batch, and its layers in turn."""
        for c, track in enumerate(self.tracks):
            stage, time = self.segment.stages[c], part.stage_ps[c]
            layers = stage.details if self.segment.passes == 1 else ()
            first, without, last = self.shown.parted(self.segment.beats)
            for q in (*first, *last):
                at = begin + (q + c) * part.beat_ps
                details: dict[str, object] = {"beat": q + c + 1, "binds": stage.binds}
                self._region(track, f"micro-batch {q + 1}", "stage", at, at + time, details)
                for l, layer in enumerate(layers, stage.layers[0]):
                    end = at + ps(layer.time_s)
                    facts: dict[str, object] = {
                        "layer": l,
                        "partition": layer.partition.value,
                        "binds": layer.binds,
                    }
                    self._region(track, layer.name, "layer", at, end, facts)
                    at = end
            if without:
                at = begin + (without.start + c) * part.beat_ps
                end = begin + (without.stop - 1 + c) * part.beat_ps + time
                name = f"micro-batches {without.start + 1} to {without.stop} not shown"
                details = {"micro_batches": len(without), "busy_ps": len(without) * time}
                self._region(track, name, "left out", at, end, details)
        if part.number == 1 and (without := self.shown.parted(self.segment.beats)[1]):
            passes = f" of each of {self.segment.passes} passes" if self.segment.passes > 1 else ""
            self.trace.left_out.append(
                f"{self.name}: {plural(len(without), 'beat')} of {self.segment.beats}{passes}"
            )

    def _region(
        self, track: int, name: str, kind: str, begin: int, end: int, details: dict[str, object]
    ) -> None:
        self.trace.slices.append(Slice(REGIONS, track, name, kind, begin, end, details))

    def _count(self, begin: int, part: _Pass) -> None:
        """Counters during one pass; they change only while the pipeline fills or drains."""
        beats, k, replicas = self.segment.beats, len(self.tracks), self.saved.schedule.replicas
        if not self.prefetch:
            self.counters.dram.at(begin, 0.0, GB_PER_S * self._run_bytes() / max(1, ps(self.segment.run_s)))
        changes = {x for c in range(k + 1) for x in (c, c + beats) if x < beats + k - 1}
        for beat in sorted(changes):
            active = [c for c in range(k) if 0 <= beat - c < beats]
            at = begin + beat * part.beat_ps
            stages = self.segment.stages
            work = sum(stages[c].chiplets * part.stage_ps[c] for c in active) / part.beat_ps
            taking = sum(stages[c].chiplets * self._exchange_ps(c) for c in active) / part.beat_ps
            self.counters.chiplets.at(at, replicas * work, replicas * taking)
            crossed = (ps(stages[c].cut_s) for c in range(k - 1) if 0 <= beat - 1 - c < beats)
            self.counters.cut.at(at, 100 * max(crossed, default=0) / part.beat_ps)

    def _exchange_ps(self, c: int) -> int:
        """What a stage's exchanges take in a beat; passes over slices do not report theirs."""
        if self.segment.passes > 1:
            return 0
        return sum(ps(layer.exchange_s) for layer in self.segment.stages[c].details)

    def _run_bytes(self) -> int:
        """What all beats of the batch move to and from DRAM, weights aside."""
        x, m = self.segment, self.saved.batch
        full, rest = divmod(m, x.micro_batch)
        return full * x.dram_bytes_per_beat + -(-x.dram_bytes_per_beat * rest // x.micro_batch)


def passes(segment: SegmentEvaluation) -> list[_Pass]:
    """The passes of a segment in turn; all but the last are alike."""
    count = segment.passes
    stages = tuple(ps(stage.time_s) for stage in segment.stages)
    last = _Pass(count, ps(segment.last_load_s), ps(segment.last_beat_s), stages)
    if count == 1:
        return [last]
    load = (ps(segment.load_s) - last.load_ps) // (count - 1)
    usual = [_Pass(number, load, ps(segment.beat_s), stages) for number in range(1, count)]
    return [*usual, _Pass(count, last.load_ps, last.beat_ps, (ps(segment.last_slowest_stage_s),))]
