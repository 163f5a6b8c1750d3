"""``pareto``: what throughput costs in energy."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mcmscope.cli.app import (
    INTERRUPTED,
    Batch,
    Dims,
    JsonFlag,
    Kv,
    NetworkName,
    PackageName,
    Seq,
    print_json,
    told,
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
    micro_batch: Annotated[
        str, typer.Option(metavar="auto|U", help="Samples per beat; a fixed one makes the space smaller.")
    ] = "auto",
    time_limit: Annotated[
        str | None,
        typer.Option(metavar="SECONDS", help="Stop after about so long, with what is proven by then."),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option("--out", "-o", metavar="DIR", help="Write pareto.json, pareto.csv and pareto.svg here."),
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Show the front of throughput and energy: the schedules of which none is both faster and thriftier."""
    with told():
        from mcmscope.cli.run import read_network
        from mcmscope.files import check_directory, make_directory
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
        net = faults.attempt(lambda: read_network(network, seq, kv, dims=dim))
        pkg = faults.attempt(lambda: load_package(package))
        if options is not None and pkg is not None and len(options.schemes) == 1:
            faults.found.extend(fit_for_front(options.schemes[0], pkg))
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

            def tell(done: int, most: int) -> None:
                if progress is not None:
                    progress.step(f"weighted sum {done + 1} of at most {most}")

            found = front(net, pkg, options, tell)
        written = found.save(out) if out is not None else ()
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
