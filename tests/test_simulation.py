"""``mcmscope simulate``: figures side by side, links, reasons, files, and what it refuses."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from jsonschema import Draft202012Validator, validate

import mcmscope
from mcmscope.comparison import Cause, Comparison, compare
from mcmscope.errors import InputError
from mcmscope.report.comparison import comparison_to_dict
from mcmscope.report.differences import difference_lines, difference_rows
from mcmscope.report.links import used_links
from mcmscope.report.plots.links import links_figure
from mcmscope.report.plots.style import svg
from mcmscope.report.show_comparison import figure_rows, link_lines, segment_rows, stage_rows
from mcmscope.report.views.traffic import traffic
from mcmscope.schedule import Cluster, Objective, Partition, Schedule, Scheme, Segment
from mcmscope.schedule_file import SavedSchedule, save_schedule
from mcmscope.schemas import schema
from mcmscope.simulate import IDEALS, simulate
from tests.cli.calls import ok, refused
from tests.cost.test_hand_case import NETWORK, ORDER, PACKAGE

BATCH = 7
"""Not a multiple of the micro-batch: the last beat is not full."""


def pipeline(first: tuple[int, ...], second: tuple[int, ...], scheme: Scheme) -> SavedSchedule:
    """The case of ``docs/model.md`` in two stages."""
    clusters = (
        Cluster((0, 1), first, (1, len(first), 1), (Partition.WSP,)),
        Cluster((1, 2), second, (1, 1, 1), (Partition.ISP,)),
    )
    schedule = Schedule((Segment((0, 2), 2, clusters),))
    return SavedSchedule(NETWORK, PACKAGE, BATCH, Objective.THROUGHPUT, scheme, schedule)


PIPELINE = pipeline(ORDER[:2], ORDER[2:], Scheme.FULL_PIPELINE)
ASTRAY = pipeline((0, 3), (1, 2), Scheme.FULL_PIPELINE)
"""The same with regions whose chiplets do not touch."""


@pytest.fixture(scope="module")
def found() -> Comparison:
    return compare(PIPELINE)


@pytest.fixture(scope="module")
def layerwise() -> Comparison:
    """Two segments, of one stage each."""
    segments = tuple(
        Segment((l, l + 1), 1, (Cluster((l, l + 1), ORDER, (1, 2, 2), (Partition.WSP_SHARDED,)),))
        for l in range(2)
    )
    return compare(replace(PIPELINE, scheme=Scheme.SEQUENTIAL, schedule=Schedule(segments)))


@pytest.fixture
def file(tmp_path: Path) -> str:
    save_schedule(PIPELINE, tmp_path / "schedule.json")
    return str(tmp_path / "schedule.json")


def test_all_parts_are_printed(file: str) -> None:
    out = ok("simulate", file).stdout
    for fact in (
        "two layers (2 layers",
        "on four chiplets (2 x 2 chiplets), batch 7",
        "as full-pipeline, simulated event by event",
        "samples per s",
        "one sample",
        "mJ per sample",
        "finds its weights resident, in both",
        "Energies by profile hand.",
        "flow line",
        "interval",
        "Links are busy ",
        "DRAM ports are busy ",
        "The simulated batch takes ",
    ):
        assert fact in out


def test_files_and_json_are_the_same_and_follow_the_schema(file: str, tmp_path: Path) -> None:
    Draft202012Validator.check_schema(schema("simulation"))
    first, second = tmp_path / "first", tmp_path / "second"
    data = json.loads(ok("simulate", file, "--out", str(first), "--json").stdout)
    validate(data, schema("simulation"))
    assert ok("simulate", file, "--out", str(second)).stdout.endswith("simulation-full-pipeline.json.\n")
    names = ["links-full-pipeline.svg", "simulation-full-pipeline.json"]
    assert sorted(path.name for path in first.iterdir()) == names
    for name in names:
        assert (first / name).read_bytes() == (second / name).read_bytes()
    assert json.loads((first / names[1]).read_text()) == data


def test_the_data_are_those_of_the_simulation_and_the_model(found: Comparison) -> None:
    data = comparison_to_dict(found)
    simulated = simulate(PIPELINE.schedule, NETWORK, PACKAGE, BATCH)
    modelled = mcmscope.evaluate(PIPELINE)
    assert data["simulated_throughput_per_s"] == simulated.throughput_per_s
    assert data["modelled_throughput_per_s"] == modelled.throughput_per_s
    assert data["modelled_flow_line_throughput_per_s"] == modelled.flow_line_throughput_per_s
    assert data["simulated_energy_j_per_sample"] == simulated.energy_j_per_sample
    assert data["modelled_energy_j_per_sample"] == modelled.energy_j_per_sample
    assert data["macs"] == BATCH * NETWORK.macs
    assert data["sent_bytes"] == data["received_bytes"] > 0
    (segment,) = data["segments"]
    assert [stage["chiplets"] for stage in segment["stages"]] == [list(ORDER[:2]), list(ORDER[2:])]
    assert segment["simulated_load_s"] + segment["simulated_run_s"] == simulated.batch_s
    run_s = modelled.segments[0].flow_line_run_s
    assert segment["modelled_load_s"] + run_s == pytest.approx(BATCH / modelled.flow_line_throughput_per_s)


def test_links_are_told_by_chiplet_and_direction(found: Comparison) -> None:
    links = comparison_to_dict(found)["links"]
    ways = ("east", "west", "south", "north")
    by_chiplet: list[dict[str, Any]] = links["chiplets"]
    assert [sorted(set(entry) & set(ways)) for entry in by_chiplet] == [
        ["east", "south"],
        ["south", "west"],
        ["east", "north"],
        ["north", "west"],
    ]
    loads = [entry[way] for entry in by_chiplet for way in ways if way in entry]
    assert links["max_utilization"] == pytest.approx(max(load["utilization"] for load in loads), abs=1e-6)
    assert links["mean_utilization"] == pytest.approx(sum(x["utilization"] for x in loads) / 8, abs=1e-6)
    busiest = max(loads, key=lambda load: load["bytes"])
    beta = PACKAGE.nop.link_mb_per_s * 1e6
    assert busiest["utilization"] == pytest.approx(
        busiest["bytes"] / beta / found.simulation.batch_s, abs=1e-5
    )
    assert [port["chiplet"] for port in links["dram_ports"]] == [0, 1, 2, 3]
    moved = sum(port["channels"]["bytes"] for port in links["dram_ports"])
    assert moved == pytest.approx(found.simulation.read_bytes + found.simulation.write_bytes, abs=4)
    assert links["all_bytes"] == pytest.approx(sum(load["bytes"] for load in loads), abs=8)
    assert links["max_bytes"] == busiest["bytes"]
    first = used_links(found.simulation)[0]
    assert f"  {first.place}: " in link_lines(found)[1]


def links_picture(found: Comparison) -> str:
    return svg(lambda: links_figure(found.saved, traffic(comparison_to_dict(found))))


def test_the_picture_is_whole_and_shows_all_links(found: Comparison) -> None:
    text = links_picture(found)
    assert ElementTree.fromstring(text).tag == "{http://www.w3.org/2000/svg}svg"
    assert "date" not in text
    arrows = text[text.index('<g id="Quiver_1"') :]
    assert arrows[: arrows.index("</g>\n")].count("<path") == 8


def test_names_cannot_break_the_picture(found: Comparison) -> None:
    odd = replace(PIPELINE, network=replace(NETWORK, name="a $x_ <b> \n\x1b"))
    ElementTree.fromstring(links_picture(replace(found, saved=odd)))


def test_a_package_of_one_chiplet_has_no_links() -> None:
    lone = replace(PACKAGE, rows=1, columns=1)
    cluster = Cluster((0, 2), (0,), (1, 1, 1), (Partition.WSP, Partition.WSP))
    schedule = Schedule((Segment((0, 2), 1, (cluster,)),))
    saved = replace(PIPELINE, package=lone, schedule=schedule, scheme=Scheme.SEQUENTIAL_FUSED)
    found = compare(saved)
    data = comparison_to_dict(found)
    validate(data, schema("simulation"))
    assert data["links"]["max_utilization"] == 0
    assert [line.split()[0] for line in link_lines(found)] == ["DRAM"]
    ElementTree.fromstring(links_picture(found))


def test_what_leaving_causes_out_saves_adds_up(found: Comparison, layerwise: Comparison) -> None:
    for one in (found, layerwise):
        assert sorted(cause.name for cause in one.causes) == sorted(IDEALS)
        assert [cause.alone_s for cause in one.causes] == sorted(cause.alone_s for cause in one.causes)
        assert one.causes[0].in_turn_s == one.causes[0].alone_s
        assert sum(one.in_turn()) == pytest.approx(one.simulation.batch_s - one.ideal_s)
        whole = simulate(one.saved.schedule, NETWORK, PACKAGE, BATCH, without=frozenset(IDEALS))
        assert one.ideal_s == whole.batch_s
        gap = comparison_to_dict(one)["gap"]
        assert not one.near
        shares = [cause["share_in_turn"] for cause in gap["causes"]]
        assert sum(shares) + gap["rest_share"] == pytest.approx(1)
        assert len(difference_rows(one)) == len(IDEALS) + 3


def test_rows_have_a_cell_for_every_heading(layerwise: Comparison) -> None:
    assert {len(row) for row in figure_rows(layerwise)} == {6}
    assert {len(row) for row in segment_rows(layerwise)} == {9}
    assert {len(row) for row in stage_rows(layerwise)} == {10}
    assert [row[0] for row in segment_rows(layerwise)] == ["1", "2"]
    assert [row[0] for row in stage_rows(layerwise)] == ["1.1", "2.1"]


def test_weights_are_resident_only_in_one_segment(found: Comparison, layerwise: Comparison) -> None:
    assert found.resident
    assert found.latency_s == found.alone.batch_s - found.alone.segments[0].load_s
    assert not layerwise.resident
    assert layerwise.latency_s == layerwise.alone.batch_s


def made_up(
    found: Comparison, simulated: float, *in_turn: float, links: float = 1.0, both: float = 1.0
) -> str:
    """What is said of times that are so many times the model's flow line."""
    line_s = found.flow_line_s
    causes = tuple(
        Cause(name, times * line_s, times * line_s) for name, times in zip(IDEALS, in_turn, strict=True)
    )
    return " ".join(
        difference_lines(
            replace(
                found,
                simulation=replace(found.simulation, batch_s=simulated * line_s),
                causes=causes,
                unlimited_links_ratio=links,
                unlimited_ratio=both,
            )
        )
    )


