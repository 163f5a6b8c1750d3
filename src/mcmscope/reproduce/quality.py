"""Search quality: where the schedules that searches find stand among all, or among random ones."""

from __future__ import annotations

from dataclasses import replace
from time import perf_counter

from mcmscope.options import Options
from mcmscope.quality import quality
from mcmscope.reproduce.case import Case, Outcome, Row
from mcmscope.reproduce.inputs import first, network_of, package_of
from mcmscope.reproduce.sets import simba
from mcmscope.schedule import Objective, Scheme

TABLE, CURVES = "quality", "rank"
_SAMPLES = 10_000
_CUT = (("alexnet", 16, 5), ("alexnet", 36, 4), ("vgg16", 16, 5), ("resnet18", 16, 5), ("darknet19", 16, 5))
_WHOLE = (
    *(("alexnet", size) for size in (16, 64)),
    *(("resnet18", size) for size in (16, 64)),
    ("vgg16", 64),
    ("resnet50", 64),
    ("resnet152", 256),
)


def cases(quick: bool) -> list[Case]:
    """Cut networks whose space is counted, and whole ones whose space is sampled."""
    cut = [
        Case(TABLE, network, simba(size), search="linear,exact", variant=first(count), about_s=12)
        for network, size, count in _CUT
    ]
    whole = [
        Case(TABLE, network, simba(size), variant=f"{_SAMPLES} samples", about_s=20 + size / 2)
        for network, size in _WHOLE
    ]
    return [cut[0], replace(whole[0], about_s=10)] if quick else cut + whole


def measure(case: Case) -> Outcome:
    """A row for each search, and the rank curve."""
    network, package = network_of(case), package_of(case)
    options = Options(
        case.batch, Objective.THROUGHPUT, (Scheme.MERGED_PIPELINE,), "linear", None, samples=_SAMPLES, seed=0
    )
    begun = perf_counter()
    found = quality(network, package, options, tuple(case.search.split(",")))
    about: Row = {
        "network": case.network,
        "layers": len(network),
        "package": case.package,
        "chiplets": package.chiplets,
        "batch": case.batch,
        "variant": case.variant,
    }
    rows: list[Row] = [
        about
        | {
            "search": one.search,
            "status": one.certificate.status,
            "schedules": str(found.schedules),
            "counted": str(found.counted),
            "every_schedule": found.exhaustive,
            "fit": str(found.feasible),
            "better": one.better,
            "equal": one.equal,
            "top": one.top,
            "over_best": one.over_best,
        }
        for one in found.standings
    ]
    best = min((one.cost for one in found.standings if one.cost is not None), default=1)
    if found.optimum_cost is not None:
        best = found.optimum_cost
    curve: list[Row] = [about | {"share": share, "over_best": cost / best} for share, cost in found.curve]
    return Outcome({TABLE: rows, CURVES: curve}, {"all": perf_counter() - begun})
