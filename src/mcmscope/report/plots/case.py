"""What a picture is of: a result with what lies beside it, a scheme and a segment of it."""

from __future__ import annotations

from dataclasses import dataclass

from mcmscope.cost.evaluate import Evaluation
from mcmscope.errors import InputError
from mcmscope.options import one_of, short
from mcmscope.report.views.saved import Findings
from mcmscope.report.views.stages import SegmentRow, segment_rows
from mcmscope.result import SchemeResult
from mcmscope.schedule_file import SavedSchedule


@dataclass(frozen=True, slots=True)
class PlotCase:
    """A feasible scheme of a result; ``segment`` counts from 0, None if none was named."""

    findings: Findings
    row: SchemeResult
    saved: SavedSchedule
    evaluation: Evaluation
    segments: tuple[SegmentRow, ...]
    segment: int | None

    def heading(self) -> str:
        """``resnet50 on simba-64, batch 64, merged-pipeline``."""
        return f"{self.of()}, {self.row.scheme.value}"

    def of(self) -> str:
        """The same without the scheme."""
        saved = self.saved
        return f"{saved.network.name} on {saved.package.name}, batch {saved.batch}"

    def chosen(self, least_stages: int = 1) -> int:
        """The segment that was named, else the longest; if it can be, of those with so many stages."""
        if self.segment is not None:
            return self.segment
        return max(
            range(len(self.segments)),
            key=lambda s: (len(self.segments[s].stages) >= least_stages, self.segments[s].share),
        )


def plot_case(findings: Findings, scheme: str | None = None, segment: str | None = None) -> PlotCase:
    """The best scheme unless another is named, and a segment of it, counted from 1, if one is named.

    Raises:
        InputError: there is no such scheme or segment.
    """
    row = _row(findings, scheme)
    assert row.evaluation is not None
    saved = findings.saved(row)
    segments = segment_rows(saved, row.evaluation)
    return PlotCase(findings, row, saved, row.evaluation, segments, _segment(segments, segment))


def _row(findings: Findings, scheme: str | None) -> SchemeResult:
    rows = findings.result.schemes
    if scheme is None:
        best = findings.result.best
        if best is None:
            raise InputError("no scheme fits, so that there is nothing to draw: mcmscope report tells why")
        return best
    name = one_of("scheme", scheme, tuple(row.scheme.value for row in rows))
    row = findings.result.scheme(name)
    if row.evaluation is None:
        raise InputError(f"scheme: {name} has no schedule to draw: it does not fit: {row.reason}")
    return row


def _segment(segments: tuple[SegmentRow, ...], given: str | None) -> int | None:
    if given is None:
        return None
    text = given.strip()
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= len(segments)):
        raise InputError(f"--segment: this schedule has segments 1 to {len(segments)}, got {short(given)}")
    return int(text) - 1
