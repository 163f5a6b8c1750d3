"""What the simulator and the cost model count apart, on purpose twice, must be the same integers.

Work of the busiest chiplet, stored weights, held and spilled bytes, passes, and what fits at all.
"""

from __future__ import annotations

from hypothesis import HealthCheck, assume, event, given, settings

from mcmscope.cost.evaluate import evaluate
from mcmscope.errors import InputError
from mcmscope.hardware.package import Package
from mcmscope.simulate.case import Case
from mcmscope.simulate.memory import is_kept
from mcmscope.simulate.passes import passes_of
from mcmscope.simulate.plan import Plan, plan_beat
from mcmscope.simulate.run import cases_of
from mcmscope.simulate.tensors import Tensors
from mcmscope.workload.network import Network
from tests.cost import generators, reference

QUICK = settings(
    max_examples=100, deadline=None, suppress_health_check=(HealthCheck.too_slow, HealthCheck.filter_too_much)
)


def cut_up(asked: generators.Case) -> list[tuple[list[Case], int]] | None:
    """Passes and micro-batch of each segment as the simulator sees them; None if something does not fit."""
    cases = cases_of(asked.schedule, asked.network, asked.package, asked.batch)
    try:
        return [(list(passes_of(case, segment.micro_batch)), segment.micro_batch) for case, segment in cases]
    except InputError:
        return None


def rounds_alike(asked: generators.Case) -> bool:
    """Whether slices of a layer round alike: a slice of 4-bit weights may begin within a byte."""
    return asked.network.weight_bits % 8 == 0 and asked.network.activation_bits % 8 == 0


def first_beat(parts: list[Case], u: int) -> Plan:
    """A full beat of a segment's first pass on the first replica alone."""
    return plan_beat(parts[0], (u,))


@QUICK
@given(generators.cases())
def test_the_same_schedules_fit_in_the_same_passes(asked: generators.Case) -> None:
    assume(rounds_alike(asked))
    model = evaluate(asked.schedule, asked.network, asked.package, asked.batch)
    segments = cut_up(asked)
    event(f"fits: {model.feasible}")
    assert model.feasible == (segments is not None)
    if segments is not None:
        assert [len(parts) for parts, _ in segments] == [x.passes for x in model.segments]


@QUICK
@given(generators.cases())
def test_stages_do_and_hold_the_same(asked: generators.Case) -> None:
    model = evaluate(asked.schedule, asked.network, asked.package, asked.batch)
    segments = cut_up(asked)
    assume(segments is not None)
    assert segments is not None
    for (parts, u), expected in zip(segments, model.segments, strict=True):
        if expected.passes > 1 and not rounds_alike(asked):
            continue
        # Of a slice the model rounds what is held up once, the simulator each operand.
        slack = 0 if expected.passes == 1 else 4 * u
        for stage, other in zip(first_beat(parts, u).stages, expected.stages, strict=True):
            event(f"spills: {stage.spilled_bytes > 0}")
            assert abs(stage.held_bytes - other.activation_bytes - other.relayed_bytes) <= slack
            assert abs(stage.spilled_bytes - other.spilled_bytes) <= slack
            assert sum(work.stored_bytes for work in stage.works) == other.stored_weight_bytes
            if expected.passes > 1:
                continue  # of a layer in passes the model shows the whole
            for work, detail in zip(stage.works, other.details, strict=True):
                assert work.compute_cycles == detail.compute_cycles
                assert work.vector_cycles == detail.vector_cycles
                assert work.read_cycles == detail.buffer_cycles
                assert work.active == detail.active_chiplets
                assert work.stored_bytes == detail.stored_weight_bytes


@QUICK
@given(generators.networks(), generators.packages())
def test_the_same_tensors_are_alive_and_kept(network: Network, package: Package) -> None:
    ours, theirs = Tensors(network), reference.Tensors(network)
    mesh = reference.Mesh(package)
    for a in range(len(network) + 1):
        assert ours.alive_bytes(a) == theirs.bytes(theirs.live_at(a))
        kept = a not in (0, len(network)) and 5 * ours.alive_bytes(a) <= mesh.retained_limit
        assert is_kept(ours, package, a, 5) == kept
        for b in range(a + 1, len(network) + 1):
            assert set(ours.arriving(a, b)) == theirs.inputs_read(a, b) | theirs.made_before(a, b)
            assert set(ours.leaving(a, b)) == theirs.outputs_made(a, b) | theirs.used_after(a, b)
            assert set(ours.passing(a, b)) == theirs.passing(a, b)
            assert ours.peak_bytes(a, b) == theirs.peak(a, b)
            for i in range(a, b):
                for j in range(i + 1, b + 1):
                    assert ours.relayed_bytes(a, b, i, j) == theirs.bytes(
                        t for t in range(a, i) if theirs.used_in(t, j, b) and not theirs.used_in(t, i, j)
                    )
