"""What a user gave as text, read: a network with its options, a directory to write to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mcmscope.errors import InputError

if TYPE_CHECKING:
    from mcmscope.workload.network import Network


@dataclass(frozen=True, slots=True)
class NetworkOptions:
    """What may be said of a network beside its name, as ``load_network`` takes it; None: nothing was."""

    seq: int | None = None
    kv: int | None = None
    dims: Mapping[str, int] | None = None
    weight_bits: int | None = None
    activation_bits: int | None = None


def network_options(
    seq: str | None,
    kv: str | None,
    dims: Sequence[str] | None,
    weight_bits: str | None = None,
    activation_bits: str | None = None,
) -> NetworkOptions:
    """The options from text.

    Raises:
        InputError: every fault of all of them.
    """
    from mcmscope.options import Faults, read_dims, whole_number
    from mcmscope.workload.load import MAX_BITS
    from mcmscope.workload.zoo.entry import MAX_TOKENS

    faults = Faults()

    def number(option: str, given: str | None, most: int) -> int | None:
        return None if given is None else faults.attempt(lambda: whole_number(option, given, most))

    found = NetworkOptions(
        number("--seq", seq, MAX_TOKENS),
        number("--kv", kv, MAX_TOKENS),
        faults.attempt(lambda: read_dims(dims or ())),
        number("--weight-bits", weight_bits, MAX_BITS),
        number("--activation-bits", activation_bits, MAX_BITS),
    )
    faults.throw()
    return found


def read_network(
    name: str,
    seq: str | None,
    kv: str | None,
    dims: Sequence[str] | None,
    weight_bits: str | None = None,
    activation_bits: str | None = None,
    *,
    allow_unknown: bool = False,
) -> Network:
    """The network with its options from text; a network file's own precision wins, with a warning.

    Raises:
        InputError: every fault of the options and the network.
    """
    from mcmscope.options import Faults
    from mcmscope.report.console import warn
    from mcmscope.workload.load import load_network
    from mcmscope.workload.network import DEFAULT_ACTIVATION_BITS

    faults = Faults()
    read = faults.attempt(lambda: network_options(seq, kv, dims, weight_bits, activation_bits))
    given = read or NetworkOptions()
    network = faults.attempt(
        lambda: load_network(
            name,
            weight_bits=given.weight_bits,
            activation_bits=given.activation_bits or DEFAULT_ACTIVATION_BITS,
            allow_unknown=allow_unknown,
            dims=given.dims,
            seq=given.seq,
            kv=given.kv,
        )
    )
    faults.throw()
    assert network is not None
    warn(kept_precision(name, network, given))
    return network


def kept_precision(name: str, network: Network, given: NetworkOptions) -> list[str]:
    """What to tell where a network file's own precision is not the one that was asked for."""
    return [
        f"{name} carries its own precision: {key} stays {own}, not {asked}"
        for key, own, asked in (
            ("weight_bits", network.weight_bits, given.weight_bits),
            ("activation_bits", network.activation_bits, given.activation_bits),
        )
        if asked is not None and own != asked
    ]


def out_directory(out: str | None) -> Path | None:
    """The directory of ``--out``, seen to be writable and not made yet; None if none is given.

    Raises:
        InputError: it cannot be made or written to.
    """
    from mcmscope.files import check_directory

    if out is None:
        return None
    if out == "":
        raise InputError("--out: expected a directory, got ''")
    check_directory(Path(out))
    return Path(out)
