"""Gather windows that are bounded apart."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mcmscope.search.front.bounds import MOST_CLASSES, window_classes


@given(st.sets(st.integers(0, 1 << 24), min_size=1, max_size=40))
def test_every_window_is_in_one_class(windows: set[int]) -> None:
    ascending = sorted(windows)
    classes = window_classes(np.array(ascending)).tolist()
    assert len(classes) == min(len(windows), MOST_CLASSES)
    held = [[window for window in ascending if narrow <= window <= wide] for narrow, wide in classes]
    assert [window for part in held for window in part] == ascending
    assert all([part[0], part[-1]] == ends for part, ends in zip(held, classes, strict=True))
