"""Everything that is shown of a run."""

from __future__ import annotations

from collections.abc import Mapping

from mcmscope.report.reproduction.ablations import ablations_section
from mcmscope.report.reproduction.energy import energy_section
from mcmscope.report.reproduction.knobs import sensitivity_section
from mcmscope.report.reproduction.peers import peers_section
from mcmscope.report.reproduction.searches import effort_section, quality_section
from mcmscope.report.reproduction.speed import (
    batch_section,
    scaling_section,
    simulated_section,
    throughput_section,
)
from mcmscope.report.reproduction.view import NONE, Section, Table
from mcmscope.reproduce import (
    ablations,
    batch,
    effort,
    energy,
    peers,
    quality,
    sensitivity,
    simulated,
    throughput,
)
from mcmscope.reproduce.claims import CLAIMS, Measured
from mcmscope.reproduce.data import Data

_SECTIONS = (
    (throughput.TABLE, throughput_section),
    (throughput.TABLE, scaling_section),
    (simulated.TABLE, simulated_section),
    (batch.TABLE, batch_section),
    (energy.TABLE, energy_section),
    (quality.TABLE, quality_section),
    (effort.TABLE, effort_section),
    (ablations.TABLE, ablations_section),
    (sensitivity.TABLE, sensitivity_section),
    (peers.TABLE, peers_section),
)


def sections(data: Data) -> list[Section]:
    """Those whose experiment was run."""
    return [make(data) for table, make in _SECTIONS if data.rows(table)]


def claims_table(found: Mapping[str, Measured | None]) -> Table:
    """What is claimed, our figure, and whether it holds."""
    lines: list[tuple[str, ...]] = []
    for claim in CLAIMS:
        one = found.get(claim.name)
        verdict = "not measured" if one is None else "holds" if one.holds else "does not hold"
        lines.append((claim.said, claim.holds_if, NONE if one is None else one.told, verdict))
    headings = ("the paper says", "here it holds if", "measured", "")
    return Table("claims", "Claims", headings, tuple(lines), words=4)