@pytest.mark.parametrize(
    ("times", "unlimited", "words"),
    [
        ((1.005, 1, 1, 1, 1), (1, 1), "within 1% of the model's flow line."),
        (
            (0.8, 0.7, 0.7, 0.7, 0.7),
            (1, 1),
            "(20%) less than the model's flow line: the model is not optimistic",
        ),
        (
            (1.5, 1.0, 0.9, 0.9, 0.9),
            (1, 1),
            "(50%) more than the model's flow line, which is optimistic. Without contention for links and "
            "DRAM (100% of that) the simulator is as fast as the model.",
        ),
        (
            (1.5, 1.2, 1.0, 1.0, 1.0),
            (1, 1),
            "Without contention for links and DRAM (60% of that) and the latency of hops (40% of that) the",
        ),
        (
            (1.5, 1.4, 1.4, 1.3, 1.3),
            (1, 1),
            "the greatest first, what explains it is contention for links and DRAM (20% of that) and the "
            "limits of DRAM (20% of that). 60% of that stays when all four are left out. With links that "
            "have no limit, in both, the simulator comes to 1.00x of the model: single exchanges take longer",
        ),
        (
            (1.5, 1.5, 1.5, 1.5, 1.5),
            (0.7, 1.0),
            "Left out, contention for links and DRAM, the latency of hops, the limits of DRAM and full "
            "buffers explain little of that. 100% of that stays when all four are left out. With links that "
            "have no limit, in both, the simulator comes to 0.70x of the model, with DRAM that has none "
            "either to 1.00x: traffic from and to DRAM hides less",
        ),
        (
            (1.5, 1.5, 1.5, 1.5, 1.5),
            (0.7, 0.7),
            "with DRAM that has none either to 0.70x: it is not traffic alone.",
        ),
    ],
)
def test_differences_in_words(
    found: Comparison, times: tuple[float, ...], unlimited: tuple[float, float], words: str
) -> None:
    assert words in made_up(found, *times, links=unlimited[0], both=unlimited[1])


