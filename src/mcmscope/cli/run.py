"""``run``: search every scheme for a network on a package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mcmscope.cli.app import (
    INTERRUPTED,
    Batch,
    Dims,
    JsonFlag,
    Kv,
    NetworkName,
    PackageName,
    Samples,
    Seed,
    Seq,
    print_json,
    told,
)
from mcmscope.options import SAMPLES, SEARCHES
from mcmscope.schedule import Objective, Scheme

if TYPE_CHECKING:
    from mcmscope.workload.network import Network


def run(
    network: NetworkName,
    package: PackageName,
    batch: Batch = "64",
    seq: Seq = None,
    kv: Kv = None,
    dim: Dims = None,
    objective: Annotated[
        str, typer.Option(metavar="NAME", help=f"What the searches make best: {', '.join(Objective)}.")
    ] = Objective.THROUGHPUT.value,
    scheme: Annotated[
        str, typer.Option(metavar="all|NAME,...", help=f"Schemes to search: {', '.join(Scheme)}.")
    ] = "all",
    search: Annotated[
        str, typer.Option(metavar="NAME", help=f"How schedules are searched: {', '.join(SEARCHES)}.")
    ] = "linear",
    micro_batch: Annotated[
        str, typer.Option(metavar="auto|U", help="Samples per beat, or let the search choose.")
    ] = "auto",
    time_limit: Annotated[
        str | None, typer.Option(metavar="SECONDS", help="Most time of an exact search, per scheme.")
    ] = None,
    samples: Samples = str(SAMPLES),
    seed: Seed = "0",
    weight_bits: Annotated[
        str | None, typer.Option(metavar="BITS", help="Bits of a weight.", show_default="8")
    ] = None,
    activation_bits: Annotated[
        str | None, typer.Option(metavar="BITS", help="Bits of an activation.", show_default="8")
    ] = None,
    allow_unknown: Annotated[
        bool, typer.Option("--allow-unknown", help="Take unknown ONNX operators for data movement.")
    ] = False,
    out: Annotated[
        str | None,
        typer.Option("--out", "-o", metavar="DIR", help="Write result.json, report.html and schedules here."),
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Search every scheme for a network on a package, and compare them."""
    with told():
        from mcmscope.api import run_options
        from mcmscope.files import check_directory, make_directory
        from mcmscope.hardware import load_package
        from mcmscope.options import Faults, read_options
        from mcmscope.report.console import progress_line, warn
        from mcmscope.warm import compiled

        faults = Faults()
        options = faults.attempt(
            lambda: read_options(batch, objective, scheme, search, micro_batch, time_limit, samples, seed)
        )
        net = faults.attempt(
            lambda: read_network(
                network, seq, kv, weight_bits, activation_bits, dims=dim, allow_unknown=allow_unknown
            )
        )
        pkg = faults.attempt(lambda: load_package(package))
        if out == "":
            faults.found.append("--out: expected a directory, got ''")
        elif out is not None:
            faults.attempt(lambda: check_directory(Path(out)))
        faults.throw()
        assert options is not None
        assert net is not None
        assert pkg is not None
        if out is not None:
            make_directory(Path(out))
        warn(net.warnings)
        with progress_line(f"{net.name} on {pkg.name}") as progress, compiled():
            tell = progress.share if progress is not None else None
            result = run_options(net, pkg, options, progress, tell)
        written = result.save(out) if out is not None else ()
        if json:
            from mcmscope.report.result_json import result_to_dict

            print_json(result_to_dict(result))
        else:
            from mcmscope.report.show import print_result

            print_result(result, written)
        if result.interrupted:
            raise typer.Exit(INTERRUPTED)


@dataclass(frozen=True, slots=True)
class Sizes:
    """Sizes of a network that a user may give."""

    seq: int | None = None
    kv: int | None = None
    dims: Mapping[str, int] | None = None


def read_sizes(seq: str | None, kv: str | None, dims: Sequence[str] | None) -> Sizes:
    """The sizes from text.

    Raises:
        InputError: every fault of all of them.
    """
    from mcmscope.options import Faults, read_dims, whole_number
    from mcmscope.workload.zoo.entry import MAX_TOKENS

    faults = Faults()
    tokens = {
        option: faults.attempt(lambda option=option, given=given: whole_number(option, given, MAX_TOKENS))
        for option, given in (("--seq", seq), ("--kv", kv))
        if given is not None
    }
    sizes = faults.attempt(lambda: read_dims(dims or ()))
    faults.throw()
    return Sizes(tokens.get("--seq"), tokens.get("--kv"), sizes)


def read_network(
    name: str,
    seq: str | None = None,
    kv: str | None = None,
    weight_bits: str | None = None,
    activation_bits: str | None = None,
    *,
    dims: Sequence[str] | None = None,
    allow_unknown: bool = False,
) -> Network:
    """The network, its numbers from text; a network file's own precision wins, with a warning."""
    from mcmscope.options import Faults, whole_number
    from mcmscope.report.console import warn
    from mcmscope.workload.load import MAX_BITS, load_network

    faults = Faults()
    bits: dict[str, int] = {}
    for key, given in (("weight_bits", weight_bits), ("activation_bits", activation_bits)):
        option = "--" + key.replace("_", "-")
        value = faults.attempt(
            lambda option=option, given=given: whole_number(option, given or "8", MAX_BITS)
        )
        if given is not None and value is not None:
            bits[key] = value
    sizes = faults.attempt(lambda: read_sizes(seq, kv, dims)) or Sizes()
    network = faults.attempt(
        lambda: load_network(
            name, allow_unknown=allow_unknown, dims=sizes.dims, seq=sizes.seq, kv=sizes.kv, **bits
        )
    )
    faults.throw()
    assert network is not None
    for key, value in bits.items():
        if getattr(network, key) != value:
            own = getattr(network, key)
            warn([f"{name} carries its own precision: {key} stays {own}, not {value}"])
    return network
