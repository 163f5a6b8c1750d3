"""What holds for every simulation: nothing is lost, nothing is made, no one waits for ever."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from mcmscope.cost.evaluate import evaluate
from mcmscope.errors import InputError
from mcmscope.simulate import IDEALS, Simulation, simulate
from mcmscope.workload.network import Network, bytes_of
from tests.cost.generators import Case, cases

SUPPRESSED = (HealthCheck.too_slow, HealthCheck.filter_too_much)
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=SUPPRESSED)


def simulated(case: Case, without: frozenset[str] = frozenset()) -> Simulation:
    """Of schedules that fit; a deadlock raises."""
    try:
        return simulate(case.schedule, case.network, case.package, case.batch, without=without)
    except InputError:
        assume(False)
        raise


def input_bytes(net: Network) -> int:
    """The least that a sample brings in: a layer may read a slice of an input only."""
    most = dict.fromkeys(range(-len(net.inputs), 0), 0)
    for op in (op for layer in net.layers for op in layer.operands if op.source < 0):
        most[op.source] = max(most[op.source], op.elements)
    return sum(bytes_of(elements, net.activation_bits) for elements in most.values())


@QUICK
@given(cases())
def test_nothing_is_lost(case: Case) -> None:
    """MACs are done; what is sent arrives; a byte from DRAM or to it takes one port's link and channel once.

    Every weight comes in once at least, as do the inputs of every sample; their outputs go.
    """
    result, net = simulated(case), case.network
    assert result.macs == net.macs * case.batch
    assert result.sent_bytes == pytest.approx(result.received_bytes, rel=1e-9)
    coming, going, channel = result.port_bytes.sum(axis=0)
    assert coming == pytest.approx(result.read_bytes)
    assert going == pytest.approx(result.write_bytes)
    assert channel == pytest.approx(result.read_bytes + result.write_bytes)
    assert result.read_bytes >= (net.weight_bytes + case.batch * input_bytes(net)) * (1 - 1e-9)
    assert result.write_bytes >= case.batch * net.output_bytes * (1 - 1e-9)


def bound_s(case: Case) -> float:
    """Seconds of a batch that nothing beats: MACs at peak; compulsory bytes through ports and channels.

    The model's own bound lets the links of the ports carry reads and writes in turn; they are two links.
    """
    net, package = case.network, case.package
    reads = net.weight_bytes + case.batch * input_bytes(net)
    writes = case.batch * net.output_bytes
    links = package.dram_ports * package.nop.link_mb_per_s * 1e6
    channels = package.dram.channels * package.dram.channel_mb_per_s * 1e6
    macs_s = case.batch * net.macs / package.peak_macs_per_s
    return max(macs_s, reads / links, writes / links, (reads + writes) / channels)


@QUICK
@given(cases())
def test_never_below_the_bound(case: Case) -> None:
    result, package = simulated(case), case.package
    assert result.batch_s >= bound_s(case) * (1 - 1e-9)
    channels_bind = package.dram.channels * package.dram.channel_mb_per_s == package.dram_mb_per_s
    if channels_bind and input_bytes(case.network) == case.network.input_bytes:
        model = evaluate(case.schedule, case.network, package, case.batch)
        assert result.throughput_per_s <= model.bound_throughput_per_s * (1 + 1e-9)


@QUICK
@given(cases())
def test_never_below_compute_alone(case: Case) -> None:
    """A stage works for all its beats; stages of a segment may do so side by side."""
    result = simulated(case)
    model = evaluate(case.schedule, case.network, case.package, case.batch)
    clock_hz = case.package.chiplet.clock_mhz * 1e6
    start_s = case.package.chiplet.layer_start_ns * 1e-9
    for ours, theirs in zip(result.segments, model.segments, strict=True):
        if theirs.passes > 1:
            continue
        busy_s = max(
            sum(start_s + detail.compute_cycles / clock_hz for detail in stage.details)
            for stage in theirs.stages
        )
        full_beats = ours.beats - 1  # the last may have fewer samples
        assert ours.run_s >= full_beats * busy_s * (1 - 1e-9)


@QUICK
@given(cases())
def test_the_same_twice(case: Case) -> None:
    first, second = simulated(case), simulated(case)
    assert first.batch_s == second.batch_s
    assert first.segments == second.segments
    assert np.array_equal(first.link_bytes, second.link_bytes)
    assert np.array_equal(first.port_bytes, second.port_bytes)
    assert first.energy_breakdown_j == second.energy_breakdown_j


@QUICK
@given(cases(), st.sampled_from(("contention", "hops", "blocking")))
def test_an_ideal_changes_times_but_no_bytes(case: Case, ideal: str) -> None:
    real, free = simulated(case), simulated(case, frozenset((ideal,)))
    assert np.array_equal(real.link_bytes, free.link_bytes)
    assert real.macs == free.macs


@QUICK
@given(cases())
def test_without_any_cause_of_delay_it_is_never_slower(case: Case) -> None:
    """With flows that do not share links, times add along paths, so that less of each is never slower."""
    alone = simulated(case, frozenset(("contention",)))
    ideal = simulated(case, frozenset(IDEALS))
    assert ideal.batch_s <= alone.batch_s * (1 + 1e-9)
    nop = replace(case.package.nop, link_mb_per_s=case.package.nop.link_mb_per_s * 3)
    wider = replace(case, package=replace(case.package, nop=nop))
    assert simulated(wider, frozenset(("contention",))).batch_s <= alone.batch_s * (1 + 1e-9)
