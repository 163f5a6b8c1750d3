"""The best tile grid for a cluster whose author left the choice open."""

from __future__ import annotations

import numpy as np

from mcmscope.cost.code import PARTITIONS
from mcmscope.cost.model import cost_model
from mcmscope.cost.stage import stage_cost
from mcmscope.hardware.package import Package
from mcmscope.schedule import Cluster
from mcmscope.search.space import tile_grids
from mcmscope.workload.network import Network


def best_grid(cluster: Cluster, micro_batch: int, network: Network, package: Package) -> tuple[int, int, int]:
    """Of the usual grids the one whose stage fits and is fastest; then the one that holds the least."""
    model = cost_model(network, package)
    first, end = cluster.layers
    partitions = np.zeros(len(network), dtype=np.int64)
    partitions[first:end] = [PARTITIONS.index(partition) for partition in cluster.partitions]

    def merit(grid: tuple[int, int, int]) -> tuple[bool, int, int]:
        cost = stage_cost(
            model.net,
            model.machine,
            model.tilings,
            first,
            end,
            partitions,
            len(cluster.chiplets),
            micro_batch,
            grid,
        )
        return cost.stored_bytes > model.machine.weight_limit, int(cost.time_ps), int(cost.need_bytes)

    return min(tile_grids(len(cluster.chiplets), micro_batch), key=merit)
