"""Schedules mixed from segments that were met: of all ways to put these together, those that none beats."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from mcmscope.cost.arrays import Ints
from mcmscope.search.context import Path, Piece
from mcmscope.search.front.spots import Spot

MOST_KEPT = 400
"""Ways to schedule the layers up to one that are followed, spread evenly over those that no other beats."""


@dataclass
class Pieces:
    """Segments that were met, [a, b) each: the ways to run it of which none is both faster and thriftier."""

    met: dict[tuple[int, int], dict[tuple[int, int], Piece]] = field(
        default_factory=dict[tuple[int, int], dict[tuple[int, int], Piece]]
    )
    fresh: bool = False
    """Whether any was added since the last mix."""

    def add(self, a: int, b: int, time_ps: int, energy_fj: int, piece: Piece) -> None:
        """Note a way to run segment [a, b): its time, and its energy without static power."""
        ways = self.met.setdefault((a, b), {})
        if any(time <= time_ps and energy <= energy_fj for time, energy in ways):
            return
        for beaten in [way for way in ways if way[0] >= time_ps and way[1] >= energy_fj]:
            del ways[beaten]
        ways[time_ps, energy_fj] = piece
        self.fresh = True

    def mixed(self, layers: int, static_mw: int) -> list[Spot]:
        """Schedules of the first ``layers`` layers of which no other of these is both faster and thriftier.

        Many are thinned out. ``static_mw``: power (mW, or fJ per ps) that counts as energy.
        """
        self.fresh = False
        behind: list[list[int]] = [[] for _ in range(layers + 1)]
        for a, b in sorted(self.met):
            behind[b].append(a)
        totals: list[Ints] = [np.zeros((1, 2), dtype=np.int64)]
        """Of each prefix [W, 2]: time and energy."""
        origins: list[Ints] = [np.zeros((1, 3), dtype=np.int64)]
        """[W, 3]: the layer where the last segment begins, the way of those before, the way to run it."""
        for b in range(1, layers + 1):
            values, froms = [np.zeros((0, 2), dtype=np.int64)], [np.zeros((0, 3), dtype=np.int64)]
            for a in behind[b]:
                ways = np.array(list(self.met[a, b]), dtype=np.int64)
                ways[:, 1] += static_mw * ways[:, 0]
                count = len(totals[a])
                values.append((totals[a][None, :, :] + ways[:, None, :]).reshape(-1, 2))
                origin: Ints = np.full((len(ways) * count, 3), a)
                origin[:, 1] = np.tile(np.arange(count), len(ways))
                origin[:, 2] = np.repeat(np.arange(len(ways)), count)
                froms.append(origin)
            value, origin = np.concatenate(values), np.concatenate(froms)
            kept = unbeaten_rows(value)
            spread: Ints = np.linspace(0, len(kept) - 1, min(len(kept), MOST_KEPT)).astype(np.int64)
            totals.append(value[kept[spread]])
            origins.append(origin[kept[spread]])
        return [
            Spot(time, energy, self._path(origins, layers, way))
            for way, (time, energy) in enumerate(totals[layers].tolist())
        ]

    def _path(self, origins: list[Ints], layers: int, way: int) -> Path:
        path: Path = []
        b = layers
        while b > 0:
            a, before, which = [int(value) for value in origins[b][way]]
            path.append((b, list(self.met[a, b].values())[which]))
            b, way = a, before
        return path[::-1]


def unbeaten_rows(values: Ints) -> Ints:
    """Which rows of ``values[W, 2]`` no other is as good as in both, by rising time; the first of equals."""
    order = np.lexsort((values[:, 1], values[:, 0]))
    energies = values[order, 1]
    least = np.minimum.accumulate(energies)
    new = np.ones(len(order), dtype=np.bool_)
    new[1:] = energies[1:] < least[:-1]
    return order[new]
