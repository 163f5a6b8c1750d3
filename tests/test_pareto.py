"""``mcmscope pareto``: what it says, writes and refuses."""

from __future__ import annotations

import csv
import json
from itertools import pairwise
from pathlib import Path

import pytest
from jsonschema import validate

from mcmscope import load_network, load_package
from mcmscope.cli.app import INTERRUPTED
from mcmscope.options import read_options
from mcmscope.pareto import Pareto, pareto
from mcmscope.report.pareto import COLUMNS, pareto_to_dict, summary_lines
from mcmscope.report.plots.front import front_figure
from mcmscope.report.plots.style import svg
from mcmscope.schedule import Objective, Scheme
from mcmscope.schemas import schema
from tests.cli.calls import cli, ok, refused

LARGE = (
    "pareto",
    "alexnet",
    "-p",
    "simba-16",
    "--batch",
    "4",
    "--scheme",
    "sequential",
    "--micro-batch",
    "1",
)


def front_of(network: str = "alexnet", scheme: Scheme = Scheme.SEQUENTIAL, batch: int = 4) -> Pareto:
    options = read_options(batch, Objective.THROUGHPUT, scheme, "linear", 1)
    return pareto(load_network(network), load_package("simba-16"), options)


def test_the_files_agree_with_what_is_printed(tmp_path: Path) -> None:
    text = ok(*LARGE, "--out", str(tmp_path)).stdout
    data = json.loads((tmp_path / "pareto.json").read_text())
    validate(data, schema("pareto"))
    assert json.loads(ok(*LARGE, "--json").stdout) == data
    rows = list(csv.DictReader((tmp_path / "pareto.csv").read_text().splitlines()))
    assert tuple(rows[0]) == COLUMNS
    assert [row["energy_fj"] for row in rows] == [point["energy_fj"] for point in data["points"]]
    assert (tmp_path / "pareto.svg").read_text().startswith("<?xml")
    assert "mJ per" in text
    assert "samples/s" in text
    assert str(tmp_path / "pareto.svg") in text
    points = data["points"]
    assert len(points) > 1
    for faster, slower in pairwise(points):
        assert faster["batch_ps"] < slower["batch_ps"]
        assert int(faster["energy_fj"]) > int(slower["energy_fj"])


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    written: list[list[bytes]] = []
    for name in ("one", "other"):
        ok(*LARGE, "--out", str(tmp_path / name))
        written.append([path.read_bytes() for path in sorted((tmp_path / name).iterdir())])
    assert written[0] == written[1]


def test_time_that_is_up_leaves_what_was_found(tmp_path: Path) -> None:
    call = ("pareto", "alexnet", "-p", "simba-16", "--batch", "4", "--time-limit", "0.001")
    text = ok(*call, "--out", str(tmp_path)).stdout
    assert "found" in text
    assert "Time was up" in text
    data = json.loads((tmp_path / "pareto.json").read_text())
    validate(data, schema("pareto"))
    assert data["stopped"] is True
    assert data["interrupted"] is False
    assert "Time was up" not in ok(*LARGE).stdout


def test_a_scheme_without_schedules_is_told() -> None:
    found = front_of("resnet18", Scheme.FULL_PIPELINE)
    assert not found.points
    assert found.reason
    assert found.reason in summary_lines(found)[0]
    validate(pareto_to_dict(found), schema("pareto"))
    assert svg(lambda: front_figure(pareto_to_dict(found))).startswith("<?xml")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--scheme", "data-parallel"), "data-parallel has no front"),
        (("--scheme", "all"), "expected one"),
        (("--scheme", "best"), "unknown scheme"),
        (("--batch", "0"), "batch: expected a whole number"),
        (("--time-limit", "soon"), "time limit"),
        (("--micro-batch", "9"), "micro-batch: 9 is more than the batch of 4"),
        (("--out", ""), "--out: expected a directory"),
    ],
)
def test_bad_input_is_told(arguments: tuple[str, ...], told: str) -> None:
    assert any(
        told in line for line in refused("pareto", "alexnet", "-p", "simba-16", "--batch", "4", *arguments)
    )


def test_all_faults_are_told_at_once() -> None:
    told = refused("pareto", "alexnot", "-p", "simba-17", "--batch", "x")
    assert len(told) == 3


def test_prefetch_is_refused(tmp_path: Path) -> None:
    package = tmp_path / "prefetch.yaml"
    package.write_text("extends: simba-16\nname: ahead\nprefetch: true\n")
    assert "prefetch" in refused("pareto", "alexnet", "-p", str(package))[0]


def test_interrupted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What was found by then is told and written."""

    def broken_off(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mcmscope.search.front.front.whole_front", broken_off)
    result = cli(*LARGE, "--out", str(tmp_path))
    assert result.exit_code == INTERRUPTED
    assert json.loads((tmp_path / "pareto.json").read_text())["interrupted"] is True
