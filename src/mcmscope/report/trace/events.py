"""A trace as plain data, and as text in the trace-event format.

The format: *Trace Event Format*, the Chromium project. Times in files are microseconds with six decimals:
whole picoseconds.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

PS_PER_US = 1_000_000


@dataclass(frozen=True, slots=True)
class Slice:
    """Something that lasts, on track ``track`` of process ``process``; both count from 1.

    Slices of a track either lie one after another, or one within the other.
    """

    process: int
    track: int
    name: str
    kind: str
    begin_ps: int
    end_ps: int
    details: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass
class Counter:
    """Figures over time: each holds from its point to the next."""

    name: str
    series: tuple[str, ...]
    points: list[tuple[int, tuple[float, ...]]] = field(default_factory=list[tuple[int, tuple[float, ...]]])

    def at(self, ps: int, *values: float) -> None:
        """From here on the figures are these, to six digits; points without news are left out."""
        told = tuple(float(f"{value:.6g}") for value in values)
        if self.points and self.points[-1][0] == ps:
            self.points.pop()
        if not self.points or self.points[-1][1] != told:
            self.points.append((ps, told))


@dataclass
class Process:
    """Tracks and counters that are shown together."""

    name: str
    tracks: list[str] = field(default_factory=list[str])
    counters: list[Counter] = field(default_factory=list[Counter])

    def track(self, name: str) -> int:
        """Add a track; returns its number."""
        self.tracks.append(name)
        return len(self.tracks)

    def counter(self, name: str, *series: str) -> Counter:
        """Add a counter."""
        self.counters.append(Counter(name, series))
        return self.counters[-1]


@dataclass
class Trace:
    """Processes with their slices; ``about`` says what it is of, ``left_out`` what is not shown."""

    about: dict[str, Any]
    processes: list[Process] = field(default_factory=list[Process])
    slices: list[Slice] = field(default_factory=list[Slice])
    left_out: list[str] = field(default_factory=list[str])

    def process(self, name: str) -> tuple[int, Process]:
        """Add a process; returns it with its number."""
        self.processes.append(Process(name))
        return len(self.processes), self.processes[-1]


def trace_text(trace: Trace) -> str:
    """The JSON object of the format, an event per line: the same bytes for the same trace."""
    lines: list[str] = []
    for pid, process in enumerate(trace.processes, 1):
        lines += _metadata(pid, 0, "process", process.name, pid)
        for tid, name in enumerate(process.tracks, 1):
            lines += _metadata(pid, tid, "thread", name, tid)
    for one in sorted(trace.slices, key=lambda x: (x.process, x.track, x.begin_ps, -x.end_ps)):
        event = {
            "name": one.name,
            "cat": one.kind,
            "ph": "X",
            "ts": one.begin_ps / PS_PER_US,
            "dur": (one.end_ps - one.begin_ps) / PS_PER_US,
            "pid": one.process,
            "tid": one.track,
        }
        lines.append(_line({**event, "args": one.details} if one.details else event))
    for pid, process in enumerate(trace.processes, 1):
        for counter in process.counters:
            for ps, values in counter.points:
                figures = dict(zip(counter.series, values, strict=True))
                at = ps / PS_PER_US
                lines.append(
                    _line({"name": counter.name, "ph": "C", "ts": at, "pid": pid, "tid": 0, "args": figures})
                )
    data = json.dumps({**trace.about, "left_out": trace.left_out}, allow_nan=False)
    events = ",\n".join(lines)
    return f'{{"traceEvents":[\n{events}\n],\n"displayTimeUnit":"ns",\n"otherData":{data}}}\n'


def _metadata(pid: int, tid: int, what: str, name: str, place: int) -> list[str]:
    where = {"ph": "M", "pid": pid, "tid": tid}
    return [
        _line({"name": f"{what}_name", **where, "args": {"name": name}}),
        _line({"name": f"{what}_sort_index", **where, "args": {"sort_index": place}}),
    ]


def _line(event: dict[str, Any]) -> str:
    return json.dumps(event, separators=(",", ":"), allow_nan=False)
