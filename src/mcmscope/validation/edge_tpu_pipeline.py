"""Edge TPUs as a pipeline, which steps back from the cliff; and what a call of the host would explain."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from mcmscope.errors import InputError
from mcmscope.validation.case import Case, Figure, Packages, Plan, Published
from mcmscope.validation.edge_tpu import (
    CALL_MISSING,
    CORAL,
    INERT,
    KNOBS,
    MOBILENET_MS,
    MS_PER_S,
    kept_s,
    simulated_s,
    single,
)
from mcmscope.validation.plans import pipelined, simulated_beat_s, zoo_network
from mcmscope.workload.builder import GraphBuilder
from mcmscope.workload.lower import lower
from mcmscope.workload.network import Network

if TYPE_CHECKING:
    from mcmscope.simulate import Simulation

_VILLARRUBIA = "Villarrubia et al., arXiv 2503.01025: up to, four devices over one"


@lru_cache(maxsize=64)
def chain(kind: str, width: int) -> Network:
    """Five equal layers: 3x3 convolutions of ``width`` filters on 64 x 64, or fully connected ones."""
    g = GraphBuilder(f"{kind}-{width}")
    x = g.input(3, 64, 64) if kind == "convolutions" else g.input(64)
    for i in range(5):
        y = g.conv(f"layer{i}", x, width, 3) if kind == "convolutions" else g.linear(f"layer{i}", x, width)
        x = g.relu(y)
    return lower(g.graph(), weight_bits=8, activation_bits=8)


_WIDTHS = {"convolutions": range(300, 1000, 100), "connected": range(1000, 3000, 200)}


def _chains(kind: str, packages: Packages) -> tuple[Plan, ...]:
    """Plans of all widths that fit: one device and four, in turn.

    Raises:
        InputError: none fits.
    """
    one, four = packages[:2]
    plans: list[Plan] = []
    for width in _WIDTHS[kind]:
        network = chain(kind, width)
        try:
            plans += [single(network, one), pipelined(network, four, 64)]
        except InputError:
            continue
    if not plans:
        raise InputError(f"{kind}: none fits")
    return tuple(plans)


def _speedups(plans: tuple[Plan, ...], call_s: float = 0.0) -> list[float]:
    """Of pairs of plans: time per inference on one device over that of the pipeline in steady state.

    ``call_s`` is added to both: the host's time per inference.
    """
    return [
        (kept_s(one) + call_s) / (1 / four.evaluation.steady_throughput_per_s + call_s)
        for one, four in zip(plans[::2], plans[1::2], strict=True)
    ]


def _most(plans: tuple[Plan, ...]) -> float:
    return max(_speedups(plans))


def _simulated_most(plans: tuple[Plan, ...], simulated: tuple[Simulation, ...]) -> float:
    singles = zip(plans[::2], simulated[::2], strict=True)
    return max(
        simulated_s(plan, one) / simulated_beat_s(four)
        for (plan, one), four in zip(singles, simulated[1::2], strict=True)
    )


def _pipeline(name: str, kind: str, published: float, why: str) -> Figure:
    return Figure(
        name,
        "x",
        Published(published, published, _VILLARRUBIA),
        lambda packages: _chains(kind, packages),
        _most,
        read_simulated=_simulated_most,
        why=why,
    )


EDGE_TPU_PIPELINE = Case(
    "edge-tpu-4",
    "Edge TPU (Coral): four devices as a pipeline",
    ("edge-tpu", "edge-tpu-4"),
    (
        _pipeline(
            "speed-up, five convolutions, best width",
            "convolutions",
            6,
            "the published networks' sizes were not at hand. From 600 filters the two layers of the first "
            "device overflow its 8 MiB in the model, where merged layers hand over whole tensors",
        ),
        _pipeline("speed-up, five connected layers, best width", "connected", 46, CALL_MISSING),
    ),
    KNOBS,
    INERT,
)


def _call_s(mobilenet: Plan) -> float:
    """The host's time per inference that makes MobileNet v1 as slow as published."""
    return MOBILENET_MS / MS_PER_S - kept_s(mobilenet)


def _with_call(name: str, network: str, published_ms: float, fitted: str = "") -> Figure:
    return Figure(
        name,
        "ms",
        Published(published_ms, published_ms, CORAL),
        lambda packages: (_mobilenet(packages), single(zoo_network(network), packages[0])),
        lambda plans: MS_PER_S * (kept_s(plans[1]) + _call_s(plans[0])),
        fitted=fitted,
    )


def _mobilenet(packages: Packages) -> Plan:
    return single(zoo_network("mobilenet_v1"), packages[0])


def _pipeline_with_call(name: str, kind: str, published: float) -> Figure:
    return Figure(
        name,
        "x",
        Published(published, published, _VILLARRUBIA),
        lambda packages: (_mobilenet(packages), *_chains(kind, packages)),
        lambda plans: max(_speedups(plans[1:], _call_s(plans[0]))),
    )


EDGE_TPU_CALL = Case(
    "edge-tpu-call",
    "Edge TPU (Coral): what a constant time of the host per inference would explain (it is not in the model)",
    ("edge-tpu", "edge-tpu-4"),
    (
        _with_call("MobileNet v1", "mobilenet_v1", MOBILENET_MS, fitted="the host's time per inference"),
        _with_call("MobileNet v2", "mobilenet_v2", 2.6),
        _with_call("Inception v1", "googlenet", 3.4),
        _with_call("ResNet-50 v1, 299 pixels", "resnet_v1_50@299", 49),
        _pipeline_with_call("speed-up, five convolutions, best width", "convolutions", 6),
        _pipeline_with_call("speed-up, five connected layers, best width", "connected", 46),
    ),
    (),
)
