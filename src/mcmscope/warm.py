"""A first run compiles its kernels on two cores: half of them here, half in a second process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

KERNELS = Path(__file__).parent / "cost" / "__pycache__"
"""Where numba keeps the compiled kernels of ``cost`` by default."""


def is_compiled() -> bool:
    """Whether compiled kernels of an earlier run lie where they are kept by default."""
    return "NUMBA_CACHE_DIR" in os.environ or any(KERNELS.glob("price.price-*.nbi"))


@contextmanager
def compiled() -> Generator[None]:
    """Compile all kernels before the block runs, if nothing is compiled yet: half of them in another process.

    Both write numba's cache, whose entries are replaced whole; what one has compiled the other reads.
    """
    if is_compiled() or (os.cpu_count() or 1) < 2:
        yield
        return
    silent = subprocess.DEVNULL
    child = subprocess.Popen(
        [sys.executable, "-m", "mcmscope.warm"], stdin=silent, stdout=silent, stderr=silent
    )
    try:
        compile_segments(fusing=True)
        yield
    finally:
        child.terminate()
        child.wait()


def compile_segments(*, fusing: bool) -> None:
    """Compile what searches segments, with a tiny case whose weights fit, so that no pass is priced."""
    from mcmscope.cost.model import cost_model
    from mcmscope.hardware import load_package
    from mcmscope.search.context import SearchContext
    from mcmscope.search.linear import linear
    from mcmscope.search.segmented import segmented
    from mcmscope.search.sequential_fused import fused
    from mcmscope.workload import load_network

    context = SearchContext(cost_model(load_network("mobilenet_v2"), load_package("ucie-64")), batch=2)
    starts = [fused(context, quick_states=1)[0]] if fusing else []
    linear(context, [("", start) for start in [*starts, segmented(context)]])


def compile_prices() -> None:
    """Compile what prices schedules and passes, with a tiny case."""
    import numpy as np

    from mcmscope.cost.code import Encoded
    from mcmscope.cost.evaluate import evaluate_code
    from mcmscope.cost.model import cost_model
    from mcmscope.hardware import load_package
    from mcmscope.search.single import best_in_passes
    from mcmscope.search.space import grid_table
    from mcmscope.search.tables import NEVER
    from mcmscope.workload import load_network

    model = cost_model(load_network("alexnet"), load_package("simba-16"))
    starts, grids = grid_table(1, 1)
    choice = np.zeros(3, dtype=np.int64)
    last = len(model.network) - 1
    best_in_passes(
        model.net, model.machine, model.terms, last, 0, 1, starts, grids, 1, 1, 0, 0, 1, NEVER, choice
    )
    ends = np.arange(1, last + 2)
    layerwise = Encoded(
        np.stack([ends, np.ones_like(ends)], axis=1),
        np.array([[end, 16, 1, 4, 4] for end in ends.tolist()], dtype=np.int64),
        np.full(last + 1, 2, dtype=np.int64),
    )
    evaluate_code(model, layerwise, 1)


if __name__ == "__main__":
    compile_prices()
    compile_segments(fusing=False)
