"""What choosing stages asks of a row, against plain enumeration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mcmscope.search.choose import fill_caps, longest_below

from .cases import examples


@examples(50)
@given(data=st.data(), layers=st.integers(2, 6), room=st.integers(0, 9))
def test_what_layers_may_take_leaves_all_stages_of_use(data: st.DataObject, layers: int, room: int) -> None:
    quick = np.array([[data.draw(st.integers(0, 20))] for _ in range(layers)])
    goal = np.array([-1, *(data.draw(st.integers(-1, 60)) for _ in range(layers))])
    caps = np.zeros(layers + 1, dtype=np.int64)
    of_use = _plain(fill_caps)(quick, np.arange(layers), 0, 0, layers, goal, room, caps)
    for x in range(layers + 1):
        ends = [e for e in range(max(x, 1), layers + 1) if goal[e] >= 0]
        most = max((int(goal[e]) + room - int(quick[x:e].sum()) for e in ends), default=None)
        if x == 0:
            assert of_use == (most is not None and most >= 0)
        elif most is not None:
            assert caps[x] == most
        else:
            assert caps[x] < 0


@examples(50)
@given(trial=st.lists(st.integers(0, 30), min_size=1), time=st.integers(0, 40))
def test_the_longest_beat_below_a_time(trial: list[int], time: int) -> None:
    falling = np.array(sorted(trial, reverse=True), dtype=np.int64)
    assert _plain(longest_below)(falling, time) == max((beat for beat in trial if beat < time), default=-1)


def _plain(function: Callable[..., Any]) -> Callable[..., Any]:
    """What kernels call has no entry for Python: the function it is compiled from."""
    return cast("Callable[..., Any]", cast("Any", function).py_func)
