"""A comparison of model and simulator as data and files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mcmscope.comparison import Comparison
from mcmscope.cost.breakdown import SegmentEvaluation, StageEvaluation
from mcmscope.files import check_directory, json_text, make_directory, write_text
from mcmscope.hardware.dump import package_to_dict
from mcmscope.report.links import link_totals, links_to_dict
from mcmscope.report.result_json import network_summary
from mcmscope.schedule import Scheme
from mcmscope.schedule_file import schedule_to_dict
from mcmscope.simulate import SegmentTimes, Simulation, StageTimes

FORMAT = "mcmscope-simulation"
VERSION = 1


def simulation_file_name(scheme: Scheme) -> str:
    """The name of the data of a scheme's simulation."""
    return f"simulation-{scheme.value}.json"


def links_file_name(scheme: Scheme) -> str:
    """The name of the picture of its links."""
    return f"links-{scheme.value}.svg"


def comparison_to_dict(found: Comparison) -> dict[str, Any]:
    """The content of ``simulation-SCHEME.json``."""
    saved, model, simulated = found.saved, found.evaluation, found.simulation
    return {
        "format": FORMAT,
        "version": VERSION,
        "network": network_summary(saved.network),
        "package": package_to_dict(saved.package),
        "batch": saved.batch,
        "scheme": saved.scheme.value,
        "placement": found.placement,
        "energy_profile": saved.package.energy.name,
        "simulated_throughput_per_s": simulated.throughput_per_s,
        "modelled_throughput_per_s": model.throughput_per_s,
        "modelled_flow_line_throughput_per_s": model.flow_line_throughput_per_s,
        "simulated_over_modelled": found.ratio,
        "simulated_over_modelled_flow_line": found.flow_line_ratio,
        "given_placement": _before(found.before),
        "simulated_batch_latency_s": simulated.batch_s,
        "modelled_batch_latency_s": model.batch_latency_s,
        "simulated_latency_s": found.latency_s,
        "modelled_latency_s": model.latency_s,
        "modelled_flow_line_latency_s": model.flow_line_latency_s,
        "weights_resident": found.resident,
        "simulated_energy_j_per_sample": simulated.energy_j_per_sample,
        "modelled_energy_j_per_sample": model.energy_j_per_sample,
        "simulated_energy_breakdown_j": simulated.energy_breakdown_j,
        "modelled_energy_breakdown_j": model.energy_breakdown_j,
        "segments": [
            _segment(timed, priced) for timed, priced in zip(simulated.segments, model.segments, strict=True)
        ],
        "links": links_to_dict(simulated),
        "gap": _gap(found),
        "macs": simulated.macs,
        "sent_bytes": round(simulated.sent_bytes),
        "received_bytes": round(simulated.received_bytes),
        "dram_read_bytes": round(simulated.read_bytes),
        "dram_write_bytes": round(simulated.write_bytes),
        "activities": simulated.activities,
        "schedule": schedule_to_dict(saved.schedule),
    }


def _before(simulation: Simulation | None) -> dict[str, Any] | None:
    """What the regions of the file gave, if they were moved."""
    if simulation is None:
        return None
    return {
        "simulated_throughput_per_s": simulation.throughput_per_s,
        "simulated_energy_j_per_sample": simulation.energy_j_per_sample,
        **link_totals(simulation),
    }


def _segment(timed: SegmentTimes, priced: SegmentEvaluation) -> dict[str, Any]:
    return {
        "layers": list(timed.layers),
        "micro_batch": timed.micro_batch,
        "beats": timed.beats,
        "passes": timed.passes,
        "simulated_load_s": timed.load_s,
        "modelled_load_s": priced.load_s,
        "simulated_run_s": timed.run_s,
        "modelled_run_s": priced.run_s,
        "modelled_flow_line_run_s": priced.flow_line_run_s,
        "modelled_beat_s": priced.beat_s,
        "stages": [_stage(*pair) for pair in zip(timed.stages, priced.stages, strict=True)],
    }


def _stage(timed: StageTimes, priced: StageEvaluation) -> dict[str, Any]:
    return {
        "layers": list(timed.layers),
        "chiplets": list(timed.chiplets),
        "simulated_busy_s": timed.busy_s,
        "modelled_time_s": priced.time_s,
        "simulated_interval_s": timed.interval_s,
        "held_bytes": timed.held_bytes,
        "spilled_bytes": timed.spilled_bytes,
    }


def _gap(found: Comparison) -> dict[str, Any]:
    """Times of the batch with causes left out; shares of the gap, null where there is none to speak of."""

    def share(seconds: float) -> float | None:
        return None if found.near else seconds / found.gap_s

    batch_s = found.simulation.batch_s
    return {
        "seconds": found.gap_s,
        "causes": [
            {
                "cause": cause.name,
                "batch_s_without": cause.alone_s,
                "batch_s_without_it_and_those_before": cause.in_turn_s,
                "share_alone": share(batch_s - cause.alone_s),
                "share_in_turn": share(saved_s),
            }
            for cause, saved_s in zip(found.causes, found.in_turn(), strict=True)
        ],
        "batch_s_without_all": found.ideal_s,
        "rest_share": share(found.ideal_s - found.flow_line_s),
        "simulated_over_modelled_flow_line_unlimited_links": found.unlimited_links_ratio,
        "simulated_over_modelled_flow_line_unlimited_links_and_dram": found.unlimited_ratio,
    }


def save_comparison(found: Comparison, directory: Path) -> tuple[Path, ...]:
    """``Comparison.save``: the picture first, the data last."""
    from mcmscope.report.plots.links import links_figure
    from mcmscope.report.plots.style import svg
    from mcmscope.report.views.traffic import traffic

    check_directory(directory)
    make_directory(directory)
    data = comparison_to_dict(found)
    picture = svg(lambda: links_figure(found.saved, traffic(data)))
    texts = {
        links_file_name(found.saved.scheme): picture,
        simulation_file_name(found.saved.scheme): json_text(data),
    }
    for name, text in texts.items():
        write_text(directory / name, text)
    return tuple(directory / name for name in texts)
