"""Validation as tables and data."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mcmscope.report.doc_blocks import blocks, filled
from mcmscope.report.validation import (
    HEADINGS,
    cells,
    sensitivity_markdown,
    validation_markdown,
    validation_table,
    validation_to_dict,
)
from mcmscope.report.validation_doc import made_blocks
from mcmscope.validation.case import Case, Figure, Plan, Published, knob
from mcmscope.validation.run import Effect, Row


def _nothing(_: tuple[Plan, ...]) -> float:
    raise AssertionError("rows are printed, not run")


def _row(model: float, published: Published, fitted: str = "", why: str = "") -> Row:
    figure = Figure("speed", "images/s", published, lambda _: (), _nothing, fitted=fitted, why=why)
    return Row(Case("chip", "A chip", ("simba-36",), (figure,), ()), figure, model, None, None)


PLAIN = _row(110, Published(100, 100, "paper A"))
RANGE = replace(
    _row(1.5, Published(2, 3, "paper A"), fitted="the clock", why="contention"),
    bounds=(1.0, 4.0),
    simulated=2.5,
)


def test_cells() -> None:
    notes: list[str] = []
    assert cells(PLAIN, notes) == ("speed (images/s)", "100", "110", "1.10x", "-", "-", "-", "1")
    told = cells(RANGE, notes)
    assert told[1:] == ("2.00 to 3.00", "1.50", "0.75x", "1.00 to 4.00", "2.50", "1.00x", "1 2 3")
    assert notes == ["paper A", "fitted: the clock", "contention"]
    assert len(told) == len(HEADINGS)


def test_table_and_markdown_tell_the_same() -> None:
    table, notes = validation_table((PLAIN, RANGE))
    lines = validation_markdown((PLAIN, RANGE))
    assert table.row_count == 2
    assert notes == lines[5:] == ["1. paper A", "2. fitted: the clock", "3. contention"]
    assert lines[0] == "| figure | published | model | ratio | could be | simulator | ratio | notes |"
    assert {line.count("|") for line in lines[:4]} == {len(HEADINGS) + 1}


def test_sensitivity_rows() -> None:
    effect = Effect(knob("chiplet.clock_mhz"), 0.5, (0.5, None))
    lines = sensitivity_markdown((PLAIN, RANGE), (effect,))
    assert lines == [
        "| constant | times | 1 | 2 |",
        "| --- | ---: | ---: | ---: |",
        "| chiplet.clock_mhz | 0.5 | 0.50 | - |",
    ]


def test_data() -> None:
    effects = {"chip": (Effect(knob("chiplet.clock_mhz"), 0.5, (0.5,)),)}
    (case,) = validation_to_dict({"chip": (RANGE,)}, effects)["cases"]
    (figure,) = case["figures"]
    assert figure["published"] == [2, 3]
    assert figure["model_over_published"] == pytest.approx(0.75)
    assert figure["simulated"] == 2.5
    assert figure["why"] == "contention"
    assert case["sensitivity"][0]["keys"] == {"chiplet.clock_mhz": 1}
    assert "sensitivity" not in validation_to_dict({"chip": (RANGE,)}, {})["cases"][0]


def test_a_page_is_filled_between_its_markers_only() -> None:
    page = "before\n<!-- table chip -->\nold\n<!-- end -->\n<!-- table other -->\nkept\n<!-- end -->\nafter\n"
    made = made_blocks({"chip": (PLAIN,)}, {})
    text = filled(page, made)
    assert blocks(text) == {**made, ("table", "other"): "kept\n"}
    assert text.startswith("before\n<!-- table chip -->\n\n| figure |")
    assert text.endswith("kept\n<!-- end -->\nafter\n")
    assert filled(text, made) == text
