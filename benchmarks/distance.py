"""How far ``linear`` is from the optimum, on all networks of the zoo and all presets."""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from statistics import mean

from machine import describe

from mcmscope import load_network, load_package, run
from mcmscope.cost.model import cost_model
from mcmscope.hardware.loader import preset_names
from mcmscope.schedule import Objective, Scheme
from mcmscope.search.context import SearchContext
from mcmscope.search.descend import objective_value
from mcmscope.search.limit import Limit
from mcmscope.search.run import search_scheme
from mcmscope.workload.load import zoo_names

NEAR = 0.03
"""Times the optimum that ``linear`` may take, less one."""


@dataclass(frozen=True)
class Case:
    """One merged pipeline for throughput at batch 64 under all micro-batches."""

    network: str
    package: str
    seconds: float


@dataclass(frozen=True)
class Distance:
    """The batch time of ``linear`` over that of the best found, and at most over the optimum, less one."""

    known: float
    most: float
    status: str


def measure(case: Case) -> Distance | None:
    """None if the network does not fit."""
    model = cost_model(load_network(case.network), load_package(case.package))
    context = SearchContext(model, 64)
    objective, scheme = Objective.THROUGHPUT, Scheme.MERGED_PIPELINE
    start = search_scheme(model, scheme, 64, objective, context=context)
    if start.code is None:
        return None
    limit = Limit(case.seconds)
    found = search_scheme(model, scheme, 64, objective, search="exact", context=context, limit=limit)
    if found.code is None:
        raise AssertionError(f"{case}: the exact search lost what linear had found")
    first, best = (objective_value(model, code, 64, objective) for code in (start.code, found.code))
    if first is None or best is None:
        raise AssertionError(f"{case}: a found schedule has no price")
    gap = found.certificate.gap or 0.0
    return Distance(first / best - 1, first / best / (1 - gap) - 1, found.certificate.status)


def main() -> None:
    """A row for each network: distances by package; then how many are near, and which are not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", nargs="+", default=zoo_names())
    parser.add_argument("--packages", nargs="+", default=preset_names())
    parser.add_argument("--time-limit", type=float, default=30, help="seconds for the proof of each")
    parser.add_argument("--jobs", type=int, default=2)
    asked = parser.parse_args()
    print(describe())
    run("alexnet", "simba-16", 4, search="exact")  # compiles, or reads the compile cache
    cases = [Case(n, p, asked.time_limit) for n in asked.networks for p in asked.packages]
    found: dict[tuple[str, str], Distance | None] = {}
    with ProcessPoolExecutor(asked.jobs) as pool:
        for case, distance in zip(cases, pool.map(measure, cases), strict=True):
            found[case.network, case.package] = distance
            print(case.network, case.package, distance, file=sys.stderr, flush=True)
    print("\n| network |", " | ".join(asked.packages), "|")
    print("|---" * (len(asked.packages) + 1) + "|")
    for network in asked.networks:
        cells = [told(found[network, package]) for package in asked.packages]
        print(f"| {network} |", " | ".join(cells), "|")
    fitting = {case: distance for case, distance in found.items() if distance is not None}
    optimal = [distance.known for distance in fitting.values() if distance.status == "optimal"]
    print(f"\n{len(optimal)} of {len(fitting)} optima proven; linear is {100 * mean(optimal):.2f}% over them")
    print(f"at most {100 * max(optimal):.2f}%.", end=" ")
    near = sum(distance.most <= NEAR for distance in fitting.values())
    print(f"{near} of {len(fitting)} within {100 * NEAR:.0f}% of the optimum beyond doubt.")
    for (network, package), distance in fitting.items():
        if distance.known > NEAR:
            print(f"{network} on {package}: {100 * distance.known:.2f}% over a better schedule")


def told(distance: Distance | None) -> str:
    """Percent over the optimum; where it is not proven, over the best found and at most over the optimum."""
    if distance is None:
        return "-"
    if distance.status == "optimal":
        return f"{100 * distance.known:.2f}"
    return f"{100 * distance.known:.2f} to {100 * distance.most:.0f}"


if __name__ == "__main__":
    main()
