"""Load a network from wherever its name leads: the zoo, an ONNX file, a network file."""

from __future__ import annotations

from collections.abc import Mapping
from os.path import isfile
from pathlib import Path

from mcmscope.errors import InputError
from mcmscope.workload.graph import Graph
from mcmscope.workload.lower import lower
from mcmscope.workload.network import DEFAULT_ACTIVATION_BITS, DEFAULT_WEIGHT_BITS, Network
from mcmscope.workload.order import ordered
from mcmscope.workload.zoo import ZOO
from mcmscope.workload.zoo.find import known_name, zoo_graph

MAX_BITS = 32


def zoo_names() -> tuple[str, ...]:
    """Names of the networks that come with the package, sorted."""
    return tuple(sorted(ZOO))


def zoo_description(name: str) -> str:
    """One line on a network of the zoo: what it is and the paper it is from.

    Raises ``InputError`` for an unknown name.
    """
    entry = ZOO[known_name(name)]
    return f"{entry.description} ({entry.source})"


def load_network(
    name_or_path: str | Path,
    *,
    weight_bits: int | None = None,
    activation_bits: int = DEFAULT_ACTIVATION_BITS,
    allow_unknown: bool = False,
    dims: Mapping[str, int] | None = None,
    seq: int | None = None,
    kv: int | None = None,
) -> Network:
    """A network by zoo name, from an ``.onnx`` file or from a ``.json`` network file.

    Names ignore case, ``-`` and ``_``; ``resnet50@299`` takes images of 299 x 299 pixels. A language model
    passes over ``seq`` tokens (512 if nothing is said), or makes one token behind ``kv`` tokens that lie in
    its cache; ``llama_7b@seq512`` and ``llama_7b@kv512`` say the same. ``weight_bits`` and
    ``activation_bits`` are 1 to 32, 8 unless the weights of an ONNX file are quantised to another width; a
    network file carries its own precision, which stays. ``allow_unknown`` treats ONNX operators that are not
    understood as data movement, with a warning in ``Network.warnings``. ``dims`` sets the symbolic sizes of
    an ONNX file by name, ``{"seq": 512}``.
    Raises ``InputError`` for anything amiss.
    """
    check_bits(weight_bits, activation_bits)
    if Path(name_or_path).suffix.lower() == ".json":
        from mcmscope.workload.json_format import read_network

        _check_file(str(name_or_path), dims, seq, kv)
        return read_network(Path(name_or_path))
    graph = load_graph(name_or_path, allow_unknown=allow_unknown, dims=dims, seq=seq, kv=kv)
    return ordered(lower(graph, weight_bits=weight_bits, activation_bits=activation_bits))


def load_graph(
    name_or_path: str | Path,
    *,
    allow_unknown: bool = False,
    dims: Mapping[str, int] | None = None,
    seq: int | None = None,
    kv: int | None = None,
) -> Graph:
    """The operator graph behind a name of the zoo or an ``.onnx`` file; options as for ``load_network``.

    Raises ``InputError`` for anything amiss.
    """
    text = str(name_or_path)
    if Path(text).suffix.lower() == ".onnx":
        from mcmscope.workload.onnx_reader import read_onnx

        _check_file(text, None, seq, kv)
        return read_onnx(Path(text), allow_unknown=allow_unknown, dims=dims)
    _check_file(text, dims, None, None)
    if isinstance(name_or_path, Path) or "/" in text or "\\" in text or isfile(text):
        raise InputError(f"{text}: not a network file; use .onnx or .json, or a name of the zoo")
    return zoo_graph(text, seq=seq, kv=kv)


def _check_file(text: str, dims: Mapping[str, int] | None, seq: int | None, kv: int | None) -> None:
    """Options that are of no use for this kind of network; those that are are not given here."""
    faults: list[str] = []
    if dims:
        faults.append(f"{text}: --dim sets symbolic sizes of .onnx files; this network has none")
    given = [option for option, value in (("--seq", seq), ("--kv", kv)) if value is not None]
    if given:
        faults.append(
            f"{text}: {' and '.join(given)}: for the zoo's language models; a file has its own sizes,"
            " and --dim sets the symbolic ones of an .onnx file"
        )
    if faults:
        raise InputError(faults)


def check_bits(weight_bits: int | None, activation_bits: int) -> None:
    """Widths that a network may have. Raises ``InputError`` with every one that is none."""
    bits = {
        "weight_bits": DEFAULT_WEIGHT_BITS if weight_bits is None else weight_bits,
        "activation_bits": activation_bits,
    }
    faults = [
        f"{name}: {value!r} is not a whole number of bits from 1 to {MAX_BITS}"
        for name, value in bits.items()
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_BITS  # pyright: ignore[reportUnnecessaryIsInstance]
    ]
    if faults:
        raise InputError(faults)
