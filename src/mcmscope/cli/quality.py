"""``quality``: where the schedules that searches find stand among all."""

from __future__ import annotations

from typing import Annotated

import typer

from mcmscope.cli.app import print_json, told
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
from mcmscope.options import AUTO, SEARCHES, Options
from mcmscope.schedule import Objective, Scheme


def quality(
    network: NetworkName,
    package: PackageName,
    batch: Batch = "64",
    seq: Seq = None,
    kv: Kv = None,
    dim: Dims = None,
    objective: Aim = Objective.THROUGHPUT.value,
    scheme: Annotated[
        str, typer.Option(metavar="NAME", help=f"The scheme whose space it is: {', '.join(Scheme)}.")
    ] = Scheme.MERGED_PIPELINE.value,
    search: Annotated[
        str,
        typer.Option(
            metavar="auto|NAME,...", help=f"Searches to rank: {', '.join(SEARCHES)}; auto: linear and exact."
        ),
    ] = AUTO,
    micro_batch: MicroBatch = "auto",
    time_limit: TimeLimit = None,
    samples: Samples = "10000",
    seed: Seed = "0",
    weight_bits: WeightBits = None,
    activation_bits: ActivationBits = None,
    allow_unknown: AllowUnknown = False,
    out: Annotated[str | None, directory_option("quality.json and quality.svg")] = None,
    json: JsonFlag = False,
) -> None:
    """Rank what searches find among all schedules, or among random ones where there are too many."""
    with told():
        from mcmscope.files import make_directory
        from mcmscope.hardware import load_package
        from mcmscope.options import Faults, read_options, read_searches
        from mcmscope.quality import quality as rank
        from mcmscope.report.console import print_lines, progress_line, warn
        from mcmscope.report.quality import quality_lines, quality_to_dict
        from mcmscope.warm import compiled

        faults = Faults()

        def options_of(name: str) -> Options:
            return read_options(batch, objective, scheme, name, micro_batch, time_limit, samples, seed)

        options = faults.attempt(lambda: options_of("linear"))
        searches = faults.attempt(lambda: read_searches("linear" if search == AUTO else search))
        if search == AUTO and Faults().attempt(lambda: options_of("exact")) is not None:
            searches = ("linear", "exact")
        for name in searches if options is not None and searches is not None else ():
            faults.attempt(lambda name=name: options_of(name))
        if options is not None and len(options.schemes) != 1:
            faults.found.append(f"scheme: expected one, got {scheme!r}: each has a space of its own")
        net = faults.attempt(
            lambda: read_network(
                network, seq, kv, dim, weight_bits, activation_bits, allow_unknown=allow_unknown
            )
        )
        pkg = faults.attempt(lambda: load_package(package))
        directory = faults.attempt(lambda: out_directory(out))
        faults.throw()
        assert searches is not None
        assert options is not None
        assert net is not None
        assert pkg is not None
        if directory is not None:
            make_directory(directory)
        warn(net.warnings)
        with progress_line(f"{net.name} on {pkg.name}") as progress, compiled():
            step, tell = (progress.step, progress.share) if progress is not None else (None, None)
            found = rank(net, pkg, options, searches, step, tell)
        written = found.save(directory) if directory is not None else ()
        if json:
            print_json(quality_to_dict(found))
        else:
            print_lines(quality_lines(found, written))
