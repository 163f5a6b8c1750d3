"""What the page draws, as plain data: the views of every result, without what repeats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from mcmscope.cost.causes import CAUSES, PLURAL, time_by_cause
from mcmscope.report.result_json import figures
from mcmscope.report.views.layers import LayerRow, layer_rows
from mcmscope.report.views.package_map import dram_ports
from mcmscope.report.views.roofline import Roof, dram_roof, stage_roof
from mcmscope.report.views.saved import Findings
from mcmscope.report.views.search import front, rank_curve
from mcmscope.report.views.stages import PARTS, SegmentRow, StageRow, segment_rows
from mcmscope.report.views.timeline import SegmentSpan, timeline
from mcmscope.report.views.traffic import Traffic, traffic
from mcmscope.result import SchemeResult
from mcmscope.schedule import serpentine
from mcmscope.workload.network import bytes_of

LAYER_COLUMNS = (
    "partition",
    "chiplets",
    "active_chiplets",
    "time_s",
    "compute_cycles",
    "vector_cycles",
    "buffer_cycles",
    "exchange_s",
    "ingress_bytes",
    "stored_weight_bytes",
    "utilization",
    "energy_j",
    "binds",
)
"""What a layer of a schedule has; the rest is the network's or its cluster's."""


def page_data(cases: Sequence[Findings]) -> dict[str, Any]:
    """Everything that the page's script reads."""
    return {
        "parts": PARTS,
        "causes": CAUSES,
        "plural_causes": sorted(PLURAL),
        "layer_columns": LAYER_COLUMNS,
        "cases": [_case(found) for found in cases],
    }


def _case(found: Findings) -> dict[str, Any]:
    result = found.result
    network, package = result.network, result.package
    chiplet = package.chiplet
    best = result.best
    return {
        "network": network.name,
        "package": package.name,
        "batch": result.batch,
        "objective": result.objective.value,
        "best": best.scheme.value if best else None,
        "layers": [
            [
                layer.name,
                layer.op.value,
                layer.macs,
                bytes_of(layer.weights, network.weight_bits),
                bytes_of(layer.output_elements, network.activation_bits),
            ]
            for layer in network.layers
        ],
        "mesh": {
            "rows": package.rows,
            "columns": package.columns,
            "order": serpentine(package.rows, package.columns, package.strip_height),
            "ports": [[port.chiplet, port.edges] for port in dram_ports(package)],
            "weight_buffer_bytes": chiplet.weight_buffer_bytes,
            "activation_buffer_bytes": chiplet.activation_buffer_bytes,
            "unified": chiplet.unified,
        },
        "energy_profile": package.energy.name,
        "schemes": [_scheme(found, row) for row in result.schemes],
        "rank": asdict(rank_curve(found.quality)) if found.quality else None,
        "front": asdict(front(found.pareto)) if found.pareto else None,
    }


def _scheme(found: Findings, row: SchemeResult) -> dict[str, Any]:
    evaluation, schedule = row.evaluation, row.schedule
    told: dict[str, Any] = {
        "scheme": row.scheme.value,
        "feasible": row.feasible,
        "reason": row.reason,
        **figures(evaluation),
        "speedup_over_segmented": row.speedup_over_segmented,
    }
    if evaluation is None or schedule is None:
        return told
    saved = found.saved(row)
    segments = segment_rows(saved, evaluation)
    order = serpentine(saved.package.rows, saved.package.columns, saved.package.strip_height)
    spans = timeline(saved, evaluation)
    simulated = traffic(found.simulations[row.scheme]) if row.scheme in found.simulations else None
    return {
        **told,
        "causes": [[cause, short(share)] for cause, share in time_by_cause(evaluation).items()],
        "replicas": schedule.replicas,
        "batch_ps": spans.end_ps,
        "segments": [
            _segment(segment, span, [runs(cluster.chiplets, order) for cluster in plan.clusters])
            for segment, span, plan in zip(segments, spans.segments, schedule.segments, strict=True)
        ],
        "layers": [_layer(layer) for layer in layer_rows(saved, evaluation)],
        "stage_roof": _roof(stage_roof(saved.package, segments)),
        "dram_roof": _roof(dram_roof(saved.package, segments, schedule.replicas)),
        "traffic": _traffic(simulated, order) if simulated else None,
    }


def _segment(row: SegmentRow, span: SegmentSpan, regions: list[list[list[int]]]) -> dict[str, Any]:
    return {
        "layers": row.layers,
        "micro_batch": row.micro_batch,
        "beats": row.beats,
        "passes": row.passes,
        "load_s": short(row.load_s),
        "beat_s": short(row.beat_s),
        "run_s": short(row.run_s),
        "share": short(row.share),
        "cause": row.cause,
        "load_bytes": row.load_bytes,
        "dram_bytes_per_beat": row.dram_bytes_per_beat,
        "energy_j": {name: short(joules) for name, joules in row.energy_j.items()},
        "load_ps": [span.load_begin_ps, span.load_end_ps],
        "span_ps": [span.begin_ps, span.end_ps],
        "slots": span.slots,
        "stages": [_stage(stage, region) for stage, region in zip(row.stages, regions, strict=True)],
    }


def _stage(row: StageRow, region: list[list[int]]) -> dict[str, Any]:
    return {
        "layers": row.layers,
        "chiplets": row.chiplets,
        "region": region,
        "time_s": short(row.time_s),
        "parts_s": [short(max(0.0, row.parts_s[name])) for name in PARTS],
        "cause": row.cause,
        "cause_share": short(row.cause_share),
        "sets_beat": row.sets_beat,
        "weight_bytes": row.weight_bytes,
        "activation_bytes": row.activation_bytes,
        "spilled_bytes": row.spilled_bytes,
        "filled": short(row.filled),
    }


def _layer(row: LayerRow) -> list[Any]:
    values = (getattr(row, name) for name in LAYER_COLUMNS)
    return [short(value) if isinstance(value, float) else value for value in values]


def _roof(roof: Roof) -> dict[str, Any]:
    return {
        "peak": short(roof.peak_macs_per_s),
        "slopes": [[name, short(rate)] for name, rate in roof.slopes],
        "points": [
            [point.segment, point.stage, short(point.intensity or 0.0), short(point.macs_per_s)]
            for point in roof.points
        ],
    }


def _traffic(found: Traffic, order: tuple[int, ...]) -> dict[str, Any]:
    return {
        "placement": found.placement,
        "throughput_per_s": found.throughput_per_s,
        "over_modelled": found.over_modelled,
        "mean": found.mean_utilization,
        "max": found.max_utilization,
        "links": [[link.chiplet, link.direction, link.moved_bytes, link.utilization] for link in found.links],
        "ports": [[port.chiplet, port.moved_bytes, port.utilization] for port in found.ports],
        "regions": [[runs(region, order) for region in segment] for segment in found.regions],
    }


def runs(chiplets: tuple[int, ...], order: tuple[int, ...]) -> list[list[int]]:
    """Chiplets as (first place, how many) along the serpentine order, in which regions mostly lie."""
    place = {chiplet: at for at, chiplet in enumerate(order)}
    found: list[list[int]] = []
    for at in sorted(place[chiplet] for chiplet in chiplets):
        if found and sum(found[-1]) == at:
            found[-1][1] += 1
        else:
            found.append([at, 1])
    return found


def short(value: float) -> float:
    """Six significant digits: more than a picture shows."""
    return float(f"{value:.6g}")
