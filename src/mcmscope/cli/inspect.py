"""``inspect``: what was understood of a network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mcmscope.cli.app import print_json, told
from mcmscope.cli.inputs import kept_precision, network_options
from mcmscope.cli.options import ActivationBits, Dims, JsonFlag, Kv, NetworkName, Seq, WeightBits


def inspect(
    network: NetworkName,
    seq: Seq = None,
    kv: Kv = None,
    dim: Dims = None,
    weight_bits: WeightBits = None,
    activation_bits: ActivationBits = None,
    allow_unknown: Annotated[
        bool,
        typer.Option("--allow-unknown", help="Save unknown ONNX operators, too: as data movement."),
    ] = False,
    save: Annotated[
        str | None,
        typer.Option("--save", metavar="FILE.json", help="Write the network as a file to edit or share."),
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Tell what was understood of a network: layers, sizes, what became of each operator."""
    with told():
        from mcmscope.options import Faults
        from mcmscope.report.console import print_lines, warn
        from mcmscope.report.inspection import inspection_lines, inspection_to_dict
        from mcmscope.workload.inspection import inspect as understand
        from mcmscope.workload.json_format import write_network
        from mcmscope.workload.network import DEFAULT_ACTIVATION_BITS

        faults = Faults()
        given = faults.attempt(lambda: network_options(seq, kv, dim, weight_bits, activation_bits))
        if save is not None and not save.lower().endswith(".json"):
            faults.found.append(f"--save: expected a name that ends in .json, got {save!r}")
        faults.throw()
        assert given is not None
        found = understand(
            network,
            dims=given.dims,
            seq=given.seq,
            kv=given.kv,
            weight_bits=given.weight_bits,
            activation_bits=given.activation_bits or DEFAULT_ACTIVATION_BITS,
            allow_unknown=allow_unknown or save is None,
        )
        warn([*kept_precision(network, found.network, given), *found.network.warnings])
        if save is not None:
            write_network(found.network, Path(save))
        if json:
            print_json(inspection_to_dict(found))
        else:
            print_lines(inspection_lines(found))
            if save is not None:
                print_lines(["", f"Wrote {save}."])
