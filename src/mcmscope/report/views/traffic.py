"""Traffic of a simulated schedule: how busy each link and DRAM port was, from ``simulation-SCHEME.json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mcmscope.report.links import DIRECTIONS


@dataclass(frozen=True, slots=True)
class LinkLoad:
    """A directed link from a chiplet: bytes of the whole batch, and the share of its time it is busy."""

    chiplet: int
    direction: str
    moved_bytes: int
    utilization: float


@dataclass(frozen=True, slots=True)
class PortLoad:
    """A DRAM port: the bytes of its channels, and how busy its busiest part is."""

    chiplet: int
    moved_bytes: int
    utilization: float


@dataclass(frozen=True, slots=True)
class Traffic:
    """A simulated batch beside the model's; ``regions[s][c]`` are the chiplets of cluster c of segment s,
    which a placement may have moved; segment ``longest`` runs longest."""

    placement: str
    throughput_per_s: float
    over_modelled: float
    batch_s: float
    links: tuple[LinkLoad, ...]
    ports: tuple[PortLoad, ...]
    mean_utilization: float
    max_utilization: float
    regions: tuple[tuple[tuple[int, ...], ...], ...]
    longest: int


def traffic(data: Mapping[str, Any]) -> Traffic:
    """The traffic in the content of a ``simulation-SCHEME.json``."""
    links = data["links"]
    runs = [segment["simulated_run_s"] for segment in data["segments"]]
    return Traffic(
        placement=data["placement"],
        throughput_per_s=data["simulated_throughput_per_s"],
        over_modelled=data["simulated_over_modelled"],
        batch_s=data["simulated_batch_latency_s"],
        links=tuple(
            LinkLoad(entry["chiplet"], name, entry[name]["bytes"], entry[name]["utilization"])
            for entry in links["chiplets"]
            for name in DIRECTIONS
            if name in entry
        ),
        ports=tuple(
            PortLoad(
                port["chiplet"],
                port["channels"]["bytes"],
                max(port[part]["utilization"] for part in ("in", "out", "channels")),
            )
            for port in links["dram_ports"]
        ),
        mean_utilization=links["mean_utilization"],
        max_utilization=links["max_utilization"],
        regions=tuple(
            tuple(tuple(cluster["chiplets"]) for cluster in segment["clusters"])
            for segment in data["schedule"]["segments"]
        ),
        longest=max(range(len(runs)), key=lambda s: runs[s]),
    )
