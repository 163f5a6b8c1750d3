"""Search cost: schedules in the space, priced parts and seconds, against layers and chiplets."""

from __future__ import annotations

from mcmscope.reproduce.case import Case, Outcome, Row
from mcmscope.reproduce.inputs import first
from mcmscope.reproduce.measure import FUSED, MERGED, SEGMENTED, all_schemes, digits, model_of, searched
from mcmscope.reproduce.sets import SIZES, about_s, simba
from mcmscope.search.context import SearchContext

TABLE = "effort"
GROWING = "resnet152"
"""The network that is cut behind more and more layers."""
BOTH = "linear,exact"
_EXACT_UP_TO = 256
"""Chiplets: on more the exact search takes minutes."""
_LENGTHS = (10, 20, 40, 60, 80, 120)
_QUICK_LENGTHS = (60, 100)
GROWING_ON = simba(64)
FIXED = "resnet50"
"""The network on more and more chiplets."""
_BETWEEN = "resnet101"
"""Between the two, whole: a cut network is not only shorter, its layers are another mix."""


def cases(quick: bool) -> list[Case]:
    """ResNet-152 cut behind more and more layers, ResNet-101, and ResNet-50 on more and more chiplets."""
    lengths, sizes, search = (_QUICK_LENGTHS, SIZES[:3], "linear") if quick else (_LENGTHS, SIZES, BOTH)
    cut = [
        Case(TABLE, GROWING, GROWING_ON, search=search, variant=first(count), about_s=count / 20)
        for count in lengths
    ]
    whole = [
        Case(TABLE, network, GROWING_ON, search=search, about_s=about_s(network, GROWING_ON, 3))
        for network in (_BETWEEN, GROWING)
    ]
    by_chiplets = [
        Case(
            TABLE,
            FIXED,
            simba(size),
            search=BOTH if size <= _EXACT_UP_TO else "linear",
            about_s=about_s(FIXED, simba(size), 3),
        )
        for size in sizes
    ]
    return [*cut, *whole, *by_chiplets]


def measure(case: Case) -> Outcome:
    """A row for each search: how many merged pipelines there are, and what was priced to find one.

    The baselines are searched first: they are where both searches begin.
    """
    model = model_of(case)
    rows: list[Row] = []
    seconds: dict[str, float] = {}
    for search in case.search.split(","):
        context = SearchContext(model, case.batch)
        baselines = list(all_schemes(context, (FUSED, SEGMENTED)))
        before = context.states
        found = searched(context, MERGED, search)
        space = str(found.certificate.space_size)
        seconds[f"{search}, baselines"] = sum(one.seconds for one in baselines)
        seconds[search] = found.seconds
        rows.append(
            {
                "network": case.network,
                "package": case.package,
                "variant": case.variant,
                "layers": len(model.network),
                "chiplets": model.package.chiplets,
                "batch": case.batch,
                "search": search,
                "status": found.certificate.status,
                "schedules": space,
                "log10_schedules": digits(space),
                "baseline_states": before,
                "states": context.states - before,
            }
        )
    return Outcome({TABLE: rows}, seconds)
