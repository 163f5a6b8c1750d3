"""Energy per sample: by where it goes, by scheme and by segment."""

from __future__ import annotations

from dataclasses import dataclass

from mcmscope.report.views.stages import SegmentRow
from mcmscope.result import Result


@dataclass(frozen=True, slots=True)
class EnergyBar:
    """Joules per sample by term (``ENERGY_NAMES``); ``key`` is a scheme's name or a segment's number."""

    key: str
    parts_j: dict[str, float]

    @property
    def total_j(self) -> float:
        """All parts."""
        return sum(self.parts_j.values())


def scheme_bars(result: Result) -> tuple[EnergyBar, ...]:
    """The breakdown of every feasible scheme, as in ``result.json``."""
    return tuple(
        EnergyBar(row.scheme.value, dict(row.energy_breakdown_j))
        for row in result.schemes
        if row.energy_breakdown_j is not None
    )


def segment_bars(segments: tuple[SegmentRow, ...]) -> tuple[EnergyBar, ...]:
    """The breakdown of a schedule's segments, without static power, which belongs to none."""
    return tuple(EnergyBar(str(row.segment), dict(row.energy_j)) for row in segments)
