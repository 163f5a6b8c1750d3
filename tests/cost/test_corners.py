"""Corners of the model that docs/model.md names, each in its smallest case."""

from __future__ import annotations

from dataclasses import replace

from mcmscope.cost.evaluate import Evaluation, evaluate
from mcmscope.hardware.package import Chiplet, Package
from mcmscope.schedule import Cluster, Partition, Schedule, Segment
from mcmscope.workload.network import Layer, Network, NetworkInput, Op, Operand, Role

from .test_hand_case import PACKAGE


def linear(name: str, source: int, inputs: int, outputs: int, rows: int = 1, *more: Operand) -> Layer:
    """A linear layer over ``rows`` rows."""
    return Layer(
        name=name,
        op=Op.LINEAR,
        out_channels=outputs,
        in_channels=inputs,
        groups=1,
        out_height=rows,
        out_width=1,
        operands=(Operand(source, Role.DATA, inputs * rows, height=rows), *more),
        weights=inputs * outputs,
        vector_elements=0,
        output_elements=outputs * rows,
        output_height=rows,
        output_width=1,
    )


def one_each(network: Network, micro_batch: int = 1) -> Schedule:
    """Every layer a segment of its own, on one chiplet."""
    return Schedule(
        tuple(
            Segment((l, l + 1), micro_batch, (Cluster((l, l + 1), (0,), (1, 1, 1), (Partition.WSP,)),))
            for l in range(len(network))
        )
    )


def small_pes(weight_buffer_bytes: int, pes: int = 4) -> Package:
    """One lane per PE."""
    chip: Chiplet = replace(
        PACKAGE.chiplet, pes=pes, lanes_k=1, lanes_c=1, weight_buffer_bytes=weight_buffer_bytes
    )
    return replace(PACKAGE, chiplet=chip)


def test_a_sample_alone_keeps_the_schedules_copies_of_weights() -> None:
    """Five channels, three rows: u = 1 is fastest with four copies, u = 2 with two; two copies fit."""
    chain = (linear("a", -1, 1, 5, 3), linear("b", 0, 5, 1, 3))
    network = Network("chain", (NetworkInput("x", 3),), chain, (1,))
    clusters = tuple(Cluster((l, l + 1), (l,), (1, 1, 1), (Partition.WSP,)) for l in range(2))
    schedule = Schedule((Segment((0, 2), 2, clusters),))
    roomy, tight = (evaluate(schedule, network, small_pes(size), 2) for size in (1000, 15))
    assert roomy.segments[0].stages[0].stored_weight_bytes == 10
    assert tight.feasible
    assert tight.batch_ps == roomy.batch_ps
    assert 0 < roomy.latency_ps < tight.latency_ps <= tight.batch_ps


def test_passes_are_as_few_as_fit() -> None:
    """One chiplet of 16 PEs stores eight copies of all 26 channels, but only two of nine."""
    network = Network("one", (NetworkInput("x", 55 * 40),), (linear("a", -1, 55, 26, 40),), (0,))
    chip = replace(PACKAGE.chiplet, pes=16, lanes_k=3)
    roomy = evaluate(
        one_each(network), network, replace(PACKAGE, chiplet=replace(chip, weight_buffer_bytes=10**5))
    )
    tight = evaluate(
        one_each(network), network, replace(PACKAGE, chiplet=replace(chip, weight_buffer_bytes=1365))
    )
    assert roomy.segments[0].passes == 1
    assert roomy.segments[0].stages[0].stored_weight_bytes == 8 * 55 * 26
    assert tight.segments[0].passes == 3
    assert tight.segments[0].stages[0].stored_weight_bytes == 2 * 55 * 9


def retained(kilobytes: int, network: Network) -> Evaluation:
    """Every layer a segment of its own; so many bytes (in thousands) may stay between them."""
    chip = replace(PACKAGE.chiplet, weight_buffer_bytes=10**9, activation_buffer_bytes=kilobytes * 500)
    package = replace(PACKAGE, chiplet=chip, retained_permille=500)
    return evaluate(one_each(network), network, package, batch=10)


SKIPPED = Operand(0, Role.RESIDUAL, 100, height=1)


def test_a_kept_boundary_can_cost_what_passes_over() -> None:
    """The first tensor skips two segments; keeping only the boundary between them moves it in and out."""
    layers = (
        linear("first", -1, 10, 100),
        linear("wide", 0, 100, 2000),
        linear("narrow", 1, 2000, 10),
        linear("wide again", 2, 10, 2000),
        linear("last", 3, 2000, 100, 1, SKIPPED),
    )
    network = Network("skip", (NetworkInput("x", 10),), layers, (4,))
    none, some, most = (retained(kilobytes, network) for kilobytes in (0, 2, 30))
    traffic = [[segment.dram_bytes_per_beat for segment in result.segments] for result in (none, some, most)]
    spilled = [
        [sum(2 * stage.spilled_bytes for stage in segment.stages) for segment in result.segments]
        for result in (none, some, most)
    ]
    io = [[x - y for x, y in zip(*pair, strict=True)] for pair in zip(traffic, spilled, strict=True)]
    assert io[0] == [110, 2100, 2010, 2010, 2200]
    # Boundaries 1 (100 bytes alive) and 3 (10 + 100) are kept; what passes over moves where one side is.
    assert io[1] == [10, 2000 + 100, 2000 + 100, 2000 + 100, 2200]
    assert io[2] == [10, 0, 0, 0, 100]


def test_so_a_smaller_batch_can_take_longer() -> None:
    """As above, where DRAM binds: with one sample more the costly boundary is not kept any more."""
    layers = (
        linear("first", -1, 10, 1000),
        linear("wide", 0, 1000, 2000),
        linear("narrow", 1, 2000, 10),
        linear("wide again", 2, 10, 2000),
        linear("last", 3, 2000, 1000, 1, replace(SKIPPED, elements=1000)),
    )
    network = Network("skip", (NetworkInput("x", 10),), layers, (4,))
    # 18180 bytes may stay: 18 samples of 1010 bytes.
    chip = replace(PACKAGE.chiplet, weight_buffer_bytes=10**9, activation_buffer_bytes=9090)
    dram = replace(PACKAGE.dram, channel_mb_per_s=5)
    package = replace(PACKAGE, chiplet=chip, dram=dram)
    smaller, larger = (evaluate(one_each(network), network, package, batch) for batch in (18, 19))
    assert smaller.batch_ps > larger.batch_ps
