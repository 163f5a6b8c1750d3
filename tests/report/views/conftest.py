from __future__ import annotations

from pathlib import Path

import pytest

import mcmscope
from mcmscope.result import Result


@pytest.fixture(scope="session")
def small() -> Result:
    """ResNet-18 on 16 chiplets: a full pipeline that does not fit, pipelines, replicas."""
    return mcmscope.run("resnet18", "simba-16", batch=16, micro_batch=2)


@pytest.fixture
def folder(small: Result, tmp_path: Path) -> Path:
    """Its files."""
    small.save(tmp_path)
    return tmp_path
