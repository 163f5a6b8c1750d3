"""The rules of the trace-event format, checked on the text of a trace as a viewer reads it."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

PS_PER_US = 1_000_000
Where = tuple[int, int]


@dataclass(frozen=True)
class Event:
    """A complete event, in picoseconds; ``depth`` 0: in no other one."""

    name: str
    kind: str
    begin: int
    end: int
    depth: int
    args: dict[str, Any]


@dataclass
class Read:
    """A trace, read: names of processes and tracks, slices by track, counters by process and name."""

    processes: dict[int, str] = field(default_factory=dict[int, str])
    tracks: dict[Where, str] = field(default_factory=dict[Where, str])
    slices: dict[Where, list[Event]] = field(default_factory=lambda: defaultdict(list))
    counters: dict[tuple[int, str], list[tuple[int, dict[str, float]]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    about: dict[str, Any] = field(default_factory=dict[str, Any])

    def on(self, process: str, track: str, depth: int = 0) -> list[Event]:
        """Slices of one track, found by names."""
        return [
            event
            for where, events in self.slices.items()
            if self.processes[where[0]] == process and self.tracks[where] == track
            for event in events
            if event.depth == depth
        ]

    def counter(self, name: str) -> list[tuple[int, dict[str, float]]]:
        """Points of the counter of that name."""
        (found,) = [points for (_, called), points in self.counters.items() if called == name]
        return found

    def integral(self, name: str, series: str) -> float:
        """Figure times picoseconds, from the first point to the last."""
        points = self.counter(name)
        return sum(values[series] * (then - at) for (at, values), (then, _) in pairwise(points))


def read(text: str) -> Read:
    """Read a trace and assert that it keeps the rules."""
    data = json.loads(text, parse_constant=_no_constant)
    assert set(data) == {"traceEvents", "displayTimeUnit", "otherData"}
    assert data["displayTimeUnit"] in ("ms", "ns")
    out = Read(about=data["otherData"])
    stacks: dict[Where, list[Event]] = defaultdict(list)
    for event in data["traceEvents"]:
        assert isinstance(event["name"], str)
        assert type(event["pid"]) is int
        match event["ph"]:
            case "M":
                _read_metadata(event, out)
            case "X":
                _read_slice(event, out, stacks)
            case "C":
                _read_counter(event, out)
            case other:
                raise AssertionError(f"unknown phase {other}")
    assert all(where[0] in out.processes and where in out.tracks for where in out.slices), (
        "a track has no name"
    )
    assert all(pid in out.processes for pid, _ in out.counters)
    return out


def _no_constant(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


def _ps(microseconds: object) -> int:
    """Time as a whole number of picoseconds, which it must be."""
    assert type(microseconds) is float or type(microseconds) is int
    value = microseconds * PS_PER_US
    assert math.isfinite(value)
    assert value >= 0
    assert value == float(f"{value:.0f}") or abs(value - round(value)) < 1e-3
    return round(value)


def _read_metadata(event: dict[str, Any], out: Read) -> None:
    assert set(event) == {"name", "ph", "pid", "tid", "args"}
    assert not out.slices, "names come first"
    match event["name"]:
        case "process_name":
            assert event["pid"] not in out.processes
            out.processes[event["pid"]] = event["args"]["name"]
        case "thread_name":
            where = event["pid"], event["tid"]
            assert where not in out.tracks
            out.tracks[where] = event["args"]["name"]
        case "process_sort_index" | "thread_sort_index":
            assert type(event["args"]["sort_index"]) is int
        case other:
            raise AssertionError(f"unknown metadata {other}")


def _read_slice(event: dict[str, Any], out: Read, stacks: dict[Where, list[Event]]) -> None:
    assert set(event) - {"args"} == {"name", "cat", "ph", "ts", "dur", "pid", "tid"}
    assert type(event["tid"]) is int
    assert isinstance(event["cat"], str)
    where = event["pid"], event["tid"]
    begin = _ps(event["ts"])
    end = begin + _ps(event["dur"])
    stack = stacks[where]
    while stack and stack[-1].end <= begin:
        stack.pop()
    before = out.slices[where][-1].begin if out.slices[where] else 0
    assert begin >= before, f"{event['name']} begins before its predecessor on {where}"
    assert not stack or end <= stack[-1].end, f"{event['name']} overlaps {stack[-1].name} on {where}"
    one = Event(event["name"], event["cat"], begin, end, len(stack), event.get("args", {}))
    out.slices[where].append(one)
    stack.append(one)


def _read_counter(event: dict[str, Any], out: Read) -> None:
    assert set(event) == {"name", "ph", "ts", "pid", "tid", "args"}
    assert event["args"], "a counter without figures"
    points = out.counters[event["pid"], event["name"]]
    at = _ps(event["ts"])
    for value in event["args"].values():
        assert type(value) in (int, float)
        assert value >= 0
    if points:
        assert at > points[-1][0]
        assert set(event["args"]) == set(points[-1][1])
    points.append((at, event["args"]))
