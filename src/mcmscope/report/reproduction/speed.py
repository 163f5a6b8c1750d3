"""Throughput, how it scales, simulated beside modelled, and by batch."""

from __future__ import annotations

from itertools import pairwise
from math import log2

from mcmscope.cost.causes import CAUSES
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
    share,
    sizes,
    times,
)
from mcmscope.reproduce import batch, simulated, throughput
from mcmscope.reproduce.case import Row
from mcmscope.reproduce.claims import HEADLINE, PUBLISHED_SPEEDUP
from mcmscope.reproduce.compared import mean
from mcmscope.reproduce.data import Data, number
from mcmscope.reproduce.measure import MERGED, SEGMENTED, THREE
from mcmscope.reproduce.sets import LARGEST_BATCH
from mcmscope.schedule import Scheme

MEAN = "geometric mean"
LINEAR, EXACT = "linear", "exact"


def throughput_section(data: Data) -> Section:
    """Bars over segmented pipelines, and their means."""
    rows = data.rows(throughput.TABLE)
    networks = distinct(rows, "network")
    ways = [*((scheme, LINEAR) for scheme in Scheme), (MERGED, EXACT)]

    def ratio(network: str, size: int, scheme: Scheme, search: str) -> float | None:
        where = {"network": network, "chiplets": size, "scheme": scheme.value, "search": search}
        return figure(data.rows(throughput.TABLE, **where), "speedup_in_step")

    panels: list[Panel] = []
    means: list[tuple[str, ...]] = []
    for size in sizes(rows):
        here = [n for n in networks if data.rows(throughput.TABLE, network=n, chiplets=size)]
        series: list[Series] = []
        for scheme, search in ways:
            values = [ratio(network, size, scheme, search) for network in here]
            middle = mean(value for value in values if value is not None)
            series.append(Series(way(scheme, search), (*values, middle)))
        panels.append(Panel(f"{size} chiplets", tuple(series), (*here, MEAN)))
        means.append((str(size), str(len(here)), *(times(one.values[-1]) for one in series)))
    headings = ("chiplets", "networks", *(way(*one) for one in ways))
    chart = Chart(
        "throughput",
        "Throughput over that of segmented-pipeline, batch 64",
        Kind.BARS,
        tuple(panels),
        "",
        "times segmented-pipeline",
    )
    title = "Throughput over that of segmented-pipeline, batch 64: geometric means"
    return Section(
        "Throughput",
        "Every scheme at the best schedule that its search found; the merged pipeline also at its proven "
        "optimum, where that was searched. Means are over the networks on which a scheme fits.",
        (
            Table("throughput-means", title, headings, tuple(means), words=2),
            _by_network(data),
            _headline(data),
        ),
        (chart,),
    )


def way(scheme: Scheme, search: str) -> str:
    """A scheme by a search."""
    return scheme.value if search == LINEAR else f"{scheme.value}, {search}"


def _by_network(data: Data) -> Table:
    """Merged over segmented pipelines: the smaller ratio, a network a row."""
    where = {"scheme": MERGED.value, "search": LINEAR}
    rows = data.rows(throughput.TABLE, **where)
    columns = sizes(rows)
    lines: list[tuple[str, ...]] = []
    for network in distinct(rows, "network"):
        own = (data.rows(throughput.TABLE, network=network, chiplets=n, **where) for n in columns)
        lines.append((network, *(times(figure(some, "speedup")) for some in own)))
    return Table(
        "merged-over-segmented",
        "Merged over segmented pipeline, the smaller of in step and as a flow line, by chiplets",
        ("network", *(str(n) for n in columns)),
        tuple(lines),
    )


def _headline(data: Data) -> Table:
    """Every scheme of ResNet-152 on 256 chiplets."""
    lines = [
        (
            way(Scheme(str(row["scheme"])), str(row["search"])),
            CAUSES.get(str(row["binds"]), NONE),
            str(row["status"]),
            cell(number(row, "throughput_per_s"), 5),
            times(number(row, "speedup")),
            share(number(row, "utilization")),
            cell(number(row, "mj_per_sample")),
        )
        for row in data.rows(throughput.TABLE, **HEADLINE)
    ]
    return Table(
        "headline",
        "ResNet-152 on simba-256, batch 64",
        ("scheme", "binds", "claim", "samples/s", "speed-up", "MACs used", "mJ per sample"),
        tuple(lines),
        words=3,
    )


_SCALED = ("resnet18", "resnet50", "resnet152", "vgg16")
"""Networks whose scaling is drawn."""


def scaling_section(data: Data) -> Section:
    """Throughput and utilisation against chiplets, and what binds where a scheme stops scaling."""
    rows = data.rows(throughput.TABLE, search=LINEAR)
    shown = [network for network in _SCALED if data.rows(throughput.TABLE, network=network)]
    charts = tuple(
        Chart(
            f"scaling-{name}",
            title,
            Kind.LINES,
            tuple(_against_chiplets(data, network, column) for network in shown),
            "chiplets",
            title.lower(),
            log_x=True,
            log_y=name == "throughput",
        )
        for name, column, title in (
            ("throughput", "throughput_per_s", "Samples per second"),
            ("utilization", "utilization", "Share of peak MACs"),
        )
    )
    lines: list[tuple[str, ...]] = []
    for network in distinct(rows, "network"):
        for scheme in Scheme:
            own = [row for row in rows if row["network"] == network and row["scheme"] == scheme.value]
            lines += [line for line in [_stop(network, scheme, own)] if line]
    table = Table(
        "scaling",
        "Where a scheme stops scaling: the last size that was worth its chiplets, batch 64",
        ("network", "scheme", "binds on the most chiplets", "scales up to", "samples/s there", "on the most"),
        tuple(lines),
        words=3,
    )
    return Section(
        "Scaling",
        "Batch 64. A scheme scales while every doubling of the chiplets brings a fifth or more.",
        (table,),
        charts,
    )


