"""What a command costs before it does anything, and what compiling adds to the first run."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

from machine import describe

RUN = ("run", "resnet50", "--package", "simba-64")


def seconds(arguments: tuple[str, ...], cache: str | None = None) -> float:
    """Wall seconds of a Python process."""
    environment = dict(os.environ)
    if cache is not None:
        environment["NUMBA_CACHE_DIR"] = cache
    start = perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True, env=environment)
    return perf_counter() - start


def middle(arguments: tuple[str, ...], runs: int, cache: str | None = None) -> float:
    """Median of several processes, after one that fills file caches."""
    seconds(arguments, cache)
    return median(seconds(arguments, cache) for _ in range(runs))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--whole-runs", type=int, default=3)
    asked = parser.parse_args()
    print(describe())
    bare = middle(("-c", "pass"), asked.runs)
    print(f"bare Python                                    {1000 * bare:7.0f} ms")
    for text, arguments in (
        ("import mcmscope", ("-c", "import mcmscope")),
        ("mcmscope --help", ("-m", "mcmscope", "--help")),
    ):
        beyond = middle(arguments, asked.runs) - bare
        print(f"{text:28s} beyond bare Python {1000 * beyond:7.0f} ms")
    with TemporaryDirectory() as out:
        command = ("-m", "mcmscope", *RUN, "--out", out)
        empty: list[float] = []
        filled: list[float] = []
        for _ in range(asked.whole_runs):
            with TemporaryDirectory() as cache:
                empty.append(seconds(command, cache))
                filled.append(seconds(command, cache))
    text = "mcmscope " + " ".join(RUN)
    print(f"{text}, empty compile cache   {median(empty):7.1f} s  ({min(empty):.1f} to {max(empty):.1f})")
    print(f"{text}, filled compile cache  {median(filled):7.1f} s  ({min(filled):.1f} to {max(filled):.1f})")


if __name__ == "__main__":
    main()
