"""Batch: merged over segmented pipelines from a batch of 1 to the steady state."""

from __future__ import annotations

from mcmscope.reproduce.case import Case, Outcome, Row
from mcmscope.reproduce.measure import (
    FUSED,
    MERGED,
    SEGMENTED,
    THREE,
    all_schemes,
    case_columns,
    context_of,
    figures,
    searched,
)
from mcmscope.reproduce.sets import LARGEST_BATCH, NETWORKS, about_s, simba

TABLE = "batch"
SIZES = (64, 256)
BATCHES = (*(1 << e for e in range(15)), LARGEST_BATCH)
PROVEN = (1, 16, 64, 1024, LARGEST_BATCH)
"""Batches at which the optimum is proven too."""
_PROVEN_ON_256 = ("alexnet", "vgg16", "darknet19", "resnet18")
"""Networks for which it is proven on 256 chiplets too; a deeper one takes minutes at every batch."""
_ELSEWHERE = ("simba-128", "ucie-64", "ucie-256", "mesh-8x8")
"""Other packages, for the network of the paper's headline."""
_QUICK = (("resnet18", "simba-64", (1, 16, 64, 1024)), ("resnet152", "simba-256", (16,)))


def cases(quick: bool) -> list[Case]:
    """A network on a package at a batch."""
    if quick:
        return [_case(network, package, batch) for network, package, some in _QUICK for batch in some]
    pairs = [(network, simba(size)) for network in NETWORKS for size in SIZES]
    pairs += [("resnet152", package) for package in _ELSEWHERE]
    return [_case(network, package, batch) for network, package in pairs for batch in BATCHES]


def _case(network: str, package: str, batch: int) -> Case:
    proven = batch in PROVEN and (
        package == simba(64) or (package == simba(256) and network in _PROVEN_ON_256)
    )
    return Case(
        TABLE,
        network,
        package,
        batch,
        search="exact" if proven else "linear",
        about_s=about_s(network, package, 4 if proven else 1),
    )


def measure(case: Case) -> Outcome:
    """A row for each scheme."""
    context = context_of(case)
    found = list(all_schemes(context, THREE))
    if case.search == "exact":
        found.append(searched(context, MERGED, "exact"))
    base = next(one for one in found if one.scheme is SEGMENTED)
    about = case_columns(case, context)
    rows: list[Row] = [about | figures(one, base) for one in found if one.scheme is not FUSED]
    return Outcome({TABLE: rows}, {f"{one.scheme} {one.search}": one.seconds for one in found})
