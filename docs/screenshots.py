"""Make ``figures/report-*.png`` for the README: the HTML report of a run, in headless Chromium.

    python docs/screenshots.py [DIR]

DIR is where the run's files go, a temporary directory unless given. Needs Debian's chromium and its driver.
"""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from base64 import b64decode
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
CHOICE = "scheme=merged-pipeline&segment=5&stage=2"
WIDTH = 1280
COLOURS = 200


def main() -> None:
    """Run, simulate, report, and take the two pictures."""
    import mcmscope
    from mcmscope.comparison import compare
    from mcmscope.report.views.saved import Findings
    from tests.report.page.browser import Browser

    given = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.mkdtemp())
    result = mcmscope.run("resnet50", "simba-64")
    compare(Findings(result).saved(result.scheme("merged-pipeline"))).save(given)
    result.save(given)
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        sys.exit("no browser: install Debian's chromium and chromium-driver")
    browser = Browser(chromium, driver, Path(tempfile.mkdtemp()))
    try:
        for name, dark, first, last in (
            ("report-summary", False, "html", "#view-batch"),
            ("report-package", True, "#view-map", "#view-stages"),
        ):
            browser.show(given / "report.html", WIDTH, CHOICE, dark=dark)
            _shoot(browser, ROOT / "docs" / "figures" / f"{name}.png", first, last)
    finally:
        browser.close()


def _shoot(browser: object, path: Path, first: str, last: str) -> None:
    """The page from the top of one element to the bottom of another, in few colours."""
    from PIL import Image

    ask, driver = browser.ask, browser.driver  # type: ignore[attr-defined]
    place = "const b = document.querySelector(arguments[0]).getBoundingClientRect(); return b.%s + scrollY"
    top, bottom = ask(place % "top", first), ask(place % "bottom", last)
    ask("document.getElementById('choice').style.position = 'static'")
    clip = {"x": 0, "y": top, "width": WIDTH, "height": bottom - top, "scale": 1}
    shot = driver.execute_cdp_cmd("Page.captureScreenshot", {"clip": clip, "captureBeyondViewport": True})
    image = Image.open(io.BytesIO(b64decode(shot["data"]))).convert("RGB")
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path.name}: {image.width} x {image.height}, {path.stat().st_size / 1000:.0f} KB")


if __name__ == "__main__":
    main()
