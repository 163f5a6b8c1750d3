"""Make a trace of a schedule: as modelled, or as simulated."""

from __future__ import annotations

from mcmscope import __version__
from mcmscope.api import evaluate, simulate_schedule
from mcmscope.errors import InputError
from mcmscope.report.trace.beats import Shown, default_shown
from mcmscope.report.trace.events import Trace
from mcmscope.schedule_file import SavedSchedule


def trace_of(saved: SavedSchedule, *, simulated: bool = False, ends: int | None = None) -> Trace:
    """The whole network over time.

    ``ends``: the first and the last so many beats of each segment are shown; None: all, or as many as make
    a file of moderate size.

    Raises:
        InputError: the schedule does not fit, with the reason, or is too long to be simulated.
    """
    evaluation = evaluate(saved)
    if not evaluation.feasible:
        raise InputError(f"the schedule does not fit, so there is nothing to trace: {evaluation.reason}")
    replicas = saved.schedule.replicas
    shown = (
        Shown(ends) if ends is not None else default_shown(evaluation.segments, replicas, simulated=simulated)
    )
    if simulated:
        from mcmscope.report.trace.simulated import Simulated

        watched = Simulated(saved, evaluation, shown)
        trace = watched.finished(simulate_schedule(saved, watch=watched.watch))
    else:
        from mcmscope.report.trace.modelled import modelled_trace

        trace = modelled_trace(saved, evaluation, shown)
    trace.about = {
        "made_by": f"mcmscope {__version__}",
        "network": saved.network.name,
        "package": saved.package.name,
        "scheme": saved.scheme.value,
        "batch": saved.batch,
        **trace.about,
    }
    return trace
