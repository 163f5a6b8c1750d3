"""Segments divided at beats, against plain enumeration."""

from __future__ import annotations

from itertools import combinations, pairwise, product

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mcmscope.search.divide import PARTS, divide_segment, estimate_segments
from mcmscope.search.tables import NEVER

from .cases import examples

LIMIT = 6
SIZES = np.arange(1, LIMIT + 1)
CHARGE = 1024  # one chiplet


@examples(100)
@given(data=st.data(), layers=st.integers(1, 5), beats=st.integers(1, 9), prompt=st.integers(0, 1))
def test_segments_are_divided_for_the_fewest_chiplets(
    data: st.DataObject, layers: int, beats: int, prompt: int
) -> None:
    shape = np.full((layers, layers), -1, dtype=np.int64)
    count = 0
    for i in range(layers):
        for x in range(layers - i):
            shape[i, x] = count
            count += 1
    cell = st.integers(1, 40)
    times = np.array([sorted((data.draw(cell) for _ in SIZES), reverse=True) for _ in range(count)])
    loads, spills = (np.array([[data.draw(cell) for _ in SIZES] for _ in range(count)]) for _ in range(2))
    cut_ps = np.array([[data.draw(cell) for _ in range(layers + 1)] for _ in range(layers + 1)])
    io_ps, load_ps = np.full_like(cut_ps, 3), np.full_like(cut_ps, 5)
    weights = np.cumsum([0, *(data.draw(st.integers(0, 9)) for _ in range(layers))]) << 20
    border_ps = np.arange(LIMIT + 1, 0, -1)
    steps = sorted(data.draw(st.integers(0, PARTS)) for _ in range(LIMIT - 1))
    entry = 1 + np.searchsorted(steps, np.arange(PARTS + 1))
    trial = np.array([41, 23, 11], dtype=np.int64)
    value = np.full((2, layers + 1, layers + 1), NEVER, dtype=np.int64)
    choice = np.zeros((*value.shape, 4), dtype=np.int64)
    prices = np.array([CHARGE], dtype=np.int64)
    estimate_segments(
        times,
        loads,
        spills,
        SIZES,
        shape,
        cut_ps,
        io_ps,
        load_ps,
        beats,
        LIMIT,
        trial,
        prices,
        weights,
        border_ps,
        entry,
        prompt,
        0,
        value,
        choice,
    )

    def least(a: int, i: int, j: int) -> int:
        """Fewest chiplets of a cluster, for its weights."""
        own, all_of_them = int(weights[j] - weights[i]), int(weights[j] - weights[a])
        return int(entry[-(-PARTS * own // all_of_them)]) if prompt and own > 0 else 1

    def load(i: int, j: int, n: int, beat: int) -> int:
        stage = shape[i, j - i - 1]
        fits = int(np.nonzero(times[stage] <= beat)[0][0])
        return max(int((weights[j] - weights[i]) >> 20) * int(border_ps[n]), int(loads[stage, fits]))

    def over(i: int, j: int, beat: int) -> int:
        """What a cluster spills."""
        stage = shape[i, j - i - 1]
        return int(spills[stage, int(np.nonzero(times[stage] <= beat)[0][0])])

    for view, (a, b) in product(range(2), combinations(range(layers + 1), 2)):
        quickest = slowest = NEVER  # by which of the divisions that take the fewest chiplets
        for beat in trial.tolist():
            ways: list[tuple[int, int, int, int, int]] = []
            for ends in _divisions(a, b):
                sizes = _sizes(times, shape, ends, beat)
                if sizes is None or any(cut_ps[a, j] > beat for j in ends[1:-1]):
                    continue
                spans = list(pairwise(ends))
                sizes = [max(n, least(a, *span)) for n, span in zip(sizes, spans, strict=True)]
                late = max(load(*span, n, beat) for n, span in zip(sizes, spans, strict=True))
                long = max(beat, 3 + max(over(*span, beat) for span in spans)) if view == 1 else beat
                ways.append((sum(sizes) + len(sizes), len(sizes), sum(sizes), max(5, late), long))
            few = [way for way in ways if way[:2] == min(ways)[:2] and way[2] <= LIMIT]
            taken = [late + (beats + k - 1) * long for _, k, _, late, long in few]
            quickest, slowest = min([quickest, *taken]), min([slowest, max(taken, default=NEVER)])
        assert quickest <= value[view, a, b] <= slowest
        if quickest < NEVER:
            _, beat, price, asked = choice[view, a, b].tolist()
            assert asked == prompt
            cuts, regions = np.zeros(b - a, dtype=np.int64), np.zeros(b - a, dtype=np.int64)
            k = divide_segment(
                times, SIZES, shape, cut_ps, LIMIT, weights, entry, a, b, beat, price, prompt, cuts, regions
            )
            assert regions[:k].sum() <= LIMIT
            spans = list(pairwise([a, *cuts[:k][::-1].tolist()]))
            sizes = regions[:k][::-1].tolist()
            fewest = _sizes(times, shape, [a, *cuts[:k][::-1].tolist()], beat)
            assert fewest is not None
            assert sizes == [max(n, least(a, *span)) for n, span in zip(fewest, spans, strict=True)]
            late = max(load(*span, n, beat) for n, span in zip(sizes, spans, strict=True))
            long = max(beat, 3 + max(over(*span, beat) for span in spans)) if view == 1 else beat
            assert max(5, late) + (beats + k - 1) * long == value[view, a, b]


def _divisions(a: int, b: int) -> list[list[int]]:
    """All ways to divide [a, b): the ends of the clusters, a first."""
    inner = range(a + 1, b)
    return [[a, *ends, b] for k in range(b - a) for ends in combinations(inner, k)]


def _sizes(times: np.ndarray, shape: np.ndarray, ends: list[int], beat: int) -> list[int] | None:
    """Fewest chiplets of each cluster at a beat."""
    sizes: list[int] = []
    for i, j in pairwise(ends):
        fits = np.nonzero(times[shape[i, j - i - 1]] <= beat)[0]
        if len(fits) == 0:
            return None
        sizes.append(int(SIZES[fits[0]]))
    return sizes
