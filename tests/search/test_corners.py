"""Corners: what was asked for is kept to, what cannot be has a reason."""

from __future__ import annotations

import pytest
from hypothesis import assume, event, given
from hypothesis import strategies as st

from mcmscope.cost.code import decode
from mcmscope.cost.evaluate import evaluate_code
from mcmscope.cost.model import CostModel, cost_model, price_code
from mcmscope.cost.reports import PASSES
from mcmscope.schedule import Objective, Scheme, schedule_faults
from mcmscope.search.context import SearchContext
from mcmscope.search.run import Found, search_scheme

from .brute import Brute
from .cases import Question, examples, questions, stack
from .packages import package

THROUGHPUT = Objective.THROUGHPUT


def batch_ps(model: CostModel, found: Found, batch: int) -> int:
    assert found.code is not None, found.reason
    figures = evaluate_code(model, found.code, batch)
    assert figures.feasible
    return figures.batch_ps


@pytest.mark.parametrize("objective", list(Objective))
@examples(15)
@given(data=st.data())
def test_a_fixed_micro_batch_is_kept_to(objective: Objective, data: st.DataObject) -> None:
    question: Question = data.draw(questions(Scheme.SEQUENTIAL, None, max_chiplets=9))
    fixed = data.draw(st.integers(1, question.batch))
    context = SearchContext(question.model, question.batch, fixed)
    for scheme in Scheme:
        found = search_scheme(
            question.model, scheme, question.batch, objective, micro_batch=fixed, context=context
        )
        if found.code is None:
            event("infeasible")
            assert found.reason
            continue
        assert set(found.code.segments[:, 1].tolist()) == {fixed}
        schedule = decode(found.code, question.package)
        assert schedule_faults(schedule, len(question.network), question.package.chiplets) == []


@pytest.mark.parametrize(
    "scheme",
    [Scheme.SEQUENTIAL, Scheme.FULL_PIPELINE, Scheme.SEGMENTED_PIPELINE, Scheme.SEQUENTIAL_FUSED],
)
@examples(20)
@given(data=st.data())
def test_the_optimum_at_a_fixed_micro_batch(scheme: Scheme, data: st.DataObject) -> None:
    question: Question = data.draw(questions(scheme, 4000))
    fixed = data.draw(st.integers(1, question.batch))
    brute = Brute(question.model, question.batch, (fixed,))
    found = search_scheme(question.model, scheme, question.batch, THROUGHPUT, micro_batch=fixed)
    least = brute.least(scheme)
    if least is None:
        assert found.code is None
    elif found.certificate.status == "optimal":
        assert batch_ps(question.model, found, question.batch) == least
    else:
        assert found.certificate.status in ("bounded", "heuristic")


@examples(15)
@given(data=st.data())
def test_a_batch_of_one_has_micro_batches_of_one(data: st.DataObject) -> None:
    question: Question = data.draw(questions(Scheme.SEQUENTIAL, None, max_layers=6, max_batch=1))
    context = SearchContext(question.model, 1)
    for scheme in Scheme:
        found = search_scheme(question.model, scheme, 1, THROUGHPUT, context=context)
        if found.code is not None:
            assert set(found.code.segments[:, 1].tolist()) == {1}
            assert found.code.replicas == 1


@examples(40)
@given(data=st.data())
def test_replicas_are_no_more_than_chiplets_or_samples(data: st.DataObject) -> None:
    question: Question = data.draw(questions(Scheme.SEQUENTIAL, None, max_chiplets=16, max_batch=40))
    context = SearchContext(question.model, question.batch)
    found = search_scheme(question.model, Scheme.DATA_PARALLEL, question.batch, THROUGHPUT, context=context)
    assume(found.code is not None)
    assert found.code is not None
    event(f"{found.code.replicas} replicas")
    assert 1 <= found.code.replicas <= min(question.package.chiplets, question.batch)
    assert int(found.code.clusters[:, 1].max()) <= question.package.chiplets // found.code.replicas
    schedule = decode(found.code, question.package)
    assert schedule_faults(schedule, len(question.network), question.package.chiplets) == []
    fused = search_scheme(
        question.model, Scheme.SEQUENTIAL_FUSED, question.batch, THROUGHPUT, context=context
    )
    assert batch_ps(question.model, found, question.batch) <= batch_ps(question.model, fused, question.batch)


