"""Schedules priced per second on one core: the kernel alone, and ``evaluate`` with its breakdown."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from random import Random
from statistics import median
from time import perf_counter

import numpy as np
from machine import describe

from mcmscope import load_network, load_package
from mcmscope.cost.arrays import ISP, SHARDED, WSP
from mcmscope.cost.code import Encoded, decode
from mcmscope.cost.energy import ENERGY_TERMS
from mcmscope.cost.evaluate import evaluate
from mcmscope.cost.model import CostModel, cost_model
from mcmscope.cost.price import price
from mcmscope.cost.reports import LAYER_REPORT, OK, SEGMENT_REPORT, STAGE_REPORT
from mcmscope.search.space import MAX_AUTO_MICRO_BATCH, tile_grids


def cuts(rng: Random, start: int, end: int, pieces: int) -> list[int]:
    """The ends of so many non-empty runs that make up [start, end)."""
    return [*sorted(rng.sample(range(start + 1, end), pieces - 1)), end]


def random_schedule(rng: Random, model: CostModel, batch: int) -> Encoded:
    """Any schedule without faults: segments, clusters, regions, tile grids, partitions. It may not fit.

    So that most do, layers of a cluster that would hold too many weights whole are divided instead.
    """
    layers, chiplets = len(model.network), model.machine.chiplets
    weights = np.diff(model.net.weights).tolist()
    segments: list[tuple[int, int]] = []
    clusters: list[tuple[int, int, int, int, int]] = []
    partitions: list[int] = []
    a = 0
    for b in cuts(rng, 0, layers, rng.randint(1, layers)):
        u = 1 << rng.randrange(min(batch, MAX_AUTO_MICRO_BATCH).bit_length())
        segments.append((b, u))
        ends = cuts(rng, a, b, rng.randint(1, min(b - a, chiplets)))
        # Cutting a line of chiplets in as many places gives each cluster a region; the last part may idle.
        room = rng.randint(len(ends), chiplets)
        sizes = np.diff([0, *cuts(rng, 0, room, len(ends))]).tolist()
        i = a
        for j, n in zip(ends, sizes, strict=True):
            clusters.append((j, n, *rng.choice(tile_grids(n, u))))
            chosen = [rng.randrange(3) for _ in range(i, j)]
            held = sum(w if p == WSP else w // n for w, p in zip(weights[i:j], chosen, strict=True))
            if held > model.machine.weight_limit // 2:
                chosen = [rng.choice((SHARDED, ISP)) for _ in chosen]
            partitions.extend(chosen)
            i = j
        a = b
    return Encoded(
        segments=np.array(segments, dtype=np.int64),
        clusters=np.array(clusters, dtype=np.int64),
        partitions=np.array(partitions, dtype=np.int64),
    )


def distinct_schedules(count: int, model: CostModel, batch: int, seed: int) -> list[Encoded]:
    """So many schedules that fit, no two alike."""
    rng = Random(seed)
    known: set[bytes] = set()
    found: list[Encoded] = []
    while len(found) < count:
        code = random_schedule(rng, model, batch)
        key = code.segments.tobytes() + code.clusters.tobytes() + code.partitions.tobytes()
        if key not in known and price_all(model, [code], batch, layers=False) == 1:
            known.add(key)
            found.append(code)
    return found


def price_all(model: CostModel, codes: list[Encoded], batch: int, *, layers: bool) -> int:
    """Price every schedule with the kernel; how many fit. With ``layers`` also layer figures and energy."""
    L = len(model.network)
    layer_report = np.zeros((L if layers else 0, LAYER_REPORT), dtype=np.int64)
    stages = np.zeros((L, STAGE_REPORT), dtype=np.int64)
    segments = np.zeros((L, SEGMENT_REPORT), dtype=np.int64)
    energy = np.zeros((L, ENERGY_TERMS), dtype=np.int64)
    fit = 0
    for code in codes:
        segments[:] = 0
        energy[:] = 0
        status = price(
            model.net,
            model.machine,
            model.tilings,
            model.terms,
            code.segments,
            code.clusters,
            code.partitions,
            batch,
            0,
            0,
            1,
            layer_report,
            stages,
            segments,
            energy,
        )
        fit += status == OK
    return fit


def timed(run: Callable[[], object], runs: int) -> tuple[float, float, float]:
    """Least, median and most seconds of several runs."""
    times: list[float] = []
    for _ in range(runs):
        start = perf_counter()
        run()
        times.append(perf_counter() - start)
    return min(times), median(times), max(times)


def rate(count: int, seconds: tuple[float, float, float]) -> str:
    """Per second: the median, and the range."""
    least, middle, most = seconds
    return f"{count / middle:10,.0f} /s  (median of runs; {count / most:,.0f} to {count / least:,.0f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network", default="resnet50")
    parser.add_argument("--package", default="simba-64")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--count", type=int, default=20_000, help="distinct schedules that fit")
    parser.add_argument("--evaluated", type=int, default=2_000, help="of them for evaluate()")
    parser.add_argument("--runs", type=int, default=7)
    asked = parser.parse_args()
    print(describe())
    network, package = load_network(asked.network), load_package(asked.package)
    cost_model(network, package)  # compiles

    def tables() -> CostModel:
        cost_model.cache_clear()
        return cost_model(network, package)

    _, table_s, _ = timed(tables, asked.runs)
    model = tables()
    start = perf_counter()
    codes = distinct_schedules(asked.count, model, asked.batch, seed=1)
    print(
        f"{network.name} on {package.name}, batch {asked.batch}: {len(codes):,} distinct random schedules "
        f"that fit, generated in {perf_counter() - start:.1f} s (not counted); "
        f"on average {np.mean([len(c.segments) for c in codes]):.1f} segments, "
        f"{np.mean([len(c.clusters) for c in codes]):.1f} clusters"
    )
    print(f"tables of the cost model (once per network and package): {1000 * table_s:.1f} ms")
    for text, layers in (("time only", False), ("time, energy, layer figures", True)):
        price_all(model, codes[:100], asked.batch, layers=layers)
        seconds = timed(lambda layers=layers: price_all(model, codes, asked.batch, layers=layers), asked.runs)
        print(f"price(), {text:28s} {rate(len(codes), seconds)}")
        with_tables = len(codes) / (seconds[1] + table_s)
        print(f"         {'  tables counted in':28s} {with_tables:10,.0f} /s")
    schedules = [decode(code, package) for code in codes[: asked.evaluated]]

    def evaluate_all() -> None:
        for schedule in schedules:
            assert evaluate(schedule, network, package, asked.batch).feasible

    print(f"evaluate(), full breakdown            {rate(len(schedules), timed(evaluate_all, asked.runs))}")


if __name__ == "__main__":
    main()
