"""How segments and regions are called in a trace."""

from __future__ import annotations

from mcmscope.report.words import layers_text, plural
from mcmscope.workload.network import Network


def segment_name(index: int, layers: tuple[int, int]) -> str:
    """``segment 1 (layers 0-3)``."""
    return f"segment {index + 1} ({layers_text(layers)})"


def region_name(network: Network, segment: int, cluster: int, layers: tuple[int, int], chiplets: int) -> str:
    """``2.1 conv3 to conv5 (4 chiplets)``: segment and cluster, its layers, its size."""
    first, last = network.layers[layers[0]].name, network.layers[layers[1] - 1].name
    names = first if layers[1] - layers[0] == 1 else f"{first} to {last}"
    return f"{segment + 1}.{cluster + 1} {names} ({plural(chiplets, 'chiplet')})"
