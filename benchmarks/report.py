"""The HTML report: seconds to make it, its size, and a browser's to open it and to follow a choice.

The browser needs Debian's chromium and chromium-driver; without them the last two are left out.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

from machine import describe

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from mcmscope import run
from mcmscope.report.page.page import report_html
from mcmscope.report.views.saved import Findings
from tests.report.page.browser import Browser

CASES = (("resnet50", "simba-64"), ("resnet152", "simba-256"))
RUNS = 7
CHOICES = ("sequential", "merged-pipeline", "data-parallel")


def made(found: Findings) -> tuple[str, float, float, float]:
    """The page; processor seconds of the first and of later ones, and wall-clock seconds of later ones."""
    start = process_time()
    page = report_html([found])
    first = process_time() - start
    busy: list[float] = []
    passed: list[float] = []
    for _ in range(RUNS):
        at, clock = process_time(), perf_counter()
        report_html([found])
        busy.append(process_time() - at)
        passed.append(perf_counter() - clock)
    return page, first, median(busy), median(passed)


def opened(browser: Browser, page: Path) -> tuple[float, float]:
    """Main-thread seconds of the browser to open the page, and to follow the choice of another scheme."""
    opening: list[float] = []
    following: list[float] = []
    for turn in range(RUNS):
        browser.show(page, 1280)
        opening.append(_task_s(browser))
        before = _task_s(browser)
        browser.ask("location.hash = arguments[0]", f"scheme={CHOICES[turn % len(CHOICES)]}")
        browser.ask("return document.body.offsetHeight")
        following.append(_task_s(browser) - before)
    return median(opening), median(following)


def _task_s(browser: Browser) -> float:
    found = browser.driver.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
    return next(entry["value"] for entry in found if entry["name"] == "TaskDuration")


def main() -> None:
    print(describe())
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    place = Path(tempfile.mkdtemp())
    browser = Browser(chromium, driver, place / "profile") if chromium and driver else None
    if browser is not None:
        browser.driver.execute_cdp_cmd("Performance.enable", {"timeDomain": "threadTicks"})
    print("\n| network | package | KB | first s | s | wall s | open s | choose s |")
    print("|---|---|---|---|---|---|---|---|")
    try:
        for network, package in CASES:
            text, first, busy, passed = made(Findings(run(network, package)))
            path = place / f"{network}.html"
            path.write_text(text, encoding="utf-8")
            shown = [f"{x:.2f}" for x in (first, busy, passed, *(opened(browser, path) if browser else ()))]
            print(f"| {network} | {package} | {len(text.encode()) / 1000:.0f} | {' | '.join(shown)} |")
    finally:
        if browser is not None:
            browser.close()


if __name__ == "__main__":
    main()
