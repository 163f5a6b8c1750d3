"""A result read back from the files of ``run --out``, with what else was found out beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from mcmscope.cost.evaluate import Evaluation, evaluate
from mcmscope.errors import InputError
from mcmscope.files import read_json
from mcmscope.hardware.dump import package_to_dict
from mcmscope.hardware.loader import package_from_dict
from mcmscope.report.comparison import FORMAT as SIMULATION_FORMAT
from mcmscope.report.comparison import simulation_file_name
from mcmscope.report.pareto import FORMAT as PARETO_FORMAT
from mcmscope.report.pareto import JSON_FILE as PARETO_FILE
from mcmscope.report.quality import FORMAT as QUALITY_FORMAT
from mcmscope.report.quality import JSON_FILE as QUALITY_FILE
from mcmscope.report.result_json import RESULT_FORMAT, VERSION, figures, network_summary
from mcmscope.report.save import NETWORK_FILE, RESULT_FILE, schedule_file_name
from mcmscope.result import Certificate, Result, SchemeResult
from mcmscope.schedule import Objective, Scheme
from mcmscope.schedule_file import SavedSchedule, load_schedule, schedule_to_dict
from mcmscope.schemas import schema_faults
from mcmscope.workload.json_format import read_network
from mcmscope.workload.network import Network

Data = Mapping[str, Any]
"""What a JSON file holds, under its schema."""


@dataclass(frozen=True, slots=True)
class Findings:
    """A result, and the files of other commands beside it that are of the same case.

    ``simulations``, ``quality`` and ``pareto`` are the content of those files. ``notes`` says which files
    were left out, and why. ``folder`` is where all of it lies.
    """

    result: Result
    simulations: Mapping[Scheme, Data] = field(default_factory=dict[Scheme, Data])
    quality: Data | None = None
    pareto: Data | None = None
    notes: tuple[str, ...] = ()
    folder: Path = Path()

    def saved(self, row: SchemeResult) -> SavedSchedule:
        """The schedule of a feasible scheme with what it was made for."""
        if row.schedule is None:
            raise ValueError(f"{row.scheme} has no schedule")
        found = self.result
        return SavedSchedule(
            found.network, found.package, found.batch, found.objective, row.scheme, row.schedule
        )


def load_findings(path: str | Path) -> Findings:
    """Read a directory that ``run --out`` wrote, or its ``result.json``.

    Schedules are priced again, which gives what the views need beyond the figures in the file.

    Raises:
        InputError: a file is missing, broken, of another run or of another version of the model.
    """
    given = Path(path)
    where = given / RESULT_FILE if given.is_dir() else given
    data = _result_data(where)
    result = _result(data, where)
    return with_others(result, where.parent)


def with_others(result: Result, folder: Path) -> Findings:
    """``result`` with simulations, ranks and front that the folder has for the same case.

    Never fails: a file that cannot be read is left out, with a note.
    """
    notes: list[str] = []
    simulations: dict[Scheme, Data] = {}
    for row in result.schemes:
        path = folder / simulation_file_name(row.scheme)
        if row.schedule is None or not path.is_file():
            continue
        found = _other(path, SIMULATION_FORMAT, result, notes)
        if found is not None and _same_but_places(found["schedule"], schedule_to_dict(row.schedule)):
            simulations[row.scheme] = found
        elif found is not None:
            notes.append(f"{path.name} is of another schedule and left out: simulate again.")
    extra: dict[str, Data | None] = {}
    for name, kind in ((QUALITY_FILE, QUALITY_FORMAT), (PARETO_FILE, PARETO_FORMAT)):
        path = folder / name
        extra[name] = _other(path, kind, result, notes) if path.is_file() else None
    return Findings(result, simulations, extra[QUALITY_FILE], extra[PARETO_FILE], tuple(notes), folder)


def _other(path: Path, kind: str, result: Result, notes: list[str]) -> Data | None:
    """A file of another command; None with a note if it is of another case or cannot be read."""
    try:
        data = _checked(path, kind)
    except InputError as error:
        notes.append(f"{path.name} is left out: {error.faults[0].removeprefix(str(path)).lstrip(': ')}.")
        return None
    same = (
        data["network"] == network_summary(result.network)
        and data["package"] == package_to_dict(result.package)
        and data["batch"] == result.batch
    )
    if not same:
        notes.append(f"{path.name} is of another network, package or batch and left out.")
    return data if same else None


def _same_but_places(one: Any, other: Any) -> bool:
    """Whether two schedules differ in nothing but where their regions lie."""

    def shape(schedule: Any) -> Any:
        return [
            (
                segment["layers"],
                segment["micro_batch"],
                [
                    (cluster["layers"], len(cluster["chiplets"]), cluster["tiles"], cluster["partitions"])
                    for cluster in segment["clusters"]
                ],
            )
            for segment in schedule["segments"]
        ]

    return one["replicas"] == other["replicas"] and shape(one) == shape(other)


def _checked(path: Path, kind: str) -> Data:
    """The content of one of our files, held against its schema."""
    data = read_json(path)
    if not isinstance(data, dict) or cast("dict[str, Any]", data).get("format") != kind:
        raise InputError(f"{path}: format: expected {kind!r}: the file that mcmscope wrote")
    content = cast("dict[str, Any]", data)
    if content.get("version") != VERSION:
        raise InputError(f"{path}: version: this program reads version {VERSION}")
    faults = schema_faults(kind.removeprefix("mcmscope-"), content)
    if faults:
        raise InputError(f"{path}: {fault}" for fault in faults)
    return content


def _result_data(where: Path) -> Data:
    return _checked(where, RESULT_FORMAT)


def _result(data: Data, where: Path) -> Result:
    """The result whose schemes are in ``data``; its schedules, or its network alone, are files beside it."""
    faults: list[str] = []
    schedules: dict[str, SavedSchedule] = {}
    for entry in data["schemes"]:
        if not entry["feasible"]:
            continue
        path = where.parent / schedule_file_name(Scheme(entry["scheme"]))
        try:
            saved = load_schedule(path)
        except InputError as error:
            faults += error.faults
            continue
        if not _is_of(saved, data, entry):
            faults.append(f"{path}: is not the schedule of {where}: run again")
        schedules[entry["scheme"]] = saved
    if faults:
        raise InputError(faults)
    first = next(iter(schedules.values()), None)
    network = first.network if first else _network(data, where)
    package = first.package if first else package_from_dict(data["package"], f"{where}: package")
    rows = tuple(_row(entry, schedules.get(entry["scheme"]), where) for entry in data["schemes"])
    objective, interrupted = Objective(data["objective"]), data.get("interrupted", False)
    return Result(network, package, data["batch"], objective, rows, interrupted)


def _network(data: Data, where: Path) -> Network:
    """The network of a result in which no scheme fits.

    Raises:
        InputError: its file is missing, broken or another network's.
    """
    path = where.parent / NETWORK_FILE
    if not path.is_file():
        raise InputError(f"{where}: no scheme fits, and there is no {NETWORK_FILE} beside it: run again")
    network = read_network(path)
    if network_summary(network) != data["network"]:
        raise InputError(f"{path}: is not the network of {where}: run again")
    return network


def _is_of(saved: SavedSchedule, data: Data, entry: Data) -> bool:
    return (
        network_summary(saved.network) == data["network"]
        and package_to_dict(saved.package) == data["package"]
        and saved.batch == data["batch"]
        and saved.scheme.value == entry["scheme"]
        and schedule_to_dict(saved.schedule) == entry["schedule"]
    )


def _row(entry: Data, saved: SavedSchedule | None, where: Path) -> SchemeResult:
    evaluation: Evaluation | None = None
    if saved is not None:
        evaluation = evaluate(saved.schedule, saved.network, saved.package, saved.batch)
        told = {key: entry[key] for key in figures(None)}
        if not evaluation.feasible or figures(evaluation) != told:
            raise InputError(
                f"{where}: the figures of {entry['scheme']} are not those of its schedule by this version "
                "of the model: run again"
            )
    certificate = entry["certificate"]
    return SchemeResult(
        scheme=Scheme(entry["scheme"]),
        search=entry["search"],
        certificate=Certificate(
            certificate["status"],
            certificate["gap"],
            int(certificate["space_size"]),
            int(certificate["states"]),
            certificate["start"],
        ),
        feasible=entry["feasible"],
        reason=entry["reason"],
        search_s=entry["search_s"],
        energy_profile=entry["energy_profile"],
        schedule=saved.schedule if saved else None,
        evaluation=evaluation,
        speedup_over_segmented=entry["speedup_over_segmented"],
    )
