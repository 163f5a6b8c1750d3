"""``docs/validation.md`` shows what the tool computes."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcmscope.report.doc_blocks import blocks
from mcmscope.report.validation_doc import made_blocks
from mcmscope.simulate import simulate
from mcmscope.validation.run import CASES, Row, run_case, sensitivity

PAGE = Path(__file__).parents[2] / "docs" / "validation.md"
MEND = "docs/validation.md is not what the tool computes: run python docs/tables.py --sensitivity"


@pytest.fixture(scope="module")
def rows() -> dict[str, tuple[Row, ...]]:
    return {name: run_case(case, simulate) for name, case in CASES.items()}


def test_tables(rows: dict[str, tuple[Row, ...]]) -> None:
    shown = blocks(PAGE.read_text(encoding="utf-8"))
    assert set(shown) == {
        *(("table", name) for name in CASES),
        *(("sensitivity", name) for name, case in CASES.items() if case.knobs),
    }
    for key, made in made_blocks(rows, {}).items():
        assert shown[key] == made, MEND


def test_every_miss_of_the_model_has_its_reason(rows: dict[str, tuple[Row, ...]]) -> None:
    """A quarter off, or more; in the case of the host's call the cases before have told it."""
    for row in (row for name, of in rows.items() for row in of if name != "edge-tpu-call"):
        if not 0.8 < row.ratio < 1.25:
            assert row.figure.why, row.figure.name


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.knobs])
def test_sensitivities(rows: dict[str, tuple[Row, ...]], name: str) -> None:
    shown = blocks(PAGE.read_text(encoding="utf-8"))
    effects = {name: tuple(sensitivity(CASES[name], rows[name]))}
    assert shown["sensitivity", name] == made_blocks(rows, effects)["sensitivity", name], MEND
