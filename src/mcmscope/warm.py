"""A first run compiles its kernels; a second process compiles half of them meanwhile, on another core."""

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
def second_compiler() -> Generator[None]:
    """While the block runs, let another process compile what it will need last, if nothing is compiled yet.

    Both write numba's cache, whose entries are replaced whole; whoever comes second reads it.
    """
    if is_compiled() or (os.cpu_count() or 1) < 2:
        yield
        return
    silent = subprocess.DEVNULL
    child = subprocess.Popen(
        [sys.executable, "-m", "mcmscope.warm"], stdin=silent, stdout=silent, stderr=silent
    )
    try:
        yield
    finally:
        child.terminate()
        child.wait()


def main() -> None:
    """Compile, with a tiny case, the kernels that a run reaches last."""
    import numpy as np

    from mcmscope.cost.code import Encoded
    from mcmscope.cost.evaluate import evaluate_code
    from mcmscope.cost.model import cost_model
    from mcmscope.hardware import load_package
    from mcmscope.schedule import Objective, Scheme
    from mcmscope.search.run import SearchContext, search_scheme
    from mcmscope.workload import load_network

    model = cost_model(load_network("alexnet"), load_package("simba-16"))
    layers = len(model.network)
    code = Encoded(
        np.array([[l + 1, 1] for l in range(layers)], dtype=np.int64),
        np.array([[l + 1, 16, 1, 4, 4] for l in range(layers)], dtype=np.int64),
        np.full(layers, 2, dtype=np.int64),
    )
    evaluate_code(model, code, 1)
    context = SearchContext(model, 2)
    for scheme in (Scheme.SEGMENTED_PIPELINE, Scheme.MERGED_PIPELINE):
        search_scheme(model, scheme, 2, Objective.THROUGHPUT, context=context)


if __name__ == "__main__":
    main()
