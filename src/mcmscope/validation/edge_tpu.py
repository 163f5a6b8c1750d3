"""Coral's Edge TPU: the cliff behind 8 MiB of weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcmscope.hardware.package import Package
from mcmscope.schedule import Scheme
from mcmscope.validation.case import Case, Figure, Plan, Published, knob
from mcmscope.validation.plans import searched, zoo_network
from mcmscope.workload.network import Network

if TYPE_CHECKING:
    from mcmscope.simulate import Simulation

MS_PER_S = 1000
MOBILENET_MS = 2.4

CORAL = "coral.ai, Edge TPU benchmarks: USB accelerator on a desktop, ms per inference"


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
        Published(published_ms, published_ms, CORAL),
        lambda packages: (single(zoo_network(network), packages[0]),),
        _ms,
        bounds=_ms_bounds,
        read_simulated=_simulated_ms,
        why=why,
    )


CALL_MISSING = "the model has no time for the host's call of each inference: see edge-tpu-call"

KNOBS = (
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
INERT = (
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
        _inference("MobileNet v1", "mobilenet_v1", MOBILENET_MS, CALL_MISSING),
        _inference("MobileNet v2", "mobilenet_v2", 2.6, CALL_MISSING),
        _inference("Inception v1", "googlenet", 3.4, CALL_MISSING),
        _inference(
            "DenseNet-121",
            "densenet121",
            20,
            "not explained by weights, most of which fit, nor by MACs; the model joins channels for nothing, "
            "and a device that copies them at every layer would take longer",
        ),
    ),
    KNOBS,
    INERT,
)
