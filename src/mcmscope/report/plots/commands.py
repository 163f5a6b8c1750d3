"""The commands that write what a picture needs beside a result."""

from __future__ import annotations

from shlex import quote

from mcmscope.errors import InputError
from mcmscope.hardware.loader import as_preset, load_package
from mcmscope.report.save import schedule_file_name
from mcmscope.report.views.saved import Findings
from mcmscope.result import Result
from mcmscope.schedule import Scheme
from mcmscope.workload.load import load_network
from mcmscope.workload.network import DEFAULT_ACTIVATION_BITS, DEFAULT_WEIGHT_BITS, Network
from mcmscope.workload.zoo.find import known_name


def simulate_command(found: Findings, scheme: Scheme) -> str:
    """What simulates the schedule of a scheme."""
    schedule = quote(str(found.folder / schedule_file_name(scheme)))
    return f"run mcmscope simulate {schedule} --out {quote(str(found.folder))}"


def case_command(command: str, found: Findings) -> str:
    """What runs ``command`` on the case of a result; in words where names do not say the case."""
    result = found.result
    rest = f"--batch {result.batch} --out {quote(str(found.folder))}"
    named = _named(result)
    if named is None:
        return f"run mcmscope {command} with the network and package that the run was given, and {rest}"
    return f"run mcmscope {command} {named} {rest}"


def _named(result: Result) -> str | None:
    """The network and package of a result as arguments; None where they were not the zoo's and a preset."""
    network, package = result.network, result.package
    if not as_preset(package.name) or load_package(package.name) != package or not _of_zoo(network):
        return None
    bits = [
        f" --{name} {own}"
        for name, own, usual in (
            ("weight-bits", network.weight_bits, DEFAULT_WEIGHT_BITS),
            ("activation-bits", network.activation_bits, DEFAULT_ACTIVATION_BITS),
        )
        if own != usual
    ]
    return f"{quote(network.name)} --package {quote(package.name)}{''.join(bits)}"


def _of_zoo(network: Network) -> bool:
    """Whether the zoo gives this very network for its name."""
    try:
        known_name(network.name.partition("@")[0])
        again = load_network(
            network.name, weight_bits=network.weight_bits, activation_bits=network.activation_bits
        )
    except InputError:
        return False
    return again == network
