"""The command line: reads arguments, calls the library, prints. Heavy imports wait until a command runs."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mcmscope import __version__
from mcmscope.errors import InputError, did_you_mean
from mcmscope.schedule import Objective, Scheme

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

    from mcmscope.workload.network import Network

BAD_INPUT = 2
INTERRUPTED = 130
CLOSED_PIPE = 0
"""The reader went away, as `head` does, with all it wanted: the code is the same as if it had been sooner
or later than our last write."""
_MOST_FAULTS = 200

app = typer.Typer(
    name="mcmscope",
    help="Decide how neural networks run on multi-chip-module (chiplet) accelerators.",
    epilog="Start with: mcmscope run resnet50 --package simba-64",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_Json = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else, to standard output.")]
_ScheduleFile = Annotated[
    str, typer.Argument(metavar="SCHEDULE.json", help="A schedule file of `run --out`.")
]


@contextmanager
def told() -> Generator[None]:
    """Bad input as ``error: ...`` lines and exit code 2; ^C as exit code 130. Bugs keep their traceback."""
    try:
        yield
    except InputError as error:
        from mcmscope.report.words import clean

        for fault in error.faults[:_MOST_FAULTS]:
            print(f"error: {clean(fault)}", file=sys.stderr)
        if len(error.faults) > _MOST_FAULTS:
            print(f"error: ... and {len(error.faults) - _MOST_FAULTS} more", file=sys.stderr)
        raise typer.Exit(BAD_INPUT) from None
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None


def _version(asked: bool) -> None:
    if asked:
        print(f"mcmscope {__version__}")
        raise typer.Exit


@app.callback()
def _root(  # pyright: ignore[reportUnusedFunction]
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    pass


@app.command()
def run(
    network: Annotated[
        str, typer.Argument(metavar="NETWORK", help="A name of the zoo, or an .onnx or .json file.")
    ],
    package: Annotated[
        str, typer.Option("--package", "-p", metavar="PKG", help="A preset's name or a YAML file.")
    ],
    batch: Annotated[str, typer.Option(metavar="M", help="Samples scheduled together.")] = "64",
    objective: Annotated[
        str, typer.Option(metavar="NAME", help=f"What the searches make best: {', '.join(Objective)}.")
    ] = Objective.THROUGHPUT.value,
    scheme: Annotated[
        str, typer.Option(metavar="all|NAME,...", help=f"Schemes to search: {', '.join(Scheme)}.")
    ] = "all",
    search: Annotated[
        str, typer.Option(metavar="NAME", help="How pipelines are searched: linear.")
    ] = "linear",
    micro_batch: Annotated[
        str, typer.Option(metavar="auto|U", help="Samples per beat, or let the search choose.")
    ] = "auto",
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
        str | None, typer.Option("--out", "-o", metavar="DIR", help="Write result.json and schedules here.")
    ] = None,
    json: _Json = False,
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
        options = faults.attempt(lambda: read_options(batch, objective, scheme, search, micro_batch))
        net = faults.attempt(lambda: _network(network, weight_bits, activation_bits, allow_unknown))
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
            result = run_options(net, pkg, options, progress)
        written = result.save(out) if out is not None else ()
        if json:
            from mcmscope.report.result_json import result_to_dict

            _print_json(result_to_dict(result))
        else:
            from mcmscope.report.show import print_result

            print_result(result, written)


def _network(name: str, weight_bits: str | None, activation_bits: str | None, allow_unknown: bool) -> Network:
    """The network, its precision from text; a network file's own precision wins, with a warning."""
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
    network = faults.attempt(lambda: load_network(name, allow_unknown=allow_unknown, **bits))
    faults.throw()
    assert network is not None
    for key, value in bits.items():
        if getattr(network, key) != value:
            own = getattr(network, key)
            warn([f"{name} carries its own precision: {key} stays {own}, not {value}"])
    return network


def _print_json(data: dict[str, Any]) -> None:
    from mcmscope.files import json_text

    print(json_text(data), end="")


