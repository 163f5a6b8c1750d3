"""The zoo on presets: no deadlock, nothing lost, never below the bound."""

from __future__ import annotations

import pytest

from mcmscope import load_network, load_package, run
from mcmscope.simulate import simulate
from mcmscope.workload.zoo import ZOO

BATCH = 8
PACKAGES = ("simba-36", "mesh-8x8", "simba-16", "simba-64", "simba-128", "ucie-64", "mesh-4x4")
SCHEMES = ("sequential-fused", "segmented-pipeline", "merged-pipeline", "data-parallel")


@pytest.mark.slow
@pytest.mark.parametrize(("number", "network_name"), list(enumerate(sorted(ZOO))))
def test_every_network_runs_to_its_end(number: int, network_name: str) -> None:
    """Packages take turns, so that each has several networks."""
    network = load_network(network_name)
    package = load_package(PACKAGES[number % len(PACKAGES)])
    simulated = 0
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
