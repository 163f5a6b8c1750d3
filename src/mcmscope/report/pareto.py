"""A throughput-energy front as a table, as JSON and as CSV."""

from __future__ import annotations

import csv
from io import StringIO
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from mcmscope.files import check_directory, json_text, make_directory, write_text
from mcmscope.hardware.dump import package_to_dict
from mcmscope.pareto import Pareto, ParetoPoint
from mcmscope.report.result_json import network_summary
from mcmscope.report.sentences import title
from mcmscope.report.words import clean, duration, plural, significant
from mcmscope.schedule import Objective
from mcmscope.schedule_file import schedule_to_dict

FORMAT = "mcmscope-pareto"
VERSION = 1
JSON_FILE, CSV_FILE, PICTURE_FILE = "pareto.json", "pareto.csv", "pareto.svg"

COLUMNS = (
    "throughput_per_s",
    "energy_j_per_sample",
    "batch_latency_s",
    "batch_ps",
    "energy_fj",
    "segments",
    "stages",
    "proof",
    "gap",
    "cover",
)
"""Columns of the CSV, and keys of a point in the JSON."""


def point_row(point: ParetoPoint) -> dict[str, Any]:
    """The figures of a point under the names of ``COLUMNS``, in their order."""
    priced, schedule = point.evaluation, point.schedule
    return {
        "throughput_per_s": priced.throughput_per_s,
        "energy_j_per_sample": priced.energy_j_per_sample,
        "batch_latency_s": priced.batch_latency_s,
        "batch_ps": priced.batch_ps,
        "energy_fj": str(priced.energy_fj),
        "segments": len(schedule.segments),
        "stages": sum(1 for _ in schedule.clusters),
        "proof": point.proof,
        "gap": point.gap,
        "cover": point.cover,
    }


def pareto_to_dict(found: Pareto) -> dict[str, Any]:
    """The content of ``pareto.json``."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "network": network_summary(found.network),
        "package": package_to_dict(found.package),
        "batch": found.batch,
        "scheme": found.scheme.value,
        "micro_batch": found.micro_batch,
        "energy_profile": found.package.energy.name,
        "exact": found.exact,
        "gap": found.gap,
        "states": str(found.states),
        "stopped": found.stopped,
        "interrupted": found.interrupted,
        "reason": found.reason,
        "points": [
            {**point_row(point), "schedule": schedule_to_dict(point.schedule)} for point in found.points
        ],
    }


def pareto_csv(found: Pareto) -> str:
    """A row per point, fastest first; what is not known is empty."""
    text = StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(COLUMNS)
    rows.writerows(point_row(point).values() for point in found.points)
    return text.getvalue()


def save_pareto(found: Pareto, directory: Path) -> tuple[Path, ...]:
    """``Pareto.save``: the data last."""
    from mcmscope.report.plots.front import front_figure
    from mcmscope.report.plots.style import svg

    check_directory(directory)
    make_directory(directory)
    data = pareto_to_dict(found)
    picture = svg(lambda: front_figure(data))
    texts = {CSV_FILE: pareto_csv(found), PICTURE_FILE: picture, JSON_FILE: json_text(data)}
    for name, text in texts.items():
        write_text(directory / name, text)
    return tuple(directory / name for name in texts)


def pareto_table(found: Pareto) -> Table:
    """One row per point, fastest first."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 2, 0, 0), pad_edge=False, show_edge=False)
    for name in ("samples\nper s", "mJ per\nsample", "batch\ntakes", "segments", "stages"):
        table.add_column(Text(name), justify="right", no_wrap=True, vertical="bottom")
    table.add_column(Text("proof"), no_wrap=True, vertical="bottom")
    for name in ("better\nat most", "cover to\nthe next"):
        table.add_column(Text(name), justify="right", no_wrap=True, vertical="bottom")
    for point in found.points:
        row = point_row(point)
        told = (
            significant(row["throughput_per_s"]),
            significant(1000 * row["energy_j_per_sample"]),
            duration(row["batch_latency_s"]),
            str(row["segments"]),
            str(row["stages"]),
            point.proof,
            share(point.gap),
            share(point.cover),
        )
        table.add_row(*(Text(cell) for cell in told))
    return table


def share(value: float | None) -> str:
    """A gap in percent with two significant digits, rounded up; a dash if it is not known."""
    if value is None:
        return "-"
    return "0" if value == 0 else "<0.01%" if value < 1e-4 else f"{100 * value:.2g}%"


def pareto_title(found: Pareto) -> list[str]:
    """What the table is of."""
    first, _ = title(found.network, found.package, found.batch, Objective.ENERGY)
    package, micro = found.package, "" if found.micro_batch is None else f", micro-batch {found.micro_batch}"
    return [
        first,
        f"on {package.name} ({package.rows} x {package.columns} chiplets), batch {found.batch}{micro}, "
        f"as {found.scheme.value}; energy profile {package.energy.name}",
    ]


def summary_lines(found: Pareto) -> list[str]:
    """What the points are, and how much is proven of them."""
    if not found.points:
        return [f"{found.scheme.value} has no schedule here: {clean(found.reason or '')}."]
    fast, thrifty = found.points[0].evaluation, found.points[-1].evaluation
    ends = [
        f"{significant(1000 * end.energy_j_per_sample)} mJ at {significant(end.throughput_per_s)} samples/s"
        for end in (fast, thrifty)
    ]
    lines = [f"From {ends[0]} to {ends[1]}."]
    if found.interrupted:
        lines.append("The search was broken off: this is what was known by then.")
    elif found.stopped:
        lines.append("Time was up before the search ended: this is what was known by then.")
    points = plural(len(found.points), "point")
    if found.exact:
        return [*lines, f"This is the whole front, proven: {points}; no schedule beats any of them."]
    supported = sum(point.proof == "supported" for point in found.points)
    lines.append(f"{supported} of {points} proven: on the front's convex hull (supported).")
    if found.gap is None:
        lines.append("How well the points cover the front is not known.")
    else:
        lines.append(
            f"Any schedule there is, a point reaches within {share(found.gap)} in time and in energy."
        )
    lines.append(
        '"better at most": no schedule is better than the point by more, in both; '
        '"cover": how well schedules up to the next point are reached.'
    )
    return lines
