"""A schedule as plain data: segments, clusters, regions, partitions. It decides nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pandas import DataFrame as PandasFrame
    from polars import DataFrame as PolarsFrame


class Partition(StrEnum):
    """How one layer is spread over its region."""

    WSP = "WSP"
    """Weight-shared: tiles of the output positions, all the weights on every chiplet."""
    WSP_SHARDED = "WSP-sharded"
    """As WSP, but each chiplet stores 1/n of the weights and gathers the rest once per beat."""
    ISP = "ISP"
    """Input-shared: output channels (or groups, heads), the whole input on every chiplet."""


class Scheme(StrEnum):
    """A family of schedules; each is searched by itself and all are priced by one evaluator."""

    SEQUENTIAL = "sequential"
    SEQUENTIAL_FUSED = "sequential-fused"
    FULL_PIPELINE = "full-pipeline"
    SEGMENTED_PIPELINE = "segmented-pipeline"
    MERGED_PIPELINE = "merged-pipeline"
    DATA_PARALLEL = "data-parallel"


class Objective(StrEnum):
    """What a search makes best."""

    THROUGHPUT = "throughput"
    LATENCY = "latency"
    ENERGY = "energy"
    EDP = "edp"


@dataclass(frozen=True, slots=True)
class Cluster:
    """Layers ``[layers[0], layers[1])`` merged into one pipeline stage on a region of chiplets.

    ``tiles`` is the one grid of the cluster's WSP layers: samples x rows x columns, at most as many
    tiles as chiplets. ``partitions`` has one entry per layer.
    """

    layers: tuple[int, int]
    chiplets: tuple[int, ...]
    tiles: tuple[int, int, int]
    partitions: tuple[Partition, ...]


@dataclass(frozen=True, slots=True)
class Segment:
    """Clusters that are on the package together and form one pipeline with its own micro-batch."""

    layers: tuple[int, int]
    micro_batch: int
    clusters: tuple[Cluster, ...]


@dataclass(frozen=True, slots=True)
class Schedule:
    """Segments run one after another over the whole batch, on each of ``replicas`` equal parts.

    With replicas, ``chiplets`` of the clusters are those of the first replica; the others lie behind it
    in serpentine order.
    """

    segments: tuple[Segment, ...]
    replicas: int = 1

    @property
    def clusters(self) -> Iterator[Cluster]:
        """All clusters in order."""
        return (cluster for segment in self.segments for cluster in segment.clusters)

    def to_pandas(self) -> PandasFrame:
        """A row per layer as a pandas data frame.

        Raises:
            ImportError: pandas is not installed.
        """
        from mcmscope.report.notebook.tables import pandas_frame, schedule_columns

        return pandas_frame(schedule_columns(self))

    def to_polars(self) -> PolarsFrame:
        """As ``to_pandas``, as a polars data frame."""
        from mcmscope.report.notebook.tables import polars_frame, schedule_columns

        return polars_frame(schedule_columns(self))

    def _repr_html_(self) -> str:
        """What notebooks show."""
        from mcmscope.report.notebook.show import schedule_html

        return schedule_html(self)


def serpentine(rows: int, columns: int, strip_height: int) -> tuple[int, ...]:
    """Chiplet ids in the order in which regions take them.

    The mesh is cut into strips of ``strip_height`` rows; the order goes along a strip column by column
    (down one, up the next) and back along the next strip, so that a run of it is a compact region.
    """
    order: list[int] = []
    forward = True
    for top in range(0, rows, strip_height):
        band = range(top, min(top + strip_height, rows))
        for step, column in enumerate(range(columns) if forward else reversed(range(columns))):
            down = step % 2 == 0
            order.extend(row * columns + column for row in (band if down else reversed(band)))
        forward = not forward
    return tuple(order)


def schedule_faults(schedule: Schedule, layer_count: int, chiplet_count: int) -> list[str]:
    """Everything that makes ``schedule`` no schedule of this network on this package, each with its place."""
    faults: list[str] = []
    if schedule.replicas < 1 or schedule.replicas > chiplet_count:
        faults.append(f"replicas: expected 1 to {chiplet_count}, got {schedule.replicas}")
    share = chiplet_count // max(schedule.replicas, 1)
    if not schedule.segments:
        faults.append("segments: expected at least one segment")
    position = 0
    for s, segment in enumerate(schedule.segments):
        where = f"segments[{s}]"
        faults.extend(_range_faults(f"{where}.layers", segment.layers, position))
        position = segment.layers[1]
        if segment.micro_batch < 1:
            faults.append(f"{where}.micro_batch: expected 1 or more, got {segment.micro_batch}")
        inside = segment.layers[0]
        used: dict[int, int] = {}
        if not segment.clusters:
            faults.append(f"{where}.clusters: expected at least one cluster")
        total = sum(len(cluster.chiplets) for cluster in segment.clusters)
        if schedule.replicas > 1 and total > share:
            faults.append(f"{where}: {total} chiplets for a replica that has {share}")
        for c, cluster in enumerate(segment.clusters):
            place = f"{where}.clusters[{c}]"
            faults.extend(_range_faults(f"{place}.layers", cluster.layers, inside))
            inside = cluster.layers[1]
            faults.extend(_cluster_faults(place, cluster, segment.micro_batch))
            for chiplet in cluster.chiplets:
                if not 0 <= chiplet < chiplet_count:
                    faults.append(f"{place}.chiplets: {chiplet} is not on a package of {chiplet_count}")
                elif chiplet in used:
                    faults.append(
                        f"{place}.chiplets: chiplet {chiplet} is used twice in {where} "
                        f"(also by clusters[{used[chiplet]}])"
                    )
                used[chiplet] = c
        if segment.clusters and inside != segment.layers[1]:
            faults.append(f"{where}: clusters end at layer {inside}, the segment at {segment.layers[1]}")
    if schedule.segments and position != layer_count:
        faults.append(f"segments: end at layer {position}, the network has {layer_count} layers")
    return faults


def _range_faults(where: str, layers: tuple[int, int], expected_start: int) -> list[str]:
    first, end = layers
    if first != expected_start:
        word = "skips" if first > expected_start else "repeats"
        return [f"{where}: starts at layer {first} but {expected_start} is next: it {word} layers"]
    if end <= first:
        return [f"{where}: expected an end after {first}, got {end}"]
    return []


def _cluster_faults(place: str, cluster: Cluster, micro_batch: int) -> list[str]:
    faults: list[str] = []
    length = cluster.layers[1] - cluster.layers[0]
    if not cluster.chiplets:
        faults.append(f"{place}.chiplets: expected at least one chiplet")
    if len(cluster.partitions) != length:
        faults.append(f"{place}.partitions: expected {length} (one per layer), got {len(cluster.partitions)}")
    samples, rows, columns = cluster.tiles
    if min(cluster.tiles) < 1:
        faults.append(f"{place}.tiles: expected positive numbers, got {list(cluster.tiles)}")
    elif cluster.chiplets and samples * rows * columns > len(cluster.chiplets):
        faults.append(
            f"{place}.tiles: {samples} x {rows} x {columns} tiles need more than its "
            f"{len(cluster.chiplets)} chiplets"
        )
    if samples > max(micro_batch, 1):
        faults.append(f"{place}.tiles: {samples} sample tiles for a micro-batch of {micro_batch}")
    return faults
