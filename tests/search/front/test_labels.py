"""Labels that are kept, against plain comparison of all."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mcmscope.cost.arrays import Ints
from mcmscope.jit import kernel
from mcmscope.search.front.labels import (
    ACTIVATION_FJ,
    BYTES,
    COST,
    LABEL_COLUMNS,
    LOADED,
    NOP_FJ,
    PE_FJ,
    STATE,
    STORE,
    TIME,
    WIDE,
    close_gaps,
    keep,
)

from ..cases import examples

STATES = 3
AMOUNTS = (TIME, STORE, BYTES, WIDE)
PARTS = (LOADED, PE_FJ, ACTIVATION_FJ, NOP_FJ)


@kernel
def keep_all(rows: Ints, slack: int, labels: Ints, chains: Ints, after: Ints) -> int:
    """Offer each of ``rows`` to the second level of ``labels``; its end, -1: no room."""
    end = 1
    for x in range(len(rows)):
        end = keep(labels, end, rows[x : x + 1], slack, chains, after)
        if end < 0:
            return -1
    return close_gaps(labels, 1, end, chains, after)


def beats(one: list[int], two: list[int], slack: int) -> bool:
    """Whether ``one`` makes ``two`` needless."""
    if one[STATE] != two[STATE] or any(one[column] > two[column] for column in AMOUNTS):
        return False
    parts = slack > 0 and all(one[column] <= two[column] for column in PARTS)
    return one[COST] + slack <= two[COST] or parts


@examples(200)
@given(data=st.data(), slack=st.sampled_from([0, 0, 2]), count=st.integers(0, 40))
def test_what_no_other_label_beats_is_kept(data: st.DataObject, slack: int, count: int) -> None:
    rows = np.zeros((count, LABEL_COLUMNS), dtype=np.int64)
    for row in rows:
        row[STATE] = data.draw(st.integers(0, STATES - 1))
        for column in (*AMOUNTS, *PARTS):
            row[column] = data.draw(st.integers(0, 2))
        row[COST] = 3 * row[LOADED] + row[[PE_FJ, ACTIVATION_FJ, NOP_FJ]].sum()
    labels = np.full((count + 1, LABEL_COLUMNS), -7)
    chains, after = np.full(STATES + 1, -1), np.zeros(count + 1, dtype=np.int64)
    end = keep_all(rows, slack, labels, chains, after)
    assert (chains == -1).all()
    assert (labels[0] == -7).all()  # of the level before
    kept, offered = labels[1:end].tolist(), rows.tolist()
    assert all(label in offered for label in kept)
    assert all(any(beats(label, row, slack) or label == row for label in kept) for row in offered)
    assert not any(
        beats(one, two, slack) for x, one in enumerate(kept) for y, two in enumerate(kept) if x != y
    )


def test_without_room_there_is_no_end() -> None:
    rows = np.zeros((3, LABEL_COLUMNS), dtype=np.int64)
    rows[:, TIME], rows[:, COST] = [1, 2, 3], [3, 2, 1]
    labels = np.zeros((3, LABEL_COLUMNS), dtype=np.int64)
    assert keep_all(rows, 0, labels, np.full(2, -1), np.zeros(3, dtype=np.int64)) == -1
    assert keep_all(rows[:2], 0, labels, np.full(2, -1), np.zeros(3, dtype=np.int64)) == 3
