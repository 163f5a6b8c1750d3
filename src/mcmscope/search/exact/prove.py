"""What the exact search returns for a scheme: its optimum, or the best so far with a bound."""

from __future__ import annotations

from mcmscope.schedule import Objective, Scheme
from mcmscope.search.context import Found, SearchContext
from mcmscope.search.limit import Limit


def prove(shared: SearchContext, scheme: Scheme, objective: Objective, start: Found, limit: Limit) -> Found:
    """The best schedule of ``scheme``; ``start`` is a good one to begin with, or says that there is none."""
    return start
