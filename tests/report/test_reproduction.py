"""What is shown of a reproduction: whole tables, pictures, a page that stands alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mcmscope.report.doc_blocks import markdown_table
from mcmscope.report.reproduction.draw import pictures
from mcmscope.report.reproduction.page import page
from mcmscope.report.reproduction.save import DATA, FIGURES, REPORT, TIMINGS, save
from mcmscope.report.reproduction.sections import claims_table, sections
from mcmscope.report.reproduction.verdict import verdict_lines
from mcmscope.report.reproduction.view import Chart, Kind, Panel, Section, Series, Table
from mcmscope.reproduce.case import Case, Outcome, Row
from mcmscope.reproduce.claims import Measured, measured
from mcmscope.reproduce.data import Data, collected, csv_text, timing_rows
from mcmscope.reproduce.experiments import EXPERIMENTS

CASES = (
    Case("throughput", "alexnet", "simba-16", search="exact"),
    Case("throughput", "alexnet", "simba-36"),
    Case("simulated", "alexnet", "simba-16"),
    Case("batch", "alexnet", "simba-64", 4, search="exact"),
    Case("batch", "alexnet", "simba-64", 16),
    Case("energy", "alexnet", "simba-16"),
    Case("effort", "resnet152", "simba-16", variant="first 4 layers"),
    Case("effort", "resnet152", "simba-16", variant="first 8 layers"),
    Case("ablations", "alexnet", "simba-16", variant="nothing off"),
    Case("ablations", "alexnet", "simba-16", variant="sharded weights off"),
    Case("sensitivity", "alexnet", "simba-16", variant="as it is"),
    Case("sensitivity", "alexnet", "simba-16", turned=(("buffers", 2.0),), variant="buffers"),
    Case("sensitivity", "alexnet", "simba-16", turned=(("overlap", "none"),), variant="overlap"),
    Case("sensitivity", "alexnet", "simba-16", 1, variant="batch"),
    Case("peers", "alexnet", "mesh-4x4", 4, turned=(("energy profile", "set-12nm"),)),
)
RANKS: list[Row] = [
    {
        "network": "alexnet",
        "layers": 5,
        "package": "simba-16",
        "batch": 64,
        "variant": "first 5 layers",
        "search": search,
        "status": "optimal",
        "schedules": "1182797426160",
        "counted": "1182797426160",
        "every_schedule": True,
        "fit": "10",
        "better": 0,
        "equal": 101,
        "top": 1e-10,
        "over_best": 0.0,
    }
    for search in ("linear", "exact")
]
CURVE: list[Row] = [
    {"network": "alexnet", "package": "simba-16", "variant": "first 5 layers", "share": x, "over_best": 1 + x}
    for x in (1e-9, 0.5, 1.0)
]


@pytest.fixture(scope="module")
def outcomes() -> list[Outcome]:
    return [EXPERIMENTS[case.experiment].measure(case) for case in CASES]


@pytest.fixture(scope="module")
def data(outcomes: list[Outcome]) -> Data:
    return Data({**collected(outcomes).tables, "quality": RANKS, "rank": CURVE})


@pytest.fixture(scope="module")
def shown(data: Data, outcomes: list[Outcome]) -> list[Section]:
    return sections(Data({**data.tables, "timings": timing_rows(CASES, outcomes)}))


def test_every_experiment_is_shown(shown: list[Section]) -> None:
    assert [section.title for section in shown] == [
        "Throughput",
        "Scaling",
        "Simulated",
        "Batch",
        "Energy",
        "Search quality",
        "Search cost",
        "Ablations",
        "Sensitivity",
        "Peers",
    ]


def test_tables_are_whole_and_their_names_distinct(shown: list[Section]) -> None:
    tables = [table for section in shown for table in section.tables]
    assert len({table.name for table in tables}) == len(tables)
    for table in tables:
        assert table.rows or table.name in ("headline", "peers-mesh-4x4"), table.name
        assert all(len(row) == len(table.headings) for row in table.rows), table.name
        assert 1 <= table.words <= len(table.headings)


def test_cells_are_the_figures_that_were_measured(shown: list[Section], data: Data) -> None:
    tables = {table.name: table for section in shown for table in section.tables}
    row = data.row("throughput", chiplets=16, scheme="merged-pipeline", search="linear")
    assert row is not None
    assert tables["merged-over-segmented"].rows[0][:2] == ("alexnet", f"{row['speedup']:.2f}x")
    energy = data.row("energy", profile="simba-16nm", scheme="merged-pipeline")
    assert energy is not None
    parts = sum(float(value or 0) for name, value in energy.items() if name.endswith("_mj"))
    assert parts == pytest.approx(float(energy["mj_per_sample"] or 0))


def test_pictures_are_the_same_each_time(shown: list[Section]) -> None:
    charts = [chart for section in shown for chart in section.charts]
    assert len({chart.name for chart in charts}) == len(charts)
    assert {chart.kind for chart in charts} == set(Kind)
    first = pictures(charts[0])
    assert first == pictures(charts[0])
    assert first[1].startswith(b"\x89PNG")


def test_files_are_the_same_each_time_but_for_timings(
    tmp_path: Path, data: Data, outcomes: list[Outcome]
) -> None:
    found = measured(data)
    some = Data({name: data.tables[name] for name in ("throughput", "peers")})
    for name in ("one", "two"):
        save(tmp_path / name, some, timing_rows(CASES, outcomes), found, {"commit": "c"})
    one, two = tmp_path / "one", tmp_path / "two"
    names = sorted(path.relative_to(one) for path in one.rglob("*.*"))
    assert Path(TIMINGS) in names
    assert Path(REPORT) in names
    assert Path(DATA) / "throughput.csv" in names
    assert Path(FIGURES) / "throughput.png" in names
    for name in names:
        assert (one / name).read_bytes() == (two / name).read_bytes(), name
    seconds = (one / TIMINGS).read_text(encoding="utf-8").splitlines()
    assert seconds[0].endswith("part,seconds")
    assert not any("seconds" in path.read_text(encoding="utf-8") for path in (one / DATA).iterdir())


def test_a_page_stands_alone_and_shows_names_as_text() -> None:
    evil = "<script>alert(1)</script>"
    chart = Chart("c", evil, Kind.BARS, (Panel(evil, (Series(evil, (1.0,)),), (evil,)),), "", "")
    table = Table("t", evil, (evil, evil), ((evil, evil),))
    pictured = {"c": pictures(chart)[0]}
    text = page(evil, {evil: evil}, table, [Section(evil, evil, (table,), (chart,))], pictured)
    assert "<script" not in text
    linked = re.findall(r'(?:src|href)="([^"]*)', text)
    assert linked
    assert all(link.startswith(("#", "data:")) for link in linked)
    assert text.count("&lt;script&gt;") > 8


def test_columns_of_any_row_are_in_the_table() -> None:
    assert csv_text([{"a": 1, "b": "x,y"}, {"a": None, "c": 0.5}]) == 'a,b,c\n1,"x,y",\n,,0.5\n'


def test_verdicts_say_what_changed() -> None:
    found = {
        "energy": Measured("1.2", holds=False),
        "headline": Measured("1.3x", holds=True),
        "agreement": None,
    }
    lines = verdict_lines(found, ["energy"], quick=False)
    assert "does not hold  energy                      1.2" in lines
    assert "Held before, and does not hold any more: energy." in lines
    assert not any("agreement" in line for line in lines)
    assert [row[3] for row in claims_table(found).rows].count("not measured") >= 1


def test_a_bar_in_a_cell_does_not_part_it() -> None:
    assert markdown_table(("a", "b"), [("x|y", "1")], words=1)[1:] == ["| --- | ---: |", "| x\\|y | 1 |"]
