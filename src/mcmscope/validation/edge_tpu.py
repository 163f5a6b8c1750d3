"""Coral's Edge TPU: the cliff behind 8 MiB of weights, and pipelines of devices that step back from it."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from mcmscope.errors import InputError
from mcmscope.hardware.package import Package
from mcmscope.schedule import Scheme
from mcmscope.validation.case import Case, Figure, Packages, Plan, Published, knob
from mcmscope.validation.plans import pipelined, searched, simulated_beat_s, zoo_network
from mcmscope.workload.builder import GraphBuilder
from mcmscope.workload.lower import lower
from mcmscope.workload.network import Network

if TYPE_CHECKING:
    from mcmscope.simulate import Simulation

MS_PER_S = 1000
_MOBILENET_MS = 2.4

_CORAL = "coral.ai, Edge TPU benchmarks: USB accelerator on a desktop, ms per inference"
_VILLARRUBIA = "Villarrubia et al., arXiv 2503.01025: up to, four devices over one"


def single(network: Network, package: Package) -> Plan:
    """One inference on one device: the fastest schedule of a sample, which loads all weights."""
    return searched(network, package, 1, Scheme.SEQUENTIAL_FUSED)


def resident_bytes(plan: Plan) -> int:
    """Weights that stay from one inference to the next: what the largest activations leave of the buffer."""
    stages = (stage for segment in plan.evaluation.segments for stage in segment.stages)
    activations = max(stage.activation_bytes + stage.relayed_bytes for stage in stages)
    buffer = plan.package.chiplet.activation_buffer_bytes
    return min(plan.network.weight_bytes, max(0, buffer - activations))


def repeated_s(plan: Plan, resident: int) -> float:
    """Seconds per inference in repetition, when ``resident`` bytes of the weights need no load.

    The model loads every weight at every visit. One sample uses a weight once, so that those which do not
    stay can stream through a small window: the loads of those that do are taken out, at the link's rate.
    """
    return plan.evaluation.batch_latency_s - load_s(plan, resident)


def load_s(plan: Plan, size: int) -> float:
    """Seconds that ``size`` bytes of weights take to come in."""
    return size / (min(plan.package.dram_mb_per_s, plan.package.nop.link_mb_per_s) * 1e6)


def kept_s(plan: Plan) -> float:
    """``repeated_s`` with as many weights as can stay."""
    return repeated_s(plan, resident_bytes(plan))


def simulated_s(plan: Plan, simulation: Simulation) -> float:
    """``kept_s`` of a simulated inference."""
    return simulation.batch_s - load_s(plan, resident_bytes(plan))


def _ms(plans: tuple[Plan, ...]) -> float:
    return MS_PER_S * kept_s(plans[0])


def _simulated_ms(plans: tuple[Plan, ...], simulated: tuple[Simulation, ...]) -> float:
    return MS_PER_S * simulated_s(plans[0], simulated[0])


def _ms_bounds(plans: tuple[Plan, ...]) -> tuple[float, float]:
    """With a buffer full of weights that stay, and with none."""
    plan = plans[0]
    most = min(plan.network.weight_bytes, plan.package.chiplet.activation_buffer_bytes)
    return MS_PER_S * repeated_s(plan, most), MS_PER_S * repeated_s(plan, 0)


def _inference(name: str, network: str, published_ms: float, why: str = "") -> Figure:
    return Figure(
        name,
        "ms",
        Published(published_ms, published_ms, _CORAL),
        lambda packages: (single(zoo_network(network), packages[0]),),
        _ms,
        bounds=_ms_bounds,
        read_simulated=_simulated_ms,
        why=why,
    )


_CALL = "the model has no time for the host's call of each inference: see edge-tpu-call"

_KNOBS = (
    knob("chiplet.clock_mhz", inverse=("chiplet.pes",), name="chiplet.clock_mhz at equal peak"),
    knob("chiplet.clock_mhz", name="chiplet.clock_mhz, and the peak with it"),
    knob("chiplet.lanes_k", inverse=("chiplet.lanes_c",), name="chiplet.lanes_k / lanes_c"),
    knob(
        "chiplet.lanes_k",
        "chiplet.lanes_c",
        inverse=("chiplet.pes", "chiplet.pes"),
        name="chiplet.lanes_k and lanes_c at equal peak",
    ),
    knob("chiplet.vector_lanes"),
    knob("chiplet.buffer_read_bytes_per_cycle"),
    knob("chiplet.layer_start_ns"),
    knob("nop.hop_latency_ns"),
    knob("nop.link_gb_per_s", name="nop.link_gb_per_s (published: USB 3.0)"),
    knob("chiplet.unified_buffer_kib", name="chiplet.unified_buffer_kib (published)"),
    knob("retained_share"),
)
_INERT = (
    ("dram.channels", "with dram.channel_gb_per_s"),
    ("dram.channel_gb_per_s", "50 times as fast as the link, which binds"),
    ("energy_profile.nop_hop_pj_per_bit", "no figure is an energy"),
    ("energy_profile.dram_pj_per_bit", "no figure is an energy"),
)

EDGE_TPU = Case(
    "edge-tpu",
    "Edge TPU (Coral): one device, one inference after another",
    ("edge-tpu",),
    (
        _inference("ResNet-50 v1, 299 pixels", "resnet_v1_50@299", 49),
        _inference("ResNet-152 v2, 299 pixels", "resnet_v2_152@299", 128),
        _inference("Inception v4, 299 pixels", "inception_v4", 85),
        _inference(
            "Inception-ResNet v2, 299 pixels",
            "inception_resnet_v2",
            57,
            "not explained: its 55.7 MB of weights less 8 in 57 ms are 0.84 GB/s, more than USB 3.0 carries; "
            "the measured file may hold fewer",
        ),
        _inference("VGG-16", "vgg16", 296),
        _inference("VGG-19", "vgg19", 308),
        _inference("MobileNet v1", "mobilenet_v1", _MOBILENET_MS, _CALL),
        _inference("MobileNet v2", "mobilenet_v2", 2.6, _CALL),
        _inference("Inception v1", "googlenet", 3.4, _CALL),
        _inference(
            "DenseNet-121",
            "densenet121",
            20,
            "not explained by weights, most of which fit, nor by MACs; the model joins channels for nothing, "
            "and a device that copies them at every layer would take longer",
        ),
    ),
    _KNOBS,
    _INERT,
)


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
        _pipeline("speed-up, five connected layers, best width", "connected", 46, _CALL),
    ),
    _KNOBS,
    _INERT,
)


def _call_s(mobilenet: Plan) -> float:
    """The host's time per inference that makes MobileNet v1 as slow as published."""
    return _MOBILENET_MS / MS_PER_S - kept_s(mobilenet)


def _with_call(name: str, network: str, published_ms: float, fitted: str = "") -> Figure:
    return Figure(
        name,
        "ms",
        Published(published_ms, published_ms, _CORAL),
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
        _with_call("MobileNet v1", "mobilenet_v1", _MOBILENET_MS, fitted="the host's time per inference"),
        _with_call("MobileNet v2", "mobilenet_v2", 2.6),
        _with_call("Inception v1", "googlenet", 3.4),
        _with_call("ResNet-50 v1, 299 pixels", "resnet_v1_50@299", 49),
        _pipeline_with_call("speed-up, five convolutions, best width", "convolutions", 6),
        _pipeline_with_call("speed-up, five connected layers, best width", "connected", 46),
    ),
    (),
)
