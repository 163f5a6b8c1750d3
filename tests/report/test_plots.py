"""Pictures of a result: every view shows its figures, the same bytes each time, whatever names there are."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from typer.testing import Result

import mcmscope
from mcmscope.cli.app import BAD_INPUT, INTERRUPTED
from mcmscope.cli.plot import FORMATS as NAMED_FORMATS
from mcmscope.cli.plot import OF_A_SCHEME, OF_A_SEGMENT
from mcmscope.cli.plot import VIEWS as NAMED_VIEWS
from mcmscope.comparison import compare
from mcmscope.cost.energy import ENERGY_NAMES
from mcmscope.options import read_options
from mcmscope.pareto import pareto
from mcmscope.quality import quality
from mcmscope.report.plots import stages as stages_plot
from mcmscope.report.plots.case import PlotCase, plot_case
from mcmscope.report.plots.commands import case_command
from mcmscope.report.plots.energy import energy_figure
from mcmscope.report.plots.plot import VIEWS, draw
from mcmscope.report.plots.roofline import placed, roofline_figure
from mcmscope.report.plots.schemes import schemes_figure
from mcmscope.report.plots.stages import stages_figure
from mcmscope.report.plots.style import FORMATS, label, spread_labels, styled
from mcmscope.report.views.roofline import RoofPoint
from mcmscope.report.views.saved import load_findings
from mcmscope.schedule_file import load_schedule
from tests.cli import calls
from tests.cost.test_hand_case import NETWORK, PACKAGE

SCHEME = "merged-pipeline"
EVIL = 'a $x_ <b> & "\n\x1b'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All that commands write of the case of ``docs/model.md``."""
    place = tmp_path_factory.mktemp("out")
    mcmscope.run(NETWORK, PACKAGE, batch=8).save(place)
    for scheme in (SCHEME, "sequential"):
        compare(load_schedule(place / f"schedule-{scheme}.json")).save(place)
    options = read_options(8, "throughput", SCHEME, "linear", None)
    pareto(NETWORK, PACKAGE, options).save(place)
    quality(NETWORK, PACKAGE, options, ("linear",)).save(place)
    return place


@pytest.fixture(scope="module")
def case(folder: Path) -> PlotCase:
    return plot_case(load_findings(folder), SCHEME)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> PlotCase:
    """A network of several segments."""
    place = tmp_path_factory.mktemp("network")
    mcmscope.run("resnet18", "simba-16", batch=4).save(place)
    return plot_case(load_findings(place), "segmented-pipeline")


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_is_drawn_the_same_each_time(case: PlotCase, view: str) -> None:
    text = draw(case, view, "svg")
    assert draw(case, view, "svg") == text
    assert ElementTree.fromstring(text).tag == "{http://www.w3.org/2000/svg}svg"
    assert b"<dc:date>" not in text
    assert b"two layers" in text
    assert len(text) > 5000


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_is_drawn_the_same_each_time(case: PlotCase, form: str) -> None:
    begin = {"svg": b"<?xml", "pdf": b"%PDF-", "png": b"\x89PNG"}[form]
    picture = draw(case, "schemes", form)
    assert picture.startswith(begin)
    assert draw(case, "schemes", form) == picture


def beside(case: PlotCase) -> tuple[Mapping[str, Any] | None, ...]:
    return case.findings.quality, case.findings.pareto


@pytest.mark.parametrize("view", ["schemes", "map", "pipeline", "links", "rank"])
def test_names_cannot_break_a_picture(case: PlotCase, view: str) -> None:
    layers = tuple(replace(layer, name=EVIL) for layer in case.saved.network.layers)
    network = replace(case.saved.network, name=EVIL, layers=layers)
    result = replace(case.findings.result, network=network)
    ranks, front = ({**(data or {}), "network": {"name": EVIL}} for data in beside(case))
    findings = replace(case.findings, result=result, quality=ranks, pareto=front)
    odd = replace(case, findings=findings, saved=replace(case.saved, network=network))
    ElementTree.fromstring(draw(odd, view, "svg"))


def drawn(make: Callable[[PlotCase], Any], case: PlotCase) -> Any:
    with styled():
        return make(case)


def test_bars_of_schemes_are_their_figures(network: PlotCase) -> None:
    fast, soon, thrifty = drawn(schemes_figure, network).axes
    rows = network.findings.result.schemes[::-1]
    for axes, key, unit in (
        (fast, "throughput_per_s", 1),
        (soon, "latency_s", 1000),
        (thrifty, "energy_j_per_sample", 1000),
    ):
        assert [bar.get_width() for bar in axes.patches] == [unit * (getattr(row, key) or 0) for row in rows]
    assert [text.get_text() for text in fast.get_yticklabels()] == [row.scheme.value for row in rows]
    assert any(text.get_text() == "does not fit" for text in fast.texts)
    low, high = fast.get_xlim()
    bound = network.evaluation.bound_throughput_per_s
    assert low == 0
    assert high > bound
    assert any(list(line.get_xdata()) == [bound, bound] for line in fast.lines)


