from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, validate

from mcmscope import InputError, evaluate, load_network, load_package, load_schedule, save_schedule
from mcmscope.cost.model import cost_model
from mcmscope.schedule import Cluster, Objective, Partition, Schedule, Scheme, Segment
from mcmscope.schedule_file import SavedSchedule, saved_from_dict, saved_to_dict
from mcmscope.schemas import NAMES, schema
from mcmscope.search.space import tile_grids

Content = dict[str, Any]


def cluster(first: int, end: int, start: int, count: int, partition: Partition = Partition.ISP) -> Cluster:
    return Cluster((first, end), tuple(range(start, start + count)), (1, 2, 2), (partition,) * (end - first))


@pytest.fixture(scope="module")
def saved() -> SavedSchedule:
    """AlexNet on 16 cores: two merged stages for the convolutions, then a segment for each linear layer."""
    stages = Segment(
        (0, 5), 2, (cluster(0, 2, 0, 8, Partition.WSP), cluster(2, 5, 8, 8, Partition.WSP_SHARDED))
    )
    linear = tuple(Segment((l, l + 1), 4, (cluster(l, l + 1, 0, 16),)) for l in range(5, 8))
    return SavedSchedule(
        load_network("alexnet", activation_bits=16),
        load_package("mesh-4x4"),
        8,
        Objective.THROUGHPUT,
        Scheme.MERGED_PIPELINE,
        Schedule((stages, *linear)),
    )


@pytest.fixture
def content(saved: SavedSchedule) -> Content:
    return deepcopy(saved_to_dict(saved))


def faults_of(content: object) -> tuple[str, ...]:
    with pytest.raises(InputError) as caught:
        saved_from_dict(content, where="s.json")
    return caught.value.faults


def test_a_file_gives_back_what_was_saved(saved: SavedSchedule, tmp_path: Path) -> None:
    path = tmp_path / "schedule.json"
    save_schedule(saved, path)
    again = load_schedule(path)
    assert again == saved
    assert evaluate(again) == evaluate(saved.schedule, saved.network, saved.package, saved.batch)


def test_a_file_is_the_same_bytes_each_time_and_leaves_nothing_else(
    saved: SavedSchedule, tmp_path: Path
) -> None:
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    save_schedule(saved, first)
    save_schedule(load_schedule(first), second)
    assert first.read_bytes() == second.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first.json", "second.json"]


def test_a_file_follows_the_schemas(content: Content) -> None:
    plain = json.loads(json.dumps(content))
    for name, part in (("schedule", plain), ("network", plain["network"]), ("package", plain["package"])):
        validate(part, schema(name))


def test_schemas_are_schemas_and_the_networks_is_in_step_with_its_reader() -> None:
    from mcmscope.workload.json_model import NetworkModel

    for name in NAMES:
        Draft202012Validator.check_schema(schema(name))
    shipped, made = schema("network"), NetworkModel.model_json_schema()
    assert shipped["properties"] == made["properties"]
    assert shipped["$defs"] == made["$defs"]
    with pytest.raises(KeyError):
        schema("nothing")


def test_the_file_names_its_precision(content: Content) -> None:
    assert content["precision"] == {"weight_bits": 8, "activation_bits": 16, "partial_sum_bits": 24}


def drop_tiles(content: Content) -> None:
    for segment in content["schedule"]["segments"]:
        for entry in segment["clusters"]:
            del entry["tiles"]


def test_without_tiles_the_fastest_grid_is_taken(saved: SavedSchedule, content: Content) -> None:
    drop_tiles(content)
    chosen = saved_from_dict(content, where="s.json").schedule
    first = chosen.segments[0]
    model = cost_model(saved.network, saved.package)
    assert model.machine.chiplets == 16
    best = evaluate(chosen, saved.network, saved.package, saved.batch).segments[0].stages[0].time_s
    for grid in tile_grids(8, 2):
        other = replace(first, clusters=(replace(first.clusters[0], tiles=grid), *first.clusters[1:]))
        plan = replace(chosen, segments=(other, *chosen.segments[1:]))
        time_s = evaluate(plan, saved.network, saved.package, saved.batch).segments[0].stages[0].time_s
        assert best <= time_s


