"""Cases run in processes, once each; what is kept is the same as what is measured."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mcmscope.errors import InputError
from mcmscope.reproduce.case import Case, Outcome, key
from mcmscope.reproduce.experiments import EXPERIMENTS, experiments_named
from mcmscope.reproduce.run import CASES, jobs_of, run_cases

TINY = (Case("energy", "alexnet", "simba-16", 4), Case("simulated", "alexnet", "simba-16", 4))


def files(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (directory / CASES).rglob("*.json")}


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Outcome]]:
    directory = tmp_path_factory.mktemp("reproduce")
    return directory, run_cases(TINY, directory, 2, lambda case, kept: None)


def test_outcomes_come_in_the_order_of_the_cases(first: tuple[Path, list[Outcome]]) -> None:
    _, outcomes = first
    assert [list(outcome.rows) for outcome in outcomes] == [["energy"], ["simulated"]]
    assert all(row["network"] == "alexnet" for outcome in outcomes for row in outcome.rows.popitem()[1][:3])


def test_a_finished_case_is_not_run_again(first: tuple[Path, list[Outcome]]) -> None:
    directory, _ = first
    before = files(directory)
    told: list[bool] = []
    again = run_cases(TINY, directory, 1, lambda case, kept: told.append(kept))
    assert told == [True, True]
    assert files(directory) == before
    assert [list(outcome.rows) for outcome in again] == [["energy"], ["simulated"]]


def test_a_case_whose_file_is_broken_is_run_again_to_the_same_figures(
    first: tuple[Path, list[Outcome]],
) -> None:
    directory, _ = first
    kept = run_cases(TINY, directory, 1, lambda case, kept: None)
    path = directory / CASES / "energy" / f"{key(TINY[0])}.json"
    path.write_text(path.read_text(encoding="utf-8")[:100], encoding="utf-8")
    told: list[tuple[str, bool]] = []
    again = run_cases(TINY, directory, 1, lambda case, kept: told.append((case.experiment, kept)))
    assert told == [("simulated", True), ("energy", False)]
    assert [outcome.rows for outcome in again] == [outcome.rows for outcome in kept]


def test_the_key_of_a_case_is_what_its_figures_depend_on() -> None:
    case = TINY[0]
    others = (
        replace(case, network="vgg16"),
        replace(case, package="simba-36"),
        replace(case, batch=5),
        replace(case, search="exact"),
        replace(case, turned=(("buffers", 2.0),)),
        replace(case, variant="first 3 layers"),
        replace(case, experiment="throughput"),
    )
    assert len({key(one) for one in (case, *others)}) == 1 + len(others)
    assert key(replace(case, about_s=99.0)) == key(case)


def test_every_experiment_has_cases_of_its_own_and_none_twice() -> None:
    for quick in (True, False):
        for name, experiment in EXPERIMENTS.items():
            cases = experiment.cases(quick)
            assert cases
            assert {case.experiment for case in cases} == {name}
            assert len({key(case) for case in cases}) == len(cases)


def test_experiments_are_named() -> None:
    assert experiments_named("all") == tuple(EXPERIMENTS)
    assert experiments_named("peers, throughput") == ("throughput", "peers")
    with pytest.raises(InputError, match=r"'throughputs'.*did you mean 'throughput'"):
        experiments_named("throughputs")


def test_jobs() -> None:
    assert jobs_of("3") == 3
    assert jobs_of("auto") >= 1
    for wrong in ("0", "-1", "two"):
        with pytest.raises(InputError, match="jobs: expected a whole number"):
            jobs_of(wrong)
