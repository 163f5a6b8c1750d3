"""What the paper claims, and whether it holds here: each claim measured on the rows of a run.

Of the paper (Scope, arXiv 2602.14393) only the abstract was at hand; claims are in our words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mcmscope.reproduce import batch, effort, energy, quality, simulated, throughput
from mcmscope.reproduce.case import Row
from mcmscope.reproduce.compared import energy_ratios, gaps, mean, power, ratios
from mcmscope.reproduce.data import Data, number
from mcmscope.reproduce.measure import FUSED, MERGED, SEGMENTED
from mcmscope.schedule import Scheme

HEADLINE = {"network": "resnet152", "package": "simba-256"}
PUBLISHED_SPEEDUP = 1.73
TOP = 0.0005
"""The share of all schedules that the paper's are in the best of."""
SIMILAR = 0.1
"""Energies that differ by no more are similar."""
NEAR_LINEAR = 1.25
"""Growth with the layers to at most this power counts as linear."""
SMALL_GAP = 0.05
AGREES = (0.85, 1.05)
AGREEING = 0.9
"""Simulated over modelled throughput that agrees, and the share of schedules that should."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A claim's figure in words, and whether it holds."""

    told: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Claim:
    """``said``: what the paper says or leaves open; ``holds_if``: what is measured, with its threshold.

    ``measure`` returns None if the rows that it takes were not measured.
    """

    name: str
    said: str
    holds_if: str
    measure: Callable[[Data], Measured | None]


def _over(other: Scheme) -> Callable[[Data], Measured | None]:
    def measure(data: Data) -> Measured | None:
        found = ratios(data, other)
        middle = mean(found)
        if middle is None:
            return None
        told = f"{middle:.2f}x ({min(found):.2f} to {max(found):.2f}, {len(found)} cases)"
        return Measured(told, middle > 1)

    return measure


def _never_below(data: Data) -> Measured | None:
    others = (Scheme.SEQUENTIAL, FUSED, Scheme.FULL_PIPELINE, SEGMENTED)
    found = [ratio for other in others for ratio in ratios(data, other)]
    if not found:
        return None
    return Measured(f"least ratio {min(found):.3f} of {len(found)}", min(found) >= 1)


def _simulated_over(data: Data) -> Measured | None:
    found = [
        ratio
        for row in data.rows(simulated.TABLE, scheme=MERGED.value)
        if (ratio := number(row, "simulated_speedup")) is not None
    ]
    middle = mean(found)
    if middle is None:
        return None
    return Measured(f"{middle:.2f}x ({min(found):.2f} to {max(found):.2f}, {len(found)} cases)", middle > 1)


def _grows_with_chiplets(data: Data) -> Measured | None:
    """Networks that are measured at both ends only, so that they are the same."""
    sizes = sorted({int(row["chiplets"] or 0) for row in data.rows(throughput.TABLE, network="resnet18")})
    networks = [
        name
        for name in dict.fromkeys(str(row["network"]) for row in data.rows(throughput.TABLE))
        if sizes and all(ratios(data, SEGMENTED, network=name, chiplets=size) for size in sizes)
    ]
    if len(sizes) < 2 or not networks:
        return None
    means = {
        size: mean(
            ratio for name in networks for ratio in ratios(data, SEGMENTED, network=name, chiplets=size)
        )
        or 0.0
        for size in sizes
    }
    told = ", ".join(f"{size}: {value:.2f}x" for size, value in means.items())
    return Measured(told, means[sizes[-1]] > means[sizes[0]])


def _grows_with_depth(data: Data) -> Measured | None:
    shallow, deep = (
        mean(ratio for name in names for ratio in ratios(data, SEGMENTED, network=name))
        for names in (("resnet18", "resnet34"), ("resnet101", "resnet152"))
    )
    if shallow is None or deep is None or not data.rows(throughput.TABLE, network="resnet101"):
        return None
    return Measured(f"ResNet-18 and 34: {shallow:.2f}x, ResNet-101 and 152: {deep:.2f}x", deep > shallow)


def _headline_rows(data: Data) -> list[Row]:
    table = [*data.rows(batch.TABLE), *data.rows(throughput.TABLE)]
    return [
        row
        for row in table
        if row["network"] == HEADLINE["network"]
        and row["scheme"] == MERGED.value
        and number(row, "speedup") is not None
    ]


