"""Results come back from their files as they were, or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mcmscope import InputError
from mcmscope.comparison import compare
from mcmscope.options import read_options
from mcmscope.pareto import pareto
from mcmscope.quality import quality
from mcmscope.report.result_json import result_to_dict
from mcmscope.report.views.saved import load_findings
from mcmscope.report.views.search import front, rank_curve
from mcmscope.report.views.summary import answer, summary_rows
from mcmscope.report.views.traffic import traffic
from mcmscope.result import Result
from mcmscope.schedule import Scheme

MERGED = Scheme.MERGED_PIPELINE


def edit(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))


def test_a_saved_result_comes_back(small: Result, folder: Path) -> None:
    for path in (folder, folder / "result.json"):
        found = load_findings(path)
        assert result_to_dict(found.result) == result_to_dict(small)
        assert found.result.network == small.network
        assert (found.simulations, found.quality, found.pareto, found.notes) == ({}, None, None, ())


def test_rows_are_those_of_result_json(small: Result, folder: Path) -> None:
    told = json.loads((folder / "result.json").read_text())["schemes"]
    for row, entry in zip(summary_rows(load_findings(folder).result), told, strict=True):
        for key in (
            "scheme",
            "reason",
            "throughput_per_s",
            "latency_s",
            "energy_j_per_sample",
            "utilization",
            "speedup_over_segmented",
        ):
            assert getattr(row, key) == entry[key]
    best = small.best
    assert best is not None
    assert best.scheme.value in answer(small)
    assert "simba-16" in answer(small)


def test_other_files_of_the_same_case_are_found(small: Result, folder: Path) -> None:
    compare(load_findings(folder).saved(small.scheme(MERGED))).save(folder)
    options = read_options(16, "throughput", MERGED, "linear", 2, None, 200)
    quality(small.network, small.package, options, ("linear",)).save(folder)
    pareto(small.network, small.package, options).save(folder)
    found = load_findings(folder)
    assert found.notes == ()
    simulated = traffic(found.simulations[MERGED])
    assert 0 < simulated.mean_utilization <= simulated.max_utilization <= 1
    assert max(link.utilization for link in simulated.links) == pytest.approx(simulated.max_utilization)
    assert len(simulated.ports) == small.package.dram_ports
    assert found.quality is not None
    curve = rank_curve(found.quality)
    assert curve.marks[0].value == small.scheme(MERGED).throughput_per_s
    assert all(a[1] >= b[1] for a, b in zip(curve.points, curve.points[1:], strict=False))
    assert found.pareto is not None
    points = front(found.pareto).points
    assert points[0].throughput_per_s >= points[-1].throughput_per_s

    edit(folder / "quality.json", lambda data: data.update(batch=8))
    later = load_findings(folder)
    assert later.quality is None
    assert later.notes == ("quality.json is of another network, package or batch and left out.",)


def test_figures_of_another_model_are_refused(folder: Path) -> None:
    edit(folder / "result.json", lambda data: data["schemes"][0].update(throughput_per_s=1.0))
    with pytest.raises(InputError, match="figures of sequential are not those of its schedule"):
        load_findings(folder)


def test_schedules_of_another_run_are_refused_all_at_once(folder: Path) -> None:
    edit(folder / "schedule-sequential.json", lambda data: data.update(batch=8))
    (folder / "schedule-merged-pipeline.json").unlink()
    with pytest.raises(InputError) as caught:
        load_findings(folder)
    first, second = caught.value.faults
    assert "schedule-sequential.json: is not the schedule of" in first
    assert "schedule-merged-pipeline.json: no such file" in second


def test_broken_files_are_refused_with_their_place(folder: Path) -> None:
    edit(folder / "result.json", lambda data: data["schemes"][1].pop("latency_s"))
    with pytest.raises(InputError, match=r"result\.json: schemes\[1\]: 'latency_s' is a required"):
        load_findings(folder)
    edit(folder / "result.json", lambda data: data.update(format="mcmscope-schedule"))
    with pytest.raises(InputError, match="format: expected 'mcmscope-result'"):
        load_findings(folder)
    with pytest.raises(InputError, match="no such file"):
        load_findings(folder / "nothing.json")
