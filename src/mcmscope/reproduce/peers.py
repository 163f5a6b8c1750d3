"""Peers: our schedules on meshes as other schedulers configure them, beside what those found there.

Their figures were measured by running their public code: one network, mesh and batch after another, on two
cores, at 1024 int8 MACs and 1 MiB in a core, 1 GHz. Their cost models are not ours.
"""

from __future__ import annotations

from dataclasses import dataclass

from mcmscope.reproduce.case import Case, Outcome, Row
from mcmscope.reproduce.inputs import PROFILE
from mcmscope.reproduce.measure import (
    MERGED,
    all_schemes,
    case_columns,
    context_of,
    figures,
    searched,
)
from mcmscope.simulate import simulate

TABLE = "peers"
PROFILES = ("set-12nm", "gemini-12nm")


@dataclass(frozen=True, slots=True)
class Peer:
    """What another scheduler's own model says of its own schedule: at 1 GHz, energy by its own constants."""

    network: str
    package: str
    batch: int
    tool: str
    cycles_per_batch: float
    mj_per_sample: float
    search_s: float

    @property
    def throughput_per_s(self) -> float:
        """Samples per second."""
        return self.batch * 1e9 / self.cycles_per_batch


SET, GEMINI = "SET (ISCA'23)", "Gemini (HPCA'24)"
MEASURED = (
    Peer("resnet50", "mesh-4x4", 16, f"{SET}, layer pipeline", 29.9e6, 3.46, 10),
    Peer("resnet50", "mesh-4x4", 16, f"{SET}, layer-sequential", 17.8e6, 2.50, 16),
    Peer("resnet50", "mesh-4x4", 16, f"{SET}, full", 15.3e6, 2.29, 14),
    Peer("resnet50", "mesh-4x4", 16, GEMINI, 19.2e6, 2.86, 5),
    Peer("vgg19", "mesh-6x6", 64, f"{SET}, layer pipeline", 53.3e6, 6.90, 27),
    Peer("vgg19", "mesh-6x6", 64, f"{SET}, layer-sequential", 36.8e6, 5.08, 60),
    Peer("vgg19", "mesh-6x6", 64, f"{SET}, full", 36.8e6, 5.33, 38),
    Peer("vgg19", "mesh-6x6", 64, GEMINI, 51.6e6, 6.07, 5),
    Peer("resnet50", "mesh-8x8", 64, f"{SET}, layer pipeline", 12.5e6, 2.60, 212),
    Peer("resnet50", "mesh-8x8", 64, GEMINI, 12.5e6, 2.52, 18),
)
_QUICK = ("mesh-4x4",)


def cases(quick: bool) -> list[Case]:
    """Each network, mesh and batch on which a peer was run, under each profile."""
    where = dict.fromkeys((peer.network, peer.package, peer.batch) for peer in MEASURED)
    return [
        Case(TABLE, network, package, batch, turned=((PROFILE, profile),), about_s=10)
        for network, package, batch in where
        for profile in PROFILES
        if not quick or (package in _QUICK and profile == PROFILES[0])
    ]


def measure(case: Case) -> Outcome:
    """A row for each scheme, modelled and simulated, and one for the proven merged pipeline.

    Regions lie along the serpentine order: links of these meshes are fast.
    """
    context = context_of(case)
    network, package = context.model.network, context.model.package
    found = [*all_schemes(context), searched(context, MERGED, "exact")]
    about: Row = case_columns(case, context) | {"profile": package.energy.name}
    rows: list[Row] = []
    seconds: dict[str, float] = {}
    for one in found:
        simulated = None
        seconds[f"{one.scheme} {one.search}"] = one.seconds
        if one.schedule is not None:
            simulated = simulate(one.schedule, network, package, case.batch).throughput_per_s
        rows.append(about | figures(one) | {"simulated_per_s": simulated})
    return Outcome({TABLE: rows}, seconds)
