"""Load a network from wherever its name leads: the zoo, an ONNX file, a network file."""

from __future__ import annotations

from os.path import isfile
from pathlib import Path

from mcmscope.errors import InputError
from mcmscope.workload.lower import lower
from mcmscope.workload.network import Network
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
    weight_bits: int = 8,
    activation_bits: int = 8,
    allow_unknown: bool = False,
    seq: int | None = None,
    kv: int | None = None,
) -> Network:
    """A network by zoo name, from an ``.onnx`` file or from a ``.json`` network file.

    Names ignore case, ``-`` and ``_``; ``resnet50@299`` takes images of 299 x 299 pixels. A language model
    passes over ``seq`` tokens (512 if nothing is said), or makes one token behind ``kv`` tokens that lie in
    its cache; ``llama_7b@seq512`` and ``llama_7b@kv512`` say the same. ``weight_bits`` and
    ``activation_bits`` are 1 to 32; a network file carries its own precision, which stays. ``allow_unknown``
    treats ONNX operators that are not understood as data movement, with a warning in ``Network.warnings``.
    Raises ``InputError`` for anything amiss.
    """
    _check_bits(weight_bits=weight_bits, activation_bits=activation_bits)
    text = str(name_or_path)
    suffix = Path(text).suffix.lower()
    if suffix in (".onnx", ".json"):
        _check_no_tokens(text, seq, kv)
    if suffix == ".onnx":
        from mcmscope.workload.onnx_reader import read_onnx

        graph = read_onnx(Path(text), allow_unknown=allow_unknown)
        return ordered(lower(graph, weight_bits=weight_bits, activation_bits=activation_bits))
    if suffix == ".json":
        from mcmscope.workload.json_format import read_network

        return read_network(Path(text))
    if isinstance(name_or_path, Path) or "/" in text or "\\" in text or isfile(text):
        raise InputError(f"{text}: not a network file; use .onnx or .json, or a name of the zoo")
    graph = zoo_graph(text, seq=seq, kv=kv)
    return ordered(lower(graph, weight_bits=weight_bits, activation_bits=activation_bits))


def _check_no_tokens(text: str, seq: int | None, kv: int | None) -> None:
    given = [option for option, value in (("--seq", seq), ("--kv", kv)) if value is not None]
    if given:
        raise InputError(
            f"{text}: {' and '.join(given)}: for the zoo's language models; a file has its own sizes"
        )


def _check_bits(**bits: int) -> None:
    faults = [
        f"{name}: {value!r} is not a whole number of bits from 1 to {MAX_BITS}"
        for name, value in bits.items()
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_BITS  # pyright: ignore[reportUnnecessaryIsInstance]
    ]
    if faults:
        raise InputError(faults)
