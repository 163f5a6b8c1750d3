"""The page in a real browser: what it shows, how it is linked, and whether everyone can use it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mcmscope.report.page.page import report_html
from mcmscope.report.views.saved import Findings, load_findings
from mcmscope.result import Result

from .browser import Browser
from .conftest import EVIL, EVIL_END, EVIL_IMAGE

pytestmark = [pytest.mark.slow, pytest.mark.browser]

WIDTHS = (390, 1280, 3840)
MERGED = "scheme=merged-pipeline"
AXE = Path(__file__).parent / "axe" / "axe.min.js"
VIEWS = ("summary", "batch", "map", "pipeline", "stages", "energy", "roofline", "layers", "search", "package")


@pytest.fixture(scope="module")
def page(full_folder: Path) -> Path:
    return full_folder / "report.html"


@pytest.fixture(scope="module")
def told(full_folder: Path) -> dict[str, Any]:
    return json.loads((full_folder / "result.json").read_text())


@pytest.fixture(scope="module")
def both(full_folder: Path, evil: Result, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two results side by side; all names of the second are hostile."""
    path = tmp_path_factory.mktemp("both") / "report.html"
    path.write_text(report_html([load_findings(full_folder), Findings(evil)]))
    return path


def plan(told: dict[str, Any], scheme: str) -> dict[str, Any]:
    return next(row for row in told["schemes"] if row["scheme"] == scheme)


@pytest.mark.parametrize("width", WIDTHS)
def test_every_view_shows_its_data(
    browser: Browser, page: Path, told: dict[str, Any], result: Result, width: int
) -> None:
    segments = plan(told, "merged-pipeline")["schedule"]["segments"]
    at = max(range(len(segments)), key=lambda s: len(segments[s]["clusters"]))
    browser.show(page, width, f"{MERGED}&segment={at + 1}")
    assert browser.errors() == []
    assert browser.ask("return document.documentElement.scrollWidth") <= width
    for name in VIEWS:
        box = browser.ask(
            "return document.getElementById(arguments[0]).getBoundingClientRect().toJSON()", f"view-{name}"
        )
        assert box["height"] > 60, name
        assert box["width"] > min(300, width / 5), name
    stages = len(segments[at]["clusters"])
    feasible = [row for row in told["schemes"] if row["feasible"]]
    package = result.package
    expected = {
        "#view-summary tr[data-scheme]": len(told["schemes"]),
        "#view-batch [role=option]": len(segments),
        "#view-map [role=option]": package.chiplets,
        "#view-pipeline [role=option]": stages,
        "#view-energy .chart:first-child [role=option]": len(feasible),
        "#view-layers tbody tr": len(result.network),
        "#view-search h3": 2,
    }
    assert {selector: browser.count(selector) for selector in expected} == expected
    bars = browser.count("#view-stages [role=option]")
    assert bars == (stages if stages > 1 else len(segments))
    assert browser.count("#view-roofline [role=option]") >= len(segments)
    lines = browser.count("#view-map line")
    assert lines == 2 * (package.rows * (package.columns - 1) + package.columns * (package.rows - 1))


def test_figures_are_those_of_result_json(browser: Browser, page: Path, told: dict[str, Any]) -> None:
    browser.show(page, 1280)
    script = """
      return [...document.querySelectorAll('table.schemes tr[data-scheme]')].map((row) => [row.dataset.scheme,
        Object.fromEntries([...row.querySelectorAll('td[data-key]')].map((cell) => [cell.dataset.key,
          cell.querySelector('data') ? [cell.querySelector('data').value, cell.textContent] : null]))])
    """
    rows = dict(browser.ask(script))
    assert list(rows) == [row["scheme"] for row in told["schemes"]]
    embedded = json.loads(browser.ask("return document.getElementById('data').textContent"))
    for row, drawn in zip(told["schemes"], embedded["cases"][0]["schemes"], strict=True):
        shown = rows[row["scheme"]]
        if not row["feasible"]:
            assert shown == {}
            continue
        assert len(shown) == 6
        for key, cell in shown.items():
            assert cell is not None, key
            assert float(cell[0]) == row[key]
        text = shown["throughput_per_s"][1].replace(",", "")
        assert float(text) == pytest.approx(row["throughput_per_s"], rel=5e-3)
        for key in ("throughput_per_s", "bound_throughput_per_s", "energy_breakdown_j", "latency_s"):
            assert drawn[key] == row[key]