def test_energy_bars_sum_to_the_energy(network: PlotCase) -> None:
    (axes,) = drawn(energy_figure, network).axes
    ends: dict[float, float] = {}
    for bar in axes.patches:
        middle = round(bar.get_y() + bar.get_height() / 2, 6)
        ends[middle] = ends.get(middle, 0.0) + bar.get_width()
    rows = [row for row in network.findings.result.schemes[::-1] if row.energy_j_per_sample is not None]
    told = [1000 * (row.energy_j_per_sample or 0) for row in rows]
    assert [ends[at] for at in range(len(rows))] == pytest.approx(told)
    assert len(axes.patches) <= len(ENERGY_NAMES) * len(rows)


def test_parts_of_every_stage_fill_its_beat(network: PlotCase) -> None:
    axes = drawn(stages_figure, network).axes[0]
    heights: dict[float, float] = {}
    for bar in axes.patches:
        heights[round(bar.get_x(), 6)] = heights.get(round(bar.get_x(), 6), 0.0) + bar.get_height()
    assert len(heights) == sum(len(segment.stages) for segment in network.segments)
    assert all(height == pytest.approx(100, abs=0.5) for height in heights.values())


def test_neighbours_differ_without_colour() -> None:
    """Parts that can touch in a bar differ in lightness, or one is hatched."""
    from matplotlib.colors import to_rgb

    looks = list(stages_plot._LOOKS.values())  # pyright: ignore[reportPrivateUsage]

    def light(colour: str) -> float:
        red, green, blue = to_rgb(colour)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    for index, (colour, hatch, _) in enumerate(looks):
        for other, its_hatch, _ in looks[index + 1 :]:
            assert hatch != its_hatch or abs(light(colour) - light(other)) > 0.05, (colour, other)


def boxes(texts: list[Any]) -> list[Any]:
    return [text.get_window_extent() for text in texts if text.get_text()]


def apart(found: list[Any]) -> bool:
    return not any(one.overlaps(other) for one, other in combinations(found, 2))


