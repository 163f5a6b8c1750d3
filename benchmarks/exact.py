"""The exact search: processor seconds, states, memory; and how far ``linear`` is from the optimum."""

from __future__ import annotations

import argparse
import resource
from time import process_time

from machine import describe

from mcmscope import load_network, load_package, run
from mcmscope.cost.model import cost_model
from mcmscope.schedule import Objective, Scheme
from mcmscope.search.context import SearchContext
from mcmscope.search.descend import objective_value
from mcmscope.search.front.front import SUPPORTED, find_front
from mcmscope.search.limit import Limit
from mcmscope.search.run import search_scheme

MERGED = Scheme.MERGED_PIPELINE
TIMED = (
    ("resnet50", "simba-64", 1, Objective.THROUGHPUT),
    ("resnet50", "simba-64", None, Objective.THROUGHPUT),
    ("resnet152", "simba-256", 1, Objective.THROUGHPUT),
    ("resnet152", "simba-256", None, Objective.THROUGHPUT),
    ("resnet50", "simba-64", None, Objective.LATENCY),
    ("resnet152", "simba-256", None, Objective.LATENCY),
    ("resnet50", "simba-64", None, Objective.ENERGY),
    ("resnet152", "simba-256", None, Objective.ENERGY),
    ("resnet18", "simba-36", None, Objective.EDP),
    ("resnet50", "simba-64", None, Objective.EDP),
    ("mobilenet_v2", "simba-36", None, Objective.EDP),
    ("googlenet", "simba-36", None, Objective.EDP),
    ("resnet152", "simba-256", None, Objective.EDP),
)
FRONTS = (("resnet50", "simba-64"), ("mobilenet_v2", "simba-36"), ("resnet152", "simba-256"))


def row(network: str, package: str, micro_batch: int | None, objective: Objective, seconds: float) -> None:
    """One merged pipeline, batch 64: ``linear`` and ``exact``, tables counted with ``linear``."""
    model = cost_model(load_network(network), load_package(package))
    context = SearchContext(model, 64, micro_batch)
    begun = process_time()
    start = search_scheme(model, MERGED, 64, objective, context=context)
    between = process_time()
    found = search_scheme(model, MERGED, 64, objective, search="exact", context=context, limit=Limit(seconds))
    end = process_time()
    assert start.code is not None
    assert found.code is not None
    first = objective_value(model, start.code, 64, objective)
    best = objective_value(model, found.code, 64, objective)
    assert first is not None
    assert best is not None
    certificate = found.certificate
    print(
        f"| {network} | {package} | {micro_batch or 'all'} | {objective} | {between - begun:.2f} | "
        f"{end - between:.2f} | {certificate.status} | {100 * (certificate.gap or 0):.2f}% | "
        f"{certificate.states:,} | {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1000} | "
        f"{100 * (first / best - 1):.2f}% |",
        flush=True,
    )


def front(network: str, package: str, seconds: float) -> None:
    """The front of merged pipelines, batch 64: points, how many are proven, and its cover."""
    context = SearchContext(cost_model(load_network(network), load_package(package)), 64)
    begun = process_time()
    found = find_front(context, MERGED, Limit(seconds))
    supported = sum(point.proof == SUPPORTED for point in found.points)
    print(
        f"| {network} | {package} | {process_time() - begun:.1f} | {len(found.points)} | {supported} | "
        f"{100 * (found.gap or 0):.2f}% | {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1000} |",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--time-limit", type=float, default=120, help="seconds for each row")
    parser.add_argument("--front-limit", type=float, default=900, help="seconds for each front")
    parser.add_argument("--fronts", action="store_true", help="fronts alone")
    asked = parser.parse_args()
    print(describe())
    for objective in (Objective.THROUGHPUT, Objective.ENERGY):  # compiles, or reads the compile cache
        run("resnet18", "simba-16", 4, search="exact", objective=objective.value, time_limit_s=20)
    if not asked.fronts:
        rows(asked.time_limit)
    print("\n| network | package | front s | points | supported | cover | MB so far |")
    print("|---|---|---|---|---|---|---|")
    for network, package in FRONTS:
        front(network, package, asked.front_limit)


def rows(seconds: float) -> None:
    """The table of single objectives."""
    print(
        "\n| network | package | u | objective | linear s | exact s | certificate | gap | states | "
        "MB so far | linear above the best |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for network, package, micro_batch, objective in TIMED:
        row(network, package, micro_batch, objective, seconds)


if __name__ == "__main__":
    main()
