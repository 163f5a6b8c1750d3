"""How weights that do not all fit on the package come from DRAM."""

from __future__ import annotations

from mcmscope.cost.causes import exposed_loads_s
from mcmscope.cost.evaluate import Evaluation
from mcmscope.hardware.package import Package
from mcmscope.report.words import data, duration, percent
from mcmscope.workload.network import Network


def streaming(evaluation: Evaluation, network: Network, package: Package) -> list[str]:
    """What the batch loads, how long that takes, how much of it nothing hides; nothing if all weights fit."""
    room = package.chiplets * package.chiplet.weight_buffer_bytes
    if network.weight_bytes <= room:
        return []
    loaded = sum(segment.load_bytes for segment in evaluation.segments)
    loading_s = sum(segment.load_s for segment in evaluation.segments)
    exposed_s = exposed_loads_s(evaluation)
    share = exposed_s / evaluation.batch_latency_s if evaluation.batch_latency_s else 0.0
    buffers = "buffers" if package.chiplet.unified else "weight buffers"
    each = f", {data(loaded / evaluation.batch)} a sample" if evaluation.batch > 1 else ""
    hidden = "" if exposed_s >= loading_s else f", {duration(exposed_s)} of it not hidden"
    return [
        f"Its weights, {data(network.weight_bytes)}, stream from DRAM, since the {buffers} of all chiplets "
        f"hold {data(room)}: a batch loads {data(loaded)}{each}, in {duration(loading_s)}{hidden}: "
        f"{percent(share)} of its time."
    ]
