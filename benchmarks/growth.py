"""How the time of ``linear`` grows: synthetic networks on meshes of Simba chiplets."""

from __future__ import annotations

import argparse
import math
from dataclasses import replace
from itertools import pairwise
from time import process_time

from machine import describe

from mcmscope import load_package, run
from mcmscope.cost.model import cost_model
from mcmscope.hardware.package import Package
from mcmscope.search.context import SearchContext
from mcmscope.search.linear import linear
from mcmscope.search.segmented import segmented
from mcmscope.search.sequential_fused import fused
from mcmscope.workload.network import Layer, Network, NetworkInput, Op, Operand, Role

LAYERS = (50, 100, 200, 400, 1000)
CHIPLETS = (16, 64, 256, 1024)
FIXED_LAYERS, FIXED_CHIPLETS = 200, 256
"""Layers while chiplets vary, and the other way round."""
STAGES = ((56, 64), (28, 128), (14, 256), (7, 512))
"""Side of the maps and channels of each quarter of the layers."""


def synthetic(layers: int) -> Network:
    """Basic blocks of two 3 x 3 convolutions with a residual each, in four quarters as in a ResNet.

    No two quarters cost the same; the channels of a block vary, so that few blocks do.
    """
    side, channels = STAGES[0]
    made: list[Layer] = []
    held = channels
    skip = -1
    for l in range(layers):
        stage = min(3, 4 * l // layers)
        shrink = STAGES[stage][0] != side
        before = (side, held)
        side = STAGES[stage][0]
        block = l // 2
        out = STAGES[stage][1] + (8 * (block % 7) if l % 2 == 0 else 0)
        elements, step = out * side * side, 2 if shrink else 1
        operands = [
            Operand(l - 1, Role.DATA, held * before[0] ** 2, before[0], before[0], (3, 3), (step, step))
        ]
        if l % 2 == 1 and skip >= 0 and made[skip].output_elements == elements:
            operands.append(Operand(skip, Role.RESIDUAL, elements, side, side, (1, 1), (1, 1)))
        made.append(
            Layer(
                name=f"layer{l}",
                op=Op.CONV,
                out_channels=out,
                in_channels=held,
                groups=1,
                out_height=side,
                out_width=side,
                operands=tuple(operands),
                weights=out * held * 9,
                vector_elements=elements,
                output_elements=elements,
                output_height=side,
                output_width=side,
                kernel=(3, 3),
                stride=(step, step),
                padding=(1, 1, 1, 1),
            )
        )
        held = out
        if l % 2 == 1:
            skip = l
    pixels = 64 * 56 * 56
    return Network(
        f"synthetic{layers}", (NetworkInput("input", pixels),), tuple(made), (layers - 1,), 8, 8, 24
    )


def mesh(chiplets: int) -> Package:
    """A square mesh of Simba's chiplets."""
    side = math.isqrt(chiplets)
    base = load_package("simba-256")
    return replace(base, name=f"simba-{chiplets}", rows=side, columns=side, strip_height=max(1, side // 4))


def timed(layers: int, chiplets: int, micro_batch: int | None) -> tuple[float, float]:
    """Processor seconds of ``linear`` alone, and with its tables and baselines; batch 64."""
    context = SearchContext(cost_model(synthetic(layers), mesh(chiplets)), 64, micro_batch)
    begun = process_time()
    baselines = [("segmented", segmented(context)), ("fused", fused(context)[0])]
    between = process_time()
    linear(context, baselines)
    end = process_time()
    return end - between, end - begun


def exponents(sizes: tuple[int, ...], seconds: list[float]) -> str:
    """Slopes between neighbours in logarithms, and over the whole range."""
    steps = [
        math.log(t / s) / math.log(n / m)
        for (m, n), (s, t) in zip(pairwise(sizes), pairwise(seconds), strict=True)
    ]
    whole = math.log(seconds[-1] / seconds[0]) / math.log(sizes[-1] / sizes[0])
    return f"{whole:.2f} over all; between neighbours " + ", ".join(f"{step:.2f}" for step in steps)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--micro-batch", type=int, default=1, help="0: all")
    parser.add_argument("--largest", action="store_true", help="only 1,000 layers on 1,024 chiplets")
    asked = parser.parse_args()
    print(describe())
    run("alexnet", "simba-16", 4)  # compiles, or reads the compile cache
    micro = asked.micro_batch or None
    print("\n| layers | chiplets | linear s | with tables and baselines s |")
    print("|---|---|---|---|")

    def row(layers: int, chiplets: int) -> tuple[float, float]:
        alone, whole = timed(layers, chiplets, micro)
        print(f"| {layers} | {chiplets} | {alone:.2f} | {whole:.2f} |", flush=True)
        return alone, whole

    if asked.largest:
        row(LAYERS[-1], CHIPLETS[-1])
        return
    deep = [row(layers, FIXED_CHIPLETS) for layers in LAYERS]
    broad = [row(FIXED_LAYERS, chiplets) for chiplets in CHIPLETS]
    row(LAYERS[-1], CHIPLETS[-1])
    for name, sizes, rows in (("layers", LAYERS, deep), ("chiplets", CHIPLETS, broad)):
        print(f"\nexponent in {name}: linear {exponents(sizes, [alone for alone, _ in rows])}")
        print(f"with tables and baselines {exponents(sizes, [whole for _, whole in rows])}")


if __name__ == "__main__":
    main()
