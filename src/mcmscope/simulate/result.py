"""What a simulation returns."""

from __future__ import annotations

from dataclasses import dataclass

from mcmscope.simulate.mesh import Floats, Mesh

PS_PER_S = 1e12


@dataclass(frozen=True, slots=True)
class StageTimes:
    """One stage of the first replica, as simulated: seconds per beat.

    ``busy_s``: from its start to its end; ``interval_s``: between ends of consecutive beats (``busy_s`` if
    there is only one). ``held_bytes`` and ``spilled_bytes`` per chiplet.
    """

    layers: tuple[int, int]
    chiplets: tuple[int, ...]
    busy_s: float
    interval_s: float
    held_bytes: int
    spilled_bytes: int


@dataclass(frozen=True, slots=True)
class SegmentTimes:
    """One segment over the whole batch: ``load_s`` until its first stage starts, then ``run_s``."""

    layers: tuple[int, int]
    micro_batch: int
    beats: int
    passes: int
    load_s: float
    run_s: float
    stages: tuple[StageTimes, ...]


@dataclass(frozen=True, eq=False)
class Simulation:
    """What a schedule did on the simulated package, in one batch.

    ``link_bytes[4 N]``: over each directed mesh link, by ``mesh``'s numbering; ``port_bytes[P, 3]``: into the
    mesh, out of it, and both, at each DRAM port. ``energy_breakdown_j`` is per sample. ``macs`` were
    executed; each receiver of ``sent_bytes`` is counted; ``activities`` were simulated.
    """

    batch: int
    batch_s: float
    segments: tuple[SegmentTimes, ...]
    mesh: Mesh
    link_bytes: Floats
    port_bytes: Floats
    energy_breakdown_j: dict[str, float]
    macs: int
    sent_bytes: float
    received_bytes: float
    read_bytes: float
    write_bytes: float
    activities: int

    @property
    def throughput_per_s(self) -> float:
        """Samples per second over the whole batch, loads, fill and drain included."""
        return self.batch / self.batch_s

    @property
    def energy_j_per_sample(self) -> float:
        """Energy of the batch over its samples."""
        return sum(self.energy_breakdown_j.values())

    @property
    def link_utilization(self) -> Floats:
        """[4 N]: share of the batch's time that each link is busy; links that lead off the mesh have none."""
        return self.link_bytes / (self.mesh.capacity[: self.mesh.links] * self.batch_s * PS_PER_S)
