"""The trace of a schedule as it was simulated: each region's work, and what links and DRAM carried."""

from __future__ import annotations

import numpy as np

from mcmscope.cost.evaluate import Evaluation
from mcmscope.report.trace.beats import Shown
from mcmscope.report.trace.carried import Carried
from mcmscope.report.trace.events import Slice, Trace
from mcmscope.report.trace.names import region_name, segment_name
from mcmscope.report.words import plural
from mcmscope.schedule_file import SavedSchedule
from mcmscope.simulate import Simulation
from mcmscope.simulate.plan import Kind, Stage
from mcmscope.simulate.run import Passed

_SEGMENTS = 1
_BINS = 512
"""About so many points of each counter."""


class Simulated:
    """Watches a simulation and draws what it sees."""

    def __init__(self, saved: SavedSchedule, evaluation: Evaluation, shown: Shown) -> None:
        self.saved = saved
        self.shown = shown
        self.trace = Trace({"times": "simulated"})
        self.batch, batch = self.trace.process("batch")
        batch.track("segments")
        replicas = saved.schedule.replicas
        self.regions: list[int] = []
        for replica in range(replicas):
            name = f"regions of replica {replica + 1}" if replicas > 1 else "regions"
            pid, process = self.trace.process(name)
            self.regions.append(pid)
            for s, segment in enumerate(saved.schedule.segments):
                for c, x in enumerate(segment.clusters):
                    process.track(region_name(saved.network, s, c, x.layers, len(x.chiplets)))
        self.first_track: list[int] = []
        count = 1
        for segment in saved.schedule.segments:
            self.first_track.append(count)
            count += len(segment.clusters)
        width = max(1, round(evaluation.batch_ps / _BINS))
        self.carried = Carried(saved.package, width)
        self.now = 0.0

    def watch(self, seen: Passed) -> None:
        """Draw one pass of a segment; passes come in turn."""
        begin, timing = self.now, seen.timing
        end = begin + timing.end_ps
        segment = self.saved.schedule.segments[seen.segment]
        starts = [float(timing.beats[0, start, 0]) for start in seen.plan.starts.values()]
        first = begin + min(starts, default=0.0)
        name = segment_name(seen.segment, segment.layers)
        sliced = seen.case.layers is not seen.case.network.layers
        label = f" pass {seen.number + 1}" if sliced else ""
        for what, kind, since, until in (
            (f"{name}: until it starts{label}", "load", begin, first),
            (f"{name}{label}", "run", first, end),
        ):
            if round(until) > round(since):
                self._say(self.batch, _SEGMENTS, what, kind, since, until)
        for number, flow in enumerate(seen.loads):
            if flow is None:
                continue
            own = number < seen.own
            at = self.first_track[seen.segment + (not own)] + (number if own else number - seen.own)
            since, until = (begin + x for x in timing.loads[number].tolist())
            what = "weights" if own else "weights, prefetched"
            self._say(self.regions[0], at, what, "load", since, until, bytes=round(flow.read_bytes))
        for stage, final in zip(seen.plan.stages, seen.last.stages, strict=True):
            self._stage(begin, seen, stage, final)
        self.carried.add(begin, seen)
        without = self.shown.parted(len(timing.beats))[1]
        if without and seen.number == 0:
            self.trace.left_out.append(f"{name}: {plural(len(without), 'beat')} of {len(timing.beats)}")
        self.now = end

    def _stage(self, begin: float, seen: Passed, stage: Stage, final: Stage) -> None:
        """Micro-batches of a stage, in each its layers, in each of those the computing."""
        mine = {
            (activity.kind, activity.layer): x
            for x, activity in enumerate(seen.plan.activities)
            if activity.stage == stage.index
            and activity.replica == stage.replica
            and activity.kind in (Kind.START, Kind.COMPUTE, Kind.DONE)
        }
        pid, track = self.regions[stage.replica], self.first_track[seen.segment] + stage.index
        times = begin + seen.timing.beats
        opening, closing = mine[Kind.START, stage.layers[0]], mine[Kind.DONE, stage.layers[-1]]
        first, without, last = self.shown.parted(len(times))
        for q in (*first, *last):
            samples = final.samples if q == len(times) - 1 else stage.samples
            if samples == 0:
                continue
            beat = times[q]
            name = f"micro-batch {q + 1}"
            self._say(pid, track, name, "stage", beat[opening, 0], beat[closing, 1], samples=samples)
            for l in stage.layers:
                layer = self.saved.network.layers[l].name
                since, until = beat[mine[Kind.START, l], 0], beat[mine[Kind.DONE, l], 1]
                self._say(pid, track, layer, "layer", since, until, layer=l)
                since, until = beat[mine[Kind.COMPUTE, l]].tolist()
                self._say(pid, track, "computing", "compute", since, until)
        if without:
            middle = times[without.start : without.stop]
            busy = np.rint(middle[:, closing, 1]) - np.rint(middle[:, opening, 0])
            name = f"micro-batches {without.start + 1} to {without.stop} not shown"
            facts = {"micro_batches": len(without), "busy_ps": round(float(busy.sum()))}
            self._say(pid, track, name, "left out", middle[0, opening, 0], middle[-1, closing, 1], **facts)

    def _say(
        self, pid: int, track: int, name: str, kind: str, begin: float, end: float, **details: int
    ) -> None:
        """A slice, its ends rounded to picoseconds: what touched or lay within still does."""
        one = Slice(pid, track, name, kind, round(float(begin)), round(float(end)), dict(details))
        self.trace.slices.append(one)

    def finished(self, simulation: Simulation) -> Trace:
        """The trace, after all was watched."""
        self.trace.about["batch_ps"] = round(simulation.batch_s * 1e12)
        _, process = self.trace.process("links and DRAM")
        self.carried.draw(process, self.now)
        return self.trace
