"""Published figures and knobs as data."""

from __future__ import annotations

import pytest

from mcmscope.hardware import load_package
from mcmscope.hardware.describe import is_assumed
from mcmscope.validation.case import Case, Published, knob
from mcmscope.validation.run import CASES, FACTORS, scaled


def test_ratio_of_a_figure_and_of_a_range() -> None:
    assert Published(50, 50, "").ratio(60) == pytest.approx(1.2)
    between = Published(12, 17, "")
    assert between.ratio(6) == pytest.approx(0.5)
    assert between.ratio(34) == pytest.approx(2)
    assert between.ratio(15) == 1


def test_powers_of_a_knob() -> None:
    assert dict(knob("a", "b", inverse=("c", "c")).powers) == {"a": 1, "b": 1, "c": -2}
    assert knob("a", "b").name == "a"


@pytest.mark.parametrize("case", CASES.values(), ids=lambda case: case.name)
def test_every_figure_has_a_source(case: Case) -> None:
    assert CASES[case.name] is case
    for figure in case.figures:
        assert figure.published.source
        assert 0 < figure.published.low <= figure.published.high
    names = [(figure.name, figure.published) for figure in case.figures]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("case", [case for case in CASES.values() if case.knobs], ids=lambda case: case.name)
def test_every_assumed_constant_is_turned_or_excused(case: Case) -> None:
    turned = {key for knob in case.knobs for key, _ in knob.powers}
    excused = dict(case.inert)
    for name in case.packages:
        package = load_package(name)
        for key in package.provenance:
            if is_assumed(package, key):
                assert key in turned | set(excused), f"{name}: {key}"
    assert all(excused.values())


@pytest.mark.parametrize("case", [case for case in CASES.values() if case.knobs], ids=lambda case: case.name)
def test_every_knob_turns_at_least_one_way(case: Case) -> None:
    for one in case.knobs:
        ways = [
            all(scaled(load_package(name), one, factor) is not None for name in case.packages)
            for factor in FACTORS
        ]
        assert any(ways), one.name


def test_a_turned_knob_keeps_the_peak_where_it_says_so() -> None:
    package = load_package("edge-tpu")
    for one in CASES["edge-tpu"].knobs:
        if "at equal peak" not in one.name:
            continue
        for factor in FACTORS:
            turned = scaled(package, one, factor)
            assert turned is not None
            assert turned.peak_macs_per_s == package.peak_macs_per_s
            assert turned != package


def test_scaling() -> None:
    package = load_package("hailo-8")
    faster = scaled(package, knob("nop.link_gb_per_s"), 2)
    assert faster is not None
    assert faster.nop.link_mb_per_s == 25_600
    assert scaled(package, knob("chiplet.clock_mhz", inverse=("chiplet.lanes_k",)), 16) is None, "half a lane"
    share = scaled(load_package("edge-tpu"), knob("retained_share"), 2)
    assert share is not None
    assert share.retained_permille == 900, "the most that a package may retain"
    flat = scaled(package, knob("grid.rows"), 0.125)
    assert flat is not None
    assert (flat.rows, flat.strip_height) == (1, 1)
