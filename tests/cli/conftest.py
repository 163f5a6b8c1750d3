from __future__ import annotations

from pathlib import Path

import pytest

from .calls import RUN, ok


@pytest.fixture(scope="session")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run's files."""
    place = tmp_path_factory.mktemp("out")
    ok(*RUN, "--out", str(place))
    return place