@app.command()
def evaluate(schedule: _ScheduleFile, json: _Json = False) -> None:
    """Price a schedule file again: the same figures as the run that wrote it."""
    with told():
        from mcmscope.api import evaluate as price
        from mcmscope.report.console import print_lines, warn
        from mcmscope.report.figures import evaluation_lines
        from mcmscope.report.result_json import evaluation_to_dict
        from mcmscope.schedule_file import load_schedule

        saved = load_schedule(schedule)
        warn(saved.network.warnings)
        evaluation = price(saved)
        if json:
            _print_json(evaluation_to_dict(saved, evaluation))
        else:
            print_lines(evaluation_lines(saved, evaluation))


@app.command()
def explain(schedule: _ScheduleFile) -> None:
    """Show per segment and stage of a schedule file what binds, and what would help."""
    with told():
        from rich.text import Text

        from mcmscope.api import evaluate as price
        from mcmscope.report.console import console, warn
        from mcmscope.report.explain import explanation
        from mcmscope.schedule_file import load_schedule

        saved = load_schedule(schedule)
        warn(saved.network.warnings)
        out = console()
        for part in explanation(saved, price(saved)):
            out.print(part, soft_wrap=isinstance(part, Text))


@app.command()
def packages() -> None:
    """List the packages that come with mcmscope."""
    with told():
        from mcmscope.report.console import print_lines
        from mcmscope.report.listing import package_lines

        print_lines(package_lines())


@app.command()
def networks() -> None:
    """List the networks that come with mcmscope."""
    with told():
        from mcmscope.report.console import print_lines
        from mcmscope.report.listing import network_lines

        print_lines(network_lines())


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A package or a network, by name or file.")],
    yaml: Annotated[bool, typer.Option("--yaml", help="Print a package file to start from.")] = False,
) -> None:
    """Explain a package or a network, or print a package file to start from."""
    with told():
        from mcmscope.hardware import describe_package, load_package, package_to_yaml
        from mcmscope.report.console import print_lines, warn
        from mcmscope.report.listing import describe_network
        from mcmscope.workload import load_network

        if _is_package(name):
            package = load_package(name)
            text = package_to_yaml(package) if yaml else describe_package(package)
            print_lines(text.splitlines())
            return
        if yaml:
            raise InputError(f"{name} is a network; --yaml prints a package file")
        network = load_network(name, allow_unknown=True)
        warn(network.warnings)
        print_lines(describe_network(network))


def _is_package(name: str) -> bool:
    """Whether a name means a package: a preset or YAML; not if it is a network's.

    Raises:
        InputError: it is neither.
    """
    from mcmscope.hardware.loader import as_preset, preset_names
    from mcmscope.workload.load import zoo_names

    lowered = name.lower()
    if as_preset(name) or lowered.endswith((".yaml", ".yml")):
        return True
    plain = lowered.strip().replace("-", "").replace("_", "")
    if lowered.endswith((".onnx", ".json")) or plain in {known.replace("_", "") for known in zoo_names()}:
        return False
    hint = did_you_mean(name, (*preset_names(), *zoo_names()))
    raise InputError(
        f"unknown name {name!r}{hint}: expected a package ({', '.join(preset_names())}), "
        f"a network ({', '.join(zoo_names())}), or a .yaml, .onnx or .json file"
    )


class _Output(io.FileIO):
    """Standard output that ends the program if it cannot be written; what is still buffered is dropped."""

    def write(self, data: ReadableBuffer, /) -> int | None:
        try:
            return super().write(data)
        except OSError as error:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)
            if isinstance(error, BrokenPipeError):
                raise SystemExit(CLOSED_PIPE) from None
            print(f"error: standard output cannot be written: {error.strerror or error}", file=sys.stderr)
            raise SystemExit(BAD_INPUT) from None


def _watch_output() -> None:
    """Write standard output through ``_Output``, unless it is a terminal or closed."""
    out = sys.stdout
    if isinstance(out, io.TextIOWrapper) and not out.isatty():
        raw = _Output(out.fileno(), "wb", closefd=False)
        sys.stdout = io.TextIOWrapper(io.BufferedWriter(raw), encoding=out.encoding, errors=out.errors)


def main() -> None:
    """Entry point of ``mcmscope``."""
    # Kernels are as fast at this level and compile in two thirds of the time; numba reads it when imported.
    os.environ.setdefault("NUMBA_OPT", "1")
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")  # a name in a terminal that cannot show it
    _watch_output()
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    finally:
        if sys.stdout is not None:  # pyright: ignore[reportUnnecessaryComparison] (closed by the shell)
            sys.stdout.flush()
