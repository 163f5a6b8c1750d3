"""Lists of what there is, and a network in words."""

from __future__ import annotations

from mcmscope.hardware import load_package, preset_names
from mcmscope.report.words import count, data, plural
from mcmscope.workload import Network, Op, zoo_description, zoo_names

_MOST_LAYERS_SHOWN = 400


def package_lines() -> list[str]:
    """Every preset with its description."""
    names = preset_names()
    width = max(len(name) for name in names)
    return [f"{name:<{width}}  {load_package(name).description}" for name in names]


def network_lines() -> list[str]:
    """Every network of the zoo with its description."""
    names = zoo_names()
    width = max(len(name) for name in names)
    return [f"{name:<{width}}  {zoo_description(name)}" for name in names]


def cache_lines(network: Network) -> list[str]:
    """What the cache of keys and values takes; nothing if there is none."""
    if not network.cache_bytes:
        return []
    tensors = sum(tensor.cached for tensor in network.inputs)
    return [
        f"cache of keys and values: {data(network.cache_bytes)} a sample in {plural(tensors, 'tensor')}; "
        "it lies in DRAM, each step reads all of it"
    ]


def describe_network(network: Network) -> list[str]:
    """A network's totals and its layers, one a line."""
    fresh = [tensor for tensor in network.inputs if not tensor.cached]
    inputs = ", ".join(f"{tensor.name} ({tensor.elements:,} elements)" for tensor in fresh)
    lines = [
        f"{network.name}: {plural(len(network), 'layer')}, {count(network.macs, 'MACs')} and "
        f"{data(network.weight_bytes)} of weights"
        + f" at {network.weight_bits}-bit weights and {network.activation_bits}-bit activations",
        f"input {inputs}: {data(network.input_bytes - network.cache_bytes)}; "
        f"output {data(network.output_bytes)}",
        *cache_lines(network),
        "",
        f"{'layer':>5}  {'operator':<8}  {'K':>6}  {'C':>6}  {'groups':>6}  {'P x Q':>11}  {'R x S':>7}  "
        f"{'MACs':>8}  {'weights':>8}  name",
    ]
    for index, layer in enumerate(network.layers[:_MOST_LAYERS_SHOWN]):
        positions, kernel = (
            f"{layer.out_height} x {layer.out_width}",
            f"{layer.kernel[0]} x {layer.kernel[1]}",
        )
        operator = "matmul" if layer.op is Op.MATMUL else layer.op.value
        lines.append(
            f"{index:>5}  {operator:<8}  {layer.out_channels:>6}  {layer.in_channels:>6}  {layer.groups:>6}  "
            f"{positions:>11}  {kernel:>7}  "
            f"{count(layer.macs, ''):>8}  {count(layer.weights, ''):>8}  {layer.name}"
        )
    hidden = len(network) - _MOST_LAYERS_SHOWN
    return [*lines, f"... and {plural(hidden, 'layer')} more"] if hidden > 0 else lines
