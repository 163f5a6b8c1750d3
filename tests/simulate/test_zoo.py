"""The zoo on presets: no deadlock, nothing lost, never below the bound."""

from __future__ import annotations

import pytest

from mcmscope import load_network, load_package, run
from mcmscope.simulate import simulate
from mcmscope.workload.zoo import ZOO
from tests.search.test_order import OTHER_PACKAGES, PAPER

BATCH = 8
PACKAGES = (*OTHER_PACKAGES, "simba-16", "simba-64", "simba-128", "ucie-64", "mesh-4x4")
SCHEMES = ("sequential-fused", "segmented-pipeline", "merged-pipeline", "data-parallel")


@pytest.mark.slow
@pytest.mark.parametrize("network_name", sorted(ZOO))
def test_every_network_runs_to_its_end(network_name: str) -> None:
    network = load_network(network_name)
    simulated = 0
    for package in map(load_package, PACKAGES if network_name in PAPER else OTHER_PACKAGES):
        for row in run(network, package, BATCH, schemes=SCHEMES).schemes:
            if row.schedule is None or row.evaluation is None:
                continue
            result = simulate(row.schedule, network, package, BATCH)
            simulated += 1
            assert result.macs == BATCH * network.macs
            assert result.sent_bytes == pytest.approx(result.received_bytes, rel=1e-9)
            bound_per_s = row.evaluation.bound_throughput_per_s
            assert result.throughput_per_s <= bound_per_s * (1 + 1e-9), (package.name, row.scheme)
    assert simulated > 0
