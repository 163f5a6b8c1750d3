"""Seconds and memory of a simulation: the best schedule of each scheme, whole batch."""

from __future__ import annotations

import argparse
import resource
from concurrent.futures import ProcessPoolExecutor
from statistics import median
from time import perf_counter

from machine import describe

from mcmscope import load_network, load_package, run
from mcmscope.schedule import Schedule, Scheme
from mcmscope.simulate import simulate

CASES = (("resnet50", "simba-64"), ("resnet152", "simba-256"))


def best(network: str, package: str, batch: int) -> dict[Scheme, Schedule]:
    """The schedules that the search finds."""
    found = run(network, package, batch).schemes
    return {row.scheme: row.schedule for row in found if row.schedule is not None}


def peak_mb() -> int:
    """Most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--runs", type=int, default=5)
    asked = parser.parse_args()
    print(describe())
    for network_name, package_name in CASES:
        # Searched elsewhere, so that the memory is the simulation's.
        with ProcessPoolExecutor(max_workers=1) as pool:
            schedules = pool.submit(best, network_name, package_name, asked.batch).result()
        network, package = load_network(network_name), load_package(package_name)
        print(f"\n{network_name} on {package_name}, batch {asked.batch}\n")
        print("| scheme | activities | first s | s | peak MB |")
        print("|---|---|---|---|---|")
        for scheme, schedule in schedules.items():
            times: list[float] = []
            activities = 0
            for _ in range(asked.runs + 1):
                start = perf_counter()
                activities = simulate(schedule, network, package, asked.batch).activities
                times.append(perf_counter() - start)
            later = f"{median(times[1:]):.2f}"
            print(f"| {scheme} | {activities:,} | {times[0]:.2f} | {later} | {peak_mb()} |", flush=True)


if __name__ == "__main__":
    main()
