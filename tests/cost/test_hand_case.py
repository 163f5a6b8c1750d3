"""The case that docs/model.md works by hand: two layers on four chiplets at 1 GHz, to the last digit."""

from __future__ import annotations

import pytest

from mcmscope.cost.evaluate import Evaluation, evaluate
from mcmscope.hardware.package import Chiplet, Dram, Edge, EnergyProfile, Nop, Package
from mcmscope.schedule import Cluster, Partition, Schedule, Segment, serpentine
from mcmscope.workload.network import Layer, Network, NetworkInput, Op, Operand, Role

IMAGE = Operand(-1, Role.DATA, elements=1024, height=8, width=8, window=(3, 3))
FEATURES = Operand(0, Role.DATA, elements=2048, height=8, width=8)

NETWORK = Network(
    name="two layers",
    inputs=(NetworkInput("image", 1024),),
    layers=(
        Layer(
            name="conv",
            op=Op.CONV,
            out_channels=32,
            in_channels=16,
            groups=1,
            out_height=8,
            out_width=8,
            operands=(IMAGE,),
            weights=4608,
            vector_elements=2048,
            output_elements=2048,
            output_height=8,
            output_width=8,
            kernel=(3, 3),
            padding=(1, 1, 1, 1),
        ),
        Layer(
            name="point",
            op=Op.CONV,
            out_channels=64,
            in_channels=32,
            groups=1,
            out_height=8,
            out_width=8,
            operands=(FEATURES,),
            weights=2048,
            vector_elements=4096,
            output_elements=4096,
            output_height=8,
            output_width=8,
        ),
    ),
    outputs=(1,),
)

PACKAGE = Package(
    name="four chiplets",
    description="",
    rows=2,
    columns=2,
    strip_height=1,
    chiplet=Chiplet(
        clock_mhz=1000,
        pes=4,
        lanes_k=8,
        lanes_c=8,
        vector_lanes=64,
        weight_buffer_bytes=8192,
        activation_buffer_bytes=8192,
        unified=False,
        buffer_read_bytes_per_cycle=64,
        layer_start_ns=10,
    ),
    nop=Nop(link_mb_per_s=10_000, hop_latency_ns=20),
    dram=Dram(channels=2, channel_mb_per_s=10_000, edges=(Edge.LEFT, Edge.RIGHT)),
    energy=EnergyProfile(
        name="hand",
        source="round numbers",
        mac_fj=20,
        input_buffer_read_fj_per_byte=100,
        weight_buffer_read_fj_per_byte=200,
        accumulator_fj_per_byte=50,
        activation_buffer_read_fj_per_byte=400,
        activation_buffer_write_fj_per_byte=500,
        nop_hop_fj_per_byte=8000,
        dram_fj_per_byte=60_000,
    ),
    retained_permille=500,
)

ORDER = serpentine(2, 2, 1)
CONV_TILED, POINT_SPLIT = (Partition.WSP,), (Partition.ISP,)


def pipelined(batch: int = 8) -> Evaluation:
    """Two stages of two chiplets, two samples per beat."""
    clusters = (
        Cluster((0, 1), ORDER[:2], (1, 2, 1), CONV_TILED),
        Cluster((1, 2), ORDER[2:], (1, 1, 1), POINT_SPLIT),
    )
    return evaluate(Schedule((Segment((0, 2), 2, clusters),)), NETWORK, PACKAGE, batch)


def merged(micro_batch: int) -> Evaluation:
    """One stage of four chiplets."""
    cluster = Cluster((0, 2), ORDER, (1, 2, 2), CONV_TILED + POINT_SPLIT)
    return evaluate(Schedule((Segment((0, 2), micro_batch, (cluster,)),)), NETWORK, PACKAGE, 8)


def test_order() -> None:
    assert ORDER == (0, 1, 3, 2)


def test_pipelined_conv() -> None:
    conv = pipelined().segments[0].stages[0].details[0]
    assert conv.compute_cycles == 1152  # 2 passes x 64 positions x 9 taps
    assert conv.vector_cycles == 32
    assert conv.buffer_cycles == 24
    assert conv.ingress_bytes == 1536  # 2 samples x 6 rows x 8 columns x 16 channels
    assert conv.exchange_s == 193.6e-9  # 153.6 ns on one link, two hops
    assert conv.time_s == 1162e-9
    assert conv.active_chiplets == 2
    assert conv.binds == "compute"