def test_replicas_pay_where_they_should() -> None:
    """Layers too small for many chiplets: parts of the package with samples of their own are better."""
    model = cost_model(stack(3, 4, 2, kernel=1), package(2, 2, link_mb_per_s=1000, dram_mb_per_s=900_000))
    found = search_scheme(model, Scheme.DATA_PARALLEL, 32, THROUGHPUT)
    fused = search_scheme(model, Scheme.SEQUENTIAL_FUSED, 32, THROUGHPUT)
    assert found.code is not None
    assert found.code.replicas > 1
    assert batch_ps(model, found, 32) < batch_ps(model, fused, 32)


@pytest.mark.parametrize("unified", [False, True])
def test_a_package_too_small_for_one_output_channel_is_a_reason(unified: bool) -> None:
    tiny = package(2, 2, weight_bytes=8, activation_bytes=8 if unified else 4096, unified=unified)
    model = cost_model(stack(2, 8, 6), tiny)
    context = SearchContext(model, 4)
    for scheme in Scheme:
        found = search_scheme(model, scheme, 4, THROUGHPUT, context=context)
        assert found.code is None
        assert found.certificate.status == "infeasible"
        assert found.certificate.gap is None
        assert found.reason
        if scheme not in (Scheme.FULL_PIPELINE, Scheme.DATA_PARALLEL):
            assert "not even one output channel of 2 layer(s)" in found.reason
            assert "layer0, layer1" in found.reason


def test_more_layers_than_chiplets_is_a_reason() -> None:
    model = cost_model(stack(5, 4, 4), package(2, 2))
    found = search_scheme(model, Scheme.FULL_PIPELINE, 4, THROUGHPUT)
    assert found.reason == "5 layers need a chiplet each; the package has 4"


def test_weights_beyond_the_package_are_a_reason_for_the_full_pipeline() -> None:
    model = cost_model(stack(2, 16, 4), package(2, 2, weight_bytes=1000, pes=1))
    found = search_scheme(model, Scheme.FULL_PIPELINE, 4, THROUGHPUT)
    assert found.code is None
    assert found.reason == "4608 bytes of weights do not fit into the package's 4000"


@pytest.mark.parametrize("unified", [False, True])
@pytest.mark.parametrize("groups", [1, 4])
@pytest.mark.parametrize("batch", [1, 6])
def test_layers_that_do_not_fit_run_in_passes(unified: bool, groups: int, batch: int) -> None:
    """The weights of a layer are several times what the whole package holds."""
    channels = 16
    weights = channels * channels // groups * 9
    chiplet = weights // 8
    model = cost_model(
        stack(2, channels, 6, groups=groups),
        package(1, 3, weight_bytes=chiplet, activation_bytes=chiplet, unified=unified, pes=1),
    )
    context = SearchContext(model, batch)
    found = search_scheme(model, Scheme.SEQUENTIAL, batch, THROUGHPUT, context=context)
    assert found.code is not None
    assert found.certificate.status == "optimal"
    assert (price_code(model, found.code, batch).segments[:, PASSES] > 1).all()
    least = Brute(model, batch, context.micro).least(Scheme.SEQUENTIAL)
    assert batch_ps(model, found, batch) == least
    for scheme in (Scheme.SEQUENTIAL_FUSED, Scheme.SEGMENTED_PIPELINE, Scheme.MERGED_PIPELINE):
        # Nothing else fits, so all are the same.
        other = search_scheme(model, scheme, batch, THROUGHPUT, context=context)
        assert batch_ps(model, other, batch) == least


def test_a_single_layer_is_its_own_pipeline() -> None:
    model = cost_model(stack(1, 8, 6), package(2, 2))
    context = SearchContext(model, 8)
    times = {
        batch_ps(model, search_scheme(model, scheme, 8, THROUGHPUT, context=context), 8)
        for scheme in Scheme
        if scheme is not Scheme.DATA_PARALLEL
    }
    assert len(times) == 1
