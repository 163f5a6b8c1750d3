"""A network on a package, prepared for the kernels, and the price of an encoded schedule on it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from mcmscope.cost.arrays import Ints, NetworkArrays, Tilings, network_arrays
from mcmscope.cost.code import Encoded
from mcmscope.cost.compute import tilings
from mcmscope.cost.energy import ENERGY_TERMS, EnergyTerms, energy_terms
from mcmscope.cost.machine import Machine, machine
from mcmscope.cost.price import price, total_ps
from mcmscope.cost.reports import FLOW_PS, LAYER_REPORT, OK, RUN_PS, SEGMENT_REPORT, STAGE_REPORT
from mcmscope.hardware.package import Package
from mcmscope.workload.network import Network


@dataclass(frozen=True)
class CostModel:
    """A network on a package, prepared for the kernels."""

    network: Network
    package: Package
    net: NetworkArrays
    machine: Machine
    tilings: Tilings
    terms: EnergyTerms


@lru_cache(maxsize=8)
def cost_model(network: Network, package: Package) -> CostModel:
    """Tables for pricing schedules of ``network`` on ``package``; built once, kept for the last eight pairs.

    Raises ``InputError`` for a network of too many layers.
    """
    net, mach = network_arrays(network), machine(package)
    return CostModel(network, package, net, mach, tilings(net, mach), energy_terms(network, package))


@dataclass(frozen=True)
class Priced:
    """What ``price`` reported: picoseconds, bytes, femtojoules."""

    status: int
    layers: Ints
    stages: Ints
    segments: Ints
    energy: Ints
    total_ps: int
    flow_ps: int


def price_code(
    model: CostModel, code: Encoded, m: int, *, alone: bool = False, steady: bool = False, layers: bool = True
) -> Priced:
    """Price arrays: a batch of m, one sample ``alone`` (m = u = 1, one replica), or the ``steady`` state."""
    layer_report = np.zeros((len(code.partitions) if layers else 0, LAYER_REPORT), dtype=np.int64)
    stage_report = np.zeros((len(code.clusters), STAGE_REPORT), dtype=np.int64)
    segment_report = np.zeros((len(code.segments), SEGMENT_REPORT), dtype=np.int64)
    energy = np.zeros((len(code.segments), ENERGY_TERMS), dtype=np.int64)
    status = price(
        model.net,
        model.machine,
        model.tilings,
        model.terms,
        code.segments,
        code.clusters,
        code.partitions,
        1 if alone else m,
        1 if alone else 0,
        int(steady),
        1 if alone else code.replicas,
        layer_report,
        stage_report,
        segment_report,
        energy,
    )
    total = flow = 0
    if status == OK:
        copies = 1 if alone else code.replicas
        total = int(total_ps(segment_report, model.machine, copies, RUN_PS))
        flow = int(total_ps(segment_report, model.machine, copies, FLOW_PS))
    return Priced(int(status), layer_report, stage_report, segment_report, energy, total, flow)
