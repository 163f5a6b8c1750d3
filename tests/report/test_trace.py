"""Traces: the rules of the format, slices that do not overlap, and the totals of ``evaluate``."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from typer.testing import Result

from mcmscope.api import evaluate, simulate_schedule
from mcmscope.cli.app import BAD_INPUT
from mcmscope.cost.evaluate import Evaluation
from mcmscope.errors import InputError
from mcmscope.report.trace.beats import Shown, default_shown
from mcmscope.report.trace.events import Counter, Slice, Trace, trace_text
from mcmscope.report.trace.trace import trace_of
from mcmscope.schedule import Objective, Schedule, Scheme
from mcmscope.schedule_file import SavedSchedule, save_schedule
from tests.cli import calls
from tests.cost.generators import Case, cases
from tests.report.trace_rules import Event, Read, read
from tests.test_simulation import PIPELINE

SUPPRESSED = (HealthCheck.too_slow, HealthCheck.filter_too_much)
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=SUPPRESSED)
PS_PER_S = 10**12


def ps(seconds: float) -> int:
    return round(seconds * PS_PER_S)


def saved_of(case: Case) -> SavedSchedule:
    return SavedSchedule(
        case.network,
        case.package,
        case.batch,
        Objective.THROUGHPUT,
        Scheme.MERGED_PIPELINE,
        case.schedule,
    )


def lasting(events: Iterable[Event]) -> int:
    """What slices take together; one that stands for others takes what those do."""
    return sum(event.args.get("busy_ps", event.end - event.begin) for event in events)


def beats_of(events: Iterable[Event]) -> int:
    """How many micro-batches slices stand for."""
    return sum(event.args.get("micro_batches", 1) for event in events)


def assert_modelled(found: Read, saved: SavedSchedule, priced: Evaluation) -> None:
    """Every total of a trace is the evaluation's, to the picosecond."""
    segments = found.on("batch", "segments")
    assert lasting(segments) == priced.batch_ps == found.about["batch_ps"]
    edges = [segments[0].begin, *(event.end for event in segments)]
    assert edges[:-1] == [event.begin for event in segments], "time that belongs to no segment"
    assert edges[0] == 0
    assert lasting(found.on("batch", "weights")) == sum(ps(x.load_s) for x in priced.segments)
    assert lasting(found.on("batch", "beats")) == sum(ps(x.run_s) for x in priced.segments)
    assert sum(event.args.get("beats", 1) for event in found.on("batch", "beats")) == sum(
        x.passes * (x.beats + len(x.stages) - 1) for x in priced.segments
    )
    (regions,) = (pid for pid, name in found.processes.items() if name.startswith("regions"))
    tracks = [where for where in found.tracks if where[0] == regions]
    stages = [(x, stage) for x in priced.segments for stage in x.stages]
    assert len(tracks) == len(stages)
    for where, (segment, stage) in zip(tracks, stages, strict=True):
        events = found.slices[where]
        busy = [event for event in events if event.depth == 0]
        times = [ps(stage.time_s)] * (segment.passes - 1) + [ps(segment.last_slowest_stage_s)]
        if segment.passes == 1:
            times = [ps(stage.time_s)]
        assert beats_of(busy) == segment.beats * segment.passes
        assert lasting(busy) == segment.beats * sum(times)
        shown = sum(event.kind == "stage" for event in busy)
        layers = [event for event in events if event.depth == 1]
        if segment.passes == 1:
            assert lasting(layers) == shown * sum(ps(layer.time_s) for layer in stage.details)
            assert len(layers) == shown * len(stage.details)
        else:
            assert not layers
    moved = sum(found.integral("DRAM (GB/s)", name) for name in ("weights", "activations")) / 1000
    assert priced.energy_breakdown_j is not None
    if saved.package.energy.dram_fj_per_byte:
        joules = priced.energy_breakdown_j["dram"] * saved.batch
        assert moved == pytest.approx(joules * 1e15 / saved.package.energy.dram_fj_per_byte, rel=1e-4)
    limit = saved.package.dram_mb_per_s / 1000
    assert all(sum(values.values()) <= limit * 1.0001 for _, values in found.counter("DRAM (GB/s)"))
    chiplets = found.counter("chiplets")
    assert all(sum(values.values()) <= 2 * saved.package.chiplets * 1.0001 for _, values in chiplets)
    assert all(set(points[-1][1].values()) == {0.0} for points in found.counters.values())
    assert all(points[-1][0] <= priced.batch_ps for points in found.counters.values())


