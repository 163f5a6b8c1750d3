"""A search that is stopped tells what it has: exit code 0 at the limit of time, 130 after ^C."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mcmscope.cli.app import app
from mcmscope.cost.model import cost_model
from mcmscope.hardware import load_package
from mcmscope.schedule import Objective, Scheme
from mcmscope.search.context import SearchContext
from mcmscope.search.descend import objective_value
from mcmscope.search.exact import pipelines
from mcmscope.search.limit import Limit
from mcmscope.search.run import search_scheme
from mcmscope.workload import load_network

RUN = ["run", "resnet18", "--package", "simba-16", "--batch", "4", "--search", "exact"]
MERGED = Scheme.MERGED_PIPELINE


def rows(directory: Path) -> dict[str, dict[str, object]]:
    """The schemes of the saved result by name."""
    saved = json.loads((directory / "result.json").read_text())
    return {row["scheme"]: row for row in saved["schemes"]}


def test_the_limit_of_time_leaves_a_gap(tmp_path: Path) -> None:
    asked = [*RUN, "--scheme", "merged-pipeline", "--time-limit", "0.000001", "--out", str(tmp_path)]
    result = CliRunner().invoke(app, asked)
    assert result.exit_code == 0, result.output
    assert "at most" in result.output
    row = rows(tmp_path)["merged-pipeline"]
    assert row["search"] == "exact"
    certificate = row["certificate"]
    assert isinstance(certificate, dict)
    assert certificate["status"] == "bounded"
    assert 0 < certificate["gap"] < 1


def test_an_interrupt_saves_what_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(pipelines, "bound_segments", interrupted)
    asked = [*RUN, "--scheme", "segmented-pipeline,merged-pipeline,data-parallel", "--out", str(tmp_path)]
    result = CliRunner().invoke(app, asked)
    assert result.exit_code == 130
    assert "merged-pipeline" in result.output
    saved = rows(tmp_path)
    assert set(saved) == {"segmented-pipeline", "merged-pipeline"}
    certificate = saved["merged-pipeline"]["certificate"]
    assert isinstance(certificate, dict)
    assert certificate["status"] == "bounded"


@pytest.mark.parametrize("calls", [1, 40, 400])
def test_whenever_it_stops_the_gap_holds(calls: int) -> None:
    class Calls(Limit):
        """Reached after so many questions."""

        def __init__(self) -> None:
            super().__init__()
            self.left = calls

        def reached(self) -> bool:
            self.left -= 1
            return self.left < 0

    model = cost_model(load_network("resnet18"), load_package("simba-16"))
    context = SearchContext(model, 4)
    optimum = search_scheme(
        model, MERGED, 4, Objective.THROUGHPUT, search="exact", context=SearchContext(model, 4)
    )
    found = search_scheme(
        model, MERGED, 4, Objective.THROUGHPUT, search="exact", context=context, limit=Calls()
    )
    assert optimum.code is not None
    assert found.code is not None
    assert found.certificate.gap is not None
    least = objective_value(model, optimum.code, 4, Objective.THROUGHPUT)
    time = objective_value(model, found.code, 4, Objective.THROUGHPUT)
    assert least is not None
    assert time is not None
    assert time * (1 - found.certificate.gap) <= least * (1 + 1e-12)
    assert least <= time