def test_pipelined_point() -> None:
    point = pipelined().segments[0].stages[1].details[0]
    assert point.compute_cycles == 512  # 4 passes x 128 positions
    assert point.vector_cycles == 64
    assert point.buffer_cycles == 64
    assert point.ingress_bytes == 4096  # all of both samples
    assert point.exchange_s == 449.6e-9
    assert point.time_s == 522e-9


def test_pipelined_memory() -> None:
    first, second = pipelined().segments[0].stages
    assert first.stored_weight_bytes == 4608
    assert first.activation_bytes == 1024 + 1024
    assert second.stored_weight_bytes == 1024
    assert second.activation_bytes == 2048 + 2048  # exactly what half the buffer holds
    assert first.spilled_bytes == second.spilled_bytes == 0


def test_pipelined_segment() -> None:
    segment = pipelined().segments[0]
    assert segment.stages[0].cut_s == segment.cut_s == 409.6e-9
    assert segment.dram_bytes_per_beat == 10_240
    assert segment.io_s == 512e-9
    assert segment.load_bytes == 6656
    assert segment.load_s == 460.8e-9
    assert (segment.beats, segment.beat_s, segment.run_s) == (4, 1162e-9, 5810e-9)


def test_pipelined_totals() -> None:
    result = pipelined()
    assert result.batch_ps == 460_800 + 5_810_000
    assert result.latency_ps == 2 * 586_000
    assert result.throughput_per_s == 8 / 6_270_800 * 1e12
    assert result.flow_line_throughput_per_s == pytest.approx(8 / 5_630_800e-12)
    assert result.steady_throughput_per_s == pytest.approx(1 / 581e-9)
    assert result.bound_throughput_per_s == pytest.approx(1 / 416e-9)
    assert result.utilization == pytest.approx(8 * 416 / 6270.8)


def test_pipelined_energy() -> None:
    result = pipelined()
    assert result.energy_breakdown_j is not None
    assert {term: round(joule * 8e15) for term, joule in result.energy_breakdown_j.items()} == {
        "mac": 68_157_440,
        "pe_buffers": 179_404_800,
        "activation_buffer": 65_126_400,
        "nop": 409_600_000 + 90_112_000 + 380_928_000,
        "dram": 2_856_960_000,
        "static": 0,
    }
    assert result.energy_fj == 4_050_288_640


def test_merged_spills_at_two_samples() -> None:
    result = merged(2)
    segment = result.segments[0]
    stage = segment.stages[0]
    conv, point = stage.details
    assert (conv.compute_cycles, conv.ingress_bytes) == (576, 1152)
    assert (conv.exchange_s, conv.time_s) == (117.6e-9, 586e-9)
    assert (point.compute_cycles, point.ingress_bytes) == (256, 3072)
    assert (point.exchange_s, point.time_s) == (213.6e-9, 266e-9)
    assert stage.time_s == 852e-9
    assert stage.activation_bytes == 512 + 2048 + 3072 + 2048
    assert stage.spilled_bytes == 7680 - 4096
    assert (segment.io_s, segment.spill_s, segment.beat_s) == (512e-9, 1433.6e-9, 1945.6e-9)
    assert segment.load_s == 332.8e-9
    assert result.batch_ps == 332_800 + 4 * 1_945_600


def test_merged_fits_at_one_sample() -> None:
    result = merged(1)
    segment = result.segments[0]
    stage = segment.stages[0]
    conv, point = stage.details
    assert (conv.compute_cycles, conv.time_s) == (288, 298e-9)
    assert (point.compute_cycles, point.exchange_s) == (128, 136.8e-9)
    assert point.time_s == 146.8e-9  # the all-gather is the longest
    assert point.binds == "NoP"
    assert (stage.activation_bytes, stage.spilled_bytes) == (3840, 0)
    assert segment.beat_s == 444.8e-9
    assert result.batch_ps == 332_800 + 8 * 444_800
    assert result.latency_ps == 444_800