@QUICK
@given(cases(), st.sampled_from((None, 1, 2, 5)))
def test_the_modelled_totals_are_those_of_evaluate(case: Case, ends: int | None) -> None:
    saved = saved_of(case)
    priced = evaluate(saved)
    assume(priced.feasible)
    trace = trace_of(saved, ends=ends)
    assert_modelled(read(trace_text(trace)), saved, priced)
    longest = max(x.beats for x in priced.segments)
    assert bool(trace.left_out) == (ends is not None and longest > 2 * ends)


def test_passes_and_merged_stages(saved: SavedSchedule) -> None:
    """AlexNet on 16 chiplets: linear layers in passes, of which the last may be smaller."""
    priced = evaluate(saved)
    assert any(x.passes > 1 for x in priced.segments)
    found = read(trace_text(trace_of(saved)))
    assert_modelled(found, saved, priced)
    merged = found.on("regions", "2.1 features.6 to features.10 (16 chiplets)")
    assert len(merged) == 8
    inside = found.on("regions", "2.1 features.6 to features.10 (16 chiplets)", depth=1)
    assert [event.name for event in inside[:3]] == ["features.6", "features.8", "features.10"]
    runs = [event.name for event in found.on("batch", "segments") if "pass" in event.name]
    assert any(name.endswith(": weights pass 1") for name in runs)


def test_weights_that_are_prefetched_hold_up_nobody_but_the_first(saved: SavedSchedule) -> None:
    ahead = replace(saved, package=replace(saved.package, prefetch=True))
    priced = evaluate(ahead)
    assert priced.feasible
    found = read(trace_text(trace_of(ahead)))
    assert_modelled(found, ahead, priced)
    kinds = [event.kind for event in found.on("batch", "segments")]
    assert kinds.count("load") == 1
    assert "wait" in kinds


def assert_simulated(found: Read, saved: SavedSchedule) -> None:
    """Totals of a trace are the simulation's, to rounding of each slice; links carried what they carried."""
    simulation = simulate_schedule(saved)
    segments = found.on("batch", "segments")
    assert lasting(segments) == found.about["batch_ps"]
    assert found.about["batch_ps"] == pytest.approx(simulation.batch_s * PS_PER_S, abs=1)
    tracks = [where for where in found.tracks if found.processes[where[0]].startswith("regions")]
    stages = [(x, stage) for x in simulation.segments for stage in x.stages]
    for where, (segment, stage) in zip(tracks, stages, strict=False):
        beats = [event for event in found.slices[where] if event.depth == 0 and event.kind != "load"]
        assert beats_of(beats) == segment.beats * segment.passes
        if segment.passes == 1:
            assert lasting(beats) == pytest.approx(stage.busy_s * PS_PER_S * segment.beats, abs=segment.beats)
        for event in found.slices[where]:
            assert event.depth == {"stage": 0, "load": 0, "left out": 0, "layer": 1, "compute": 2}[event.kind]
    counters = {
        "read": (found.integral("DRAM (GB/s)", "read") / 1000, simulation.read_bytes),
        "written": (found.integral("DRAM (GB/s)", "written") / 1000, simulation.write_bytes),
        "sent": (
            sum(found.integral("NoP (GB/s)", name) for name in found.counter("NoP (GB/s)")[0][1]) / 1000,
            simulation.sent_bytes,
        ),
    }
    for drawn, counted in counters.values():
        assert drawn == pytest.approx(counted, rel=1e-4, abs=1)
    if any(name == "links busy (%)" for _, name in found.counters):
        mean = found.integral("links busy (%)", "mean") / 100 / (simulation.batch_s * PS_PER_S)
        exists = simulation.mesh.exists()
        # The times drawn are whole ps.
        near = 1e-9 + 1 / (simulation.batch_s * PS_PER_S)
        assert mean == pytest.approx(float(simulation.link_utilization[exists].mean()), rel=1e-4, abs=near)
    for (_, name), points in found.counters.items():
        if "%" in name:
            assert all(value <= 100.01 for _, values in points for value in values.values()), name


