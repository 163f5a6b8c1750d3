"""``packages``, ``networks``, ``show`` and the help."""

from __future__ import annotations

from pathlib import Path

import yaml

from mcmscope import __version__, load_package

from .calls import DATA, cli, ok


def test_packages_and_networks_are_listed_and_shown() -> None:
    packages, networks = ok("packages").stdout, ok("networks").stdout
    assert "simba-36" in packages
    assert "Simba, 36 chiplets" in packages
    assert "resnet50" in networks
    assert "He et al." in networks
    assert "4 x 4 = 16 chiplets" in ok("show", "simba-16").stdout
    shown = ok("show", "ResNet-18").stdout
    assert "resnet18: 21 layers" in shown
    assert "layer4.1.conv2" in shown
    assert "alexnet" in ok("show", str(DATA / "alexnet_ts17.onnx")).stdout


def test_a_shown_package_file_loads_again(tmp_path: Path) -> None:
    text = ok("show", "simba-16", "--yaml").stdout
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    assert yaml.safe_load(text)["name"] == "simba-16"
    assert load_package(path) == load_package("simba-16")
    assert "simba-16" in ok("show", str(path)).stdout


def test_version_and_help() -> None:
    assert ok("--version").stdout == f"mcmscope {__version__}\n"
    for command in ("run", "evaluate", "explain", "packages", "networks", "show"):
        assert command in ok("--help").stdout
        assert "Usage" in ok(command, "--help").stdout
    assert cli().exit_code in (0, 2)
