"""Networks as JSON: exact both ways, compact (what has its default is left out), checked when read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from mcmscope.errors import InputError
from mcmscope.files import json_text, read_json, write_text
from mcmscope.workload.network import Layer, Network, NetworkInput, Op, Operand, Role

if TYPE_CHECKING:
    from mcmscope.workload.json_model import LayerModel, OperandModel

FORMAT = "mcmscope-network"
VERSION = 1


def network_to_dict(network: Network) -> dict[str, Any]:
    """The network as plain data for JSON, with format and version, keys in the order of the fields."""
    return {"format": FORMAT, "version": VERSION, **_plain_fields(network)}


def _plain_fields(value: Any) -> dict[str, Any]:
    """A dataclass without the fields that have their default; nesting is only three deep."""
    return {
        item.name: _plain(getattr(value, item.name))
        for item in fields(value)
        if item.default is MISSING or getattr(value, item.name) != item.default
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple):
        return [_plain(item) for item in cast("tuple[Any, ...]", value)]
    return _plain_fields(value) if is_dataclass(value) else value


def network_from_dict(data: object, *, where: str = "network") -> Network:
    """The network of such plain data.

    Raises ``InputError`` with every fault, each with its path below ``where``
    (``network.layers[3].operands[0].source: ...``).
    """
    from pydantic import ValidationError

    from mcmscope.workload.json_model import NetworkModel

    _check_header(data, where)
    try:
        model = NetworkModel.model_validate(data)
    except ValidationError as error:
        raise InputError(
            [_told(where, item["loc"], item["msg"]) for item in error.errors(include_url=False)]
        ) from None
    network = Network(
        name=model.name,
        inputs=tuple(NetworkInput(item.name, item.elements, item.cached) for item in model.inputs),
        layers=tuple(_layer(layer) for layer in model.layers),
        outputs=model.outputs,
        weight_bits=model.weight_bits,
        activation_bits=model.activation_bits,
        partial_sum_bits=model.partial_sum_bits,
        warnings=model.warnings,
        table_elements=model.table_elements,
    )
    faults = list(_inconsistencies(network, where))
    if faults:
        raise InputError(faults)
    return network


def _layer(model: LayerModel) -> Layer:
    operands = tuple(_operand(operand) for operand in model.operands)
    named: dict[str, Any] = {**dict(model), "op": Op(model.op), "operands": operands}
    return Layer(**named)


def _operand(model: OperandModel) -> Operand:
    named: dict[str, Any] = {**dict(model), "role": Role(model.role)}
    return Operand(**named)


def _check_header(data: object, where: str) -> None:
    if not isinstance(data, Mapping):
        raise InputError(f"{where}: not a network: an object with format {FORMAT!r} is expected")
    header = cast("Mapping[object, object]", data)
    if header.get("format") != FORMAT:
        raise InputError(f"{where}.format: is {header.get('format')!r}, expected {FORMAT!r}")
    if header.get("version") != VERSION or isinstance(header.get("version"), bool):
        raise InputError(
            f"{where}.version: is {header.get('version')!r}; this program reads version {VERSION}"
        )


def _told(where: str, place: tuple[int | str, ...], message: str) -> str:
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
    return f"{where}{path}: {message}"


def _inconsistencies(network: Network, where: str) -> list[str]:
    """Faults that lie between fields, each with its path."""
    faults: list[str] = []
    read: set[int] = set(network.outputs)
    for index, layer in enumerate(network.layers):
        here = f"{where}.layers[{index}]"
        for place, operand in enumerate(layer.operands):
            read.add(operand.source)
            faults += _operand_faults(network, index, operand, f"{here}.operands[{place}]")
        if layer.out_channels % layer.groups:
            faults.append(
                f"{here}.groups: {layer.groups} does not divide out_channels ({layer.out_channels})"
            )
        if layer.op is Op.MATMUL and layer.weights:
            faults.append(f"{here}.weights: a matmul of two activations has none, not {layer.weights}")
        if layer.op is Op.MATMUL and all(o.role is not Role.SECOND for o in layer.operands):
            faults.append(f"{here}.operands: a matmul needs a {Role.SECOND.value!r} operand")
        if all(o.role is not Role.DATA for o in layer.operands):
            faults.append(f"{here}.operands: a layer needs a {Role.DATA.value!r} operand")
    for place, output in enumerate(network.outputs):
        if output >= len(network.layers):
            faults.append(f"{where}.outputs[{place}]: there is no layer {output}")
    if list(network.outputs) != sorted(set(network.outputs)):
        faults.append(f"{where}.outputs: {list(network.outputs)} must rise and name each layer once")
    faults += [
        f"{where}.layers[{index}]: its tensor is neither read nor an output"
        for index in range(len(network.layers))
        if index not in read
    ]
    return faults


def _operand_faults(network: Network, index: int, operand: Operand, here: str) -> list[str]:
    source = operand.source
    if source >= index:
        return [f"{here}.source: layer {source} is not before layer {index}"]
    if source < -len(network.inputs):
        return [f"{here}.source: {source} is input {-1 - source}, but there are {len(network.inputs)}"]
    faults: list[str] = []
    made = network.layers[source].output_elements if source >= 0 else network.inputs[-1 - source].elements
    if operand.elements > made:
        faults.append(f"{here}.elements: reads {operand.elements} of a tensor of {made}")
    if operand.window[0] > operand.height or operand.window[1] > operand.width:
        size = f"{operand.height} x {operand.width}"
        faults.append(f"{here}.window: {list(operand.window)} is larger than the tensor's {size}")
    return faults


def read_network(path: Path) -> Network:
    """The network in a JSON file. Raises ``InputError`` with the file's name if it is not one."""
    return network_from_dict(read_json(path), where=f"{path}: network")


def write_network(network: Network, path: Path) -> None:
    """Write the network as JSON, whole or not at all; the same bytes for the same network.

    Raises ``InputError`` if it cannot be written.
    """
    write_text(path, json_text(network_to_dict(network)))
