"""Compile the kernels before the workers start: each of them would compile nearly all for itself.

One process per half, which write numba's cache and read there what the other has compiled; the second begins
with prices while the first compiles the searches that both need.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
HALVES = ("searches", "fronts")


def compile_halves() -> None:
    """Where a half fails, the tests compile for themselves, and tell the fault."""
    silent = subprocess.DEVNULL
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.kernels", half], cwd=ROOT, stdout=silent, stderr=silent
        )
        for half in HALVES
    ]
    try:
        for process in processes:
            process.wait()
    finally:
        for process in processes:
            process.kill()
            process.wait()


def compile_half(half: str) -> None:
    """Run tiny cases that need one half of the kernels."""
    from mcmscope import load_network, load_package, run
    from mcmscope.cost.model import cost_model
    from mcmscope.options import read_options
    from mcmscope.pareto import pareto
    from mcmscope.schedule import Objective, Scheme
    from mcmscope.search.context import SearchContext
    from mcmscope.search.exhaustive.search import exhaustive
    from mcmscope.simulate import simulate
    from mcmscope.warm import compile_prices, compile_segments
    from tests.search.cases import stack
    from tests.search.packages import package as small_package

    network, package, batch = load_network("alexnet"), load_package("simba-16"), 4
    if half == "searches":
        compile_segments(fusing=True)
        for row in run(network, package, batch, schemes="merged-pipeline", search="exact").schemes:
            assert row.schedule is not None
            simulate(row.schedule, network, package, batch)
        model = cost_model(stack(3, 8, 8), small_package(2, 2))
        exhaustive(SearchContext(model, batch), Scheme.MERGED_PIPELINE, Objective.THROUGHPUT, checked=1)
        return
    compile_prices()
    run(network, package, batch, "energy", schemes="merged-pipeline", search="exact")
    options = read_options(batch, "throughput", "merged-pipeline", "linear", None, None, 1, 0)
    pareto(network, package, options)


if __name__ == "__main__":
    compile_half(sys.argv[1])
