"""``mcmscope report`` from the command line."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from mcmscope.cli import app
from mcmscope.cli.app import BAD_INPUT
from mcmscope.report.views.saved import load_findings

RUN = ("run", "alexnet", "--package", "simba-16", "--batch", "4", "--micro-batch", "1", "--scheme")


def call(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("made")
    assert call(*RUN, "sequential,sequential-fused", "--out", str(place)).exit_code == 0
    return place


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "out"))


def test_the_report_of_saved_files_is_that_of_the_run(folder: Path) -> None:
    written = (folder / "report.html").read_bytes()
    (folder / "report.html").unlink()
    done = call("report", str(folder))
    assert done.exit_code == 0, done.stderr
    assert done.stdout == f"Wrote {folder / 'report.html'}: open it in a browser.\n"
    assert (folder / "report.html").read_bytes() == written
    elsewhere = folder / "new" / "page.html"
    assert call("report", str(folder / "result.json"), "-o", str(elsewhere)).exit_code == 0
    assert elsewhere.read_bytes() == written


def test_several_results_make_one_page(folder: Path, tmp_path: Path) -> None:
    page = tmp_path / "both.html"
    assert call("report", str(folder), str(folder / "result.json"), "-o", str(page)).exit_code == 0
    assert '<h1 class="answer">2 results: sequential-fused is best in 2.</h1>' in page.read_text()


def test_all_faults_are_told_at_once_and_nothing_is_written(folder: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    (folder / "schedule-sequential.json").unlink()
    done = call("report", str(folder), str(tmp_path / "nowhere"), "-o", str(page))
    assert done.exit_code == BAD_INPUT
    first, second = done.stderr.splitlines()
    assert first == f"error: {folder / 'schedule-sequential.json'}: no such file"
    assert second == f"error: {tmp_path / 'nowhere'}: no such file"
    assert not page.exists()
    for bad in ("", str(tmp_path)):
        assert call("report", str(folder / "result.json"), "-o", bad).exit_code == BAD_INPUT


def test_files_that_cannot_be_used_are_left_out_with_a_warning(folder: Path) -> None:
    (folder / "quality.json").write_text("{")
    (folder / "pareto.json").write_text("[]")
    (folder / "simulation-sequential.json").write_text('{"format": "mcmscope-simulation", "version": 1}')
    done = call("report", str(folder))
    assert done.exit_code == 0, done.stderr
    assert len(done.stderr.splitlines()) == 3
    assert done.stderr.count("is left out") == 3
    assert "quality.json is left out" in (folder / "report.html").read_text()
    notes = done.stderr
    for form in ((), ("--json",)):
        again = call(*RUN, "sequential,sequential-fused", "--out", str(folder), *form)
        assert again.exit_code == 0
        assert again.stderr == notes


def test_a_result_in_which_no_scheme_fits_has_its_page(folder: Path, tmp_path: Path) -> None:
    place = tmp_path / "none"
    run = ("run", "resnet18", "-p", "simba-16", "--batch", "2", "--scheme")
    done = call(*run, "full-pipeline", "--out", str(place))
    assert done.exit_code == 0, done.stderr
    assert f"Wrote {place / 'result.json'}, report.html and result-network.json beside it." in done.stdout
    names = {"report.html", "result.json", "result-network.json"}
    assert {path.name for path in place.iterdir()} == names
    written = (place / "report.html").read_bytes()
    (place / "report.html").unlink()
    assert call("report", str(place)).exit_code == 0
    assert (place / "report.html").read_bytes() == written
    page = tmp_path / "both.html"
    assert call("report", str(folder), str(place), "-o", str(page)).exit_code == 0
    assert "no scheme fits" in page.read_text()

    drawn = call("plot", str(place), "-o", str(tmp_path / "x.svg"))
    assert drawn.exit_code == BAD_INPUT
    assert drawn.stderr.startswith("error: no scheme fits, so that there is nothing to draw: ")

    network = place / "result-network.json"
    other = network.read_text().replace("resnet18", "other")
    for change, told in (
        (lambda: network.write_text(other), f"{network}: is not the network of {place / 'result.json'}"),
        (network.unlink, "no scheme fits, and there is no result-network.json beside it: run again"),
    ):
        change()
        bad = call("report", str(place))
        assert bad.exit_code == BAD_INPUT
        assert told in bad.stderr


def test_a_later_run_that_fits_takes_the_network_file_away(made: Path, tmp_path: Path) -> None:
    findings = load_findings(made)
    unfit = tuple(
        replace(row, feasible=False, reason="too large", schedule=None, evaluation=None)
        for row in findings.result.schemes
    )
    replace(findings.result, schemes=unfit).save(tmp_path)
    assert load_findings(tmp_path).result.network == findings.result.network
    assert load_findings(tmp_path).result.package == findings.result.package
    findings.result.save(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in made.iterdir()}