def _most(data: Data) -> Measured | None:
    found = _headline_rows(data)
    if not found:
        return None
    best = max(found, key=lambda row: number(row, "speedup") or 0.0)
    ratio = number(best, "speedup") or 0.0
    told = f"most {ratio:.2f}x: {best['package']}, batch {best['batch']}, {best['search']}"
    return Measured(told, ratio >= PUBLISHED_SPEEDUP)


def _headline_modelled(data: Data) -> Measured | None:
    rows = data.rows(throughput.TABLE, scheme=MERGED.value, **HEADLINE)
    found = {str(row["search"]): ratio for row in rows if (ratio := number(row, "speedup")) is not None}
    if not found:
        return None
    told = ", ".join(f"{search} {ratio:.2f}x" for search, ratio in found.items())
    return Measured(told, max(found.values()) > 1)


def _headline_simulated(data: Data) -> Measured | None:
    ratio = number(data.row(simulated.TABLE, scheme=MERGED.value, **HEADLINE), "simulated_speedup")
    return None if ratio is None else Measured(f"{ratio:.2f}x", ratio > 1)


def _headline_energy(data: Data) -> Measured | None:
    mine, its = (
        number(data.row(throughput.TABLE, scheme=scheme.value, **HEADLINE), "mj_per_sample")
        for scheme in (MERGED, SEGMENTED)
    )
    if mine is None or its is None:
        return None
    return Measured(f"{mine / its:.2f} times as much", mine / its <= 1 + SIMILAR)


def _energy(data: Data) -> Measured | None:
    profiles = dict.fromkeys(str(row["profile"]) for row in data.rows(energy.TABLE))
    means = {profile: mean(energy_ratios(data, profile)) for profile in profiles}
    known = {profile: value for profile, value in means.items() if value is not None}
    if not known:
        return None
    told = ", ".join(f"{profile} {value:.2f}" for profile, value in known.items())
    return Measured(told, max(known.values()) <= 1 + SIMILAR)


def _cost(data: Data) -> Measured | None:
    rows = data.rows(effort.TABLE, package=effort.GROWING_ON, search="linear")
    whole = [row for row in rows if not row["variant"]]
    rows = sorted(whole, key=lambda row: number(row, "layers") or 0.0)
    points = [(number(row, "layers") or 0.0, number(row, "states") or 0.0) for row in rows]
    if len(points) < 2:
        return None
    found = power(points)
    least, most = (f"10^{number(rows[end], 'log10_schedules') or 0:.0f}" for end in (0, -1))
    told = (
        f"parts priced grow with the {found:.2f}th power of the layers, schedules from {least} to {most} "
        f"({points[0][0]:.0f} to {points[-1][0]:.0f} layers)"
    )
    return Measured(told, found <= NEAR_LINEAR)


def _top(data: Data) -> Measured | None:
    found = [row for row in data.rows(quality.TABLE, search="linear") if number(row, "top") is not None]
    if not found:
        return None
    worst = max(found, key=lambda row: number(row, "top") or 0.0)
    share = number(worst, "top") or 0.0
    sampled = "" if worst["every_schedule"] else " (what 10,000 random ones can tell)"
    told = f"at worst the top {100 * share:.3g}%{sampled}: {worst['network']} on {worst['package']}"
    return Measured(told, share <= TOP)


def _gap(data: Data) -> Measured | None:
    found = gaps(data)
    middle = mean(found)
    if middle is None:
        return None
    told = f"{100 * (middle - 1):.1f}% on average, at most {100 * (max(found) - 1):.1f}% ({len(found)} cases)"
    return Measured(told, middle - 1 <= SMALL_GAP)


def _best_of_all(data: Data) -> Measured | None:
    found = ratios(data, Scheme.DATA_PARALLEL)
    middle = mean(found)
    if middle is None:
        return None
    best = sum(ratio >= 1 for ratio in found)
    return Measured(f"{middle:.2f}x; merged is ahead in {best} of {len(found)} cases", middle > 1)


def _agreement(data: Data) -> Measured | None:
    found = [
        ratio
        for row in data.rows(simulated.TABLE)
        if (ratio := number(row, "simulated_over_flow_line")) is not None
    ]
    if not found:
        return None
    near = sum(AGREES[0] <= ratio <= AGREES[1] for ratio in found)
    return Measured(f"{near} of {len(found)}", near >= AGREEING * len(found))


