"""The table of schemes."""

from __future__ import annotations

from rich import box
from rich.table import Table
from rich.text import Text

from mcmscope.report.words import clean, duration, percent, ratio, significant
from mcmscope.result import Result, SchemeResult
from mcmscope.schedule import Objective

_HEADINGS = (
    "samples\nper s",
    "steady\nstate",
    "speed-\nup",
    "one\nsample",
    "mJ per\nsample",
    "MACs\nused",
    "of\nbound",
    "search",
)
_SPEEDUP = 3
"""The column of the speed-up, which is of throughput: other objectives go without."""
_INFEASIBLE = "-"
_ROOMY = 90


def scheme_table(result: Result, width: int = _ROOMY) -> Table:
    """One row per scheme, the best one in bold; a dash for figures that an infeasible scheme has not.

    A terminal of 80 columns holds it.
    """
    padding = (0, 1, 0, 0) if width >= _ROOMY else 0
    table = Table(box=box.SIMPLE_HEAD, padding=padding, pad_edge=False, show_edge=False)
    table.add_column(Text("scheme"), no_wrap=True, vertical="bottom")
    shown = [
        at for at in range(1 + len(_HEADINGS)) if at != _SPEEDUP or result.objective is Objective.THROUGHPUT
    ]
    for at in shown[1:]:
        table.add_column(Text(_HEADINGS[at - 1]), justify="right", no_wrap=True)
    best = result.best
    for row in result.schemes:
        style = "bold" if row is best else "" if row.feasible else "dim"
        told = cells(row)
        table.add_row(*(Text(told[at]) for at in shown), style=style)
    return table


def cells(row: SchemeResult) -> tuple[str, ...]:
    """A scheme's row, in the order of the headings."""
    found = row.evaluation
    if found is None:
        return (row.scheme.value, *([_INFEASIBLE] * (len(_HEADINGS) - 1)), duration(row.search_s))
    return (
        row.scheme.value,
        significant(found.throughput_per_s),
        significant(found.steady_throughput_per_s),
        ratio(row.speedup_over_segmented) if row.speedup_over_segmented is not None else _INFEASIBLE,
        duration(found.latency_s),
        significant(1000 * found.energy_j_per_sample),
        percent(found.utilization),
        percent(found.throughput_per_s / found.bound_throughput_per_s),
        duration(row.search_s),
    )


def energy_line(row: SchemeResult | None) -> list[str]:
    """The best scheme's energy by where it goes."""
    if row is None or row.evaluation is None:
        return []
    parts = row.evaluation.energy_breakdown_j or {}
    total = row.evaluation.energy_j_per_sample
    order = sorted(parts, key=lambda name: -parts[name])
    told = [f"{name.replace('_', ' ')} {percent(parts[name] / total)}" for name in order if parts[name] > 0]
    return [f"Energy (profile {clean(row.energy_profile)}): {', '.join(told)}."]
