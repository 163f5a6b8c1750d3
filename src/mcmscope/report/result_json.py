"""Results and evaluations as plain data for JSON."""

from __future__ import annotations

from typing import Any

from mcmscope.cost.evaluate import Evaluation
from mcmscope.hardware.dump import package_to_dict
from mcmscope.result import Certificate, Result, SchemeResult
from mcmscope.schedule_file import SavedSchedule, schedule_to_dict
from mcmscope.workload.network import Network

RESULT_FORMAT = "mcmscope-result"
EVALUATION_FORMAT = "mcmscope-evaluation"
VERSION = 1

FIGURES = (
    "throughput_per_s",
    "steady_throughput_per_s",
    "flow_line_throughput_per_s",
    "latency_s",
    "flow_line_latency_s",
    "batch_latency_s",
    "energy_j_per_sample",
    "energy_breakdown_j",
    "utilization",
    "bound_throughput_per_s",
    "steady_bound_throughput_per_s",
)
"""Attributes of an evaluation that are keys of the JSON."""


def result_to_dict(result: Result) -> dict[str, Any]:
    """The content of ``result.json``."""
    return {
        "format": RESULT_FORMAT,
        "version": VERSION,
        "network": network_summary(result.network),
        "package": package_to_dict(result.package),
        "batch": result.batch,
        "objective": result.objective.value,
        "interrupted": result.interrupted,
        "schemes": [_scheme_to_dict(row) for row in result.schemes],
    }


def evaluation_to_dict(saved: SavedSchedule, evaluation: Evaluation) -> dict[str, Any]:
    """What ``mcmscope evaluate --json`` prints: the figures of one schedule, under the keys of a result."""
    return {
        "format": EVALUATION_FORMAT,
        "version": VERSION,
        "network": network_summary(saved.network),
        "package": package_to_dict(saved.package),
        "batch": saved.batch,
        "objective": saved.objective.value,
        "scheme": saved.scheme.value,
        "feasible": evaluation.feasible,
        "reason": None if evaluation.feasible else evaluation.reason,
        "energy_profile": saved.package.energy.name,
        **figures(evaluation if evaluation.feasible else None),
        "schedule": schedule_to_dict(saved.schedule),
    }


def network_summary(network: Network) -> dict[str, Any]:
    """A network by its name and size."""
    return {
        "name": network.name,
        "layers": len(network),
        "macs": network.macs,
        "weight_bytes": network.weight_bytes,
    }


def figures(evaluation: Evaluation | None) -> dict[str, Any]:
    """The figures of an evaluation, null if there is none."""
    return {key: getattr(evaluation, key) if evaluation else None for key in FIGURES}


def _scheme_to_dict(row: SchemeResult) -> dict[str, Any]:
    return {
        "scheme": row.scheme.value,
        "search": row.search,
        "certificate": certificate_to_dict(row.certificate),
        "feasible": row.feasible,
        "reason": row.reason,
        **figures(row.evaluation),
        "energy_profile": row.energy_profile,
        "search_s": row.search_s,
        "speedup_over_segmented": row.speedup_over_segmented,
        "schedule": schedule_to_dict(row.schedule) if row.schedule else None,
    }


def certificate_to_dict(certificate: Certificate) -> dict[str, Any]:
    """A certificate; large whole numbers as decimal strings."""
    return {
        "status": certificate.status,
        "gap": certificate.gap,
        "space_size": str(certificate.space_size),
        "states": str(certificate.states),
        "start": certificate.start,
    }
