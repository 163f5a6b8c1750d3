"""Parallel branches: they may share a cluster, which takes in what they share once."""

from __future__ import annotations

from itertools import pairwise

import pytest

import mcmscope
from mcmscope import Cluster, Partition, Schedule, Segment
from mcmscope.cost.arrays import MADE_BEFORE, network_arrays
from mcmscope.cost.model import cost_model
from mcmscope.workload import Network


def reads(network: Network, layer: int, of: int) -> bool:
    """Whether a layer depends on another."""
    sources = {operand.source for operand in network.layers[layer].operands}
    return of in sources or any(source > of and reads(network, source, of) for source in sources)


def holds_branches(network: Network, layers: tuple[int, int]) -> bool:
    """Whether two of these layers stand side by side: neither depends on the other."""
    return any(not reads(network, b, a) for a, b in pairwise(range(*layers)))


def block(network: Network, name: str) -> tuple[int, int]:
    """The layers of an inception block, which stand together if nothing of the next one comes between."""
    places = [i for i, layer in enumerate(network.layers) if layer.name.startswith(name)]
    return places[0], places[-1] + 1


def test_branches_in_one_cluster_take_in_what_they_share_once() -> None:
    network = mcmscope.load_network("googlenet")
    first, end = block(network, "inception3a")
    assert holds_branches(network, (first, end))
    shared = network.layers[first].operands[0].source
    readers = [
        i for i in range(first, end) if shared in {operand.source for operand in network.layers[i].operands}
    ]
    assert len(readers) > 2
    span = network_arrays(network).span
    assert span[MADE_BEFORE, first, end] == network.layers[shared].output_elements


def test_clusters_of_branches_hand_over_what_is_read_and_simulate_as_priced() -> None:
    network = mcmscope.load_network("googlenet")
    first, end = block(network, "inception5b")
    chiplets = tuple(range(16))
    half = (first + end) // 2
    assert holds_branches(network, (first, half))
    read = {operand.source for layer in network.layers[half:end] for operand in layer.operands}
    handed = [i for i in range(first, half) if i in read]
    assert len(handed) == 2  # the narrow layers of two branches; the block's input comes from outside

    def cluster(layers: tuple[int, int], region: tuple[int, ...]) -> Cluster:
        return Cluster(layers, region, (1, 1, 1), (Partition.ISP,) * (layers[1] - layers[0]))

    stages = (cluster((first, half), chiplets[:8]), cluster((half, end), chiplets[8:]))
    segments = [Segment((i, i + 1), 1, (cluster((i, i + 1), chiplets),)) for i in range(len(network))]
    schedule = Schedule((*segments[:first], Segment((first, end), 1, stages), *segments[end:]))
    evaluation = mcmscope.evaluate(schedule, network, "simba-16", 4)
    assert evaluation.feasible
    simulated = mcmscope.simulate_schedule(schedule, network, "simba-16", 4)
    assert simulated.throughput_per_s == pytest.approx(evaluation.flow_line_throughput_per_s, rel=0.05)
    handed_bytes = sum(network.layers[i].output_elements for i in handed)
    cut_mb_per_s = cost_model(network, mcmscope.load_package("simba-16")).machine.cut_mb_per_s
    assert evaluation.segments[first].cut_s == pytest.approx(handed_bytes / (cut_mb_per_s * 1e6))


def test_searches_put_branches_into_one_cluster() -> None:
    result = mcmscope.run("googlenet", "simba-16", schemes="merged-pipeline")
    assert result.best is not None
    assert result.best.schedule is not None
    assert any(holds_branches(result.network, cluster.layers) for cluster in result.best.schedule.clusters)
