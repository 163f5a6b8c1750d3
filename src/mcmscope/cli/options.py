"""Arguments and options that several commands have, each declared once."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from mcmscope.schedule import Objective

JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else, to standard output.")]
ScheduleFile = Annotated[str, typer.Argument(metavar="SCHEDULE.json", help="A schedule file of `run --out`.")]
NetworkName = Annotated[
    str,
    typer.Argument(
        metavar="NETWORK", help="A name of the zoo (resnet50, resnet50@299), or an .onnx or .json file."
    ),
]
PackageName = Annotated[
    str, typer.Option("--package", "-p", metavar="PKG", help="A preset's name or a YAML file.")
]
Batch = Annotated[str, typer.Option(metavar="M", help="Samples scheduled together.")]
Seq = Annotated[str | None, typer.Option("--seq", metavar="N", help="A language model's pass over N tokens.")]
Kv = Annotated[
    str | None,
    typer.Option("--kv", metavar="N", help="One token of a language model, behind N tokens in its cache."),
]
Dims = Annotated[
    list[str] | None,
    typer.Option("--dim", metavar="NAME=N", help="A symbolic size of an ONNX file; once for each."),
]
WeightBits = Annotated[str | None, typer.Option(metavar="BITS", help="Bits of a weight.", show_default="8")]
ActivationBits = Annotated[
    str | None, typer.Option(metavar="BITS", help="Bits of an activation.", show_default="8")
]
AllowUnknown = Annotated[
    bool, typer.Option("--allow-unknown", help="Take unknown ONNX operators for data movement.")
]
Aim = Annotated[
    str,
    typer.Option("--objective", metavar="NAME", help=f"What makes a schedule best: {', '.join(Objective)}."),
]
MicroBatch = Annotated[
    str,
    typer.Option(metavar="auto|U", help="Samples per beat; auto: the search chooses."),
]
TimeLimit = Annotated[
    str | None, typer.Option(metavar="SECONDS", help="Most time of an exact search, per scheme.")
]
Samples = Annotated[str, typer.Option(metavar="K", help="Schedules drawn at random.")]
Seed = Annotated[str, typer.Option(metavar="S", help="What the random draws start from.")]


def directory_option(written: str) -> Any:
    """``--out`` of a command that writes files into a directory."""
    return typer.Option("--out", "-o", metavar="DIR", help=f"Write {written} here.")
