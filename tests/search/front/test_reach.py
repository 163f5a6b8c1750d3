"""Labels of paths against plain enumeration of all paths."""

from __future__ import annotations

from itertools import combinations, pairwise, product

import numpy as np
from hypothesis import event, given
from hypothesis import strategies as st

from mcmscope.cost.arrays import Ints
from mcmscope.search.front.reach import BINS, Aims, Arcs, new_labels, reach, track
from mcmscope.search.front.sums import FAR
from tests.search.cases import examples

from .fronts import unbeaten

Pair = tuple[int, int]
Corners = dict[tuple[int, int], list[Pair]]


@st.composite
def segments(draw: st.DrawFn) -> tuple[int, Corners]:
    """A number of layers, and corners of some runs of them, none of which another beats."""
    layers = draw(st.integers(1, 4))
    pairs = st.lists(st.tuples(st.integers(1, 30), st.integers(1, 30)), max_size=3)
    runs = combinations(range(layers + 1), 2)
    return layers, {run: found for run in runs if (found := unbeaten(draw(pairs)))}


def arcs_of(layers: int, corners: Corners, unit: int) -> Arcs:
    """As arrays; times of ``unit`` each."""
    first = [sum(a < layer for a, _ in corners) for layer in range(layers + 1)]
    begin = np.cumsum([0, *(len(pairs) for pairs in corners.values())])
    rows = np.array([pair for pairs in corners.values() for pair in pairs], dtype=np.int64).reshape(-1, 2)
    ends: Ints = np.array([b for _, b in corners], dtype=np.int64)
    return Arcs(np.array(first), ends, begin, rows[:, 0] * unit, rows[:, 1].copy())


def sums_of(layers: int, corners: Corners, begin: int = 0) -> list[Pair]:
    """Time and energy of every path from a layer on."""
    sums: list[Pair] = []
    for count in range(layers - begin):
        for cuts in combinations(range(begin + 1, layers), count):
            runs = list(pairwise((begin, *cuts, layers)))
            paths = product(*(corners.get(run, []) for run in runs))
            sums += [(sum(time for time, _ in path), sum(energy for _, energy in path)) for path in paths]
    return sums


@examples(300)
@given(
    case=segments(),
    aims=st.lists(st.tuples(st.integers(1, 90), st.integers(1, 90)), min_size=1, max_size=4),
    weights=st.tuples(st.integers(0, 3), st.integers(1, 3)),
    unit=st.sampled_from((1, BINS // 64, BINS)),
)
def test_labels_are_below_all_paths_to_an_aim_and_no_lower(
    case: tuple[int, Corners], aims: list[Pair], weights: Pair, unit: int
) -> None:
    layers, corners = case
    aims = [(time * unit, energy) for time, energy in unbeaten(aims)]
    (ps, fj), arcs = weights, arcs_of(layers, corners, unit)
    behind: Ints = np.zeros((3, layers + 1), dtype=np.int64)
    for layer in range(layers):
        rest = [(time * unit, energy) for time, energy in sums_of(layers, corners, layer)]
        behind[0, layer] = min((time for time, _ in rest), default=FAR)
        behind[1, layer] = min((energy for _, energy in rest), default=FAR)
        behind[2, layer] = min((ps * time + fj * energy for time, energy in rest), default=FAR)
    sums = [max(ps * time + fj * energy for time, energy in aims[j:]) for j in range(len(aims))]
    times, energies = (np.array(values, dtype=np.int64) for values in zip(*aims, strict=True))
    shift = max(int(times[-1]).bit_length() - BINS.bit_length() + 1, 0)
    labels = new_labels(layers)
    reach(arcs, Aims(times, energies, np.array(sums), behind, ps, fj), shift, labels)
    ends = np.flatnonzero(labels.energy[-1] < FAR).tolist()
    found = [(int(labels.time[-1, end]), int(labels.energy[-1, end])) for end in ends]
    paths = [(time * unit, energy) for time, energy in sums_of(layers, corners)]
    inside = [path for path in paths if any(path[0] < time and path[1] < energy for time, energy in aims)]
    for time, energy in inside:
        assert any(soonest <= time and least <= energy for soonest, least in found)
    assert {time for time, _ in found} <= {time for time, _ in paths}
    assert {energy for _, energy in found} <= {energy for _, energy in paths}
    for end, (time, energy) in zip(ends, found, strict=True):
        way = track(labels, arcs, end)
        assert sum(arcs.energy[way]) == energy
        assert (sum(arcs.time[way]), energy) in paths
        assert sum(arcs.time[way]) >= time
        assert sum(arcs.time[way]) - time < layers << shift
    event("some inside" if inside else "none inside")
    if shift == 0:
        assert set(unbeaten(inside)) <= set(found)
