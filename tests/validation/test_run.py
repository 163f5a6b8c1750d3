"""Cases as they run: what the documentation says of them holds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mcmscope.errors import InputError
from mcmscope.hardware import load_package
from mcmscope.schedule import Scheme
from mcmscope.validation.plans import searched, zoo_network
from mcmscope.validation.run import CASES, cases_named, run_case, sensitivity


def test_simba() -> None:
    rows = run_case(CASES["simba"])
    assert [round(row.ratio, 2) for row in rows] == [1.08, 1.13, 0.82, 1.0, 1.0, 4.54]
    assert all(row.simulated is None and row.simulated_ratio is None for row in rows)


def test_what_the_page_says_of_simba() -> None:
    network, package = zoo_network("resnet50"), load_package("simba-36")
    evaluation = searched(network, package, 1, Scheme.SEQUENTIAL).evaluation
    assert evaluation.batch_latency_s * 1e6 == pytest.approx(466, abs=0.5)
    assert sum(segment.load_s for segment in evaluation.segments) * 1e6 == pytest.approx(183, abs=0.5)
    eightfold = replace(package, nop=replace(package.nop, link_mb_per_s=100_000))
    wrong = searched(network, eightfold, 1, Scheme.SEQUENTIAL).evaluation
    assert wrong.throughput_per_s == pytest.approx(3082, abs=0.5)


def test_the_cliff_of_the_edge_tpu_needs_no_fit() -> None:
    rows = {row.figure.name: row for row in run_case(CASES["edge-tpu"])}
    assert not any(row.figure.fitted for row in rows.values())
    near = [name for name, row in rows.items() if 0.9 < row.ratio < 1.1]
    assert near == ["ResNet-50 v1, 299 pixels", "ResNet-152 v2, 299 pixels", "VGG-16", "VGG-19"]
    for row in rows.values():
        assert row.bounds is not None
        assert row.bounds[0] <= row.model <= row.bounds[1]


def test_a_call_fitted_to_one_network_predicts_the_others() -> None:
    rows = run_case(CASES["edge-tpu-call"])
    assert [bool(row.figure.fitted) for row in rows] == [True, False, False, False, False, False]
    assert rows[0].ratio == pytest.approx(1)
    assert all(0.75 < row.ratio < 1.1 for row in rows[1:4])  # Inception v1 is the least
    assert 0.85 < rows[5].ratio < 1.1


def test_hailo_is_resident_but_for_its_contexts() -> None:
    for figure in CASES["hailo-8"].figures:
        (plan,) = figure.plans((load_package("hailo-8"),))
        several = "contexts" in figure.name
        assert (len(plan.evaluation.segments) > 1) == several
        if not several:
            assert plan.evaluation.segments[0].spill_s == 0
            assert plan.evaluation.segments[0].passes == 1


def test_the_buffer_of_hailo_is_the_least_for_resnet50() -> None:
    package = load_package("hailo-8")
    chiplet = package.chiplet
    less = chiplet.activation_buffer_bytes - 64 * 1024
    smaller = replace(chiplet, activation_buffer_bytes=less, weight_buffer_bytes=less)
    plan = searched(
        zoo_network("resnet_v1_50"), replace(package, chiplet=smaller), 8, Scheme.FULL_PIPELINE, 1
    )
    assert plan.evaluation.segments[0].spill_s > 0


def test_sensitivity() -> None:
    case = CASES["simba"]
    rows = run_case(case)
    effects = {(effect.knob.name, effect.factor): effect.changes for effect in sensitivity(case, rows)}
    assert len(effects) == 2 * len(case.knobs)
    slower, faster = (effects["DRAM and the links that carry it", factor] for factor in (0.5, 2.0))
    assert slower[0] is not None
    assert slower[0] < 0.6
    assert faster[0] is not None
    assert faster[0] > 1.5
    # The energy of MACs hangs on no time.
    assert {changes[4] for changes in effects.values()} == {1.0}


def test_a_buffer_that_does_not_fit_is_a_dash() -> None:
    case = CASES["hailo-8"]
    short = replace(case, knobs=tuple(knob for knob in case.knobs if "unified" in knob.name))
    halved, _ = sensitivity(short, run_case(case)[:1])
    assert halved.changes == (None,)


def test_names_of_cases() -> None:
    assert cases_named("Edge_TPU") == (CASES["edge-tpu"],)
    assert cases_named("all") == tuple(CASES.values())
    with pytest.raises(InputError, match=r"unknown case 'tpu'.*: expected one of all, simba, edge-tpu"):
        cases_named("tpu")
