"""Claims hold or do not by what was measured."""

from __future__ import annotations

import pytest

from mcmscope.reproduce import claims
from mcmscope.reproduce.case import Cell, Row
from mcmscope.reproduce.claims import CLAIMS, HELD, HELD_IN_QUICK, Measured, broken, measured
from mcmscope.reproduce.compared import mean, power
from mcmscope.reproduce.data import Data


def speeds(network: str, chiplets: int, **per_s: float) -> list[Row]:
    return [
        {
            "network": network,
            "package": f"simba-{chiplets}",
            "chiplets": chiplets,
            "batch": 64,
            "scheme": scheme.replace("_", "-"),
            "search": "linear",
            "throughput_per_s": value,
            "speedup": value / per_s["segmented_pipeline"],
            "mj_per_sample": 1 / value,
        }
        for scheme, value in per_s.items()
    ]


def of(rows: list[Row], table: str = "throughput") -> dict[str, Measured | None]:
    return measured(Data({table: rows}))


def test_nothing_is_said_of_what_was_not_measured() -> None:
    assert set(measured(Data({})).values()) == {None}
    assert broken(measured(Data({})), quick=False) == []


def test_names_are_distinct_and_lists_name_claims() -> None:
    names = [claim.name for claim in CLAIMS]
    assert len(set(names)) == len(names)
    assert set(names) >= HELD | HELD_IN_QUICK


def test_merged_over_segmented_is_a_geometric_mean() -> None:
    rows = speeds("resnet18", 16, segmented_pipeline=10.0, merged_pipeline=20.0)
    rows += speeds("resnet18", 64, segmented_pipeline=10.0, merged_pipeline=5.0)
    found = of(rows)["over-segmented"]
    assert found == Measured("1.00x (0.50 to 2.00, 2 cases)", holds=False)
    rows += speeds("resnet34", 64, segmented_pipeline=10.0, merged_pipeline=11.0)
    found = of(rows)["over-segmented"]
    assert found is not None
    assert found.holds
    grown = of(rows)["grows-with-chiplets"]  # of resnet18 alone, measured at both sizes
    assert grown == Measured("16: 2.00x, 64: 0.50x", holds=False)


def test_a_scheme_that_is_contained_must_not_win() -> None:
    ahead = speeds("vgg16", 16, segmented_pipeline=10.0, merged_pipeline=10.0, sequential_fused=10.0)
    behind = speeds("vgg16", 16, segmented_pipeline=10.0, merged_pipeline=10.0, sequential_fused=10.1)
    for rows, holds in ((ahead, True), (behind, False)):
        found = of(rows)["never-below"]
        assert found is not None
        assert found.holds is holds


@pytest.mark.parametrize(("ratio", "holds"), [(1.74, True), (1.72, False)])
def test_the_published_speed_up_is_met_or_not(ratio: float, holds: bool) -> None:
    rows = speeds("resnet152", 256, segmented_pipeline=10.0, merged_pipeline=10.0 * ratio)
    found = of(rows)["published-speedup"]
    assert found is not None
    assert found.holds is holds
    assert f"{ratio:.2f}x: simba-256, batch 64" in found.told
    energy = of(rows)["headline-energy"]
    assert energy is not None
    assert energy.holds


@pytest.mark.parametrize(("exponent", "holds"), [(1.0, True), (1.2, True), (2.0, False)])
def test_search_cost_is_a_power_of_the_layers(exponent: float, holds: bool) -> None:
    def row(layers: int, states: float, variant: str = "", package: str = "simba-64") -> Row:
        return {
            "network": f"of {layers} layers",
            "package": package,
            "variant": variant,
            "layers": layers,
            "search": "linear",
            "states": round(states),
            "log10_schedules": 3.0 * layers,
        }

    rows = [row(n, 1000 * n**exponent) for n in (156, 54, 105)]
    rows += [row(60, 7, variant="first 60 layers"), row(54, 7, package="simba-256")]  # neither counts
    found = of(rows, "effort")["search-cost"]
    assert found is not None
    assert found.holds is holds
    assert f"{exponent:.2f}th power" in found.told
    assert "(54 to 156 layers)" in found.told


def test_the_worst_rank_counts() -> None:
    def row(top: Cell) -> Row:
        where: Row = {"network": "alexnet", "package": "simba-16", "every_schedule": True}
        return {**where, "search": "linear", "top": top}

    for tops, holds in (((0.0001, 0.0005), True), ((0.0001, 0.0006), False), ((None, 0.0001), True)):
        found = of([row(top) for top in tops], "quality")["top-schedules"]
        assert found is not None
        assert found.holds is holds


def test_a_claim_that_held_and_does_not_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "HELD", frozenset({"energy", "agreement", "top-schedules"}))
    found = {
        "energy": Measured("", holds=False),
        "agreement": Measured("", holds=True),
        "top-schedules": None,
    }
    assert broken({**found, "headline": Measured("", holds=False)}, quick=False) == ["energy"]


def test_means_and_powers() -> None:
    assert mean([]) is None
    assert mean([2.0, 8.0]) == pytest.approx(4.0)
    assert power([(1.0, 5.0), (2.0, 20.0), (4.0, 80.0)]) == pytest.approx(2.0)
