"""What was understood of a network, as lines and as plain data for JSON."""

from __future__ import annotations

from typing import Any

from mcmscope.report.listing import cache_lines
from mcmscope.report.words import count, data, plural
from mcmscope.workload.inspection import Fate, Inspection, activation_bytes
from mcmscope.workload.network import Network, Op, bytes_of

FORMAT = "mcmscope-inspection"
VERSION = 1
_MOST_LAYERS_SHOWN = 400
_MOST_FUSED_SHOWN = 3
_MEANING = {
    Fate.LAYER: "layers",
    Fate.FUSED: "fused, run with layers",
    Fate.FOLDED: "folded into weights",
    Fate.MOVED: "data moved with layers",
    Fate.FREE: "addressing, free",
    Fate.UNKNOWN: "not understood, counted as data movement",
}


def inspection_lines(found: Inspection) -> list[str]:
    """Totals, what became of the operators, and the layers with what is alive behind each."""
    return [*_totals(found), "", *_operators(found), "", *_layers(found)]


def _totals(found: Inspection) -> list[str]:
    network = found.network
    kinds = ", ".join(f"{count(macs, '').strip()} {op.value}" for op, macs in _macs(network).items() if macs)
    most = max(found.alive)
    lines = [
        f"{network.name}: {plural(len(network), 'layer')}",
        f"MACs         {count(network.macs, '').strip()} a sample: {kinds}",
        f"weights      {data(network.weight_bytes)} at {network.weight_bits} bits",
        f"activations  {data(activation_bytes(network))} a sample at {network.activation_bits} bits; "
        f"in {data(network.input_bytes)}, out {data(network.output_bytes)}",
    ]
    if network.table_elements:
        size = bytes_of(network.table_elements, network.weight_bits)
        lines.append(f"embeddings   {data(size)} of tables that stay outside: their rows come in as inputs")
    if most:
        place = found.alive.index(most)
        where = f"behind layer {place - 1} ({network.layers[place - 1].name})"
        lines.append(f"alive        {data(most)} a sample at most, {where}")
    return lines + cache_lines(network)


def _macs(network: Network) -> dict[Op, int]:
    return {op: sum(layer.macs for layer in network.layers if layer.op is op) for op in Op}


def _operators(found: Inspection) -> list[str]:
    if found.operators is None:
        return ["operators    a network file holds layers only"]
    lines = ["operators"]
    for fate, kinds in found.operators.items():
        if kinds or fate is Fate.UNKNOWN:
            told = ", ".join(f"{number} {kind}" for kind, number in kinds.items())
            lines.append(f"{sum(kinds.values()):>7,}  {_MEANING[fate]}" + (f": {told}" if told else ""))
    if found.worked_out:
        lines.append(f"{found.worked_out:>7,}  worked out beforehand: constants, sizes, what is not needed")
    return lines


def _layers(found: Inspection) -> list[str]:
    network = found.network
    lines = [
        f"{'layer':>5}  {'operator':<8}  {'MACs':>8}  {'weights':>8}  {'makes':>8}  {'alive':>8}  "
        f"{'tensors':>7}  name: fused with it"
    ]
    for index, layer in enumerate(network.layers[:_MOST_LAYERS_SHOWN]):
        fused = ", ".join(layer.fused[:_MOST_FUSED_SHOWN])
        more = len(layer.fused) - _MOST_FUSED_SHOWN
        fused += f" and {more} more" if more > 0 else ""
        lines.append(
            f"{index:>5}  {layer.op.value:<8}  {count(layer.macs, ''):>8}  "
            f"{data(bytes_of(layer.weights, network.weight_bits)):>8}  "
            f"{data(bytes_of(layer.output_elements, network.activation_bits)):>8}  "
            f"{data(found.alive[index + 1]):>8}  {len(found.alive_tensors[index + 1]):>7}  "
            f"{layer.name}" + (f": {fused}" if fused else "")
        )
    hidden = len(network) - _MOST_LAYERS_SHOWN
    return [*lines, f"... and {plural(hidden, 'layer')} more"] if hidden > 0 else lines


def inspection_to_dict(found: Inspection) -> dict[str, Any]:
    """What ``mcmscope inspect --json`` prints."""
    network = found.network
    return {
        "format": FORMAT,
        "version": VERSION,
        "network": network.name,
        "weight_bits": network.weight_bits,
        "activation_bits": network.activation_bits,
        "macs": network.macs,
        "macs_by_operator": {op.value: macs for op, macs in _macs(network).items()},
        "weight_bytes": network.weight_bytes,
        "activation_bytes": activation_bytes(network),
        "input_bytes": network.input_bytes,
        "output_bytes": network.output_bytes,
        "cache_bytes": network.cache_bytes,
        "table_bytes": bytes_of(network.table_elements, network.weight_bits),
        "most_alive_bytes": max(found.alive),
        "operators": None
        if found.operators is None
        else {fate.value: dict(kinds) for fate, kinds in found.operators.items()},
        "worked_out": found.worked_out,
        "layers": [
            {
                "name": layer.name,
                "operator": layer.op.value,
                "macs": layer.macs,
                "weight_bytes": bytes_of(layer.weights, network.weight_bits),
                "vector_elements": layer.vector_elements,
                "output_bytes": bytes_of(layer.output_elements, network.activation_bits),
                "alive_bytes": found.alive[index + 1],
                "alive_tensors": list(found.alive_tensors[index + 1]),
                "fused": list(layer.fused),
            }
            for index, layer in enumerate(network.layers)
        ],
        "warnings": list(network.warnings),
    }
