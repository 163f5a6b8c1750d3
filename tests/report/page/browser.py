"""A headless browser: opens a page at a width, in light or dark, and asks it things."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
)
_AXE = """
const done = arguments[arguments.length - 1];
const told = (rule) => rule.nodes.map((node) => `${rule.id}: ${node.target}: ${node.failureSummary}`);
axe.run(document, {resultTypes: ['violations']})
  .then((found) => done(found.violations.flatMap(told)), (error) => done([String(error)]));
"""


class Browser:
    """One Chromium for all tests of a session."""

    def __init__(self, chromium: str, driver: str, profile: Path) -> None:
        from selenium.webdriver import Chrome
        from selenium.webdriver.chrome.options import Options
        from selenium.webdriver.chrome.service import Service

        options = Options()
        options.binary_location = chromium
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver: Any = Chrome(options=options, service=Service(driver))

    def close(self) -> None:
        """End the browser that this object began."""
        self.driver.quit()

    def show(self, page: Path, width: int, choice: str = "", *, dark: bool = False, media: str = "") -> None:
        """Open a page anew."""
        self.driver.execute_cdp_cmd(
            "Emulation.setEmulatedMedia",
            {
                "media": media,
                "features": [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}],
            },
        )
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500},
        )
        self.driver.get("about:blank")
        self.driver.get_log("browser")
        self.driver.get(page.as_uri() + (f"#{choice}" if choice else ""))

    def ask(self, script: str, *arguments: object) -> Any:
        """What a script in the page returns."""
        return self.driver.execute_script(script, *arguments)

    def count(self, selector: str) -> int:
        """How many elements there are."""
        return cast("int", self.ask("return document.querySelectorAll(arguments[0]).length", selector))

    def texts(self, selector: str) -> list[str]:
        """The texts of elements."""
        script = "return [...document.querySelectorAll(arguments[0])].map((node) => node.textContent)"
        return cast("list[str]", self.ask(script, selector))

    def click(self, selector: str) -> None:
        """A click on the first of the elements, as an event (it may lie under another or off the screen)."""
        script = (
            "document.querySelector(arguments[0]).dispatchEvent(new MouseEvent('click', {bubbles: true}))"
        )
        self.ask(script, selector)

    def press(self, *keys: str) -> None:
        """Keys to what has the focus."""
        from selenium.webdriver.common.action_chains import ActionChains

        ActionChains(self.driver).send_keys(*keys).perform()

    def choice(self) -> dict[str, str]:
        """What the fragment says is chosen."""
        script = "return Object.fromEntries(new URLSearchParams(location.hash.slice(1)))"
        return cast("dict[str, str]", self.ask(script))

    def errors(self) -> list[str]:
        """What the console has to complain of since the page was opened."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def axe(self, script: str) -> list[str]:
        """Faults of accessibility that axe-core finds, with their places."""
        self.ask(script)
        self.driver.set_script_timeout(120)
        return cast("list[str]", self.driver.execute_async_script(_AXE))
