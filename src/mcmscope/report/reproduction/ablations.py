"""What each freedom of a merged pipeline brings."""

from __future__ import annotations

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
)
from mcmscope.reproduce import ablations
from mcmscope.reproduce.data import Data, number


def ablations_section(data: Data) -> Section:
    """Throughput without a freedom over that with all."""
    rows = data.rows(ablations.TABLE)
    panels: list[Panel] = []
    lines: list[tuple[str, ...]] = []
    for size in sizes(rows):
        here = distinct([row for row in rows if row["chiplets"] == size], "network")
        left: dict[str, list[float | None]] = {variant: [] for variant in ablations.VARIANTS}
        for network in here:
            where = {"network": network, "chiplets": size}
            best = figure(data.rows(ablations.TABLE, variant=ablations.ALL, **where), "throughput_per_s")
            for variant in ablations.VARIANTS:
                row = data.row(ablations.TABLE, variant=variant, **where)
                speed = number(row, "throughput_per_s")
                kept = speed / best if speed is not None and best else None
                left[variant].append(kept)
                lines.append(
                    (
                        f"{network} on {size}",
                        variant,
                        str(row["status"]) if row is not None else NONE,
                        CAUSES.get(str(row["binds"]), NONE) if row is not None else NONE,
                        cell(speed, 4),
                        share(kept),
                        cell(number(row, "segments")),
                        cell(number(row, "clusters")),
                    )
                )
        series = tuple(
            Series(variant, tuple(values)) for variant, values in left.items() if variant != ablations.ALL
        )
        panels.append(Panel(f"{size} chiplets", series, tuple(here), mark=(1.0, ablations.ALL)))
    table = Table(
        "ablations",
        "Merged pipelines without one freedom, batch 64",
        ("network", "without", "claim", "binds", "samples/s", "of all", "segments", "clusters"),
        tuple(lines),
        words=4,
    )
    chart = Chart(
        "ablations",
        "Throughput without one freedom, over that with all of them",
        Kind.BARS,
        tuple(panels),
        "",
        "of the proven optimum",
    )
    return Section(
        "Ablations",
        "Each row is the proven optimum of what is left. Clusters off is the segmented pipeline; pipelining "
        "off has one cluster a segment (sequential-fused); micro-batch off passes single samples. Region "
        "balancing off takes the segments that searches priced and shares out chiplets evenly among a "
        "segment's clusters, each of which then runs as is best; its row is a heuristic.",
        (table,),
        (chart,),
    )