def test_placement_moves_regions_to_the_serpentine_order(tmp_path: Path) -> None:
    save_schedule(ASTRAY, tmp_path / "astray.json")
    file = str(tmp_path / "astray.json")
    as_given = json.loads(ok("simulate", file, "--json").stdout)
    moved = json.loads(ok("simulate", file, "--json", "--placement", "serpentine").stdout)
    assert as_given["placement"] == "given"
    assert as_given["given_placement"] is None
    assert moved["placement"] == "serpentine"
    before = moved["given_placement"]
    assert before["simulated_throughput_per_s"] == as_given["simulated_throughput_per_s"]
    assert before["max_bytes"] == as_given["links"]["max_bytes"]
    assert before["all_bytes"] == as_given["links"]["all_bytes"] > moved["links"]["all_bytes"]
    validate(moved, schema("simulation"))
    clusters = moved["schedule"]["segments"][0]["clusters"]
    assert [cluster["chiplets"] for cluster in clusters] == [list(ORDER[:2]), list(ORDER[2:])]
    assert moved["modelled_throughput_per_s"] == as_given["modelled_throughput_per_s"]
    assert "Regions as given: " in ok("simulate", file, "--placement", "serpentine").stdout


def test_placement_search_is_never_slower(tmp_path: Path) -> None:
    save_schedule(ASTRAY, tmp_path / "astray.json")
    data = json.loads(ok("simulate", str(tmp_path / "astray.json"), "--json", "--placement", "search").stdout)
    assert data["placement"] == "search"
    assert data["simulated_throughput_per_s"] >= data["given_placement"]["simulated_throughput_per_s"]


