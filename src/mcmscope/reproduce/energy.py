"""Energy: where it goes in each scheme, under every energy profile."""

from __future__ import annotations

from dataclasses import replace

from mcmscope.cost.evaluate import evaluate
from mcmscope.hardware.energy import energy_profile, profile_names
from mcmscope.reproduce.case import Case, Outcome, Row
from mcmscope.reproduce.measure import all_schemes, case_columns, context_of
from mcmscope.reproduce.sets import NETWORKS, about_s, simba

TABLE = "energy"
SIZES = (64, 256)
_QUICK = (("resnet18", 64), ("resnet50", 64))


def cases(quick: bool) -> list[Case]:
    """A network on a package."""
    pairs = _QUICK if quick else [(network, size) for network in NETWORKS for size in SIZES]
    return [
        Case(TABLE, network, simba(size), about_s=about_s(network, simba(size))) for network, size in pairs
    ]


def measure(case: Case) -> Outcome:
    """A row for each scheme and profile: the fastest schedules, which no profile changes."""
    context = context_of(case)
    network, package = context.model.network, context.model.package
    rows: list[Row] = []
    seconds: dict[str, float] = {}
    for found in all_schemes(context):
        seconds[found.scheme.value] = found.seconds
        for name in profile_names() if found.schedule is not None else ():
            assert found.schedule is not None
            under = replace(package, energy=energy_profile(name))
            priced = evaluate(found.schedule, network, under, case.batch)
            parts = priced.energy_breakdown_j or {}
            row: Row = case_columns(case, context) | {
                "scheme": found.scheme.value,
                "profile": name,
                "mj_per_sample": 1000 * priced.energy_j_per_sample,
                "edp_mj_ms": 1e6 * priced.energy_j_per_sample / priced.throughput_per_s,
            }
            rows.append(row | {f"{part}_mj": 1000 * joules for part, joules in parts.items()})
    return Outcome({TABLE: rows}, seconds)
