"""Results and schedules as HTML for notebooks. Names are data: the template escapes them."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from itertools import groupby
from typing import TYPE_CHECKING

from mcmscope.report.views.summary import SummaryRow, answer, summary_rows
from mcmscope.report.words import clean, duration, percent, plural, ratio, significant, span
from mcmscope.result import Result
from mcmscope.schedule import Cluster, Schedule

if TYPE_CHECKING:
    from jinja2 import Template

Cells = list[str]

_TEMPLATE = """\
<div>
<p>{{ said }}</p>
<table>
<thead><tr>{% for name in names %}<th scope="col">{{ name }}</th>{% endfor %}</tr></thead>
<tbody>
{% for bold, cells in rows -%}
<tr{% if bold %} style="font-weight: bold"{% endif %}>
{%- for cell in cells -%}
<td style="text-align: {{ "left" if loop.index0 in left else "right" }}">{{ cell }}</td>
{%- endfor %}</tr>
{% endfor -%}
</tbody>
</table>
{% for note in notes %}<p>{{ note }}</p>
{% endfor -%}
</div>
"""

_MOST_ROWS = 60
"""Rows of a schedule that are shown."""


def result_html(result: Result) -> str:
    """The answer in a sentence, and a row per scheme."""
    names = ["scheme", "samples per s", "steady state", "speed-up", "one sample", "mJ per sample", "of bound"]
    rows = summary_rows(result)
    notes = [f"{row.scheme} does not fit: {clean(row.reason or '')}." for row in rows if row.reason]
    if result.interrupted:
        notes.append("Interrupted: schemes that were not searched are missing.")
    notes.append(f"Batch {result.batch}, energy profile {clean(result.package.energy.name)}.")
    return _page(
        answer(result),
        [*names, "what binds most"],
        [(row.best, _scheme_cells(row)) for row in rows],
        notes,
        left={0, 7},
    )


def _scheme_cells(row: SummaryRow) -> Cells:
    energy = row.energy_j_per_sample
    cause = f"{row.causes[0][0]} ({percent(row.causes[0][1])} of the time)" if row.causes else "-"
    return [
        row.scheme,
        _told(row.throughput_per_s, significant),
        _told(row.steady_throughput_per_s, significant),
        _told(row.speedup_over_segmented, ratio),
        _told(row.latency_s, duration),
        _told(None if energy is None else 1000 * energy, significant),
        _told(row.of_bound, percent),
        cause,
    ]


def _told(value: float | None, how: Callable[[float], str]) -> str:
    return "-" if value is None else how(value)


def schedule_html(schedule: Schedule) -> str:
    """A row per stage: its layers, chiplets, tiles and partitions."""
    rows = [
        (
            False,
            [
                f"{s + 1}.{c + 1}",
                span(cluster.layers),
                str(segment.micro_batch),
                f"{len(cluster.chiplets)} ({runs(cluster.chiplets)})",
                " x ".join(str(size) for size in cluster.tiles),
                _partitions(cluster),
            ],
        )
        for s, segment in enumerate(schedule.segments)
        for c, cluster in enumerate(segment.clusters)
    ]
    stages = plural(len(rows), "stage")
    said = f"A schedule of {plural(len(schedule.segments), 'segment')} and {stages}"
    if schedule.replicas > 1:
        said += f" on each of {schedule.replicas} replicas"
    notes = [f"{len(rows) - _MOST_ROWS} more stages are not shown."] if len(rows) > _MOST_ROWS else []
    names = ["stage", "layers", "micro-batch", "chiplets", "tiles", "partitions"]
    return _page(f"{said}.", names, rows[:_MOST_ROWS], notes, left={0, 3, 5})


def runs(numbers: tuple[int, ...]) -> str:
    """Numbers in their order, runs as ``3-7``; long lists are cut."""
    told: list[str] = []
    # Numbers of a run differ from their place by the same amount.
    for _, group in groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0]):
        run = [number for _, number in group]
        told.append(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}")
    return ", ".join(told) if len(told) <= 8 else ", ".join(told[:8]) + ", ..."


def _partitions(cluster: Cluster) -> str:
    """``WSP, 3 ISP``: in the order of the layers."""
    told: list[str] = []
    for partition, group in groupby(cluster.partitions):
        count = len(list(group))
        told.append(partition.value if count == 1 else f"{count} {partition.value}")
    return ", ".join(told) if len(told) <= 6 else ", ".join(told[:6]) + ", ..."


def _page(said: str, names: Cells, rows: list[tuple[bool, Cells]], notes: Cells, left: set[int]) -> str:
    return _template().render(said=clean(said), names=names, rows=rows, notes=notes, left=left)


@lru_cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    return Environment(autoescape=True, undefined=StrictUndefined).from_string(_TEMPLATE)