def _against_chiplets(data: Data, network: str, column: str) -> Panel:
    series: list[Series] = []
    for scheme in Scheme:
        points = [
            (n, value)
            for row in data.rows(throughput.TABLE, network=network, scheme=scheme.value, search=LINEAR)
            if (value := number(row, column)) is not None and (n := number(row, "chiplets")) is not None
        ]
        if points:
            series.append(Series(scheme.value, tuple(y for _, y in points), tuple(x for x, _ in points)))
    return Panel(network, tuple(series))


_WORTH = 1.2
"""What a doubling of the chiplets brings at least, while a scheme scales."""


def _stop(network: str, scheme: Scheme, rows: list[Row]) -> tuple[str, ...] | None:
    """The last size up to which a scheme scales, and what binds it on the most chiplets."""
    points = [
        (size, value, row)
        for row in rows
        if (value := number(row, "throughput_per_s")) is not None
        and (size := number(row, "chiplets")) is not None
    ]
    if len(points) < 2:
        return None
    last, most = points[0], points[-1]
    for here, there in pairwise(points):
        if there[1] / here[1] < _WORTH ** log2(there[0] / here[0]):
            break
        last = there
    binds = f"{CAUSES.get(str(most[2]['binds']), NONE)} {share(number(most[2], 'binds_share'))}"
    return network, scheme.value, binds, f"{last[0]:.0f}", cell(last[1], 4), cell(most[1], 4)


def simulated_section(data: Data) -> Section:
    """Simulated beside modelled."""
    rows = data.rows(simulated.TABLE)
    panels: list[Panel] = []
    lines: list[tuple[str, ...]] = []
    for size in sizes(rows):
        here = distinct([row for row in rows if row["chiplets"] == size], "network")
        series: list[Series] = []
        for scheme in THREE:
            own = {n: data.rows(simulated.TABLE, network=n, chiplets=size, scheme=scheme.value) for n in here}
            series.append(
                Series(scheme.value, tuple(figure(own[n], "simulated_over_flow_line") for n in here))
            )
        panels.append(Panel(f"{size} chiplets", tuple(series), tuple(here), mark=(1.0, "as modelled")))
        for name in here:
            of = data.rows(simulated.TABLE, network=name, chiplets=size, scheme=MERGED.value)
            base = data.rows(simulated.TABLE, network=name, chiplets=size, scheme=SEGMENTED.value)
            modelled, other = figure(of, "throughput_per_s"), figure(base, "throughput_per_s")
            lines.append(
                (
                    name,
                    str(size),
                    *(times(one.values[here.index(name)]) for one in series),
                    times(modelled / other if modelled and other else None),
                    times(figure(of, "simulated_speedup")),
                )
            )
    table = Table(
        "simulated",
        "Simulated over modelled throughput (flow line), and merged over segmented by both, batch 64",
        ("network", "chiplets", *(scheme.value for scheme in THREE), "speed-up modelled", "simulated"),
        tuple(lines),
        words=2,
    )
    chart = Chart(
        "simulated",
        "Simulated over modelled throughput, batch 64",
        Kind.BARS,
        tuple(panels),
        "",
        "times the model's flow line",
    )
    return Section(
        "Simulated",
        "The model's best schedules on the simulated package, regions placed by search.",
        (table,),
        (chart,),
    )


def batch_section(data: Data) -> Section:
    """Merged over segmented pipelines by batch."""
    rows = data.rows(batch.TABLE, scheme=MERGED.value)
    panels: list[Panel] = []
    lines: list[tuple[str, ...]] = []
    for package in distinct(rows, "package"):
        here = [row for row in rows if row["package"] == package]
        series: list[Series] = []
        for network in distinct(here, "network"):
            for search in (LINEAR, EXACT):
                own = [row for row in here if row["network"] == network and row["search"] == search]
                points = [
                    (x, y)
                    for row in own
                    if (y := number(row, "speedup")) is not None and (x := number(row, "batch")) is not None
                ]
                if points:
                    name = network if search == LINEAR else f"{network}, {search}"
                    series.append(Series(name, tuple(y for _, y in points), tuple(x for x, _ in points)))
                    most = max(points, key=lambda point: point[1])
                    meets = [f"{x:.0f}" for x, y in points if y >= PUBLISHED_SPEEDUP]
                    at = dict(points)
                    lines.append(
                        (
                            network,
                            package,
                            search,
                            ", ".join(meets) or NONE,
                            f"{most[0]:.0f}",
                            times(most[1]),
                            *(times(at.get(float(m))) for m in batch.PROVEN),
                        )
                    )
        panels.append(Panel(package, tuple(series), mark=(PUBLISHED_SPEEDUP, "published for ResNet-152")))
    shown = ("steady" if m == LARGEST_BATCH else f"m = {m}" for m in batch.PROVEN)
    table = Table(
        "batch",
        f"Merged over segmented pipeline by batch m (the smaller ratio); where it is {PUBLISHED_SPEEDUP}x",
        ("network", "package", "search", f"batches with {PUBLISHED_SPEEDUP}x", "best at", "most", *shown),
        tuple(lines),
        words=4,
    )
    chart = Chart(
        "batch",
        "Merged over segmented pipeline by batch",
        Kind.LINES,
        tuple(panels),
        "batch",
        "speed-up (the smaller of in step and flow line)",
        log_x=True,
    )
    return Section(
        "Batch",
        f"A batch of {LARGEST_BATCH:,} stands for the steady state. The batch and the package of the paper's "
        f"{PUBLISHED_SPEEDUP}x are not in its abstract.",
        (table,),
        (chart,),
    )
