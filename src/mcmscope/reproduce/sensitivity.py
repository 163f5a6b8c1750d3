"""Sensitivity: where merged pipelines stop paying, as one constant after another is turned."""

from __future__ import annotations

from mcmscope.hardware.energy import profile_names
from mcmscope.hardware.package import Overlap
from mcmscope.reproduce.case import Case, Outcome, Row
from mcmscope.reproduce.inputs import OVERLAP, PROFILE, SCALED
from mcmscope.reproduce.measure import (
    FUSED,
    MERGED,
    SEGMENTED,
    all_schemes,
    case_columns,
    context_of,
    figures,
)
from mcmscope.reproduce.sets import about_s
from mcmscope.schedule import Scheme

TABLE = "sensitivity"
SCHEMES = (FUSED, SEGMENTED, MERGED, Scheme.DATA_PARALLEL)
FACTORS = (0.25, 0.5, 2.0, 4.0)
BATCH = "batch"
_BATCHES = tuple(1 << e for e in range(11))
_PAIRS = (("resnet50", "simba-64"), ("resnet152", "simba-256"), ("vit_b_16", "simba-64"))
AS_IT_IS = "as it is"
"""The variant of the package with nothing turned, which every knob shares."""
_QUICK = (("resnet50", "simba-64"),)


def cases(quick: bool) -> list[Case]:
    """One knob turned at a time; the variant names it."""
    made: list[Case] = []
    for network, package in _QUICK if quick else _PAIRS:
        made.append(_case(network, package, AS_IT_IS, 1.0))
        for knob in SCALED:
            factors = (0.25, 4.0) if quick else FACTORS
            made += [_case(network, package, knob, factor) for factor in factors]
        if not quick:
            made.append(_case(network, package, OVERLAP, Overlap.NONE.value))
            made += [_case(network, package, PROFILE, profile) for profile in profile_names()]
            made += [_case(network, package, BATCH, batch) for batch in _BATCHES]
    return made


def _case(network: str, package: str, knob: str, value: float | str) -> Case:
    seconds = about_s(network, package)
    if knob == BATCH:
        return Case(TABLE, network, package, int(value), variant=BATCH, about_s=seconds)
    turned = () if knob == AS_IT_IS else ((knob, value),)
    return Case(TABLE, network, package, turned=turned, variant=knob, about_s=seconds)


def measure(case: Case) -> Outcome:
    """A row for each scheme."""
    context = context_of(case)
    found = list(all_schemes(context, SCHEMES))
    base = next(one for one in found if one.scheme is SEGMENTED)
    value = case.batch if case.variant == BATCH else case.turned[0][1] if case.turned else 1.0
    about: Row = case_columns(case, context) | {"knob": case.variant, "value": value}
    rows: list[Row] = [about | figures(one, base) for one in found]
    return Outcome({TABLE: rows}, {one.scheme.value: one.seconds for one in found})
