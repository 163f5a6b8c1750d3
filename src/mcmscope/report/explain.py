"""A schedule explained: per segment and stage what binds, and what would help."""

from __future__ import annotations

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from mcmscope.cost.breakdown import (
    SegmentEvaluation,
    StageEvaluation,
)
from mcmscope.cost.causes import CAUSES, beat_cause, slowest, stage_cause
from mcmscope.cost.evaluate import Evaluation
from mcmscope.report.advice import advice
from mcmscope.report.sentences import binding, distance, title
from mcmscope.report.words import clean, data, duration, percent, plural, span
from mcmscope.schedule import Segment
from mcmscope.schedule_file import SavedSchedule


def explanation(saved: SavedSchedule, evaluation: Evaluation) -> list[RenderableType]:
    """What ``mcmscope explain`` prints: an overview, then each segment."""
    out: list[RenderableType] = [
        _text(line) for line in title(saved.network, saved.package, saved.batch, saved.objective)
    ]
    if not evaluation.feasible:
        return [*out, _text(f"As {saved.scheme.value} it does not fit: {evaluation.reason}.")]
    out += [_text(binding(saved.scheme, evaluation)), _text(distance(evaluation))]
    if saved.schedule.replicas > 1:
        out.append(
            _text(f"{saved.schedule.replicas} replicas each run a part of the batch; this is one of them.")
        )
    for number, (segment, plan) in enumerate(
        zip(evaluation.segments, saved.schedule.segments, strict=True), start=1
    ):
        out += _segment(number, segment, plan, saved, evaluation)
    return out


def _segment(
    number: int, segment: SegmentEvaluation, plan: Segment, saved: SavedSchedule, evaluation: Evaluation
) -> list[RenderableType]:
    return [
        Text(""),
        _text(_heading(number, segment, saved, evaluation), "bold"),
        _text("  " + _timing(segment, hidden=_load_hidden(segment, saved))),
        _stage_table(segment, plan),
        *(_text(f"  - {line}") for line in advice(segment, saved)),
    ]


def _load_hidden(segment: SegmentEvaluation, saved: SavedSchedule) -> bool:
    """Whether the segment's weights load while the segment before it runs."""
    return saved.package.prefetch and segment.layers[0] > 0


def _heading(number: int, segment: SegmentEvaluation, saved: SavedSchedule, evaluation: Evaluation) -> str:
    total = evaluation.batch_latency_s
    first, last = segment.stages[0].details[0].name, segment.stages[-1].details[-1].name
    names = first if first == last else f"{first} .. {last}"
    load_s = 0.0 if _load_hidden(segment, saved) else segment.load_s
    share = percent((load_s + segment.run_s) / total)
    noun = "layer" if segment.layers[1] - segment.layers[0] == 1 else "layers"
    return f"Segment {number}: {noun} {span(segment.layers)} ({names}), {share} of the batch's time"


def _timing(segment: SegmentEvaluation, *, hidden: bool) -> str:
    before = " while the segment before runs" if hidden else ""
    passes = f", in {segment.passes} passes over slices of its weights" if segment.passes > 1 else ""
    return (
        f"load {duration(segment.load_s)} ({data(segment.load_bytes)}){before}, then "
        f"{duration(segment.run_s)}: {plural(segment.beats, 'beat')} of "
        f"{plural(segment.micro_batch, 'sample')} at {duration(segment.beat_s)}{passes}; "
        f"the beat is set by {CAUSES[beat_cause(segment)]}"
    )


def _stage_table(segment: SegmentEvaluation, plan: Segment) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    for heading in ("stage", "layers", "chiplets", "time", "waits", "weights", "activations", "spills"):
        table.add_column(Text(heading), justify="right", no_wrap=True)
    table.add_column(Text("partitions"), max_width=24)
    table.add_column(Text("what binds"))
    longest = slowest(segment) if len(segment.stages) > 1 else -1
    for index, (stage, cluster) in enumerate(zip(segment.stages, plan.clusters, strict=True)):
        runs = _runs([partition.value for partition in cluster.partitions])
        table.add_row(
            *(Text(cell) for cell in _stage_cells(index, stage, segment.beat_s)),
            Text(runs),
            Text(_stage_binds(stage)),
            style="bold" if index == longest else "",
        )
    return table


def _stage_cells(index: int, stage: StageEvaluation, beat_s: float) -> tuple[str, ...]:
    return (
        str(index + 1),
        span(stage.layers),
        str(stage.chiplets),
        duration(stage.time_s),
        percent(1 - stage.time_s / beat_s) if beat_s else "0%",
        data(stage.stored_weight_bytes),
        data(stage.activation_bytes + stage.relayed_bytes),
        data(stage.spilled_bytes) if stage.spilled_bytes else "-",
    )


def _stage_binds(stage: StageEvaluation) -> str:
    cause, share = stage_cause(stage)
    words = CAUSES[cause]
    return words if share > 0.995 else f"{words} ({percent(share)})"


def _runs(words: list[str]) -> str:
    """``WSP WSP ISP`` as ``2 WSP, ISP``."""
    runs: list[tuple[str, int]] = []
    for word in words:
        if runs and runs[-1][0] == word:
            runs[-1] = (word, runs[-1][1] + 1)
        else:
            runs.append((word, 1))
    return ", ".join(word if times == 1 else f"{times} {word}" for word, times in runs)


def _text(line: str, style: str = "") -> Text:
    return Text(clean(line), style=style)
