"""Exhaustive search as one of the searches: what it found, and what it may claim."""

from __future__ import annotations

from mcmscope.result import Certificate
from mcmscope.schedule import Objective, Scheme
from mcmscope.search.context import Found, SearchContext
from mcmscope.search.exhaustive.case import cases, check_size
from mcmscope.search.exhaustive.check import check
from mcmscope.search.exhaustive.find import optimum
from mcmscope.search.exhaustive.visit import Visitor
from mcmscope.search.sample import Sampler


def exhaustive(
    context: SearchContext, scheme: Scheme, objective: Objective, checked: int | None = None
) -> Found:
    """The best of all schedules of a scheme; ``checked`` random ones are priced again by the evaluator.

    Raises:
        InputError: the space is too large, or cannot be enumerated.
    """
    asked = cases(context.model, scheme, objective, context.batch, context.fixed)
    size = Sampler(asked).schedules
    check_size(asked, size)
    visitors = [Visitor(case) for case in asked]
    found = optimum(visitors, context.tell)
    if found.schedules != size:
        raise AssertionError(f"{found.schedules} schedules were enumerated, the space has {size}")
    check(visitors, checked)
    context.states += found.pipelines
    if found.code is None:
        reason = f"none of its {size} schedules fits" if size else "it needs more chiplets than there are"
        return Found(None, reason, Certificate("infeasible", None, size, found.pipelines))
    return Found(found.code, None, Certificate("optimal", 0.0, size, found.pipelines))
