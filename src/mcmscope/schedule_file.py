"""Schedule files: a schedule with all it takes to price it again, as JSON, checked when read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from mcmscope.errors import InputError
from mcmscope.files import json_text, read_json, write_text
from mcmscope.hardware.package import Package
from mcmscope.options import Faults
from mcmscope.schedule import Cluster, Objective, Schedule, Scheme, Segment, schedule_faults
from mcmscope.schemas import NAMES as SCHEMAS
from mcmscope.workload.network import Network

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from mcmscope.schedule_model import ClusterModel, FileModel, ScheduleModel

FORMAT = "mcmscope-schedule"
VERSION = 1

_SAID = {"missing": "is missing", "extra_forbidden": "unknown key"}
_EXPECTED = {
    "greater_than_equal": "{ge} or more",
    "less_than_equal": "{le} or less",
    "int_type": "a whole number",
    "enum": "{expected}",
    "literal_error": "{expected}",
    "tuple_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
}
"""What a field of a wrong type or range should be, by pydantic's name for the fault."""


@dataclass(frozen=True, slots=True)
class SavedSchedule:
    """What a schedule file holds: the schedule and what it was made for."""

    network: Network
    package: Package
    batch: int
    objective: Objective
    scheme: Scheme
    schedule: Schedule


def save_schedule(saved: SavedSchedule, path: str | Path) -> None:
    """Write a schedule file, whole or not at all; the same bytes for the same schedule.

    Raises:
        InputError: it cannot be written.
    """
    write_text(Path(path), json_text(saved_to_dict(saved)))


def load_schedule(path: str | Path) -> SavedSchedule:
    """Read a schedule file.

    Raises:
        InputError: every fault of the file, each with its path in the JSON; for a directory or another file
            of mcmscope's, which file to give instead.
    """
    place = Path(path)
    if place.is_dir():
        raise InputError(f"{path}: is a directory, expected a schedule file: {_instead(place)}")
    data = read_json(place)
    kind = _kind(data)
    if kind:
        raise InputError(f"{path}: is a {kind} file, expected a schedule file: {_instead(place.parent)}")
    return saved_from_dict(data, where=str(path))


def _kind(data: object) -> str:
    """Which of mcmscope's files this is, ``result`` or ``simulation``; empty: a schedule or none of them."""
    given = cast("dict[str, object]", data).get("format") if isinstance(data, dict) else None
    kinds = {f"mcmscope-{name}": name for name in SCHEMAS if name != "schedule"}
    return kinds.get(given, "") if isinstance(given, str) else ""


def _instead(folder: Path) -> str:
    """Which schedule files could have been meant."""
    found = sorted(folder.glob("schedule-*.json"))
    if not found:
        return "give a schedule-SCHEME.json of `mcmscope run --out`"
    return f"give {' or '.join(str(path) for path in found)}"


def saved_to_dict(saved: SavedSchedule) -> dict[str, Any]:
    """The content of a schedule file."""
    from mcmscope.hardware.dump import package_to_dict
    from mcmscope.workload.json_format import network_to_dict

    network = saved.network
    return {
        "format": FORMAT,
        "version": VERSION,
        "scheme": saved.scheme.value,
        "objective": saved.objective.value,
        "batch": saved.batch,
        "precision": _precision(network),
        "schedule": schedule_to_dict(saved.schedule),
        "package": package_to_dict(saved.package),
        "network": network_to_dict(network),
    }


def schedule_to_dict(schedule: Schedule) -> dict[str, Any]:
    """A schedule as plain data, as in results and schedule files."""
    return {
        "replicas": schedule.replicas,
        "segments": [
            {
                "layers": list(segment.layers),
                "micro_batch": segment.micro_batch,
                "clusters": [
                    {
                        "layers": list(cluster.layers),
                        "chiplets": list(cluster.chiplets),
                        "tiles": list(cluster.tiles),
                        "partitions": [partition.value for partition in cluster.partitions],
                    }
                    for cluster in segment.clusters
                ],
            }
            for segment in schedule.segments
        ],
    }


def saved_from_dict(data: object, *, where: str) -> SavedSchedule:
    """The saved schedule of such plain data.

    Raises:
        InputError: every fault, each as ``where: path.in[0].the.data: what``.
    """
    from mcmscope.hardware.loader import package_from_dict
    from mcmscope.workload.json_format import network_from_dict

    content = _checked_header(data, where)
    faults = Faults()
    model = faults.attempt(lambda: _model(content, where))
    network = faults.attempt(lambda: _part(content, "network", network_from_dict, where))
    package = faults.attempt(lambda: _part(content, "package", package_from_dict, where))
    faults.throw()
    assert model is not None
    assert network is not None
    assert package is not None
    found = [f"{where}: {fault}" for fault in _faults_between(model, network, package)]
    if found:
        raise InputError(found)
    schedule = _schedule(model.schedule)
    if any(cluster.tiles is None for segment in model.schedule.segments for cluster in segment.clusters):
        schedule = _with_tiles(schedule, model.schedule, network, package)
    return SavedSchedule(network, package, model.batch, model.objective, model.scheme, schedule)


