"""``pareto``: what throughput costs in energy."""

from __future__ import annotations

from typing import Annotated

import typer

from mcmscope.cli.app import INTERRUPTED, print_json, told
from mcmscope.cli.inputs import out_directory, read_network
from mcmscope.cli.options import (
    ActivationBits,
    AllowUnknown,
    Batch,
    Dims,
    JsonFlag,
    Kv,
    MicroBatch,
    NetworkName,
    PackageName,
    Seq,
    WeightBits,
    directory_option,
)
from mcmscope.schedule import Objective, Scheme


def pareto(
    network: NetworkName,
    package: PackageName,
    batch: Batch = "64",
    seq: Seq = None,
    kv: Kv = None,
    dim: Dims = None,
    scheme: Annotated[
        str, typer.Option(metavar="NAME", help="The scheme whose schedules they are; not data-parallel.")
    ] = Scheme.MERGED_PIPELINE.value,
    micro_batch: MicroBatch = "auto",
    time_limit: Annotated[
        str | None,
        typer.Option(
            metavar="SECONDS",
            help="Stop after about so long, a first run's compiling included, with what is proven by then.",
        ),
    ] = None,
    weight_bits: WeightBits = None,
    activation_bits: ActivationBits = None,
    allow_unknown: AllowUnknown = False,
    out: Annotated[str | None, directory_option("pareto.json, pareto.csv and pareto.svg")] = None,
    json: JsonFlag = False,
) -> None:
    """Show the front of throughput and energy: the schedules of which none is both faster and thriftier."""
    with told():
        from mcmscope.files import make_directory
        from mcmscope.hardware import load_package
        from mcmscope.options import Faults, read_options
        from mcmscope.pareto import fit_for_front
        from mcmscope.pareto import pareto as front
        from mcmscope.report.console import console, print_lines, progress_line, warn
        from mcmscope.report.pareto import pareto_table, pareto_title, pareto_to_dict, summary_lines
        from mcmscope.warm import compiled

        faults = Faults()
        options = faults.attempt(
            lambda: read_options(batch, Objective.THROUGHPUT, scheme, "linear", micro_batch, time_limit)
        )
        if options is not None and len(options.schemes) != 1:
            faults.found.append(f"scheme: expected one, got {scheme!r}: each has a front of its own")
        net = faults.attempt(
            lambda: read_network(
                network, seq, kv, dim, weight_bits, activation_bits, allow_unknown=allow_unknown
            )
        )
        pkg = faults.attempt(lambda: load_package(package))
        if options is not None and pkg is not None and len(options.schemes) == 1:
            faults.found.extend(fit_for_front(options.schemes[0], pkg))
        directory = faults.attempt(lambda: out_directory(out))
        faults.throw()
        assert options is not None
        assert net is not None
        assert pkg is not None
        if directory is not None:
            make_directory(directory)
        warn(net.warnings)
        with progress_line(f"{net.name} on {pkg.name}") as progress, compiled():

            def tell(step: str) -> None:
                if progress is not None:
                    progress.step(step)

            found = front(net, pkg, options, tell)
        written = found.save(directory) if directory is not None else ()
        if json:
            print_json(pareto_to_dict(found))
        else:
            print_lines([*pareto_title(found), ""])
            if found.points:
                console().print(pareto_table(found))
            print_lines(["", *summary_lines(found)])
            if written:
                print_lines(["", f"Wrote {', '.join(str(path) for path in written)}."])
        if found.interrupted:
            raise typer.Exit(INTERRUPTED)
