"""Throughput: every scheme and network on 16 to 512 chiplets, batch 64; and how throughput scales."""

from __future__ import annotations

from mcmscope.reproduce.case import Case, Outcome, Row
from mcmscope.reproduce.measure import (
    MERGED,
    SEGMENTED,
    all_schemes,
    case_columns,
    context_of,
    figures,
    searched,
)
from mcmscope.reproduce.sets import NETWORKS, SIZES, about_s, simba

TABLE = "throughput"
EXACT, LINEAR = "exact", "linear"
_EXACT_UP_TO = {"googlenet": 64}
"""Most chiplets at which the optimum is proven; 256 for the others. Beyond them a search takes minutes."""
_QUICK = (
    ("alexnet", 16),
    ("resnet18", 16),
    ("resnet18", 64),
    ("resnet50", 64),
    ("bert_base", 64),
    ("resnet152", 256),
)


def cases(quick: bool) -> list[Case]:
    """A network on a package."""
    if quick:
        return [_case(network, size, size <= 64) for network, size in _QUICK]
    return [
        _case(network, size, size <= _EXACT_UP_TO.get(network, 256)) for network in NETWORKS for size in SIZES
    ]


def _case(network: str, size: int, proven: bool) -> Case:
    return Case(
        TABLE,
        network,
        simba(size),
        search=EXACT if proven else LINEAR,
        about_s=about_s(network, simba(size), 4 if proven else 1),
    )


def measure(case: Case) -> Outcome:
    """A row for each scheme, and one for the proven merged pipeline."""
    context = context_of(case)
    found = list(all_schemes(context))
    if case.search == EXACT:
        found.append(searched(context, MERGED, EXACT))
    base = next(one for one in found if one.scheme is SEGMENTED)
    about = case_columns(case, context)
    rows: list[Row] = [about | figures(one, base) for one in found]
    seconds = {f"{one.scheme} {one.search}": one.seconds for one in found}
    return Outcome({TABLE: rows}, seconds)
