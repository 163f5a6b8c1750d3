"""What the exact search returns for a scheme: its optimum, or the best so far with a bound."""

from __future__ import annotations

from dataclasses import replace

from mcmscope.schedule import Objective, Scheme
from mcmscope.search.context import Found, SearchContext, join
from mcmscope.search.descend import objective_value
from mcmscope.search.exact.merged import merged
from mcmscope.search.limit import Limit


def prove(shared: SearchContext, scheme: Scheme, objective: Objective, start: Found, limit: Limit) -> Found:
    """The best schedule of ``scheme``; ``start`` is a good one to begin with, or says that there is none.

    With prefetch, or where tables had no room for all options, nothing is proven: ``start`` comes back.
    """
    model = shared.model
    if start.code is None or start.certificate.status == "optimal":
        return start
    if model.package.prefetch or shared.tables.overflow:
        return start
    if objective is Objective.THROUGHPUT and scheme is Scheme.MERGED_PIPELINE:
        upper = objective_value(model, start.code, shared.batch, objective)
        assert upper is not None
        begun = shared.states
        path, lower = merged(shared, upper, limit)
        code, origin = (start.code, start.certificate.start) if path is None else (join(path), "exact")
        best = objective_value(model, code, shared.batch, objective)
        assert best is not None
        if best < lower or (path is not None and best != lower):
            raise AssertionError(f"{scheme}: the evaluator says {best} ps, the exact search {lower} ps")
        status, gap = ("optimal", 0.0) if best == lower else ("bounded", 1 - lower / best)
        certificate = replace(
            start.certificate,
            status=status,
            gap=gap,
            states=start.certificate.states + shared.states - begun,
            start=origin,
        )
        return Found(code, None, certificate)
    return start
