"""A comparison of model and simulator on the terminal."""

from __future__ import annotations

from pathlib import Path

from rich import box
from rich.table import Table
from rich.text import Text

from mcmscope.comparison import Comparison
from mcmscope.report.console import console, print_lines
from mcmscope.report.differences import difference_lines, difference_rows
from mcmscope.report.links import link_totals, ports, used_links
from mcmscope.report.sentences import title
from mcmscope.report.words import clean, data, duration, listed, percent, ratio, significant, span
from mcmscope.simulate import Simulation

_BUSIEST = 5
_NONE = "-"


def print_comparison(found: Comparison, written: tuple[Path, ...] = ()) -> None:
    """Figures side by side, segments, stages, links, and where the difference comes from."""
    saved = found.saved
    out = console()
    print_lines([*title(saved.network, saved.package, saved.batch, saved.objective), _what(found), ""])
    out.print(_table(("", "simulated", "model", "ratio", "flow line", "ratio"), figure_rows(found)))
    print_lines([*_notes(found), ""])
    headings = ("segment", "layers", "stages", "beats", "load", "model", "run", "flow line", "ratio")
    out.print(_table(headings, segment_rows(found)))
    print_lines([""])
    headings = (
        "stage",
        "layers",
        "chiplets",
        "busy",
        "model",
        "ratio",
        "interval",
        "beat",
        "ratio",
        "spills",
    )
    out.print(_table(headings, stage_rows(found)))
    print_lines(["", *link_lines(found), "", *difference_lines(found)])
    rows = difference_rows(found)
    if rows:
        print_lines([""])
        out.print(_table(("left out", "alone", "of the gap", "in turn", "of the gap", "of flow line"), rows))
    if written:
        print_lines(["", f"Wrote {listed([str(path) for path in written])}."])


def _what(found: Comparison) -> str:
    where = "" if found.before is None else f", placement {found.placement}"
    return f"as {found.saved.scheme.value}, simulated event by event{where}"


def _table(headings: tuple[str, ...], rows: list[tuple[str, ...]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for at, heading in enumerate(headings):
        table.add_column(Text(heading), justify="right" if at else "left", no_wrap=True)
    for row in rows:
        table.add_row(*(Text(clean(cell)) for cell in row))
    return table


def figure_rows(found: Comparison) -> list[tuple[str, ...]]:
    """Throughput, latency and energy: simulated, by the model in step, as a flow line, with ratios."""
    model, simulated = found.evaluation, found.simulation
    parts = model.energy_breakdown_j or {}
    rows = [
        (
            "samples per s",
            significant(simulated.throughput_per_s),
            significant(model.throughput_per_s),
            ratio(found.ratio),
            significant(model.flow_line_throughput_per_s),
            ratio(found.flow_line_ratio),
        ),
        (
            "one sample",
            duration(found.latency_s),
            duration(model.latency_s),
            ratio(found.latency_s / model.latency_s),
            duration(model.flow_line_latency_s),
            ratio(found.latency_s / model.flow_line_latency_s),
        ),
        _energy_row("mJ per sample", simulated.energy_j_per_sample, model.energy_j_per_sample),
    ]
    rows += [
        _energy_row(f"  {name.replace('_', ' ')}", simulated.energy_breakdown_j[name], joules)
        for name, joules in parts.items()
        if joules > 0 or simulated.energy_breakdown_j[name] > 0
    ]
    return rows


def _energy_row(name: str, simulated_j: float, modelled_j: float) -> tuple[str, ...]:
    times = ratio(simulated_j / modelled_j) if modelled_j > 0 else _NONE
    return (name, significant(1000 * simulated_j), significant(1000 * modelled_j), times, "", "")


def _notes(found: Comparison) -> list[str]:
    package = found.saved.package
    weights = (
        "The one sample finds its weights resident, in both."
        if found.resident
        else "The one sample's time includes all weight loads, in both."
    )
    lines = [weights, f"Energies by profile {clean(package.energy.name)}."]
    if found.before is not None:
        lines.append(_moved(found.before, found.simulation))
    return lines


def _moved(before: Simulation, now: Simulation) -> str:
    """What moving the regions brought."""
    old, new = link_totals(before), link_totals(now)
    return (
        f"Regions as given: {significant(before.throughput_per_s)} samples/s "
        f"({ratio(now.throughput_per_s / before.throughput_per_s)} now), "
        f"{data(old['max_bytes'])} over the busiest link ({data(new['max_bytes'])} now), "
        f"{data(old['all_bytes'])} over all links ({data(new['all_bytes'])} now)."
    )


def segment_rows(found: Comparison) -> list[tuple[str, ...]]:
    """Per segment: loads and runs of both."""
    rows: list[tuple[str, ...]] = []
    pairs = zip(found.simulation.segments, found.evaluation.segments, strict=True)
    for number, (timed, priced) in enumerate(pairs, 1):
        run_s = priced.flow_line_run_s
        passes = f"{timed.passes} x " if timed.passes > 1 else ""
        rows.append(
            (
                str(number),
                span(timed.layers),
                str(len(timed.stages)),
                f"{passes}{timed.beats} of {timed.micro_batch}",
                duration(timed.load_s),
                duration(priced.load_s),
                duration(timed.run_s),
                duration(run_s),
                ratio(timed.run_s / run_s) if run_s > 0 else _NONE,
            )
        )
    return rows


def stage_rows(found: Comparison) -> list[tuple[str, ...]]:
    """Per stage: how long it is busy, and how often it ends, beside the model's stage time and beat."""
    rows: list[tuple[str, ...]] = []
    pairs = zip(found.simulation.segments, found.evaluation.segments, strict=True)
    for number, (segment, priced) in enumerate(pairs, 1):
        beat_s = priced.beat_s
        for index, (timed, stage) in enumerate(zip(segment.stages, priced.stages, strict=True), 1):
            rows.append(
                (
                    f"{number}.{index}",
                    span(timed.layers),
                    str(len(timed.chiplets)),
                    duration(timed.busy_s),
                    duration(stage.time_s),
                    ratio(timed.busy_s / stage.time_s) if stage.time_s > 0 else _NONE,
                    duration(timed.interval_s),
                    duration(beat_s),
                    ratio(timed.interval_s / beat_s) if beat_s > 0 else _NONE,
                    data(timed.spilled_bytes) if timed.spilled_bytes else _NONE,
                )
            )
    return rows


def link_lines(found: Comparison) -> list[str]:
    """How busy links and DRAM ports are, and the busiest by place."""
    links, edges = used_links(found.simulation), ports(found.simulation)
    at_edges = sum(port.utilization for port in edges) / len(edges)
    lines = [
        f"DRAM ports are busy {percent(at_edges)} of the batch's time on average, the busiest "
        f"{percent(max(port.utilization for port in edges))}."
    ]
    if not links:
        return lines
    mean = sum(link.utilization for link in links) / len(links)
    return [
        f"Links are busy {percent(mean)} of the batch's time on average, the busiest "
        f"{percent(links[0].utilization)}:",
        *(
            f"  {link.place}: {percent(link.utilization)}, {data(link.moved_bytes)}"
            for link in links[:_BUSIEST]
        ),
        *lines,
    ]
