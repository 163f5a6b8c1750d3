"""What the order of the layers costs: the chosen one against all, each searched to its optimum."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from statistics import median

from machine import describe

from mcmscope import load_package, run
from mcmscope.schedule import Scheme
from mcmscope.workload import Network
from mcmscope.workload.builder import GraphBuilder
from mcmscope.workload.lower import lower
from mcmscope.workload.order import alive_bytes, find_order, reordered

PACKAGES = ("simba-16", "simba-64", "mesh-4x4")
SCHEMES = (Scheme.SEQUENTIAL_FUSED, Scheme.SEGMENTED_PIPELINE, Scheme.MERGED_PIPELINE)

Branch = tuple[tuple[int, int], ...]
"""Convolutions in turn: (channels, kernel)."""


def block(name: str, channels: int, side: int, branches: tuple[Branch, ...]) -> Network:
    """Branches side by side between two convolutions, so that what they read and join is made and used."""
    g = GraphBuilder(name)
    x = g.conv("before", g.input(channels, side, side), channels, 1)
    ends: list[str] = []
    for i, branch in enumerate(branches):
        y = x
        for j, (wide, kernel) in enumerate(branch):
            y = g.conv(f"branch{i}.{j}", y, wide, kernel)
        ends.append(y)
    g.conv("behind", g.concat("join", *ends), channels, 1)
    return lower(g.graph())


BLOCKS = (
    block("GoogLeNet 3a", 192, 28, (((64, 1),), ((96, 1), (128, 3)), ((16, 1), (32, 3)), ((32, 1),))),
    block("GoogLeNet 5a", 832, 7, (((256, 1),), ((160, 1), (320, 3)), ((32, 1), (128, 3)), ((128, 1),))),
    block("Inception-ResNet 35", 320, 35, (((32, 1),), ((32, 1), (32, 3)), ((32, 1), (48, 3), (64, 3)))),
)


def orders(network: Network) -> Iterator[tuple[int, ...]]:
    """Every topological order."""
    needs = [{o.source for o in layer.operands if o.source >= 0} for layer in network.layers]

    def extend(done: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        if len(done) == len(needs):
            yield done
        for layer, need in enumerate(needs):
            if layer not in done and need <= set(done):
                yield from extend((*done, layer))

    return extend(())


def samples_per_s(network: Network, package: str, scheme: Scheme, batch: int) -> float:
    """Throughput of the best schedule."""
    result = run(network, load_package(package), batch=batch, schemes=[scheme.value], search="exact")
    return result.best.throughput_per_s or 0.0 if result.best else 0.0


def main() -> None:
    """Print a row for each block, package and scheme."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=int, default=16)
    batch = parser.parse_args().batch
    print(describe())
    print(f"batch {batch}, exact search; samples/s of the chosen order, over those of other orders")
    print(
        f"{'block':<20} {'orders':>6} {'alive':>6} {'package':<9} {'scheme':<19} "
        f"{'/best':>7} {'/median':>8} {'/worst':>6}"
    )
    for network in BLOCKS:
        every = list(orders(network))
        chosen = find_order(network)
        alive = {order: sum(alive_bytes(reordered(network, order))) for order in every}
        share = alive[chosen] / min(alive.values())
        for package in PACKAGES:
            for scheme in SCHEMES:
                found = {o: samples_per_s(reordered(network, o), package, scheme, batch) for o in every}
                mine, values = found[chosen], sorted(found.values())
                print(
                    f"{network.name:<20} {len(every):>6} {share:>6.2f} {package:<9} {scheme.value:<19} "
                    f"{mine / values[-1]:>7.3f} {mine / median(values):>8.3f} {mine / values[0]:>6.3f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
