"""Hailo-8: all weights on chip, a pipeline of single layers; and one network that takes several contexts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcmscope.schedule import Scheme
from mcmscope.validation.case import Case, Figure, Packages, Plan, Published, knob
from mcmscope.validation.plans import alone, searched, simulated_beat_s, zoo_network

if TYPE_CHECKING:
    from mcmscope.simulate import Simulation

BATCH = 8
MS_PER_S = 1000

_ZOO = "Hailo model zoo, Hailo-8 classification (compiler 3.27): the same at batch 1 and 8"
_CONTEXTS = "Hailo model zoo, Hailo-8 classification (compiler 3.27)"
_BENCHMARK = "Hailo model zoo, example of its benchmark page: ResNet-50 at 1329 images/s"


def _resident(network: str, packages: Packages) -> tuple[Plan, ...]:
    return (searched(zoo_network(network), packages[0], BATCH, Scheme.FULL_PIPELINE, 1),)


def _steady(plans: tuple[Plan, ...]) -> float:
    return plans[0].evaluation.steady_throughput_per_s


def _fps(name: str, network: str, published: float, why: str = "") -> Figure:
    return Figure(
        name,
        "images/s",
        Published(published, published, _ZOO),
        lambda packages: _resident(network, packages),
        _steady,
        read_simulated=lambda _, simulated: 1 / simulated_beat_s(simulated[0]),
        why=why,
    )


def _latency_ms(plans: tuple[Plan, ...]) -> float:
    return MS_PER_S * plans[0].evaluation.flow_line_latency_s


def _energy_mj(plans: tuple[Plan, ...]) -> float:
    breakdown_j = plans[0].evaluation.energy_breakdown_j or {}
    return MS_PER_S * sum(joules for term, joules in breakdown_j.items() if term != "dram")


def _contexts(batch: int, published: float, why: str) -> Figure:
    return Figure(
        f"EfficientNet-Lite4, several contexts, batch {batch}",
        "images/s",
        Published(published, published, _CONTEXTS),
        lambda packages: (
            searched(zoo_network("efficientnet_lite4"), packages[0], batch, Scheme.SEGMENTED_PIPELINE, 1),
        ),
        lambda plans: plans[0].evaluation.throughput_per_s,
        read_simulated=_simulated_throughput,
        why=why,
    )


def _simulated_throughput(_: tuple[Plan, ...], simulated: tuple[Simulation, ...]) -> float:
    return simulated[0].throughput_per_s


_OPTIMUM = (
    "the model's regions are the best there are; Hailo's compiler reaches 35 to 38% of peak on all three "
    "ResNets, and its rules of allocation are not published"
)
_DEPTHWISE = (
    "Hailo's elements may be made for dense channels; the model's depthwise layers use every PE on a "
    "position of its own"
)
_SWITCH = (
    "weights at PCIe's full rate are a third of the 9 ms that the two published figures leave for a batch's "
    "switches; the rest, set-up of contexts, is not in the model"
)

HAILO = Case(
    "hailo-8",
    "Hailo-8: layers as a pipeline, weights on chip",
    ("hailo-8",),
    (
        _fps("ResNet-50 v1", "resnet_v1_50", 1394),
        _fps("ResNet-18", "resnet18", 2533, _OPTIMUM),
        _fps("ResNet-34", "resnet34", 1346, _OPTIMUM),
        _fps("MobileNet v2", "mobilenet_v2", 2434, _DEPTHWISE),
        Figure(
            "ResNet-50 v1, latency",
            "ms",
            Published(2.94, 2.94, _BENCHMARK),
            lambda packages: (alone(_resident("resnet_v1_50", packages)[0]),),
            _latency_ms,
            read_simulated=lambda _, simulated: MS_PER_S * simulated[0].segments[0].run_s,
            why="the model hands whole samples from layer to layer, Hailo-8 rows: a layer starts before the "
            "one in front of it has ended",
        ),
        Figure(
            "ResNet-50 v1, energy of the chip",
            "mJ",
            Published(2.4, 2.4, _BENCHMARK),
            lambda packages: _resident("resnet_v1_50", packages),
            _energy_mj,
            fitted="the profile's energy of a MAC",
        ),
        _contexts(1, 84, _SWITCH),
        _contexts(BATCH, 250, f"{_SWITCH}; and {_OPTIMUM}"),
    ),
    (
        knob(
            "grid.columns",
            inverse=(
                "chiplet.pes",
                "chiplet.vector_lanes",
                "chiplet.unified_buffer_kib",
                "chiplet.buffer_read_bytes_per_cycle",
            ),
            name="grid.columns: more and smaller elements",
        ),
        knob("chiplet.clock_mhz", inverse=("chiplet.pes",), name="chiplet.clock_mhz at equal peak"),
        knob("chiplet.lanes_k", inverse=("chiplet.lanes_c",), name="chiplet.lanes_k / lanes_c"),
        knob("chiplet.lanes_c", inverse=("chiplet.pes",), name="chiplet.lanes_c at equal peak"),
        knob("chiplet.vector_lanes"),
        knob("chiplet.unified_buffer_kib"),
        knob("chiplet.buffer_read_bytes_per_cycle"),
        knob("nop.link_gb_per_s"),
        knob("nop.hop_latency_ns"),
        knob("dram.channel_gb_per_s", name="dram.channel_gb_per_s (published: PCIe Gen3 x4)"),
    ),
    (
        ("chiplet.pes", "with grid.columns and chiplet.clock_mhz: the peak is published"),
        ("chiplet.layer_start_ns", "zero: nothing to scale"),
        ("dram.edges", "a place, not a quantity"),
        ("energy_profile.dram_pj_per_bit", "no figure holds the energy of the host's link"),
    ),
)
