"""One schedule at its best tile grids: figures by plain arithmetic, and the grids that give them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mcmscope.cost.arrays import Ints
from mcmscope.search.exhaustive.case import Case
from mcmscope.search.exhaustive.walk import PAIRS, TIME

Grid = tuple[int, int, int]


@dataclass(frozen=True)
class Stage:
    """A cluster [i, j) on n chiplets: its options (see ``walk``) with their tile grids, and its weights."""

    i: int
    j: int
    n: int
    options: Ints
    load_ps: int
    distinct: int
    grids: tuple[Grid, ...]


@dataclass(frozen=True)
class Point:
    """Time and energy of a segment (0 where not asked for) with the tile grids that give them."""

    time_ps: int
    energy_fj: int
    grids: tuple[Grid, ...]


_Label = tuple[tuple[int, ...], tuple[Grid, ...]]


def points_of(case: Case, a: int, b: int, u: int, stages: Sequence[Stage], most: int | None) -> list[Point]:
    """What a segment of several layers may take by choice of its tile grids; empty if it does not fit.

    With ``most``, only so many choices for the clusters so far are kept, the fastest and the thriftiest: for
    schedules of many clusters.
    """
    facts, machine, terms = case.facts(a, b, u), case.model.machine, case.model.terms
    labels: list[_Label] = [((0,) * 6, ())]
    load, cut, delivered = facts.load_ps, 0, 0
    for stage in stages:
        relayed = -(-u * case.relayed(a, b, stage.i, stage.j) // stage.n)
        load = max(load, stage.load_ps)
        cut = max(cut, case.cut_ps(a, b, stage.j, u)) if stage.j < b else cut
        delivered += stage.distinct * stage.n
        grown: list[_Label] = []
        for costs, grids in labels:
            for option, grid in zip(stage.options.tolist(), stage.grids, strict=True):
                excess = max(0, option[1] + relayed - machine.activation_free)
                after = (max(costs[0], option[0]), max(costs[1], excess))
                if case.mode != TIME:
                    sums = (2 * excess * stage.n, option[2], option[3], option[4])
                    after = (*after, *(x + y for x, y in zip(costs[2:], sums, strict=True)))
                grown.append((after, (*grids, grid)))
        labels = _best(grown, most)
    found: list[Point] = []
    for costs, grids in labels:
        worst = costs[1]
        spill = -(-2 * worst * machine.chiplets * 1_000_000 // machine.dram_mb_per_s)
        beat = max(costs[0], cut, facts.io_ps + spill)
        time = facts.load_paid * load + (facts.beats + len(stages) - 1) * beat
        energy = 0
        if case.mode != TIME:
            m = facts.m

            def samples(per_beat: int, m: int = m) -> int:
                return m // u * per_beat + -(-per_beat * (m % u) // u)

            moved = samples(facts.io_bytes + costs[2]) + facts.weight_bytes
            energy = sum(samples(term) for term in (facts.mac_fj, *costs[3:]))
            energy += moved * int(terms.dram_byte_fj) + terms.static_mw * time
            energy += moved * terms.dram_milli_hops // 1000 * terms.hop_byte_fj
            energy += delivered * facts.replicas * terms.hop_byte_fj
        found.append(Point(time, energy, grids))
    return found


def _best(labels: list[_Label], most: int | None) -> list[_Label]:
    """Labels that no other is as good as in everything; at most ``most``."""
    kept: list[_Label] = []
    for label in sorted(labels):
        if not any(all(x <= y for x, y in zip(other[0], label[0], strict=True)) for other in kept):
            kept.append(label)
    if most is None or len(kept) <= most:
        return kept
    thrifty = sorted(kept, key=lambda label: (sum(label[0][2:]), label))[: most // 2]
    return sorted({*kept[: most - most // 2], *thrifty})


def chosen(
    case: Case, segments: Sequence[Sequence[Point]], most: int | None = None
) -> tuple[int, list[Point]] | None:
    """The points of all segments that make the objective least, with its value; None if one has none.

    Time and energy are sums over segments; for their product all sums of pairs are compared, with
    ``most`` about so many, spread over their front.
    """
    if not all(segments):
        return None
    if case.mode != PAIRS:
        best = [min(points, key=lambda p: (figure(case, p), p.grids)) for points in segments]
        return sum(figure(case, point) for point in best), best
    sums: list[tuple[int, int, list[Point]]] = [(0, 0, [])]
    for points in segments:
        grown = sorted(
            ((t + p.time_ps, e + p.energy_fj, [*way, p]) for t, e, way in sums for p in points),
            key=lambda entry: entry[:2],
        )
        sums = []
        for entry in grown:
            if not sums or entry[1] < sums[-1][1]:
                sums.append(entry)
        if most is not None and len(sums) > most:
            sums = sums[:: -(-len(sums) // most)]
    t, e, way = min(sums, key=lambda entry: entry[0] * entry[1])
    return t * e, way


def figure(case: Case, point: Point) -> int:
    """What a segment adds to the objective; not for products."""
    return point.time_ps if case.mode == TIME else point.energy_fj
