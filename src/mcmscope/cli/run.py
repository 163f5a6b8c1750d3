"""``run``: search every scheme for a network on a package."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mcmscope.cli.app import INTERRUPTED, print_json, told
from mcmscope.cli.inputs import out_directory, read_network
from mcmscope.cli.options import (
    ActivationBits,
    Aim,
    AllowUnknown,
    Batch,
    Dims,
    JsonFlag,
    Kv,
    MicroBatch,
    NetworkName,
    PackageName,
    Samples,
    Seed,
    Seq,
    TimeLimit,
    WeightBits,
    directory_option,
)
from mcmscope.options import SAMPLES, SEARCHES
from mcmscope.schedule import Objective, Scheme


def run(
    network: NetworkName,
    package: PackageName,
    batch: Batch = "64",
    seq: Seq = None,
    kv: Kv = None,
    dim: Dims = None,
    objective: Aim = Objective.THROUGHPUT.value,
    scheme: Annotated[
        str, typer.Option(metavar="all|NAME,...", help=f"Schemes to search: {', '.join(Scheme)}.")
    ] = "all",
    search: Annotated[
        str, typer.Option(metavar="NAME", help=f"How schedules are searched: {', '.join(SEARCHES)}.")
    ] = "linear",
    micro_batch: MicroBatch = "auto",
    time_limit: TimeLimit = None,
    samples: Samples = str(SAMPLES),
    seed: Seed = "0",
    weight_bits: WeightBits = None,
    activation_bits: ActivationBits = None,
    allow_unknown: AllowUnknown = False,
    out: Annotated[str | None, directory_option("result.json, report.html and schedules")] = None,
    json: JsonFlag = False,
) -> None:
    """Search every scheme for a network on a package, and compare them."""
    with told():
        from mcmscope.api import run_options
        from mcmscope.files import make_directory
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
                network, seq, kv, dim, weight_bits, activation_bits, allow_unknown=allow_unknown
            )
        )
        pkg = faults.attempt(lambda: load_package(package))
        directory = faults.attempt(lambda: out_directory(out))
        faults.throw()
        assert options is not None
        assert net is not None
        assert pkg is not None
        if directory is not None:
            make_directory(directory)
        warn(net.warnings)
        with progress_line(f"{net.name} on {pkg.name}") as progress, compiled():
            tell = progress.share if progress is not None else None
            result = run_options(net, pkg, options, progress, tell)
        written: tuple[Path, ...] = ()
        if directory is not None:
            from mcmscope.report.save import save_findings
            from mcmscope.report.views.saved import with_others

            found = with_others(result, directory)
            written = save_findings(found, directory)
            warn(found.notes)
        if json:
            from mcmscope.report.result_json import result_to_dict

            print_json(result_to_dict(result))
        else:
            from mcmscope.report.show import print_result

            print_result(result, written)
        if result.interrupted:
            raise typer.Exit(INTERRUPTED)