def test_replicas_and_precision_may_be_left_out(content: Content, saved: SavedSchedule) -> None:
    del content["precision"]
    del content["schedule"]["replicas"]
    assert saved_from_dict(content, where="s.json") == saved


def at(content: Content, *path: str | int) -> Any:
    value: Any = content
    for step in path:
        value = value[step]
    return value


def setter(value: object, *path: str | int) -> Callable[[Content], None]:
    def change(content: Content) -> None:
        at(content, *path[:-1])[path[-1]] = value

    return change


def deleter(*path: str | int) -> Callable[[Content], None]:
    def change(content: Content) -> None:
        del at(content, *path[:-1])[path[-1]]

    return change


FIRST = ("schedule", "segments", 0, "clusters", 0)

BAD: list[tuple[Callable[[Content], None], str]] = [
    (
        setter("mcmscope-result", "format"),
        "s.json: format: expected 'mcmscope-schedule', got 'mcmscope-result'",
    ),
    (setter(2, "version"), "s.json: version: this program reads version 1, got 2"),
    (setter(True, "version"), "s.json: version: this program reads version 1, got True"),
    (deleter("version"), "s.json: version: this program reads version 1, got nothing"),
    (deleter("scheme"), "s.json: scheme: is missing"),
    (setter("merged", "scheme"), "s.json: scheme: expected 'sequential'"),
    (setter("speed", "objective"), "s.json: objective: expected 'throughput'"),
    (setter(0, "batch"), "s.json: batch: expected 1 or more, got 0"),
    (setter(2.0, "batch"), "s.json: batch: "),
    (setter("8", "batch"), "s.json: batch: expected a whole number, got '8'"),
    (setter(True, "batch"), "s.json: batch: "),
    (setter(float("nan"), "batch"), "s.json: batch: "),
    (setter(10**30, "batch"), "s.json: batch: expected 65536 or less, got 1000"),
    (setter(1, "batch"), "s.json: schedule.segments[0].micro_batch: 2 is more than the batch 1"),
    (setter(4, "extra"), "s.json: extra: unknown key"),
    (setter(4, "precision", "weight_bits"), "s.json: precision.weight_bits: is 4, but the network's is 8"),
    (setter([], "schedule"), "s.json: schedule: expected an object, got []"),
    (setter(None, "schedule", "segments", 1), "s.json: schedule.segments[1]: "),
    (setter([], "schedule", "segments"), "s.json: schedule.segments: expected at least one segment"),
    (
        deleter("schedule", "segments", 1),
        "s.json: schedule.segments[1].layers: starts at layer 6 but 5 is next",
    ),
    (deleter("schedule", "segments", 3), "s.json: schedule.segments: end at layer 7, the network has 8"),
    (setter(0, "schedule", "replicas"), "s.json: schedule.replicas: expected 1 or more, got 0"),
    (setter(2, "schedule", "replicas"), "s.json: schedule.replicas: merged-pipeline has 1, got 2"),
    (setter([0], *FIRST, "layers"), "s.json: schedule.segments[0].clusters[0].layers"),
    (setter([2, 0], *FIRST, "layers"), "s.json: schedule.segments[0].clusters[0].layers: "),
    (setter([0, -2], *FIRST, "layers"), "s.json: schedule.segments[0].clusters[0].layers[1]: "),
    (
        setter([0, 8], *FIRST, "chiplets"),
        "schedule.segments[0].clusters[1].chiplets: chiplet 8 is used twice",
    ),
    (
        setter([0, 16], *FIRST, "chiplets"),
        "schedule.segments[0].clusters[0].chiplets: 16 is not on a package",
    ),
    (setter([0, "x"], *FIRST, "chiplets"), "s.json: schedule.segments[0].clusters[0].chiplets[1]: "),
    (setter([], *FIRST, "chiplets"), "schedule.segments[0].clusters[0].chiplets: expected at least one"),
    (setter([1, 9, 9], *FIRST, "tiles"), "schedule.segments[0].clusters[0].tiles: 1 x 9 x 9 tiles"),
    (setter([4, 1, 1], *FIRST, "tiles"), "schedule.segments[0].clusters[0].tiles: 4 sample tiles"),
    (setter([1, 0, 1], *FIRST, "tiles"), "s.json: schedule.segments[0].clusters[0].tiles[1]: "),
    (setter(["ISP"], *FIRST, "partitions"), "schedule.segments[0].clusters[0].partitions: expected 2"),
    (
        setter(["ISP", "isp"], *FIRST, "partitions"),
        "s.json: schedule.segments[0].clusters[0].partitions[1]: ",
    ),
    (setter("sequential", "scheme"), "schedule.segments[0].clusters: sequential has 1, got 2"),
    (setter("full-pipeline", "scheme"), "schedule.segments: full-pipeline has 1, got 4"),
    (
        setter("segmented-pipeline", "scheme"),
        "clusters[0].layers: segmented-pipeline has one layer each, got 2",
    ),
    (deleter("network"), "s.json: network: is missing"),
    (setter("alexnet", "network"), "s.json: network: "),
    (setter(0, "network", "layers", 0, "groups"), "s.json: network.layers[0].groups: "),
    (setter([], "package"), "s.json: package: "),
    (setter(0, "package", "grid", "rows"), "s.json: package: grid.rows: "),
]


