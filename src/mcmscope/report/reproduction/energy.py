"""Where energy goes, scheme by scheme and profile by profile."""

from __future__ import annotations

from mcmscope.report.reproduction.view import (
    Chart,
    Kind,
    Panel,
    Section,
    Series,
    Table,
    cell,
    distinct,
    figure,
    times,
)
from mcmscope.reproduce import energy
from mcmscope.reproduce.claims import HEADLINE
from mcmscope.reproduce.compared import energy_ratios, mean
from mcmscope.reproduce.data import Data, number
from mcmscope.reproduce.measure import MERGED, SEGMENTED

_SHOWN = (("resnet152", "simba-256"), ("resnet50", "simba-64"))
"""The first of these that was measured is drawn, else the first of all."""


def energy_section(data: Data) -> Section:
    """Breakdowns of one network, ratios of all."""
    rows = data.rows(energy.TABLE)
    measured = [(str(row["network"]), str(row["package"])) for row in rows]
    network, package = next((pair for pair in _SHOWN if pair in measured), measured[0])
    own = data.rows(energy.TABLE, network=network, package=package)
    parts = [name for row in own[:1] for name in row if name.endswith("_mj")]
    profiles = distinct(rows, "profile")
    panels: list[Panel] = []
    lines: list[tuple[str, ...]] = []
    for profile in profiles:
        schemes = [row for row in own if row["profile"] == profile]
        series = [
            Series(part.removesuffix("_mj").replace("_", " "), tuple(number(row, part) for row in schemes))
            for part in parts
        ]
        used = tuple(one for one in series if any(one.values))
        panels.append(Panel(profile, used, tuple(str(row["scheme"]) for row in schemes)))
        lines += [
            (
                profile,
                str(row["scheme"]),
                cell(number(row, "mj_per_sample")),
                cell(number(row, "edp_mj_ms")),
                *(cell(number(row, part)) for part in parts),
            )
            for row in schemes
        ]
    names = (part.removesuffix("_mj").replace("_", " ") for part in parts)
    breakdown = Table(
        "energy",
        f"{network} on {package}, batch 64: mJ per sample of the fastest schedules",
        ("profile", "scheme", "energy", "energy x time (mJ ms)", *names),
        tuple(lines),
        words=2,
    )
    title = f"Energy per sample: {network} on {package}, batch 64"
    chart = Chart("energy", title, Kind.STACKS, tuple(panels), "", "mJ per sample")
    return Section(
        "Energy",
        "The fastest schedules, priced under every energy profile (no profile changes a time). A profile's "
        "constants differ from another's by several times, so only columns of one profile compare.",
        (_ratios(data, profiles), breakdown),
        (chart,),
    )


def _ratios(data: Data, profiles: list[str]) -> Table:
    """Merged over segmented pipelines."""
    lines = [
        (profile, times(mean(found)), times(min(found)), times(max(found)), times(_headline(data, profile)))
        for profile in profiles
        if (found := energy_ratios(data, profile))
    ]
    return Table(
        "energy-ratios",
        "Energy of the merged over that of the segmented pipeline",
        ("profile", "mean", "least", "most", "ResNet-152 on simba-256"),
        tuple(lines),
    )


def _headline(data: Data, profile: str) -> float | None:
    mine, base = (
        figure(data.rows(energy.TABLE, scheme=scheme.value, profile=profile, **HEADLINE), "mj_per_sample")
        for scheme in (MERGED, SEGMENTED)
    )
    return mine / base if mine is not None and base is not None else None
