"""Inequalities that the model promises for a fixed schedule."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from mcmscope.cost.code import decode, encode
from mcmscope.cost.evaluate import Evaluation, evaluate
from mcmscope.cost.model import cost_model
from mcmscope.errors import InputError
from mcmscope.hardware.package import Package

from . import reference
from .generators import Case, cases

QUICK = settings(
    max_examples=100, deadline=None, suppress_health_check=(HealthCheck.too_slow, HealthCheck.filter_too_much)
)
GROWTH = st.sampled_from((2, 3, 10))


def price(case: Case, package: Package | None = None, batch: int | None = None) -> Evaluation:
    return evaluate(case.schedule, case.network, package or case.package, batch or case.batch)


def assert_no_slower(after: Evaluation, before: Evaluation) -> None:
    """Each figure of ``after`` is at least as good."""
    assert after.feasible
    assert after.batch_ps <= before.batch_ps
    assert after.latency_ps <= before.latency_ps
    assert after.flow_line_throughput_per_s >= before.flow_line_throughput_per_s
    assert after.steady_throughput_per_s >= before.steady_throughput_per_s * (1 - 1e-12)


def kept(case: Case, package: Package, batch: int) -> list[bool]:
    """Which boundaries between segments stay on the package."""
    tensors, mesh = reference.Tensors(case.network), reference.Mesh(package)
    run = reference.Run(case.schedule, case.network, tensors, mesh, batch, 1)
    return [run.kept(segment.layers[0]) for segment in case.schedule.segments]


def passes_over(case: Case) -> bool:
    """Whether a tensor passes over a segment, unused or not."""
    tensors = reference.Tensors(case.network)
    return any(tensors.passing(*segment.layers) for segment in case.schedule.segments)


@given(cases(), GROWTH)
@QUICK
def test_more_link_bandwidth_is_never_slower(case: Case, factor: int) -> None:
    before = price(case)
    assume(before.feasible)
    nop = replace(case.package.nop, link_mb_per_s=case.package.nop.link_mb_per_s * factor)
    assert_no_slower(price(case, replace(case.package, nop=nop)), before)


@given(cases(), GROWTH)
@QUICK
def test_more_dram_bandwidth_is_never_slower(case: Case, factor: int) -> None:
    before = price(case)
    assume(before.feasible)
    dram = replace(case.package.dram, channel_mb_per_s=case.package.dram.channel_mb_per_s * factor)
    assert_no_slower(price(case, replace(case.package, dram=dram)), before)


@given(cases())
@QUICK
def test_shorter_hops_are_never_slower(case: Case) -> None:
    before = price(case)
    assume(before.feasible)
    nop = replace(case.package.nop, hop_latency_ns=case.package.nop.hop_latency_ns // 2)
    assert_no_slower(price(case, replace(case.package, nop=nop)), before)


@given(cases(), st.integers(1, 40))
@QUICK
def test_a_larger_batch_never_takes_less_time(case: Case, more: int) -> None:
    """Unless only the smaller one is kept at a boundary where a tensor passes over a segment."""
    small, large = price(case), price(case, batch=case.batch + more)
    assume(small.feasible)
    same = kept(case, case.package, case.batch) == kept(case, case.package, case.batch + more)
    assume(same or not passes_over(case))
    assert large.feasible
    assert large.batch_ps >= small.batch_ps
    assert large.energy_fj >= small.energy_fj


@given(cases())
@QUICK
def test_nothing_beats_the_bound(case: Case) -> None:
    result = price(case)
    assume(result.feasible)
    slack = 1 + 1e-12
    assert result.throughput_per_s <= result.bound_throughput_per_s * slack
    assert result.flow_line_throughput_per_s <= result.bound_throughput_per_s * slack
    assert result.steady_throughput_per_s <= result.steady_bound_throughput_per_s * slack
    assert 0 < result.utilization <= slack


@given(cases())
@QUICK
def test_doubled_activation_buffer_is_never_slower(case: Case) -> None:
    """With nothing retained and no passes (which a larger unified buffer cuts otherwise)."""
    package = replace(case.package, retained_permille=0)
    before = price(case, package)
    assume(before.feasible and all(segment.passes == 1 for segment in before.segments))
    chip = package.chiplet
    double = replace(
        chip,
        activation_buffer_bytes=2 * chip.activation_buffer_bytes,
        weight_buffer_bytes=chip.weight_buffer_bytes * (2 if chip.unified else 1),
    )
    assert price(case, replace(package, chiplet=double)).batch_ps <= before.batch_ps


@given(cases(chain=True), st.sampled_from((100, 500, 875)))
@QUICK
def test_doubled_buffer_with_retention_is_never_slower_on_a_chain(case: Case, permille: int) -> None:
    """Where nothing passes over a segment, a boundary that is kept only saves traffic."""
    chip = case.package.chiplet
    package = replace(case.package, retained_permille=permille)
    assume(not chip.unified and not passes_over(case))
    before = price(case, package)
    assume(before.feasible)
    double = replace(chip, activation_buffer_bytes=2 * chip.activation_buffer_bytes)
    assert price(case, replace(package, chiplet=double)).batch_ps <= before.batch_ps


@given(cases())
@QUICK
def test_evaluation_is_deterministic(case: Case) -> None:
    first = price(case)
    cost_model.cache_clear()
    assert price(case) == first


@given(cases())
@QUICK
def test_infeasible_has_a_reason_and_no_figures(case: Case) -> None:
    result = price(case)
    assert result.feasible == (result.reason == "")
    if result.feasible:
        assert result.batch_ps > 0
        assert result.latency_ps > 0
    else:
        assert "fit" in result.reason
        assert result.batch_ps == result.latency_ps == result.energy_fj == 0
        assert result.segments == ()


@given(cases())
@QUICK
def test_arrays_and_back(case: Case) -> None:
    """Only the size of a region counts, not where it lies."""
    code = encode(case.schedule)
    back = decode(code, case.package)
    again = encode(back)
    assert (again.segments == code.segments).all()
    assert (again.clusters == code.clusters).all()
    assert (again.partitions == code.partitions).all()
    assert evaluate(back, case.network, case.package, case.batch) == price(case)


@given(cases())
@settings(QUICK, max_examples=20)
def test_faults_are_all_told(case: Case) -> None:
    broken = replace(case.schedule, replicas=0)
    with pytest.raises(InputError) as caught:
        evaluate(broken, case.network, case.package, 0)
    assert [fault.split(":")[0] for fault in caught.value.faults] == ["replicas", "batch"]
