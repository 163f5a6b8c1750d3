"""The kernels against the plain twin: equal to the last integer."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, event, given, settings

from mcmscope.cost.breakdown import SegmentEvaluation
from mcmscope.cost.evaluate import Evaluation, evaluate

from . import reference
from .generators import Case, cases

PS_PER_S = 10**12
FJ_PER_J = 10**15
QUICK = settings(
    max_examples=200, deadline=None, suppress_health_check=(HealthCheck.too_slow, HealthCheck.filter_too_much)
)


def twin(case: Case) -> reference.Figures | str:
    """The twin's figures, or why there are none."""
    try:
        return reference.evaluate(case.schedule, case.network, case.package, case.batch)
    except reference.Infeasible as why:
        return str(why)


def ps(seconds: float) -> int:
    """Picoseconds of a figure in seconds; exact, since they are far below 2^53."""
    return round(seconds * PS_PER_S)


def assert_equal(kernel: Evaluation, plain: reference.Figures | str, case: Case) -> None:
    """Every figure of ``kernel`` is the twin's."""
    if isinstance(plain, str):
        assert not kernel.feasible
        assert plain.split(" fit")[0] in kernel.reason
        return
    assert kernel.feasible, kernel.reason
    assert len(kernel.segments) == len(plain.segments)
    for segment, expected in zip(kernel.segments, plain.segments, strict=True):
        assert_segment(segment, expected)
    assert kernel.batch_ps == plain.batch_ps
    assert kernel.latency_ps == plain.latency_ps
    assert kernel.energy_fj == sum(plain.energy.values())
    assert kernel.energy_breakdown_j is not None
    assert {name: round(j * case.batch * FJ_PER_J) for name, j in kernel.energy_breakdown_j.items()} == {
        name: pytest.approx(fj, rel=1e-12) for name, fj in plain.energy.items()
    }
    exact = {
        "throughput_per_s": case.batch * PS_PER_S / plain.batch_ps,
        "batch_latency_s": plain.batch_ps / PS_PER_S,
        "flow_line_throughput_per_s": case.batch * PS_PER_S / plain.flow_ps,
        "latency_s": plain.latency_ps / PS_PER_S,
        "flow_line_latency_s": plain.flow_latency_ps / PS_PER_S,
        "energy_j_per_sample": sum(plain.energy.values()) / case.batch / FJ_PER_J,
    }
    assert {name: getattr(kernel, name) for name in exact} == exact
    close = {
        "steady_throughput_per_s": float(plain.steady_samples_per_ps * PS_PER_S),
        "bound_throughput_per_s": float(PS_PER_S / plain.bound_ps_per_sample),
        "steady_bound_throughput_per_s": float(PS_PER_S / plain.steady_bound_ps_per_sample),
    }
    assert {name: getattr(kernel, name) for name in close} == pytest.approx(close, rel=1e-12)


def assert_segment(kernel: SegmentEvaluation, plain: reference.SegmentFigures) -> None:
    """Every figure of a segment, its stages and its layers."""
    assert {
        "load": ps(kernel.load_s),
        "beats": kernel.beats,
        "passes": kernel.passes,
        "beat": ps(kernel.beat_s),
        "slowest": ps(kernel.slowest_stage_s),
        "cut": ps(kernel.cut_s),
        "io": ps(kernel.io_s),
        "spill": ps(kernel.spill_s),
        "links": ps(kernel.links_s),
        "run": ps(kernel.run_s),
        "dram": kernel.dram_bytes_per_beat,
        "load_bytes": kernel.load_bytes,
        "last": (ps(kernel.last_load_s), ps(kernel.last_beat_s), ps(kernel.last_slowest_stage_s)),
        "energy": {term: kernel.energy_fj[term] for term in plain.energy},
    } == {
        "load": plain.load_ps,
        "beats": plain.beats,
        "passes": plain.passes,
        "beat": plain.beat_ps,
        "slowest": plain.slowest_ps,
        "cut": plain.cut_ps,
        "io": plain.io_ps,
        "spill": plain.spill_ps,
        "links": plain.links_ps,
        "run": plain.run_ps,
        "dram": plain.io_bytes + plain.spill_bytes,
        "load_bytes": plain.load_bytes,
        "last": (plain.last_load_ps, plain.last_beat_ps, plain.last_slowest_ps),
        "energy": plain.energy,
    }
    for stage, expected in zip(kernel.stages, plain.stages, strict=True):
        assert (
            ps(stage.time_s),
            stage.stored_weight_bytes,
            stage.activation_bytes,
            stage.relayed_bytes,
            stage.spilled_bytes,
            ps(stage.cut_s),
            ps(stage.links_s),
        ) == (
            expected.time_ps,
            expected.stored,
            expected.need,
            expected.relayed,
            expected.excess,
            expected.cut_ps,
            expected.links_ps,
        )
        for layer, figures in zip(stage.details, expected.layers, strict=True):
            assert (
                ps(layer.time_s),
                layer.compute_cycles,
                layer.vector_cycles,
                layer.buffer_cycles,
                ps(layer.exchange_s),
                layer.ingress_bytes,
                layer.stored_weight_bytes,
                layer.active_chiplets,
            ) == (
                figures.time_ps,
                figures.compute_cycles,
                figures.vector_cycles,
                figures.read_cycles,
                figures.exchange_ps,
                figures.ingress,
                figures.stored,
                figures.active,
            )
            if plain.passes == 1:
                assert {term: layer.energy_fj[term] for term in figures.energy} == figures.energy


def tell(case: Case, figures: reference.Figures | str) -> None:
    """What a run of random cases covered (shown with ``--hypothesis-show-statistics``)."""
    if isinstance(figures, str):
        event(f"infeasible: {figures}")
        return
    event(f"segments: {len(figures.segments)}")
    event(f"several clusters: {any(len(s.clusters) > 1 for s in case.schedule.segments)}")
    event(f"passes: {any(s.passes > 1 for s in figures.segments)}")
    event(f"spills: {any(s.spill_ps for s in figures.segments)}")
    event(f"relays: {any(s.relayed for s in figures.stages)}")
    event(f"swaps: {any(x.swapped for s in figures.stages for x in s.layers)}")
    event(f"replicas: {case.schedule.replicas > 1}")


def check(case: Case) -> None:
    figures = twin(case)
    tell(case, figures)
    kernel = evaluate(case.schedule, case.network, case.package, case.batch)
    assert_equal(kernel, figures, case)


@given(cases())
@QUICK
def test_evaluation_equals_twin(case: Case) -> None:
    check(case)


@pytest.mark.slow
@given(cases(max_layers=9))
@settings(QUICK, max_examples=2_000)
def test_evaluation_equals_twin_deep(case: Case) -> None:
    check(case)