def test_layers_of_the_table_are_those_of_the_schedule(
    browser: Browser, page: Path, told: dict[str, Any], result: Result
) -> None:
    browser.show(page, 1280, MERGED)
    assert browser.texts("#view-layers tbody th") == [layer.name for layer in result.network.layers]
    partitions = browser.texts("#view-layers tbody td:nth-child(5)")
    clusters = [c for s in plan(told, "merged-pipeline")["schedule"]["segments"] for c in s["clusters"]]
    assert partitions == [name for cluster in clusters for name in cluster["partitions"]]


def several_stages(told: dict[str, Any]) -> tuple[str, int, dict[str, Any]]:
    """A scheme, and a segment of it that has several stages."""
    for row in told["schemes"]:
        for s, segment in enumerate(row["schedule"]["segments"] if row["schedule"] else ()):
            if len(segment["clusters"]) > 2:
                return row["scheme"], s, segment
    raise AssertionError("no pipeline in the result")


def test_a_stage_that_is_chosen_is_chosen_everywhere(
    browser: Browser, page: Path, told: dict[str, Any]
) -> None:
    scheme, s, segment = several_stages(told)
    browser.show(page, 1280, f"scheme={scheme}&segment={s + 1}")
    browser.click("#view-pipeline [role=option]:nth-of-type(2)")
    assert browser.choice() == {"scheme": scheme, "segment": str(s + 1), "stage": "2"}
    cluster = segment["clusters"][1]
    keys = browser.ask("return [...document.querySelectorAll('#view-map .on')].map((n) => n.dataset.key)")
    assert sorted(keys) == sorted(f"map:{chiplet}" for chiplet in cluster["chiplets"])
    assert browser.count("#view-pipeline .on") == 1
    assert browser.count("#view-stages .on") == 1
    assert browser.count("#view-batch .on") == 1
    assert browser.count("#view-roofline .on") >= 1
    first, end = cluster["layers"]
    layers = browser.ask(
        "return [...document.querySelectorAll('#view-layers tr.chosen')].map((n) => Number(n.dataset.layer))"
    )
    assert layers == list(range(first, end))
    assert f"Stage {s + 1}.2" in browser.texts("#choice .detail")[0]
    browser.driver.back()
    assert "stage" not in browser.choice()
    assert browser.count("#view-pipeline .on") == 0


def test_a_layer_that_is_chosen_leads_to_its_segment_and_stage(
    browser: Browser, page: Path, told: dict[str, Any], result: Result
) -> None:
    last = len(result.network) - 1
    browser.show(page, 1280, MERGED)
    browser.click(f"#view-layers tr[data-layer='{last}'] button")
    segments = plan(told, "merged-pipeline")["schedule"]["segments"]
    assert browser.choice()["layer"] == str(last)
    assert browser.count(f"#view-batch g[data-key='batch:{len(segments) - 1}'].on") == 1
    assert browser.texts("#view-layers tr.chosen th") == [result.network.layers[last].name]
    browser.click("#view-energy .chart [role=option]")
    assert browser.choice()["scheme"] == "sequential"
    assert browser.count("#view-batch [role=option]") == len(result.network)
    assert browser.count(f"#view-batch g[data-key='batch:{last}'].on") == 1
    assert browser.errors() == []


def test_the_fragment_alone_says_what_is_shown(browser: Browser, page: Path, told: dict[str, Any]) -> None:
    scheme, s, _ = several_stages(told)
    browser.show(page, 1280, f"scheme={scheme}&segment={s + 1}&stage=3&map=work")
    assert browser.texts("table.schemes tr.chosen .name") == [scheme]
    assert browser.ask("return document.querySelector('#view-map input:checked').value") == "work"
    assert browser.count("#view-pipeline g[data-key='pipeline:2'].on") == 1
    browser.show(page, 1280, "scheme=nothing&segment=999&stage=-1&layer=1e9&map=%3Cb%3E&vs-scheme=no")
    assert browser.errors() == []
    assert browser.texts("table.schemes tr.chosen .tag") == ["best"]


def test_two_schemes_stand_side_by_side(browser: Browser, page: Path) -> None:
    browser.show(page, 1280, f"{MERGED}&vs-scheme=sequential")
    for name in ("batch", "map", "pipeline", "stages", "energy", "roofline", "layers"):
        assert browser.texts(f"#view-{name} .side") == ["merged-pipeline", "sequential"]
    browser.click("#view-batch .panel:nth-child(2) [role=option]:nth-of-type(3)")
    assert browser.choice()["vs-segment"] == "3"
    browser.click("#view-layers tr[data-layer='4'] button")
    assert browser.count("#view-layers tr.chosen[data-layer='4']") == 2
    assert browser.errors() == []


