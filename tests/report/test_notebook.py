"""The notebook face: HTML whose names are data, and tables that hold the figures of the result."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pandas
import polars
import pytest

import mcmscope
from mcmscope.errors import InputError
from mcmscope.report.notebook.show import runs
from mcmscope.report.notebook.tables import TABLES, result_columns, schedule_columns
from mcmscope.report.result_json import result_to_dict
from mcmscope.result import Result

EVIL = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def result() -> Result:
    return mcmscope.run("resnet18", "simba-16", batch=4)


class Shown(HTMLParser):
    """Text of a page, cells by row, and the elements it has; they must nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.elements: set[str] = set()
        self.open: list[str] = []
        self.text = ""
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.elements.add(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.open and self.open[-1] in ("td", "th"):
            self.rows[-1][-1] += data


def test_a_result_shows_the_answer_and_every_scheme(result: Result) -> None:
    shown = Shown(result._repr_html_())  # pyright: ignore[reportPrivateUsage]
    head, *rows = shown.rows
    assert [row[0] for row in rows] == [row.scheme.value for row in result.schemes]
    assert all(len(row) == len(head) for row in shown.rows)
    assert result.best is not None
    assert f"{result.best.scheme.value} runs resnet18 on simba-16" in shown.text
    assert "full-pipeline does not fit: " in shown.text
    (full,) = (row for row in rows if row[0] == "full-pipeline")
    assert set(full[1:]) == {"-"}
    assert "energy profile simba-16nm" in shown.text


def test_names_are_text(result: Result) -> None:
    odd = replace(result, network=replace(result.network, name=EVIL))
    html = odd._repr_html_()  # pyright: ignore[reportPrivateUsage]
    assert EVIL not in html
    shown = Shown(html)
    assert EVIL in shown.text
    assert shown.elements <= {"div", "p", "table", "thead", "tbody", "tr", "th", "td"}


def test_an_interrupted_result_says_so(result: Result) -> None:
    html = replace(result, interrupted=True)._repr_html_()  # pyright: ignore[reportPrivateUsage]
    assert "not searched are missing" in html


def test_a_schedule_shows_its_stages(result: Result) -> None:
    schedule = result.scheme("merged-pipeline").schedule
    assert schedule is not None
    shown = Shown(schedule._repr_html_())  # pyright: ignore[reportPrivateUsage]
    stages = [(s, c) for s, segment in enumerate(schedule.segments) for c, _ in enumerate(segment.clusters)]
    assert [row[0] for row in shown.rows[1:]] == [f"{s + 1}.{c + 1}" for s, c in stages]
    assert f"{len(schedule.segments)} segments" in shown.text


def test_runs_of_numbers() -> None:
    assert runs((3, 4, 5, 9, 8, 1)) == "3-5, 9, 8, 1"
    assert runs(tuple(range(0, 40, 2))) == "0, 2, 4, 6, 8, 10, 12, 14, ..."


def test_the_table_of_schemes_is_that_of_the_file(result: Result) -> None:
    data = json.loads(json.dumps(result_to_dict(result)))["schemes"]
    frame = result.to_polars()
    assert frame.height == len(data)
    for row, told in zip(frame.iter_rows(named=True), data, strict=True):
        for key, value in told.items():
            if key in ("certificate", "energy_breakdown_j") and value is not None:
                assert {name: row[f"{key}_{name}"] for name in value} == value
            elif key not in ("schedule", "energy_breakdown_j"):
                assert row[key] == value
    assert frame.schema["throughput_per_s"] == polars.Float64
    assert frame.schema["feasible"] == polars.Boolean


def missing(value: Any) -> bool:
    """None, or pandas' word for it."""
    return value is None or value != value or value is pandas.NA


@pytest.mark.parametrize("table", TABLES)
def test_pandas_and_polars_hold_the_same(result: Result, table: str) -> None:
    columns = result_columns(result, table)
    first: Any = result.to_pandas(table)  # its types are not fully known
    second = result.to_polars(table)
    assert list(first.columns) == second.columns == list(columns)
    assert len(first) == second.height > 0
    for name, values in columns.items():
        assert second[name].to_list() == values
        found: list[Any] = first[name].tolist()
        assert [None if missing(x) else x for x in found] == values
        assert all(not isinstance(value, dict | tuple | list) for value in values), "a container in a cell"


def test_layers_cover_the_network_once_per_scheme(result: Result) -> None:
    frame = result.to_polars("layers")
    names = [layer.name for layer in result.network.layers]
    feasible = [row.scheme.value for row in result.schemes if row.feasible]
    assert frame["scheme"].unique(maintain_order=True).to_list() == feasible
    for scheme in feasible:
        assert frame.filter(polars.col("scheme") == scheme)["name"].to_list() == names


def test_segments_take_the_time_of_the_batch(result: Result) -> None:
    frame = result.to_polars("segments")
    for row in result.schemes:
        if row.evaluation is not None:
            mine = frame.filter(polars.col("scheme") == row.scheme.value)
            total = sum(mine["load_s"].to_list()) + sum(mine["run_s"].to_list())
            assert total == pytest.approx(row.evaluation.batch_latency_s)
            assert sum(mine["stages"].to_list()) == sum(len(x.stages) for x in row.evaluation.segments)


def test_a_schedule_is_a_row_per_layer(result: Result) -> None:
    schedule = result.scheme("segmented-pipeline").schedule
    assert schedule is not None
    first: Any = schedule.to_pandas()
    second = schedule.to_polars()
    assert second["layer"].to_list() == first["layer"].tolist() == list(range(len(result.network)))
    clusters = [(len(x.chiplets), list(x.chiplets)) for x in schedule.clusters]
    assert list(zip(second["chiplets"], second["chiplet_ids"].to_list(), strict=True)) == clusters
    assert list(schedule_columns(schedule)) == second.columns


def test_an_unknown_table_is_told_with_those_there_are(result: Result) -> None:
    with pytest.raises(InputError, match=r"did you mean 'layers'.*schemes, segments, stages, layers"):
        result.to_pandas("layer")


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_missing_library_is_told_with_the_mend(
    result: Result, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ImportError, match=rf"to_{library} needs {library}.*mcmscope\[notebook\]"):
        getattr(result, f"to_{library}")()
    assert result._repr_html_()  # pyright: ignore[reportPrivateUsage]
