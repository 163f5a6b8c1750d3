"""``mcmscope quality``: what it says, writes and refuses."""

from __future__ import annotations

import json
from dataclasses import replace
from math import comb
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import validate

from mcmscope import load_network, load_package
from mcmscope.cli.app import INTERRUPTED
from mcmscope.options import read_options
from mcmscope.quality import Quality, quality, share_at_most
from mcmscope.report.plots.rank import rank_figure
from mcmscope.report.plots.style import svg
from mcmscope.report.quality import quality_lines, quality_to_dict
from mcmscope.schedule import Objective
from mcmscope.schemas import schema
from mcmscope.search.exhaustive import check, rank
from tests.cli.calls import cli, ok, refused
from tests.search.cases import stack
from tests.search.packages import package

CONVOLUTIONS = str(Path(__file__).parent / "data" / "alexnet_convolutions.json")
SMALL = (
    "quality",
    CONVOLUTIONS,
    "-p",
    "simba-16",
    "--batch",
    "4",
    "--micro-batch",
    "1",
    "--search",
    "linear,sample",
    "--samples",
    "300",
)
LARGE = ("quality", "resnet18", "-p", "simba-16", "--batch", "4", "--search", "linear", "--samples", "60")


@pytest.fixture(autouse=True)
def few_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prices fewer schedules again after each enumeration: another test is about that."""
    monkeypatch.setattr(check, "CHECKED", 50)


def ranked(objective: Objective, batch: int = 3) -> Quality:
    options = read_options(batch, objective, "merged-pipeline", "linear", None)
    return quality(stack(3, 8, 8), package(2, 2), options, ("linear", "exhaustive"))


def test_a_small_space_is_counted_whole(tmp_path: Path) -> None:
    text = ok(*SMALL, "--out", str(tmp_path)).stdout
    assert "All 1,252,126,512 schedules of the space counted" in text
    assert "The best there is: " in text
    data = json.loads((tmp_path / "quality.json").read_text())
    validate(data, schema("quality"))
    assert data["method"] == "exhaustive"
    assert data["samples"] is None
    linear, sample = data["searches"]
    for row in (linear, sample):
        ranks = [int(row[key]) for key in ("better", "equal", "worse")]
        assert sum(ranks) == int(data["feasible"])
        assert ranks[1] > 0
        assert row["top_share"] == (ranks[0] + ranks[1]) / int(data["schedules"])
        assert row["over_optimum"] == int(row["cost"]) / int(data["optimum_cost"]) - 1
    assert int(linear["better"]) < int(sample["better"])
    curve = [(point["share"], int(point["cost"])) for point in data["curve"]]
    assert curve == sorted(curve)
    assert curve[0][1] == int(data["optimum_cost"])
    assert curve[-1][0] == int(data["feasible"]) / int(data["schedules"])


def test_a_large_space_is_drawn_from(tmp_path: Path) -> None:
    text = ok(*LARGE, "--out", str(tmp_path)).stdout
    assert json.loads(ok(*LARGE, "--json").stdout) == json.loads((tmp_path / "quality.json").read_text())
    assert "60 schedules drawn at random from more than 10^" in text
    assert "better than all 60 drawn: top 4.9% of all or less, with 95% confidence" in text
    assert "The best there is: not known." in text
    data = json.loads((tmp_path / "quality.json").read_text())
    validate(data, schema("quality"))
    assert data["method"] == "sample"
    assert (data["samples"], data["seed"]) == (60, 0)
    assert data["optimum_cost"] is None
    assert data["searches"][0]["top_share"] == pytest.approx(3 / 60, rel=0.05)


@pytest.mark.parametrize("arguments", [SMALL, LARGE])
def test_the_same_input_gives_the_same_bytes(arguments: tuple[str, ...], tmp_path: Path) -> None:
    for place in ("a", "b"):
        ok(*arguments, "--out", str(tmp_path / place))
    for name in ("quality.json", "quality.svg"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


@pytest.mark.parametrize("objective", Objective)
def test_every_objective_has_its_units(objective: Objective) -> None:
    found = ranked(objective)
    validate(quality_to_dict(found), schema("quality"))
    unit = {
        Objective.THROUGHPUT: ("samples/s", "throughput (samples/s)"),
        Objective.LATENCY: ("us", "latency of one sample (ms)"),
        Objective.ENERGY: ("mJ per sample", "energy per sample (mJ)"),
        Objective.EDP: ("mJ ms", "energy-delay product of the batch (mJ ms)"),
    }[objective]
    assert any(unit[0] in line for line in quality_lines(found))
    assert f"<!-- {unit[1]} -->" in svg(lambda: rank_figure(quality_to_dict(found)))
    best = found.standings[1]
    assert best.better == 0
    assert best.over_best == 0
    assert best.cost == found.optimum_cost


def test_a_scheme_without_schedules_is_told() -> None:
    text = ok(
        "quality",
        "resnet18",
        "-p",
        "simba-16",
        "--batch",
        "2",
        "--scheme",
        "full-pipeline",
        "--search",
        "linear",
    ).stdout
    assert "linear: found nothing: " in text


def test_a_space_whose_sums_are_too_many_is_drawn_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rank, "MOST_JOINED", 10)
    found = ranked(Objective.THROUGHPUT)
    assert not found.exhaustive
    assert found.drawn == 1000
    assert found.optimum_cost == found.standings[1].cost  # exhaustive search proves it all the same


def test_with_prefetch_schedules_are_drawn() -> None:
    options = read_options(4, "throughput", "merged-pipeline", "linear", 1, samples=30)
    ahead = replace(load_package("simba-16"), prefetch=True)
    found = quality(load_network(CONVOLUTIONS), ahead, options, ("linear",))
    assert not found.exhaustive
    assert found.drawn == 30


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--search", "lineer"), "unknown search 'lineer'"),
        (("--scheme", "all"), "scheme: expected one"),
        (("--samples", "0"), "samples: expected a whole number from 1"),
        (("--seed", "-1"), "seed: expected a whole number from 0"),
        (("--batch", "x"), "batch: expected a whole number"),
        (("--objective", "speed"), "unknown objective 'speed'"),
        (("--objective", "latency", "--micro-batch", "2"), "latency is that of one sample alone"),
        (("--out", ""), "--out: expected a directory"),
        (("--package", "simba-17"), "simba-17"),
    ],
)
def test_bad_input_is_told(arguments: tuple[str, ...], told: str) -> None:
    assert any(
        told in line
        for line in refused("quality", CONVOLUTIONS, "-p", "simba-16", "--batch", "4", *arguments)
    )


def test_all_faults_are_told_at_once() -> None:
    text = "\n".join(refused("quality", "nonet", "-p", "nopackage", "--batch", "0", "--search", "guess"))
    for word in ("nonet", "nopackage", "batch", "guess"):
        assert word in text


def test_interrupted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mcmscope.search.exhaustive.rank.ranking", stop)
    result = cli(*SMALL, "--out", str(tmp_path))
    assert result.exit_code == INTERRUPTED
    assert result.stderr == "interrupted\n"
    assert list(tmp_path.iterdir()) == []


@given(st.integers(1, 60), st.data())
def test_the_share_that_a_sample_speaks_of(drawn: int, data: st.DataObject) -> None:
    """At the bound, so few hits come up with a probability of 5%."""
    hits = data.draw(st.integers(0, drawn))
    share = share_at_most(hits, drawn)
    if hits == drawn:
        assert share == 1
        return
    chance = sum(comb(drawn, x) * share**x * (1 - share) ** (drawn - x) for x in range(hits + 1))
    assert chance == pytest.approx(0.05, rel=0.05)
    assert chance <= 0.05 + 1e-12
