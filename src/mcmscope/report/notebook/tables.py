"""Tables of a result or a schedule as columns, and as data frames."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

from mcmscope.options import one_of
from mcmscope.report.result_json import result_to_dict
from mcmscope.report.views.layers import layer_rows
from mcmscope.report.views.stages import segment_rows
from mcmscope.result import Result, SchemeResult
from mcmscope.schedule import Schedule
from mcmscope.schedule_file import SavedSchedule

if TYPE_CHECKING:
    from pandas import DataFrame as PandasFrame
    from polars import DataFrame as PolarsFrame

Row = dict[str, Any]
Columns = dict[str, list[Any]]

TABLES = ("schemes", "segments", "stages", "layers")
"""Tables of a result."""


def result_columns(result: Result, table: str) -> Columns:
    """A table of ``TABLES``: a row per scheme, or per segment, stage or layer of all feasible schemes.

    Schemes have the keys of ``result.json``; the others those of the report's views. Segments, stages and
    layers count from 0.

    Raises:
        InputError: there is no such table.
    """
    name = one_of("table", table, TABLES)
    if name == "schemes":
        schemes: list[Row] = result_to_dict(result)["schemes"]
        rows: Iterable[Row] = [{key: x for key, x in row.items() if key != "schedule"} for row in schemes]
    else:
        rows = [row for scheme in result.schemes for row in _rows_of(result, scheme, name)]
    return columns([flat(row) for row in rows])


def _rows_of(result: Result, row: SchemeResult, table: str) -> list[Row]:
    if row.schedule is None or row.evaluation is None:
        return []
    saved = SavedSchedule(
        result.network, result.package, result.batch, result.objective, row.scheme, row.schedule
    )
    scheme = {"scheme": row.scheme.value}
    if table == "layers":
        return [{**scheme, **asdict(x)} for x in layer_rows(saved, row.evaluation)]
    segments = segment_rows(saved, row.evaluation)
    if table == "stages":
        return [{**scheme, **asdict(x)} for segment in segments for x in segment.stages]
    return [
        {**scheme, **{key: x for key, x in asdict(segment).items() if key != "stages"}}
        | {"stages": len(segment.stages)}
        for segment in segments
    ]


def schedule_columns(schedule: Schedule) -> Columns:
    """A row per layer: where and how it runs. ``chiplet_ids`` are those of the first replica."""
    return columns(
        [
            {
                "layer": layer,
                "segment": s,
                "stage": c,
                "micro_batch": segment.micro_batch,
                "partition": partition.value,
                **_tiles(cluster.tiles),
                "chiplets": len(cluster.chiplets),
                "chiplet_ids": list(cluster.chiplets),
                "replicas": schedule.replicas,
            }
            for s, segment in enumerate(schedule.segments)
            for c, cluster in enumerate(segment.clusters)
            for layer, partition in zip(range(*cluster.layers), cluster.partitions, strict=True)
        ]
    )


def flat(row: Mapping[str, Any]) -> Row:
    """A row without containers: ``energy_j: {"mac": 1}`` becomes ``energy_j_mac: 1``."""
    out: Row = {}
    for key, value in row.items():
        if isinstance(value, dict):
            out.update({f"{key}_{name}": x for name, x in cast("Row", value).items()})
        elif key == "layers":
            out["first_layer"], out["end_layer"] = value
        elif key == "tiles":
            out.update(_tiles(value))
        else:
            out[key] = value
    return out


def _tiles(tiles: tuple[int, int, int]) -> Row:
    return dict(zip(("tile_samples", "tile_rows", "tile_columns"), tiles, strict=True))


def columns(rows: list[Row]) -> Columns:
    """Rows as columns, in the order in which names first appear; what a row does not have is None."""
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


def pandas_frame(table: Columns) -> PandasFrame:
    """As a pandas data frame.

    Raises:
        ImportError: pandas is not installed, with the mend.
    """
    return _library("pandas").DataFrame(table)


def polars_frame(table: Columns) -> PolarsFrame:
    """As a polars data frame.

    Raises:
        ImportError: polars is not installed, with the mend.
    """
    return _library("polars").DataFrame(table, infer_schema_length=None)


def _library(name: str) -> ModuleType:
    from importlib import import_module

    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise ImportError(
            f"to_{name} needs {name}, which is not installed: pip install {name}, or pip install "
            "'mcmscope[notebook]'",
            name=name,
        ) from None
