"""From a name, with its size behind ``@``, to the graph of a network of the zoo."""

from __future__ import annotations

from mcmscope.errors import InputError, did_you_mean
from mcmscope.workload.graph import Graph
from mcmscope.workload.zoo import ZOO
from mcmscope.workload.zoo.entry import ImageEntry, SequenceEntry

MAX_PIXELS = 4096


def known_name(name: str) -> str:
    """The zoo's spelling of a name.

    Raises ``InputError`` for an unknown one.
    """
    known = {_plain(key): key for key in ZOO}
    found = known.get(_plain(name.strip()))
    if found is None:
        listed = ", ".join(sorted(ZOO))
        raise InputError(
            f"unknown network {name!r}{did_you_mean(name, ZOO)}; known are {listed},"
            " or give the path of an .onnx or .json file"
        )
    return found


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")


def zoo_graph(text: str, *, seq: int | None = None, kv: int | None = None) -> Graph:
    """The graph of a zoo name, which may end in ``@`` and the side of its images or its tokens.

    Raises ``InputError`` with every fault.
    """
    name, at, size = text.strip().partition("@")
    name = known_name(name)
    entry = ZOO[name]
    if isinstance(entry, SequenceEntry):
        return _of_tokens(name, entry, size if at else None, seq, kv)
    if seq is not None or kv is not None:
        raise InputError(f"{name}: reads images, not tokens: it takes neither --seq nor --kv")
    return _of_images(name, entry, size) if at else entry.build(name)


def _of_images(name: str, entry: ImageEntry, digits: str) -> Graph:
    size = _number(digits)
    if entry.fixed_size and size != entry.size:
        raise InputError(
            f"{name}: takes images of {entry.size} x {entry.size} pixels only, got {digits[:60]!r}"
        )
    if not entry.smallest <= size <= MAX_PIXELS:
        sides = f"{entry.smallest} to {MAX_PIXELS} pixels"
        raise InputError(f"{name}@: expected the side of its images, {sides}, got {digits[:60]!r}")
    return entry.build(name, size)


def _of_tokens(name: str, entry: SequenceEntry, size: str | None, seq: int | None, kv: int | None) -> Graph:
    if size is not None:
        if seq is not None or kv is not None:
            raise InputError(f"{name}@{size[:60]}: says its tokens; leave out --seq and --kv")
        word = "seq" if size.startswith("seq") else "kv" if size.startswith("kv") else None
        if word is None:
            raise InputError(f"{name}@: expected seqN or kvN with N tokens, got {size[:60]!r}")
        number = _number(size.removeprefix(word))
        seq, kv = (number, None) if word == "seq" else (None, number)
    faults = _token_faults(name, entry, seq, kv)
    if faults:
        raise InputError(faults)
    return entry.build(name, seq, kv)


def _token_faults(name: str, entry: SequenceEntry, seq: int | None, kv: int | None) -> list[str]:
    faults: list[str] = []
    if seq is not None and kv is not None:
        faults.append(
            f"{name}: --seq is a pass over a prompt, --kv one step behind a cache: give one of the two"
        )
    if kv is not None and not entry.decodes:
        faults.append(f"{name}: is an encoder, which has no cache of keys and values: use --seq")
    for option, value, most in (("seq", seq, entry.most), ("kv", kv, entry.most - 1)):
        # The new token takes a position, too.
        if value is not None and (isinstance(value, bool) or not 1 <= value <= most):
            faults.append(f"{name}: --{option}: expected 1 to {most} tokens, got {value!r}")
    return faults


def _number(digits: str) -> int:
    """A whole number; 0 if it is none or far too large."""
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 7 else 0
