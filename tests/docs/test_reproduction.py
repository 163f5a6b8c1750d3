"""``docs/reproduction.md`` and ``docs/comparison.md`` show the data that lie beside them."""

from __future__ import annotations

import pytest

from docs.reproduction import PAGES, cell, kept, made
from mcmscope.report.doc_blocks import blocks, filled
from mcmscope.reproduce.claims import held, measured
from mcmscope.reproduce.data import Data

MEND = "run python docs/reproduction.py"


@pytest.fixture(scope="module")
def data() -> Data:
    return kept()[0]


def test_the_pages_are_filled_from_the_data() -> None:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        assert filled(text, made()) == text, f"{page.name}: {MEND}"


def test_a_whole_run_fills_every_table() -> None:
    for page in PAGES:
        shown = blocks(page.read_text(encoding="utf-8"))
        assert shown
        assert "--quick" in kept()[1]["command"] or set(shown) <= set(made())


def test_the_claims_that_hold_are_those_of_the_list(data: Data) -> None:
    found = measured(data)
    quick = "--quick" in kept()[1]["command"]
    assert quick or None not in found.values()
    assert {name for name, one in found.items() if one is not None and one.holds} == held(quick)


@pytest.mark.parametrize(
    ("text", "value"), [("", None), ("True", True), ("12", 12), ("1.5e-3", 0.0015), ("resnet18", "resnet18")]
)
def test_cells(text: str, value: object) -> None:
    assert cell(text) == value
