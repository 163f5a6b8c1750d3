"""Simulated over modelled throughput: what removes the difference, whether the best scheme stays the best."""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from machine import describe

from mcmscope import load_network, load_package, run
from mcmscope.cost.evaluate import Evaluation
from mcmscope.schedule import Schedule, Scheme
from mcmscope.simulate import IDEALS, Simulation, simulate
from mcmscope.simulate.placement import place

NETWORKS = (
    "alexnet",
    "darknet19",
    "googlenet",
    "mobilenet_v2",
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "resnet152",
    "vgg16",
    "vgg19",
)
PACKAGES = ("simba-36", "simba-64", "simba-256", "mesh-8x8")
SCHEMES = (Scheme.SEQUENTIAL_FUSED, Scheme.SEGMENTED_PIPELINE, Scheme.MERGED_PIPELINE)
LOW, HIGH = 0.85, 1.05
"""Ratios of simulated to modelled throughput that count as agreement."""


@dataclass(frozen=True)
class Case:
    """What is compared: the best schedules of a network on a package."""

    network: str
    package: str
    batch: int


@dataclass(frozen=True)
class Row:
    """Samples/s of one schedule: modelled, in step and as a flow line, and simulated."""

    scheme: Scheme
    modelled: float
    flow_line: float
    serpentine: float
    placed: float
    ratios: dict[str, float]
    """Simulated over modelled without a cause: of delay in the simulator, or a rule of the model."""

    @property
    def ratio(self) -> float:
        """Simulated, with regions placed by search, over the flow line."""
        return self.placed / self.flow_line

    @property
    def mend(self) -> str:
        """The causes each of which alone, when left out, brings a miss inside."""
        if agrees(self.ratio):
            return ""
        return ", ".join(name for name, ratio in self.ratios.items() if agrees(ratio)) or "none alone"


def agrees(ratio: float) -> bool:
    """Whether a simulated throughput is near a modelled one."""
    return LOW <= ratio <= HIGH


def unshared_s(evaluation: Evaluation) -> float:
    """The batch as a flow line each of whose flows has links of its own."""
    total = 0.0
    for segment in evaluation.segments:
        first = max(segment.beat_s, sum(stage.time_s for stage in segment.stages))
        piped = first + (segment.beats - 1) * segment.beat_s
        total += segment.load_s + (piped if segment.passes == 1 else segment.run_s)
    return total


def waited_s(evaluation: Evaluation, done: Simulation) -> float:
    """How much longer the flow line waits for all weights than the simulated one for its first stage's."""
    pairs = zip(evaluation.segments, done.segments, strict=True)
    return sum(segment.load_s - simulated.load_s for segment, simulated in pairs)


def rows(case: Case) -> list[Row]:
    """The rows of one case."""
    network, package = load_network(case.network), load_package(case.package)
    found: list[Row] = []

    def simulated(schedule: Schedule, *without: str) -> Simulation:
        return simulate(schedule, network, package, case.batch, without=frozenset(without))

    for row in run(network, package, case.batch, schemes=[scheme.value for scheme in SCHEMES]).schemes:
        if row.schedule is None or row.evaluation is None:
            continue
        placed = row.schedule
        if row.scheme is not Scheme.SEQUENTIAL_FUSED:  # its regions are nearly all of the package
            placed = place(row.schedule, network, package, case.batch)
        flow_line, done = row.evaluation.flow_line_throughput_per_s, simulated(placed)
        ratios = {name: simulated(placed, name).throughput_per_s / flow_line for name in IDEALS}
        batch_s, unshared, waited = (
            case.batch / flow_line,
            unshared_s(row.evaluation),
            waited_s(row.evaluation, done),
        )
        ratios["sharing in the model"] = unshared / done.batch_s
        ratios["sharing in both"] = unshared * ratios["contention"] / batch_s
        ratios["waiting for all weights"] = (batch_s - waited) / done.batch_s
        ratios["sharing in the model and waiting"] = (unshared - waited) / done.batch_s
        found.append(
            Row(
                row.scheme,
                row.evaluation.throughput_per_s,
                flow_line,
                simulated(row.schedule).throughput_per_s,
                done.throughput_per_s,
                ratios,
            )
        )
    return found


def print_tables(cases: list[Case], found: list[list[Row]]) -> None:
    """The rows, how many agree, and what following the model's best scheme loses."""
    print(
        "| package | network | scheme | flow line /s | serpentine | placed | without contention | mended by |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for case, some in zip(cases, found, strict=True):
        for row in some:
            ratios = (row.serpentine / row.flow_line, row.ratio, row.ratios["contention"])
            figures = " | ".join(f"{ratio:.2f}" for ratio in ratios)
            head = f"| {case.package} | {case.network} | {row.scheme} | {row.flow_line:,.0f}"
            print(f"{head} | {figures} | {row.mend} |")
    every = [row for some in found for row in some]
    print(f"\n{sum(agrees(row.ratio) for row in every)} of {len(every)} within {LOW} to {HIGH}.\n")
    print("| package | network | model's best | simulated best | the model's best loses |")
    print("|---|---|---|---|---|")
    for case, some in zip(cases, found, strict=True):
        modelled = max(some, key=lambda row: min(row.modelled, row.flow_line))
        simulated = max(some, key=lambda row: row.placed)
        loss = 1 - modelled.placed / simulated.placed
        names = f"{modelled.scheme} | {simulated.scheme}"
        print(f"| {case.package} | {case.network} | {names} | {100 * loss:.1f}% |")


def main() -> None:
    """Run all cases, on as many processes as asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", nargs="+", default=NETWORKS)
    parser.add_argument("--packages", nargs="+", default=PACKAGES)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    print(describe(), end="\n\n")
    cases = [Case(n, p, options.batch) for p in options.packages for n in options.networks]
    found: list[list[Row]] = []
    with ProcessPoolExecutor(options.jobs) as pool:
        for case, some in zip(cases, pool.map(rows, cases), strict=True):
            found.append(some)
            done = ", ".join(f"{row.scheme} {row.ratio:.2f}" for row in some)
            print(f"{case.network} on {case.package}: {done}", file=sys.stderr, flush=True)
    print_tables(cases, found)


if __name__ == "__main__":
    main()