def _checked_header(data: object, where: str) -> Mapping[str, object]:
    if not isinstance(data, dict):
        raise InputError(f"{where}: expected a JSON object with format {FORMAT!r}")
    content = cast("dict[str, object]", data)
    if content.get("format") != FORMAT:
        raise InputError(f"{where}: format: expected {FORMAT!r}, got {_shown(content.get('format'))}")
    version = content.get("version")
    if version != VERSION or isinstance(version, bool):
        raise InputError(f"{where}: version: this program reads version {VERSION}, got {_shown(version)}")
    return content


def _shown(value: object) -> str:
    text = repr(value)
    return "nothing" if value is None else text if len(text) <= 60 else text[:60] + "..."


def _model(content: Mapping[str, object], where: str) -> FileModel:
    from pydantic import ValidationError

    from mcmscope.schedule_model import FileModel

    try:
        return FileModel.model_validate(content)
    except ValidationError as error:
        raise InputError(
            f"{where}: {_place(item['loc'])}: {_said(item)}" for item in error.errors(include_url=False)
        ) from None


def _said(item: ErrorDetails) -> str:
    kind, context = item["type"], item.get("ctx", {})
    if kind in _SAID:
        return _SAID[kind]
    if kind == "too_long":
        return f"expected {context['max_length']} items, got {context['actual_length']}"
    if kind in _EXPECTED:
        return f"expected {_EXPECTED[kind].format(**context)}, got {_shown(item['input'])}"
    return f"{item['msg']}, got {_shown(item['input'])}"


def _place(steps: tuple[int | str, ...]) -> str:
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return path.removeprefix(".")


def _part(content: Mapping[str, object], key: str, read: Any, where: str) -> Any:
    """A network or a package by its own reader; a missing one is the model's fault to tell."""
    part = content.get(key)
    return read(part, where=f"{where}: {key}") if isinstance(part, dict) else None


def _faults_between(model: FileModel, network: Network, package: Package) -> list[str]:
    """Faults that lie between fields: precision, the schedule's own, its scheme's."""
    faults: list[str] = []
    given = model.precision.model_dump() if model.precision else {}
    for key, bits in _precision(network).items():
        if given.get(key, bits) != bits:
            faults.append(f"precision.{key}: is {given[key]}, but the network's is {bits}")
    schedule = _schedule(model.schedule)
    own = schedule_faults(schedule, len(network), package.chiplets)
    for s, segment in enumerate(schedule.segments):
        if segment.micro_batch > model.batch:
            own.append(
                f"segments[{s}].micro_batch: {segment.micro_batch} is more than the batch {model.batch}"
            )
    return faults + [f"schedule.{fault}" for fault in own + scheme_faults(schedule, model.scheme)]


def scheme_faults(schedule: Schedule, scheme: Scheme) -> list[str]:
    """What makes ``schedule`` no member of ``scheme``."""
    faults: list[str] = []
    if schedule.replicas > 1 and scheme is not Scheme.DATA_PARALLEL:
        faults.append(f"replicas: {scheme.value} has 1, got {schedule.replicas}")
    if scheme is Scheme.FULL_PIPELINE and len(schedule.segments) > 1:
        faults.append(f"segments: {scheme.value} has 1, got {len(schedule.segments)}")
    one_cluster = scheme in (Scheme.SEQUENTIAL, Scheme.SEQUENTIAL_FUSED, Scheme.DATA_PARALLEL)
    one_layer = scheme in (Scheme.SEQUENTIAL, Scheme.FULL_PIPELINE, Scheme.SEGMENTED_PIPELINE)
    for s, segment in enumerate(schedule.segments):
        if one_cluster and len(segment.clusters) > 1:
            faults.append(f"segments[{s}].clusters: {scheme.value} has 1, got {len(segment.clusters)}")
        for c, cluster in enumerate(segment.clusters):
            length = cluster.layers[1] - cluster.layers[0]
            if one_layer and length > 1:
                faults.append(
                    f"segments[{s}].clusters[{c}].layers: {scheme.value} has one layer each, got {length}"
                )
    return faults


def _precision(network: Network) -> dict[str, int]:
    return {
        "weight_bits": network.weight_bits,
        "activation_bits": network.activation_bits,
        "partial_sum_bits": network.partial_sum_bits,
    }


def _schedule(model: ScheduleModel) -> Schedule:
    return Schedule(
        tuple(
            Segment(
                segment.layers, segment.micro_batch, tuple(_cluster(cluster) for cluster in segment.clusters)
            )
            for segment in model.segments
        ),
        model.replicas,
    )


def _cluster(model: ClusterModel) -> Cluster:
    return Cluster(model.layers, model.chiplets, model.tiles or (1, 1, 1), model.partitions)


def _with_tiles(schedule: Schedule, model: ScheduleModel, network: Network, package: Package) -> Schedule:
    """``schedule`` with the best grid for each cluster whose file entry has no ``tiles``."""
    from dataclasses import replace

    from mcmscope.tiles import best_grid

    segments = [
        replace(
            segment,
            clusters=tuple(
                replace(cluster, tiles=best_grid(cluster, segment.micro_batch, network, package))
                if given.tiles is None
                else cluster
                for cluster, given in zip(segment.clusters, entry.clusters, strict=True)
            ),
        )
        for segment, entry in zip(schedule.segments, model.segments, strict=True)
    ]
    return replace(schedule, segments=tuple(segments))
