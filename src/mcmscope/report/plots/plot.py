"""Draw one view of a result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from mcmscope.errors import InputError
from mcmscope.report.comparison import simulation_file_name
from mcmscope.report.plots.case import PlotCase
from mcmscope.report.plots.commands import case_command, simulate_command
from mcmscope.report.plots.energy import energy_figure
from mcmscope.report.plots.front import front_figure
from mcmscope.report.plots.links import links_figure
from mcmscope.report.plots.package_map import map_figure
from mcmscope.report.plots.pipeline import pipeline_figure
from mcmscope.report.plots.rank import rank_figure
from mcmscope.report.plots.roofline import roofline_figure
from mcmscope.report.plots.schemes import schemes_figure
from mcmscope.report.plots.stages import stages_figure
from mcmscope.report.plots.style import saved_bytes, styled
from mcmscope.report.views.traffic import traffic
from mcmscope.schedule import Schedule


def draw(case: PlotCase, view: str, form: str) -> bytes:
    """A view of ``VIEWS`` as a file of one of ``FORMATS``: the same bytes for the same result.

    Raises:
        InputError: what the view shows was not written beside the result, with the command that writes it.
    """
    with styled():
        return saved_bytes(VIEWS[view](case), form)


def _links(case: PlotCase) -> Any:
    scheme = case.row.scheme
    data = case.findings.simulations.get(scheme)
    if data is None:
        raise InputError(
            f"links: there is no {simulation_file_name(scheme)} beside the result: "
            f"{simulate_command(case.findings, scheme)}"
        )
    found = traffic(data)
    schedule = case.saved.schedule
    moved = tuple(
        replace(
            segment,
            clusters=tuple(
                replace(cluster, chiplets=chiplets)
                for cluster, chiplets in zip(segment.clusters, regions, strict=True)
            ),
        )
        for segment, regions in zip(schedule.segments, found.regions, strict=True)
    )
    return links_figure(replace(case.saved, schedule=Schedule(moved, schedule.replicas)), found)


def _rank(case: PlotCase) -> Any:
    return rank_figure(_beside(case, "rank", "quality", case.findings.quality))


def _front(case: PlotCase) -> Any:
    return front_figure(_beside(case, "front", "pareto", case.findings.pareto))


def _beside(case: PlotCase, view: str, command: str, data: Any) -> Any:
    """The file of another command.

    Raises:
        InputError: it is not there.
    """
    if data is None:
        raise InputError(
            f"{view}: there is no {command}.json beside the result, or it is of another case: "
            f"{case_command(command, case.findings)}"
        )
    return data


VIEWS: dict[str, Callable[[PlotCase], Any]] = {
    "schemes": schemes_figure,
    "map": map_figure,
    "pipeline": pipeline_figure,
    "stages": stages_figure,
    "roofline": roofline_figure,
    "energy": energy_figure,
    "links": _links,
    "rank": _rank,
    "front": _front,
}
"""What can be drawn."""