def test_all_works_by_keyboard(browser: Browser, page: Path, told: dict[str, Any]) -> None:
    scheme, s, _ = several_stages(told)
    browser.show(page, 1280, f"scheme={scheme}&segment={s + 1}")
    for view in ("batch", "map", "pipeline", "stages", "roofline", "energy"):
        stops = browser.count(f"#view-{view} [role=option][tabindex='0']")
        assert stops == browser.count(f"#view-{view} [role=listbox]") > 0
    browser.ask("document.querySelector('#view-pipeline [role=option]').focus()")
    browser.press("\ue015", "\ue007")  # arrow down, Enter
    assert browser.choice()["stage"] == "2"
    assert browser.ask("return document.activeElement.dataset.key") == "pipeline:1"
    browser.ask("document.querySelector('#view-map [role=option]').focus()")
    browser.press("\ue015")
    columns = json.loads(browser.ask("return document.getElementById('data').textContent"))["cases"][0]
    assert browser.ask("return document.activeElement.dataset.key") == f"map:{columns['mesh']['columns']}"
    assert not browser.ask("return document.getElementById('tip').hidden")
    browser.press("\ue00c")
    assert browser.ask("return document.getElementById('tip').hidden")
    browser.ask("document.querySelector('table.schemes button').focus()")
    browser.press("\ue007")
    assert browser.choice()["scheme"] == "sequential"


def test_layers_sort_and_filter(browser: Browser, page: Path, result: Result) -> None:
    browser.show(page, 1280, MERGED)
    column = "#view-layers tbody td:nth-child(7)"
    browser.click("#view-layers [data-key='sort:macs']")
    order = [int(text) for text in browser.texts("#view-layers tbody td:first-child")]
    macs = [result.network.layers[l].macs for l in order]
    assert macs == sorted(macs, reverse=True)
    assert len(browser.texts(column)) == len(result.network)
    assert browser.count("#view-layers th[aria-sort=descending]") == 1
    browser.ask("document.querySelector('#view-layers input[type=search]').focus()")
    browser.press("downsample")
    names = browser.texts("#view-layers tbody th")
    assert names
    assert all("downsample" in name for name in names)
    assert f"{len(names)} of {len(result.network)} layers" in browser.texts("#view-layers .count")


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_no_fault(
    browser: Browser, both: Path, told: dict[str, Any], width: int, dark: bool
) -> None:
    scheme, s, _ = several_stages(told)
    browser.show(
        both, width, f"scheme={scheme}&segment={s + 1}&stage=2&vs-result=2&vs-scheme=sequential", dark=dark
    )
    assert browser.axe(AXE.read_text()) == []


def test_hostile_names_are_text(browser: Browser, both: Path) -> None:
    browser.show(both, 1280, "result=2&layer=0")
    assert browser.errors() == []
    assert browser.ask("return document.scripts.length") == 4
    assert browser.count("img") == 0
    assert browser.texts("#view-layers tbody th")[:3] == [EVIL, EVIL_END, EVIL_IMAGE]
    assert EVIL in browser.texts("#choice .detail")[0]
    browser.ask("document.querySelector('#view-map [role=option]').focus()")
    browser.press("\ue014")
    assert EVIL in browser.ask("return document.getElementById('tip').textContent")
    assert browser.ask("return document.title").startswith("2 results")
    with pytest.raises(Exception, match="no such alert"):
        _ = browser.driver.switch_to.alert


def test_nothing_is_fetched_and_nothing_foreign_runs(browser: Browser, page: Path) -> None:
    browser.show(page, 1280, MERGED)
    assert browser.ask("return performance.getEntriesByType('resource').map((one) => one.name)") == []
    browser.ask("""
      const script = document.createElement('script');
      script.textContent = 'window.ran = 1';
      const image = document.createElement('img');
      image.src = 'https://example.org/x.png';
      document.body.append(script, image);
    """)
    assert browser.ask("return window.ran") is None
    assert any("Content Security Policy" in message for message in browser.errors())


def test_it_prints_on_white_without_its_tools(browser: Browser, page: Path) -> None:
    browser.show(page, 1280, MERGED, dark=True, media="print")
    assert browser.ask("return getComputedStyle(document.getElementById('choice')).display") == "none"
    assert browser.ask("return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    printed = browser.driver.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})["data"]
    assert len(printed) > 50_000
