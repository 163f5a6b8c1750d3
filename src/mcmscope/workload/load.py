"""Load a network from wherever its name leads: the zoo, an ONNX file, a network file."""

from __future__ import annotations

from collections.abc import Mapping
from os.path import isfile
from pathlib import Path

from mcmscope.errors import InputError, did_you_mean
from mcmscope.workload.graph import Graph
from mcmscope.workload.lower import lower
from mcmscope.workload.network import DEFAULT_WEIGHT_BITS, Network
from mcmscope.workload.zoo import ZOO

MAX_BITS = 32
MAX_PIXELS = 4096


def zoo_names() -> tuple[str, ...]:
    """Names of the networks that come with the package, sorted."""
    return tuple(sorted(ZOO))


def zoo_description(name: str) -> str:
    """One line on a network of the zoo: what it is and the paper it is from.

    Raises ``InputError`` for an unknown name.
    """
    entry = ZOO[_known(name)]
    return f"{entry.description} ({entry.source})"


def load_network(
    name_or_path: str | Path,
    *,
    weight_bits: int | None = None,
    activation_bits: int = 8,
    allow_unknown: bool = False,
    dims: Mapping[str, int] | None = None,
) -> Network:
    """A network by zoo name, from an ``.onnx`` file or from a ``.json`` network file.

    Names ignore case, ``-`` and ``_``; ``resnet50@299`` takes images of 299 x 299 pixels. ``weight_bits`` and
    ``activation_bits`` are 1 to 32, 8 unless the weights of an ONNX file are quantised to another width; a
    network file carries its own precision, which stays. ``allow_unknown`` treats ONNX operators that are not
    understood as data movement, with a warning in ``Network.warnings``. ``dims`` sets the symbolic sizes of
    an ONNX file by name, ``{"seq": 512}``.
    Raises ``InputError`` for anything amiss.
    """
    _check_bits(
        weight_bits=DEFAULT_WEIGHT_BITS if weight_bits is None else weight_bits,
        activation_bits=activation_bits,
    )
    text = str(name_or_path)
    suffix = Path(text).suffix.lower()
    if dims and suffix != ".onnx":
        raise InputError(f"{text}: --dim sets symbolic sizes of .onnx files; this network has none")
    if suffix == ".onnx":
        from mcmscope.workload.onnx_reader import read_onnx

        graph = read_onnx(Path(text), allow_unknown=allow_unknown, dims=dims)
        return lower(graph, weight_bits=weight_bits, activation_bits=activation_bits)
    if suffix == ".json":
        from mcmscope.workload.json_format import read_network

        return read_network(Path(text))
    if isinstance(name_or_path, Path) or "/" in text or "\\" in text or isfile(text):
        raise InputError(f"{text}: not a network file; use .onnx or .json, or a name of the zoo")
    graph = _zoo_graph(text)
    return lower(graph, weight_bits=weight_bits, activation_bits=activation_bits)


def _check_bits(**bits: int) -> None:
    faults = [
        f"{name}: {value!r} is not a whole number of bits from 1 to {MAX_BITS}"
        for name, value in bits.items()
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_BITS  # pyright: ignore[reportUnnecessaryIsInstance]
    ]
    if faults:
        raise InputError(faults)


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")


def _known(name: str) -> str:
    """The zoo's spelling of a name.

    Raises ``InputError`` for an unknown one.
    """
    known = {_plain(key): key for key in ZOO}
    found = known.get(_plain(name.strip()))
    if found is None:
        listed = ", ".join(zoo_names())
        raise InputError(
            f"unknown network {name!r}{did_you_mean(name, ZOO)}; known are {listed},"
            " or give the path of an .onnx or .json file"
        )
    return found


def _zoo_graph(text: str) -> Graph:
    """The graph of a zoo name, which may end in ``@`` and the side of its images in pixels."""
    name, at, digits = text.strip().partition("@")
    name = _known(name)
    entry = ZOO[name]
    if not at:
        return entry.build(name)
    size = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 6 else 0
    if entry.fixed_size and size != entry.size:
        raise InputError(
            f"{name}: takes images of {entry.size} x {entry.size} pixels only, got {digits[:60]!r}"
        )
    if not entry.smallest <= size <= MAX_PIXELS:
        sides = f"{entry.smallest} to {MAX_PIXELS} pixels"
        raise InputError(f"{name}@: expected the side of its images, {sides}, got {digits[:60]!r}")
    return entry.build(name, size)
