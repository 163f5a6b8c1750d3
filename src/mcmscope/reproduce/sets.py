"""The networks and packages of the experiments, and about how long a case takes."""

from __future__ import annotations

from functools import cache

RESNETS = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152")
PAPER_NETWORKS = ("alexnet", "vgg16", "darknet19", *RESNETS)
"""Those that papers on pipelines use."""
NETWORKS = (*PAPER_NETWORKS, "googlenet", "mobilenet_v2", "vit_b_16", "bert_base")
SIZES = (16, 36, 64, 128, 256, 512)
"""Chiplets."""
LARGEST_BATCH = 65_536
"""Stands for the steady state."""
_LAYERS_X_CHIPLETS_PER_S = 6000
"""About so many go into one second of searching all schemes."""


def simba(chiplets: int) -> str:
    """The package of so many of Simba's chiplets."""
    return f"simba-{chiplets}"


@cache
def layers(network: str) -> int:
    """Layers of a network of the zoo."""
    from mcmscope.workload import load_network

    return len(load_network(network))


def about_s(network: str, package: str, times: float = 1.0) -> float:
    """Seconds that a search of all schemes takes, ``times`` over; a guess that orders cases."""
    return 0.2 + times * layers(network) * _chiplets(package) / _LAYERS_X_CHIPLETS_PER_S


@cache
def _chiplets(package: str) -> int:
    from mcmscope.hardware import load_package

    return load_package(package).chiplets