@pytest.mark.parametrize(("change", "message"), BAD, ids=[message[:60] for _, message in BAD])
def test_a_bad_file_is_refused_with_the_place(
    content: Content, change: Callable[[Content], None], message: str
) -> None:
    change(content)
    assert any(message in fault for fault in faults_of(content)), faults_of(content)


def test_all_faults_are_told_at_once(content: Content) -> None:
    content["batch"] = 0
    content["schedule"]["segments"][1]["micro_batch"] = "two"
    content["network"]["layers"][3]["groups"] = -1
    content["package"]["chiplet"]["pes"] = 0
    faults = faults_of(content)
    for place in ("batch", "schedule.segments[1].micro_batch", "network.layers[3].groups", "chiplet.pes"):
        assert any(place in fault for fault in faults), place
    assert all(fault.startswith("s.json: ") for fault in faults)


def test_faults_between_fields_are_told_at_once(content: Content) -> None:
    del content["schedule"]["segments"][2]
    content["schedule"]["segments"][0]["clusters"][1]["chiplets"][0] = 0
    content["precision"]["partial_sum_bits"] = 32
    faults = faults_of(content)
    assert len(faults) == 3


@pytest.mark.parametrize("content", [[], "text", 3, None, {}])
def test_other_json_is_no_schedule_file(content: object) -> None:
    assert "mcmscope-schedule" in faults_of(content)[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "s.json:1: not JSON"),
        (b"junk", "s.json:1: not JSON"),
        (b'{\n "format": "mcmscope-schedule",\n "ver', "s.json:3: not JSON"),
        (b"\xff\xfe\x00", "s.json: not JSON: it is not UTF-8"),
        (b"[" * 100_000, "s.json: nested too deeply"),
        (b"9" * 10_000, "s.json: cannot be read"),
    ],
    ids=["empty", "junk", "cut", "bytes", "deep", "long number"],
)
def test_what_is_not_json_is_refused(tmp_path: Path, text: bytes, message: str) -> None:
    path = tmp_path / "s.json"
    path.write_bytes(text)
    with pytest.raises(InputError) as caught:
        load_schedule(path)
    assert message in str(caught.value)
    assert len(caught.value.faults) == 1


def test_missing_files_and_directories_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        load_schedule(tmp_path / "none.json")
    with pytest.raises(InputError, match="is a directory"):
        load_schedule(tmp_path)


def test_a_file_cut_anywhere_is_refused(saved: SavedSchedule, tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    save_schedule(saved, path)
    whole = path.read_bytes()
    for end in range(0, len(whole) - 2, len(whole) // 40):
        path.write_bytes(whole[:end])
        with pytest.raises(InputError):
            load_schedule(path)


def test_a_file_that_cannot_be_written_is_an_input_error(saved: SavedSchedule, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        save_schedule(saved, tmp_path / "file" / "s.json")
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "inside").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        save_schedule(saved, tmp_path / "taken")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "taken"]
