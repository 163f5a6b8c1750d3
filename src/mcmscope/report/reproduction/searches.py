"""How good the searches are, and what they cost."""

from __future__ import annotations

from mcmscope.report.reproduction.view import (
    NONE,
    Chart,
    Kind,
    Panel,
    Section,
    Series,
    Table,
    cell,
    share,
)
from mcmscope.reproduce import effort, quality
from mcmscope.reproduce.compared import power, states_by
from mcmscope.reproduce.data import Data, number

LINEAR, EXACT = "linear", "exact"


def quality_section(data: Data) -> Section:
    """Ranks, and the curves that they are read from."""
    rows = data.rows(quality.TABLE)
    lines = [
        (
            f"{row['network']}, {row['layers']} layers",
            str(row["package"]),
            str(row["search"]),
            "all" if row["every_schedule"] else "random",
            _count(str(row["schedules"])),
            _count(str(row["counted"])),
            cell(number(row, "better")),
            ("" if row["every_schedule"] else "at most ") + _percent(number(row, "top")),
            share(number(row, "over_best")),
        )
        for row in rows
    ]
    curves = data.rows(quality.CURVES)
    series: list[Series] = []
    for variant in dict.fromkeys((str(r["network"]), str(r["package"]), str(r["variant"])) for r in curves):
        own = [row for row in curves if (row["network"], row["package"], row["variant"]) == variant]
        points = [
            (x, y)
            for row in own
            if (x := number(row, "share")) is not None
            and (y := number(row, "over_best")) is not None
            and x > 0
        ]
        name = f"{variant[0]} on {variant[1]}, {variant[2]}"
        series.append(Series(name, tuple(y for _, y in points), tuple(x for x, _ in points)))
    table = Table(
        "quality",
        "Merged pipelines, batch 64: where a search's schedule stands",
        (
            "network",
            "package",
            "search",
            "among",
            "schedules",
            "counted",
            "better ones",
            "in the top",
            "over the optimum",
        ),
        tuple(lines),
        words=4,
    )
    chart = Chart(
        "rank",
        "Rank curves",
        Kind.LINES,
        (Panel("batch 64", tuple(series), mark=(1.0, "best known")),),
        "share of schedules that cost at most as much",
        "time over that of the best known",
        log_x=True,
        log_y=True,
    )
    return Section(
        "Search quality",
        "Among all schedules where a space can be counted (the first layers of a network), else among 10,000 "
        "random ones, all as likely as each other: the share is then an upper bound of 95% confidence.",
        (table,),
        (chart,),
    )


def _count(digits: str) -> str:
    return f"{int(digits):,}" if len(digits) <= 15 else f"{digits[0]}.{digits[1:3]}e{len(digits) - 1}"


def _percent(value: float | None) -> str:
    return NONE if value is None else f"{100 * value:.2g}%"


def effort_section(data: Data) -> Section:
    """States and the size of the space, against layers and chiplets."""
    rows = data.rows(effort.TABLE)
    timings = {
        (row["network"], row["package"], row["variant"], row["part"]): number(row, "seconds")
        for row in data.rows("timings", experiment=effort.TABLE)
    }
    lines = [
        (
            str(row["network"]),
            str(row["search"]),
            str(row["status"]),
            str(row["layers"]),
            str(row["chiplets"]),
            f"10^{number(row, 'log10_schedules') or 0:.0f}",
            cell(number(row, "states"), 4),
            cell(number(row, "baseline_states"), 4),
            cell(timings.get((row["network"], row["package"], row["variant"], row["search"]))),
        )
        for row in rows
    ]
    panels: list[Panel] = []
    for network, what in ((effort.GROWING, "layers"), (effort.FIXED, "chiplets")):
        series = tuple(
            Series(f"parts priced by {search}", tuple(y for _, y in points), tuple(x for x, _ in points))
            for search in (LINEAR, EXACT)
            if (points := states_by(data, what, search, network))
        )
        powers = ", ".join(
            f"{search} {power(points):.2f}"
            for search in (LINEAR, EXACT)
            if len(points := states_by(data, what, search, network)) > 1
        )
        panels.append(Panel(f"{network} by {what}; grows with the power: {powers}", series))
    table = Table(
        "effort",
        "Merged pipelines, batch 64: the space, what was priced to find a schedule, and seconds of one core",
        (
            "network",
            "search",
            "claim",
            "layers",
            "chiplets",
            "schedules",
            "parts priced",
            "of baselines",
            "seconds",
        ),
        tuple(lines),
        words=3,
    )
    chart = Chart(
        "effort",
        "Parts priced to find a merged pipeline",
        Kind.LINES,
        tuple(panels),
        "layers, or chiplets",
        "parts priced",
        log_x=True,
        log_y=True,
    )
    return Section(
        "Search cost",
        "Both searches begin with the best segmented and fused schedules, whose search is counted apart. "
        "Schedules are counted exactly; the data hold all their digits. Seconds are the only figures here "
        "that differ from run to run.",
        (table,),
        (chart,),
    )
