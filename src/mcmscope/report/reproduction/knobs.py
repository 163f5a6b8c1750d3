"""Where merged pipelines stop paying."""

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
    distinct,
    figure,
    times,
)
from mcmscope.reproduce import sensitivity
from mcmscope.reproduce.case import Row
from mcmscope.reproduce.data import Data
from mcmscope.reproduce.measure import FUSED, MERGED, SEGMENTED
from mcmscope.schedule import Scheme

Value = str | int | float
PAYS = 1.02
"""What merging must bring over the best of segmented and fused to count as paying."""


def sensitivity_section(data: Data) -> Section:
    """A knob a panel, and all figures."""
    rows = data.rows(sensitivity.TABLE)
    lines: list[tuple[str, ...]] = []
    charts: list[Chart] = []
    for network in distinct(rows, "network"):
        own = [row for row in rows if row["network"] == network]
        package = str(own[0]["package"])
        knobs = [knob for knob in distinct(own, "knob") if knob != sensitivity.AS_IT_IS]
        panels: list[Panel] = []
        for knob in knobs:
            values = _values(own, knob)
            lines += [_line(network, package, knob, value, own) for value in values]
            numbers = [value for value in values if isinstance(value, int | float)]
            series = tuple(
                Series(
                    scheme.value,
                    tuple(figure(_at(own, knob, value, scheme), "speedup_in_step") for value in numbers),
                    tuple(float(value) for value in numbers),
                )
                for scheme in sensitivity.SCHEMES
            )
            if numbers:
                panels.append(Panel(knob, series))
        charts.append(
            Chart(
                f"sensitivity-{network}",
                f"{network} on {package}: throughput over segmented-pipeline as a constant is turned",
                Kind.LINES,
                tuple(panels),
                "times the package's own, or batch",
                "times segmented-pipeline",
                log_x=True,
            )
        )
    table = Table(
        "sensitivity",
        "One constant turned at a time: throughput of segmented-pipeline, and over it",
        (
            "network",
            "knob",
            "at",
            "merging pays",
            "segmented/s",
            *(scheme.value for scheme in sensitivity.SCHEMES if scheme is not SEGMENTED),
        ),
        tuple(lines),
        words=4,
    )
    return Section(
        "Sensitivity",
        f"Batch 64 unless the batch is what is turned. Merging pays where it is at least {PAYS:.2f} times as "
        "fast as the faster of segmented-pipeline and sequential-fused. On Simba DRAM is bound by the links "
        "of the chiplets at its edges, so that more DRAM bandwidth changes nothing, and more NoP bandwidth "
        "brings more DRAM too.",
        (table,),
        tuple(charts),
    )


def _values(rows: list[Row], knob: str) -> list[Value]:
    found = [row["value"] for row in rows if row["knob"] == knob]
    values = list(dict.fromkeys(value for value in found if isinstance(value, str | int | float)))
    numbers = [value for value in values if not isinstance(value, str)]
    if numbers and knob != sensitivity.BATCH:
        numbers = sorted([*numbers, 1.0])
    return [*numbers, *(value for value in values if isinstance(value, str))]


def _at(rows: list[Row], knob: str, value: Value, scheme: Scheme) -> list[Row]:
    """The row of a scheme with a knob at a value; at 1 it is the package as it is."""
    own = value == 1.0 and knob != sensitivity.BATCH
    named = sensitivity.AS_IT_IS if own else knob
    return [
        row
        for row in rows
        if row["knob"] == named and (own or row["value"] == value) and row["scheme"] == scheme.value
    ]


def _line(network: str, package: str, knob: str, value: Value, rows: list[Row]) -> tuple[str, ...]:
    speed = {
        scheme: figure(_at(rows, knob, value, scheme), "throughput_per_s") for scheme in sensitivity.SCHEMES
    }
    base, mine = speed[SEGMENTED], speed[MERGED]
    others = [one for scheme in (SEGMENTED, FUSED) if (one := speed[scheme]) is not None]
    pays = NONE if mine is None or not others else "yes" if mine >= PAYS * max(others) else "no"
    return (
        f"{network} on {package}",
        knob,
        f"{value:g}" if isinstance(value, int | float) else value,
        pays,
        cell(base, 4),
        *(
            times(None if own is None or base is None else own / base)
            for scheme, own in speed.items()
            if scheme is not SEGMENTED
        ),
    )
