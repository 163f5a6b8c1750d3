"""All experiments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mcmscope.options import ALL, Faults, one_of
from mcmscope.reproduce import (
    ablations,
    batch,
    effort,
    energy,
    peers,
    quality,
    sensitivity,
    simulated,
    throughput,
)
from mcmscope.reproduce.case import Case, Measure


@dataclass(frozen=True, slots=True)
class Experiment:
    """``cases`` of a quick or of a whole run, in the order of their rows; ``measure`` runs one of them."""

    cases: Callable[[bool], list[Case]]
    measure: Measure


EXPERIMENTS: dict[str, Experiment] = {
    module.TABLE: Experiment(module.cases, module.measure)
    for module in (throughput, simulated, batch, energy, quality, effort, ablations, sensitivity, peers)
}


def experiments_named(names: str) -> tuple[str, ...]:
    """Experiments of ``all``, or of names parted by commas; each once, in their order.

    Raises:
        InputError: every name that is none.
    """
    faults = Faults()
    words = [name.strip() for name in names.split(",")]
    chosen = {
        faults.attempt(lambda word=word: one_of("experiment", word, (ALL, *EXPERIMENTS))) for word in words
    }
    faults.throw()
    return tuple(name for name in EXPERIMENTS if ALL in chosen or name in chosen)