@settings(QUICK, max_examples=25)
@given(cases(), st.sampled_from((None, 1, 3)))
def test_the_simulated_totals_are_those_of_the_simulation(case: Case, ends: int | None) -> None:
    saved = saved_of(case)
    try:
        trace = trace_of(saved, simulated=True, ends=ends)
    except InputError:
        assume(False)
        raise
    assert_simulated(read(trace_text(trace)), saved)


def test_a_simulated_trace_of_a_network(saved: SavedSchedule) -> None:
    found = read(trace_text(trace_of(saved, simulated=True)))
    assert_simulated(found, saved)
    busiest = [name for _, name in found.counters if name.startswith("busy (%): chiplet ")]
    assert len(busiest) == 8


def test_replicas_have_tracks_of_their_own_when_simulated() -> None:
    layers = PIPELINE.schedule.segments[0].clusters
    one = replace(layers[0], layers=(0, 2), chiplets=(0,), tiles=(1, 1, 1), partitions=("WSP", "WSP"))
    segment = replace(PIPELINE.schedule.segments[0], clusters=(one,))
    twice = replace(PIPELINE, scheme=Scheme.DATA_PARALLEL, schedule=Schedule((segment,), 2))
    assert_modelled(read(trace_text(trace_of(twice))), twice, evaluate(twice))
    found = read(trace_text(trace_of(twice, simulated=True)))
    assert_simulated(found, twice)
    first, second = (found.on(f"regions of replica {r}", "1.1 conv to point (1 chiplet)") for r in (1, 2))
    # Seven samples: four here and three there, in micro-batches of two.
    assert [event.args["samples"] for event in first if event.kind == "stage"] == [2, 2]
    assert [event.args["samples"] for event in second if event.kind == "stage"] == [2, 1]