def test_bad_input_is_told(file: str, tmp_path: Path) -> None:
    assert refused("simulate", str(tmp_path / "none.json")) == [f"{tmp_path / 'none.json'}: no such file"]
    (tmp_path / "broken.json").write_text("{")
    assert ":1: not JSON: " in refused("simulate", str(tmp_path / "broken.json"))[0]
    assert "unknown placement 'best'" in refused("simulate", file, "--placement", "best")[0]
    assert len(refused("simulate", str(tmp_path / "none.json"), "--placement", "best", "--out", "")) == 3
    assert "is a file, expected a directory" in refused("simulate", file, "--out", file)[0]
    data = json.loads(Path(file).read_text())
    data["schedule"]["segments"][0]["clusters"][0]["chiplets"] = [0, 9]
    data["schedule"]["segments"][0]["clusters"][1]["partitions"] = []
    (tmp_path / "faulty.json").write_text(json.dumps(data))
    faults = refused("simulate", str(tmp_path / "faulty.json"))
    assert any("9 is not on a package of 4" in fault for fault in faults)
    assert any("partitions: expected 1" in fault for fault in faults)


def test_what_does_not_fit_is_refused_with_the_reason(tmp_path: Path) -> None:
    cluster = Cluster((0, 2), (0,), (1, 1, 1), (Partition.WSP, Partition.WSP))
    tight = replace(PACKAGE, chiplet=replace(PACKAGE.chiplet, weight_buffer_bytes=4096))
    schedule = Schedule((Segment((0, 2), 1, (cluster,)),))
    saved = replace(PIPELINE, package=tight, schedule=schedule, scheme=Scheme.MERGED_PIPELINE)
    save_schedule(saved, tmp_path / "tight.json")
    (fault,) = refused("simulate", str(tmp_path / "tight.json"))
    assert fault.startswith("the schedule does not fit, so it cannot be simulated: the weights of a cluster")


def test_replicas_must_lie_where_the_first_one_says() -> None:
    half = replace(PIPELINE.schedule.segments[0], layers=(0, 2), micro_batch=1)
    for first, second, fits in ((0, 1, True), (0, 3, False)):
        clusters = (
            Cluster((0, 1), (first,), (1, 1, 1), (Partition.WSP,)),
            Cluster((1, 2), (second,), (1, 1, 1), (Partition.WSP,)),
        )
        schedule = Schedule((replace(half, clusters=clusters),), replicas=2)
        if fits:
            assert mcmscope.simulate_schedule(schedule, NETWORK, PACKAGE, BATCH).macs == BATCH * NETWORK.macs
            continue
        with pytest.raises(InputError, match=r"3 is not in the first of 2 replicas.*: 0, 1$"):
            mcmscope.simulate_schedule(schedule, NETWORK, PACKAGE, BATCH)


def test_the_python_verb(found: Comparison) -> None:
    assert mcmscope.simulate_schedule(PIPELINE).batch_s == found.simulation.batch_s
    plain = mcmscope.simulate_schedule(PIPELINE.schedule, NETWORK, PACKAGE, BATCH)
    assert plain.batch_s == found.simulation.batch_s
    assert mcmscope.simulate_schedule(PIPELINE, batch=1).batch == 1
    with pytest.raises(TypeError, match="network and package"):
        mcmscope.simulate_schedule(PIPELINE.schedule)
    with pytest.raises(InputError, match="the network has 8 layers"):
        mcmscope.simulate_schedule(PIPELINE, "alexnet")
    with pytest.raises(InputError, match="more than the 1000000 that are simulated: take a smaller batch"):
        mcmscope.simulate_schedule(PIPELINE, batch=10**7)
