"""The front of every schedule there is, by plain enumeration."""

from __future__ import annotations

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


def brute_front(question: Question, scheme: Scheme) -> list[Pair]:
    """Time (ps) and energy (fJ, static power included) of the batch of every schedule that none beats."""
    brute = EnergyBrute(question.model, question.batch, question.micro)
    if brute.fillers is None:
        return []
    static, chiplets = question.model.terms.static_mw, question.package.chiplets
    reach: list[list[Pair]] = [[(0, 0)]]
    for b in range(1, brute.layers + 1):
        sums: list[Pair] = []
        for a in range(b):
            if not reach[a]:
                continue
            runs = (
                brute.priced(a, part) for part in parts(scheme, a, b, brute.layers, chiplets, question.micro)
            )
            here: list[Pair] = []
            for run in runs:
                if run is not None:
                    time = int(run.segments[a, LOAD_PS] + run.segments[a, RUN_PS])
                    here.append((time, int(run.energy[a].sum()) + static * time))
            own = unbeaten(here)
            sums += [(time + t, spent + e) for time, spent in reach[a] for t, e in own]
        reach.append(unbeaten(sums))
    return reach[brute.layers]