def test_many_beats_are_left_out_in_the_middle_and_told(
    saved: SavedSchedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = 3000
    monkeypatch.setattr("mcmscope.report.trace.beats.MOST_SLICES", most)
    many = replace(saved, batch=60_000)
    trace = trace_of(many)
    assert most / 2 < len(trace.slices) < most * 1.1
    assert any(line.startswith("segment 1 (layers 0-1): ") for line in trace.left_out)
    found = read(trace_text(trace))
    assert_modelled(found, many, evaluate(many))
    assert found.about["left_out"] == trace.left_out


def test_all_beats_are_shown_if_they_are_few(saved: SavedSchedule) -> None:
    assert default_shown(evaluate(saved).segments, 1, simulated=False) == Shown(None)


@given(st.integers(1, 50), st.one_of(st.none(), st.integers(1, 30)))
def test_beats_are_shown_or_left_out_once(beats: int, ends: int | None) -> None:
    first, without, last = Shown(ends).parted(beats)
    assert [*first, *without, *last] == list(range(beats))
    assert not without or len(first) == len(last) == ends


def test_names_are_data(saved: SavedSchedule) -> None:
    name = '<script>alert("1")</script>\n\u2028\x1b[31m{}'
    layers = (replace(saved.network.layers[0], name=name), *saved.network.layers[1:])
    odd = replace(saved, network=replace(saved.network, layers=layers))
    text = trace_text(trace_of(odd))
    assert text.isascii()
    found = read(text)
    assert any(event.name == name for event in found.on("regions", f"1.1 {name} (1 chiplet)", depth=1))


def test_the_checker_refuses_what_overlaps() -> None:
    """Of the checker itself: two slices side by side are well, two that cross are not."""
    trace = Trace({}, slices=[Slice(1, 1, "a", "x", 0, 10), Slice(1, 1, "b", "x", 10, 20)])
    _, process = trace.process("p")
    process.track("t")
    assert len(read(trace_text(trace)).slices[1, 1]) == 2
    trace.slices.append(Slice(1, 1, "c", "x", 15, 25))
    with pytest.raises(AssertionError, match="overlaps"):
        read(trace_text(trace))


def test_a_counter_keeps_only_news() -> None:
    counter = Counter("c", ("a",))
    for at, value in ((0, 1.0), (1, 1.0), (2, 1.0000000001), (3, 2.0), (3, 4.0)):
        counter.at(at, value)
    assert counter.points == [(0, (1.0,)), (3, (4.0,))]


def cli(*arguments: str) -> Result:
    return calls.cli("trace", *arguments)


@pytest.fixture
def file(tmp_path: Path) -> str:
    save_schedule(PIPELINE, tmp_path / "schedule.json")
    return str(tmp_path / "schedule.json")


@pytest.mark.parametrize("how", [(), ("--simulate",), ("--beats", "1"), ("--beats", "all")])
def test_the_command_writes_the_same_bytes_each_time(file: str, tmp_path: Path, how: tuple[str, ...]) -> None:
    first, second = tmp_path / "a" / "trace.json", tmp_path / "b.json"
    for place in (first, second):
        result = cli(file, "-o", str(place), *how)
        assert result.exit_code == 0, result.output
        assert f"Wrote {place}." in result.stdout
        assert ("Left out" in result.stdout) == ("1" in how)
    assert first.read_bytes() == second.read_bytes()
    found = read(first.read_text())
    assert found.about["times"] == ("simulated" if "--simulate" in how else "modelled")


def test_faults_are_told_at_once_and_nothing_is_written(file: str, tmp_path: Path) -> None:
    result = cli(str(tmp_path / "none.json"), "-o", str(tmp_path), "--beats", "0")
    assert result.exit_code == BAD_INPUT
    assert [line.removeprefix("error: ") for line in result.stderr.splitlines()] == [
        f"{tmp_path / 'none.json'}: no such file",
        "--beats: expected auto, all or a whole number from 1 to 1000000, got '0'",
        f"{tmp_path}: is a directory, expected a file to write",
    ]
    for arguments in ((file, "-o", ""), (file, "-o", file), (file, "--beats", "x")):
        assert cli(*arguments).exit_code == BAD_INPUT
    assert [path.name for path in tmp_path.iterdir()] == ["schedule.json"]


def test_a_schedule_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    chiplet = replace(PIPELINE.package.chiplet, weight_buffer_bytes=8)
    save_schedule(replace(PIPELINE, package=replace(PIPELINE.package, chiplet=chiplet)), tmp_path / "x.json")
    result = cli(str(tmp_path / "x.json"), "-o", str(tmp_path / "trace.json"))
    assert result.exit_code == BAD_INPUT
    assert "does not fit, so there is nothing to trace: the weights" in result.stderr
    assert not (tmp_path / "trace.json").exists()


def test_too_many_beats_for_the_simulator_are_refused(saved: SavedSchedule) -> None:
    with pytest.raises(InputError, match="take a smaller batch"):
        trace_of(replace(saved, batch=30_000_000), simulated=True)


def test_the_file_is_json_with_an_event_per_line(file: str, tmp_path: Path) -> None:
    assert cli(file, "-o", str(tmp_path / "t.json")).exit_code == 0
    lines = (tmp_path / "t.json").read_text().splitlines()
    assert all(json.loads(line.removesuffix(",")) for line in lines[1:-3])
