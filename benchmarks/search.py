"""Seconds per scheme, and merged over segmented pipelines by batch: what is found and what binds it."""

from __future__ import annotations

import argparse

from machine import describe

from mcmscope import load_network, load_package, run
from mcmscope.result import SchemeResult
from mcmscope.schedule import Scheme

BATCHES = (1, 16, 64, 256, 1024, 65536)
"""The last, the most that is allowed, stands for steady state."""
TIMED = (("resnet50", "simba-64"), ("resnet152", "simba-256"))
RATIOS = (("resnet152", "simba-256"), ("resnet152", "ucie-256"))


def binds(row: SchemeResult) -> str:
    """What the batch's time goes to: the two largest shares, loads apart."""
    assert row.evaluation is not None
    shares: dict[str, float] = {}
    for segment in row.evaluation.segments:
        shares[segment.binds] = shares.get(segment.binds, 0.0) + segment.run_s
        shares["load"] = shares.get("load", 0.0) + segment.load_s
    total = sum(shares.values())
    largest = sorted(shares.items(), key=lambda item: -item[1])[:2]
    return ", ".join(f"{name} {100 * time / total:.0f}%" for name, time in largest)


def seconds_per_scheme(network: str, package: str, batch: int) -> None:
    """One run of all schemes; what schemes share (tables, parts) is counted where it is made first."""
    result = run(load_network(network), load_package(package), batch)
    print(f"\n{network} on {package}, batch {batch}: seconds of search per scheme, in this order\n")
    print("| scheme | search s | certificate | gap | samples/s | time goes to |")
    print("|---|---|---|---|---|---|")
    for row in result.schemes:
        gap = "-" if row.certificate.gap is None else f"{100 * row.certificate.gap:.2f}%"
        figures = ("-", "-") if row.evaluation is None else (f"{row.throughput_per_s:,.0f}", binds(row))
        print(
            f"| {row.scheme} | {row.search_s:.2f} | {row.certificate.status} | {gap} | "
            f"{figures[0]} | {figures[1]} |"
        )
    print(f"| all | {sum(row.search_s for row in result.schemes):.2f} | | | | |")


def ratios(network: str, package: str) -> None:
    """Merged over segmented pipeline at every batch, as a synchronous pipeline and as a flow line."""
    print(f"\n{network} on {package}: merged over segmented pipeline\n")
    print(
        "| batch | segmented /s | merged /s | synchronous | flow line | over fused | won from | "
        "search s | segmented: time goes to | merged: time goes to |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    schemes = (Scheme.SEQUENTIAL_FUSED, Scheme.SEGMENTED_PIPELINE, Scheme.MERGED_PIPELINE)
    loaded = load_network(network), load_package(package)
    for batch in BATCHES:
        result = run(*loaded, batch, schemes=schemes)
        fused, base, mine = (result.scheme(scheme) for scheme in schemes)
        assert fused.evaluation is not None
        assert base.evaluation is not None
        assert mine.evaluation is not None
        one, two = mine.evaluation, base.evaluation
        print(
            f"| {batch} | {two.throughput_per_s:,.0f} | {one.throughput_per_s:,.0f} | "
            f"{one.throughput_per_s / two.throughput_per_s:.3f} | "
            f"{one.flow_line_throughput_per_s / two.flow_line_throughput_per_s:.3f} | "
            f"{one.throughput_per_s / fused.evaluation.throughput_per_s:.3f} | "
            f"{mine.certificate.start} | {sum(row.search_s for row in result.schemes):.1f} | "
            f"{binds(base)} | {binds(mine)} |",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", nargs="?", choices=("all", "seconds", "ratios"), default="all")
    parser.add_argument("--batch", type=int, default=64, help="for the seconds per scheme")
    asked = parser.parse_args()
    print(describe())
    run("alexnet", "simba-16", 4)  # compiles, or reads the compile cache
    if asked.part in ("all", "seconds"):
        for network, package in TIMED:
            seconds_per_scheme(network, package, asked.batch)
    if asked.part in ("all", "ratios"):
        for network, package in RATIOS:
            ratios(network, package)


if __name__ == "__main__":
    main()
