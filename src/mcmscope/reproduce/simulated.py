"""Simulated beside modelled: the best schedules of three schemes on the simulated package, batch 64."""

from __future__ import annotations

from time import perf_counter

from mcmscope.reproduce.case import Case, Outcome, Row
from mcmscope.reproduce.measure import FUSED, SEGMENTED, THREE, all_schemes, case_columns, context_of
from mcmscope.reproduce.sets import NETWORKS, about_s, simba
from mcmscope.simulate import simulate
from mcmscope.simulate.placement import place

TABLE = "simulated"
SIZES = (16, 64, 256)
_QUICK = (("resnet18", 16), ("resnet18", 64))


def cases(quick: bool) -> list[Case]:
    """A network on a package."""
    pairs = _QUICK if quick else [(network, size) for network in NETWORKS for size in SIZES]
    return [
        Case(TABLE, network, simba(size), about_s=10 + about_s(network, simba(size), 2))
        for network, size in pairs
    ]


def measure(case: Case) -> Outcome:
    """A row for each scheme: modelled and simulated throughput and energy, regions placed by search."""
    context = context_of(case)
    network, package = context.model.network, context.model.package
    rows: list[Row] = []
    seconds: dict[str, float] = {}
    throughputs: dict[str, float] = {}
    for found in all_schemes(context, THREE):
        row: Row = case_columns(case, context) | {"scheme": found.scheme.value}
        if found.schedule is None or found.evaluation is None:
            rows.append(row | dict.fromkeys(_FIGURES))
            continue
        begun = perf_counter()
        plan = found.schedule
        if found.scheme is not FUSED:  # its regions are nearly all of the package
            plan = place(plan, network, package, case.batch)
        run = simulate(plan, network, package, case.batch)
        seconds[found.scheme.value] = perf_counter() - begun
        throughputs[found.scheme.value] = run.throughput_per_s
        base = throughputs.get(SEGMENTED.value)
        values = (
            found.evaluation.throughput_per_s,
            found.evaluation.flow_line_throughput_per_s,
            run.throughput_per_s,
            run.throughput_per_s / found.evaluation.flow_line_throughput_per_s,
            1000 * found.evaluation.energy_j_per_sample,
            1000 * run.energy_j_per_sample,
            run.throughput_per_s / base if base is not None else None,
        )
        rows.append(row | dict(zip(_FIGURES, values, strict=True)))
    return Outcome({TABLE: rows}, seconds)


_FIGURES = (
    "throughput_per_s",
    "flow_line_per_s",
    "simulated_per_s",
    "simulated_over_flow_line",
    "mj_per_sample",
    "simulated_mj_per_sample",
    "simulated_speedup",
)
