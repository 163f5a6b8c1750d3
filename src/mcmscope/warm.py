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
    """Compile the kernels that a run reaches last: those of segments, not those of layers and prices.

    On a network whose weights fit, so that no pass is ever priced.
    """
    from mcmscope.cost.model import cost_model
    from mcmscope.hardware import load_package
    from mcmscope.search.context import SearchContext
    from mcmscope.search.linear import linear
    from mcmscope.search.segmented import segmented
    from mcmscope.search.sequential_fused import fused
    from mcmscope.workload import load_network

    context = SearchContext(cost_model(load_network("mobilenet_v2"), load_package("ucie-64")), batch=2)
    clusters, _ = fused(context, quick_states=1)
    linear(context, [("", clusters), ("", segmented(context))])


if __name__ == "__main__":
    main()
