"""The package as a map: the cluster, memory and work of each chiplet, and the DRAM ports."""

from __future__ import annotations

from dataclasses import dataclass

from mcmscope.hardware.package import Edge, Package
from mcmscope.report.views.stages import SegmentRow
from mcmscope.schedule import Schedule, Segment, serpentine


@dataclass(frozen=True, slots=True)
class ChipletUse:
    """One chiplet in one segment. ``stage`` None: it has nothing to do there. Bytes are those it holds."""

    chiplet: int
    row: int
    column: int
    replica: int
    stage: int | None
    layers: tuple[int, int] | None
    weight_bytes: int
    activation_bytes: int
    spilled_bytes: int
    filled: float


@dataclass(frozen=True, slots=True)
class Port:
    """A chiplet at an edge with DRAM."""

    chiplet: int
    row: int
    column: int
    edges: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PackageMap:
    """The mesh; ``segments`` has every chiplet, row by row, for each segment."""

    rows: int
    columns: int
    strip_height: int
    weight_buffer_bytes: int
    activation_buffer_bytes: int
    unified: bool
    ports: tuple[Port, ...]
    segments: tuple[tuple[ChipletUse, ...], ...]


def package_map(package: Package, schedule: Schedule, rows: tuple[SegmentRow, ...]) -> PackageMap:
    """Where ``schedule``, whose segments are ``rows``, lies on the package."""
    chip = package.chiplet
    return PackageMap(
        rows=package.rows,
        columns=package.columns,
        strip_height=package.strip_height,
        weight_buffer_bytes=chip.weight_buffer_bytes,
        activation_buffer_bytes=chip.activation_buffer_bytes,
        unified=chip.unified,
        ports=dram_ports(package),
        segments=tuple(
            _uses(package, schedule.replicas, plan, row)
            for plan, row in zip(schedule.segments, rows, strict=True)
        ),
    )


def owners(package: Package, segment: Segment, replicas: int = 1) -> dict[int, tuple[int, int]]:
    """Replica and index of the cluster of each chiplet that has one.

    Replicas lie behind the first one in serpentine order.
    """
    order = serpentine(package.rows, package.columns, package.strip_height)
    place = {chiplet: at for at, chiplet in enumerate(order)}
    share = len(order) // replicas
    found = {
        chiplet: (0, index) for index, cluster in enumerate(segment.clusters) for chiplet in cluster.chiplets
    }
    for replica in range(1, replicas):
        for chiplet, (first, index) in list(found.items()):
            if first == 0 and place[chiplet] + replica * share < len(order):
                found[order[place[chiplet] + replica * share]] = (replica, index)
    return found


def _uses(package: Package, replicas: int, plan: Segment, row: SegmentRow) -> tuple[ChipletUse, ...]:
    owner = owners(package, plan, replicas)
    uses: list[ChipletUse] = []
    for chiplet in range(package.chiplets):
        replica, index = owner.get(chiplet, (0, None))
        stage = None if index is None else row.stages[index]
        uses.append(
            ChipletUse(
                chiplet=chiplet,
                row=chiplet // package.columns,
                column=chiplet % package.columns,
                replica=replica,
                stage=index,
                layers=stage.layers if stage else None,
                weight_bytes=stage.weight_bytes if stage else 0,
                activation_bytes=stage.activation_bytes if stage else 0,
                spilled_bytes=stage.spilled_bytes if stage else 0,
                filled=stage.filled if stage else 0.0,
            )
        )
    return tuple(uses)


def dram_ports(package: Package) -> tuple[Port, ...]:
    """Chiplets beside DRAM, by number."""
    edges: dict[int, list[str]] = {}
    for row in range(package.rows):
        for column in range(package.columns):
            sides = {
                Edge.LEFT: column == 0,
                Edge.RIGHT: column == package.columns - 1,
                Edge.TOP: row == 0,
                Edge.BOTTOM: row == package.rows - 1,
            }
            touched = [edge.value for edge in Edge if sides[edge] and edge in package.dram.edges]
            if touched:
                edges[row * package.columns + column] = touched
    return tuple(
        Port(chiplet, *divmod(chiplet, package.columns), tuple(touched)) for chiplet, touched in edges.items()
    )
