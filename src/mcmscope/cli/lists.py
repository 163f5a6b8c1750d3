"""``packages``, ``networks`` and ``show``: what comes with mcmscope."""

from __future__ import annotations

from typing import Annotated

import typer

from mcmscope.cli.app import told
from mcmscope.cli.options import Dims, Kv, Seq
from mcmscope.errors import InputError, did_you_mean


def packages() -> None:
    """List the packages that come with mcmscope."""
    with told():
        from mcmscope.report.console import print_lines
        from mcmscope.report.listing import package_lines

        print_lines(package_lines())


def networks() -> None:
    """List the networks that come with mcmscope."""
    with told():
        from mcmscope.report.console import print_lines
        from mcmscope.report.listing import network_lines

        print_lines(network_lines())


def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A package or a network, by name or file.")],
    seq: Seq = None,
    kv: Kv = None,
    dim: Dims = None,
    yaml: Annotated[bool, typer.Option("--yaml", help="Print a package file to start from.")] = False,
) -> None:
    """Explain a package or a network, or print a package file to start from."""
    with told():
        from mcmscope.cli.inputs import read_network
        from mcmscope.hardware import describe_package, load_package, package_to_yaml
        from mcmscope.report.console import print_lines, warn
        from mcmscope.report.listing import describe_network

        if _is_package(name):
            if seq is not None or kv is not None or dim:
                raise InputError(f"{name} is a package; --seq, --kv and --dim are for networks")
            package = load_package(name)
            text = package_to_yaml(package) if yaml else describe_package(package)
            print_lines(text.splitlines())
            return
        if yaml:
            raise InputError(f"{name} is a network; --yaml prints a package file")
        network = read_network(name, seq, kv, dim, allow_unknown=True)
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
    plain = lowered.strip().partition("@")[0].replace("-", "").replace("_", "")
    if lowered.endswith((".onnx", ".json")) or plain in {known.replace("_", "") for known in zoo_names()}:
        return False
    hint = did_you_mean(name, (*preset_names(), *zoo_names()))
    raise InputError(
        f"unknown name {name!r}{hint}: expected a package ({', '.join(preset_names())}), "
        f"a network ({', '.join(zoo_names())}), or a .yaml, .onnx or .json file"
    )