@pytest.mark.parametrize("scheme", ["sequential", "segmented-pipeline", "merged-pipeline"])
def test_labels_of_a_roofline_do_not_collide(network: PlotCase, scheme: str) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    with styled():
        figure = roofline_figure(plot_case(network.findings, scheme))
        FigureCanvasAgg(figure).draw()
        for axes, sort in zip(figure.axes, ("stages", "segments"), strict=True):
            for axis in (axes.xaxis, axes.yaxis):
                low, high = axis.get_view_interval()
                shown = [tick.label1 for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
                assert len(boxes(shown)) >= 2
                assert apart(boxes(shown))
                assert not boxes(axis.get_minorticklabels())
            names = [text for text in axes.texts if text.get_text()[0].isdigit()]
            assert len(names) > 2, sort
            assert apart(boxes([text for text in names if "not shown" not in text.get_text()]))


def test_names_of_a_roofline_stand_where_there_is_room_long_stages_first() -> None:
    shares = (0.1, 0.3, 0.2, 0.1, 0.1, 0.1, 0.1)
    spread = [
        RoofPoint(0, stage, (stage, stage + 1), 10.0 ** (1 + stage / 4), 1e12, share)
        for stage, share in enumerate(shares)
    ]
    wide = (1.0, 1000.0), (1e10, 1e13)
    assert [point.stage for point, _ in placed(spread, *wide)] == [1, 2, 0, 3, 4, 5, 6]
    heaped = [replace(point, intensity=10.0) for point in spread]
    assert [point.stage for point, _ in placed(heaped, *wide)] == [1]  # its dot covers the others
    told = placed([replace(point, share=0.1) for point in heaped], *wide)
    assert [point.stage for point, _ in told] == [0, 1, 2, 3]  # one at each corner of the heap
    assert len({place for _, place in told}) == 4
    corner = replace(spread[0], intensity=999.0, macs_per_s=9.9e12)
    ((_, (right, above)),) = placed([corner], *wide)
    assert right < 0
    assert above < 0


@pytest.mark.parametrize("view", ["map", "pipeline", "stages"])
def test_views_of_a_network_are_of_the_segment_and_scheme(network: PlotCase, view: str) -> None:
    text = draw(network, view, "svg").decode()
    assert "resnet18 on simba" in text
    chosen = len(network.segments) - 1
    other = draw(replace(network, segment=chosen), view, "svg").decode()
    assert (f"segment {chosen + 1} " in other) == (view in ("map", "pipeline"))


def test_labels_are_text_and_thin_out() -> None:
    assert label("$a$ \x1b") == r"\$a\$ \x1b"
    assert len(label("x" * 200, 20)) == 20
    assert spread_labels([0, 1, 2, 5, 5.5, 9], 2) == [0, 2, 3, 5]


def cli(*arguments: str) -> Result:
    return calls.cli("plot", *arguments)


def test_the_command_knows_what_can_be_drawn() -> None:
    assert tuple(VIEWS) == NAMED_VIEWS
    assert NAMED_FORMATS == FORMATS


@pytest.mark.parametrize("given", ["", "result.json"])
def test_the_command_draws(folder: Path, tmp_path: Path, given: str) -> None:
    out = tmp_path / "new" / "x.PNG"
    result = cli(str(folder / given), "--view", "roofline", "--scheme", SCHEME, "-o", str(out))
    assert result.exit_code == 0, result.output
    assert result.stdout.split("Wrote ")[1].strip().endswith("x.PNG.")
    assert out.read_bytes().startswith(b"\x89PNG")


def faults(*arguments: str) -> list[str]:
    result = cli(*arguments)
    assert result.exit_code == BAD_INPUT, result.output
    assert result.stdout == ""
    return [line.removeprefix("error: ") for line in result.stderr.splitlines()]


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    found = faults(str(tmp_path / "none"), "--view", "rof", "-o", str(tmp_path / "x.gif"))
    assert len(found) == 3
    assert found[0].startswith("unknown view 'rof'")
    assert found[1].endswith("expected a name that ends in .svg, .pdf, .png")
    assert found[2].endswith("none: no such file")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("view", VIEWS)
def test_options_that_change_nothing_in_a_view_are_refused(case: PlotCase, folder: Path, view: str) -> None:
    other = plot_case(case.findings, "sequential")
    first, second = (replace(other, segment=index) for index in (0, 1))
    out = str(folder / "options.svg")
    for one, two, views, option in (
        (case, other, OF_A_SCHEME, ("--scheme", "sequential")),
        (first, second, OF_A_SEGMENT, ("--segment", "1")),
    ):
        assert (draw(one, view, "svg") != draw(two, view, "svg")) == (view in views)
        if view in views:
            assert cli(str(folder), "--view", view, "-o", out, *option).exit_code == 0
            continue
        (fault,) = faults(str(folder), "--view", view, "-o", out, *option)
        name = option[0].removeprefix("--")
        assert fault == f"--{name}: {view} does not show one {name}: leave it out, or draw {', '.join(views)}"


def suggested(fault: str) -> list[str]:
    """The arguments of the command that a fault tells to run."""
    return shlex.split(fault.split("run mcmscope ")[1])


def test_a_simulation_that_is_not_there_is_told_with_the_command_that_makes_it(
    case: PlotCase, tmp_path: Path
) -> None:
    place = tmp_path / "with space"
    case.findings.result.save(place)
    drawing = (str(place), "--view", "links", "--scheme", SCHEME, "-o", str(tmp_path / "x.svg"))
    (fault,) = faults(*drawing)
    assert calls.cli(*suggested(fault)).exit_code == 0
    assert cli(*drawing).exit_code == 0


@pytest.mark.parametrize("name", ["alexnet", "gpt2@kv5"])
@pytest.mark.parametrize(("view", "command"), [("rank", "quality"), ("front", "pareto")])
def test_a_case_that_can_be_named_is_told_as_a_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, view: str, command: str
) -> None:
    network = mcmscope.load_network(name, weight_bits=4, activation_bits=16)
    result = mcmscope.run(network, "simba-16", batch=2, schemes="sequential", micro_batch=1)
    result.save(tmp_path)
    (fault,) = faults(str(tmp_path), "--view", view, "-o", str(tmp_path / "x.svg"))
    seen: list[object] = []

    def note(*given: object) -> None:
        seen.extend(given[:2])
        raise KeyboardInterrupt

    monkeypatch.setattr(f"mcmscope.{command}.{command}", note)
    arguments = suggested(fault)
    assert calls.cli(*arguments).exit_code == INTERRUPTED
    assert seen == [network, result.package]
    assert arguments[-4:] == ["--batch", "2", "--out", str(tmp_path)]


def test_a_case_of_files_is_told_in_words(case: PlotCase) -> None:
    """Their names would lead nowhere, or to another network or package."""
    alexnet, preset = mcmscope.load_network("alexnet"), mcmscope.load_package("simba-16")
    given = "run mcmscope quality with the network and package that the run was given, and --batch 8 --out "
    for network, package in (
        (NETWORK, preset),
        (alexnet, PACKAGE),
        (replace(alexnet, layers=alexnet.layers[:-1]), preset),
        (replace(alexnet, name="./alexnet.onnx"), preset),
        (alexnet, replace(preset, strip_height=1)),
    ):
        found = replace(case.findings, result=replace(case.findings.result, network=network, package=package))
        assert case_command("quality", found).startswith(given)


def test_what_cannot_be_drawn_is_told(network: PlotCase, tmp_path: Path) -> None:
    network.findings.result.save(tmp_path)
    out = str(tmp_path / "x.svg")
    for extra, told in (
        (("--scheme", "full-pipeline"), "full-pipeline has no schedule to draw: it does not fit: "),
        (("--scheme", "merged"), "did you mean 'merged-pipeline'"),
        (("--scheme", "sequential", "--segment", "99"), "--segment: this schedule has segments 1 to "),
        (("-o", ""), "--out: expected a file, got ''"),
        (("-o", str(tmp_path / "result.json" / "x.svg")), "is a file, expected a directory"),
    ):
        (fault,) = faults(str(tmp_path), "--view", "map", *(() if "-o" in extra else ("-o", out)), *extra)
        assert told in fault
    assert not Path(out).exists()