CLAIMS = (
    Claim(
        "over-sequential",
        "higher throughput than running layer by layer",
        "merged over sequential, geometric mean above 1",
        _over(Scheme.SEQUENTIAL),
    ),
    Claim(
        "over-fused",
        "not compared: layer by layer with layers fused",
        "merged over sequential-fused, geometric mean above 1",
        _over(FUSED),
    ),
    Claim(
        "over-segmented",
        "higher throughput than pipelines of layers",
        "merged over segmented-pipeline, geometric mean above 1",
        _over(SEGMENTED),
    ),
    Claim(
        "over-segmented-simulated",
        "the same, as simulated",
        "simulated merged over simulated segmented-pipeline, geometric mean above 1",
        _simulated_over,
    ),
    Claim(
        "never-below",
        "merging contains the other pipelines",
        "merged is never behind a scheme whose schedules it contains",
        _never_below,
    ),
    Claim(
        "grows-with-chiplets",
        "gains grow with the hardware",
        "mean over segmented-pipeline on the most chiplets above that on the fewest",
        _grows_with_chiplets,
    ),
    Claim(
        "grows-with-depth",
        "gains grow with the network",
        "mean over segmented-pipeline of the deep ResNets above that of the shallow ones",
        _grows_with_depth,
    ),
    Claim(
        "published-speedup",
        "up to 1.73x on ResNet-152; package and batch unknown",
        "the most over all packages and batches is 1.73x or more",
        _most,
    ),
    Claim(
        "headline",
        "ResNet-152 on 256 chiplets: faster than the best pipeline of layers",
        "merged over segmented-pipeline at batch 64, modelled, above 1",
        _headline_modelled,
    ),
    Claim(
        "headline-simulated",
        "the same, as simulated",
        "simulated merged over simulated segmented-pipeline at batch 64 above 1",
        _headline_simulated,
    ),
    Claim(
        "headline-energy",
        "at similar energy",
        "ResNet-152 on 256 chiplets: merged takes at most 1.1 times the energy of segmented-pipeline",
        _headline_energy,
    ),
    Claim(
        "energy",
        "the same for all networks",
        "mean of energies, merged over segmented-pipeline, at most 1.1 under every profile",
        _energy,
    ),
    Claim(
        "search-cost",
        "search cost linear instead of exponential",
        "whole ResNets of growing depth: parts priced grow at most with the 1.25th power of the layers",
        _cost,
    ),
    Claim(
        "top-schedules",
        "schedules in the top 0.05% of all",
        "every schedule of `linear` that was ranked is in the top 0.05%",
        _top,
    ),
    Claim(
        "near-optimum",
        "not told: the distance to the optimum",
        "the proven optimum is on average at most 5% faster than `linear`",
        _gap,
    ),
    Claim(
        "over-replicas",
        "not compared: replicas of a fused machine",
        "merged over data-parallel, geometric mean above 1",
        _best_of_all,
    ),
    Claim(
        "agreement",
        "not told: whether links contend",
        "simulated throughput 0.85 to 1.05 of modelled (flow line) for nine schedules in ten",
        _agreement,
    ),
)

HELD_IN_QUICK = frozenset(
    {
        "over-sequential",
        "over-fused",
        "over-segmented",
        "over-segmented-simulated",
        "never-below",
        "grows-with-chiplets",
        "headline",
        "headline-energy",
        "energy",
        "search-cost",
        "top-schedules",
        "near-optimum",
        "agreement",
    }
)
HELD = frozenset(
    {
        "over-sequential",
        "over-fused",
        "over-segmented",
        "over-segmented-simulated",
        "never-below",
        "grows-with-chiplets",
        "grows-with-depth",
        "headline",
        "headline-simulated",
        "headline-energy",
        "energy",
        "search-cost",
        "top-schedules",
        "near-optimum",
    }
)
"""Claims that held in the last quick and the last whole run that was looked at.

One that no longer holds is a failure of ``mcmscope reproduce``; one that newly does is to be added.
"""


def measured(data: Data) -> dict[str, Measured | None]:
    """Every claim by name; None where its rows are missing."""
    return {claim.name: claim.measure(data) for claim in CLAIMS}


def held(quick: bool) -> frozenset[str]:
    """Claims that held before."""
    return HELD_IN_QUICK if quick else HELD


def broken(found: Mapping[str, Measured | None], quick: bool) -> list[str]:
    """Claims that held and do not any more. One that was not measured is none."""
    return [name for name, one in found.items() if one is not None and not one.holds and name in held(quick)]
