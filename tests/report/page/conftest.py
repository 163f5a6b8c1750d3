"""Saved results with everything that a page can show, and a headless browser to show it in."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import pytest

import mcmscope
from mcmscope.comparison import compare
from mcmscope.options import read_options
from mcmscope.pareto import pareto
from mcmscope.quality import quality
from mcmscope.report.views.saved import Findings
from mcmscope.result import Result
from mcmscope.schedule import Scheme

from .browser import Browser

EVIL = "<script>alert(1)</script>"
EVIL_END = "</script><script>alert(2)</script><!--"
EVIL_IMAGE = "\"'><img src=x onerror=alert(3)>"


@pytest.fixture(scope="session")
def result() -> Result:
    """ResNet-18 on 64 chiplets: a full pipeline, short ones, merged stages, replicas."""
    return mcmscope.run("resnet18", "simba-64", batch=16, micro_batch=1)


@pytest.fixture(scope="session")
def folder(result: Result, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its files, with a simulation."""
    place = tmp_path_factory.mktemp("resnet18")
    compare(Findings(result).saved(result.scheme(Scheme.MERGED_PIPELINE))).save(place)
    result.save(place)
    return place


@pytest.fixture(scope="session")
def full_folder(result: Result, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As ``folder``, with a rank curve and a front."""
    place = tmp_path_factory.mktemp("full") / "resnet18"
    shutil.copytree(folder, place)
    options = read_options(16, "throughput", Scheme.SEQUENTIAL_FUSED, "linear", 1, None, 200)
    quality(result.network, result.package, options, ("linear",)).save(place)
    pareto(result.network, result.package, options).save(place)
    result.save(place)
    return place


@pytest.fixture(scope="session")
def evil() -> Result:
    """Names that would be scripts if they were read as markup."""
    network = mcmscope.load_network("alexnet")
    names = (EVIL, EVIL_END, EVIL_IMAGE, "a&amp;b", "  ", *(f"ünïcode {l}" for l in range(20)))
    layers = tuple(replace(layer, name=name) for layer, name in zip(network.layers, names, strict=False))
    package = mcmscope.load_package("mesh-4x4")
    return mcmscope.run(
        replace(network, name=EVIL, layers=layers), replace(package, name=EVIL_END), batch=8, micro_batch=1
    )


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Generator[Browser]:
    """Headless Chromium of the distribution. Without one the test is skipped, but fails where CI is true."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    driver = shutil.which("chromedriver")
    if chromium is None or driver is None:
        reason = "no browser: install Debian's chromium and chromium-driver"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    found = Browser(chromium, driver, tmp_path_factory.mktemp("browser"))
    yield found
    found.close()
