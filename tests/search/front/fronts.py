"""The front of every schedule there is, by plain enumeration."""

from __future__ import annotations

from itertools import combinations

from mcmscope.cost.model import Priced, price_code
from mcmscope.cost.reports import LOAD_PS, RUN_PS
from mcmscope.schedule import Scheme
from tests.search.brute import Brute, Part, encoded, parts
from tests.search.cases import Question

Pair = tuple[int, int]


class EnergyBrute(Brute):
    """As ``Brute``; energies are priced too."""

    def _price(self, pieces: list[Part]) -> Priced:
        return price_code(self.model, encoded(pieces), self.batch)


def unbeaten(pairs: list[Pair]) -> list[Pair]:
    """The pairs that no other beats in both, by the first."""
    best: list[Pair] = []
    for pair in sorted(pairs):
        if not best or pair[1] < best[-1][1]:
            best.append(pair)
    return best


def brute_segments(question: Question, scheme: Scheme) -> dict[tuple[int, int], list[Pair]]:
    """Time (ps) and energy (fJ of the batch, static power included) of all ways to run each segment [a, b)
    that no other beats."""
    brute = EnergyBrute(question.model, question.batch, question.micro)
    if brute.fillers is None:
        return {}
    static, chiplets = question.model.terms.static_mw, question.package.chiplets
    ways: dict[tuple[int, int], list[Pair]] = {}
    for a, b in combinations(range(brute.layers + 1), 2):
        runs = (brute.priced(a, part) for part in parts(scheme, a, b, brute.layers, chiplets, question.micro))
        pairs: list[Pair] = []
        for run in runs:
            if run is not None:
                time = int(run.segments[a, LOAD_PS] + run.segments[a, RUN_PS])
                pairs.append((time, int(run.energy[a].sum()) + static * time))
        ways[a, b] = unbeaten(pairs)
    return ways


def brute_front(question: Question, scheme: Scheme) -> list[Pair]:
    """Time (ps) and energy (fJ, static power included) of the batch of every schedule that none beats."""
    reach: dict[int, list[Pair]] = {0: [(0, 0)]}
    ways = brute_segments(question, scheme)
    for b in range(1, len(question.network) + 1):
        sums = [
            (time + t, spent + e)
            for a in range(b)
            for time, spent in reach[a]
            for t, e in ways.get((a, b), [])
        ]
        reach[b] = unbeaten(sums)
    return reach[len(question.network)]
