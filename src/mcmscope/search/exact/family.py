"""Which schedules a scheme allows, as the exact search sees them."""

from __future__ import annotations

from dataclasses import dataclass

from mcmscope.schedule import Scheme


@dataclass(frozen=True, slots=True)
class Family:
    """Segments of at most ``most_clusters`` clusters of at most ``longest`` layers, on each of ``replicas``.

    ``whole``: only one segment with all layers. ``resident``: such a segment keeps its weights, so that it
    pays no load.
    """

    longest: int
    most_clusters: int
    whole: bool = False
    resident: bool = False
    replicas: int = 1


def family(scheme: Scheme, layers: int, *, resident: bool, replicas: int = 1) -> Family:
    """The schedules of ``scheme`` for a network of so many layers."""
    match scheme:
        case Scheme.SEQUENTIAL:
            return Family(1, 1, resident=resident)
        case Scheme.FULL_PIPELINE:
            return Family(1, layers, whole=True, resident=resident)
        case Scheme.SEGMENTED_PIPELINE:
            return Family(1, layers, resident=resident)
        case Scheme.SEQUENTIAL_FUSED | Scheme.DATA_PARALLEL:
            return Family(layers, 1, resident=resident, replicas=replicas)
        case Scheme.MERGED_PIPELINE:
            return Family(layers, layers, resident=resident)
