"""A package in words: what it has, what that adds up to, and which figures are assumed."""

from __future__ import annotations

from typing import cast

from mcmscope.hardware.package import EnergyProfile, Package

_FJ_PER_BYTE_AT_A_PJ_PER_BIT = 8000
_LABEL_WIDTH = 15
_ENERGY_KEYS = (
    "mac_pj",
    "input_buffer_read_pj_per_bit",
    "weight_buffer_read_pj_per_bit",
    "accumulator_pj_per_bit",
    "activation_buffer_read_pj_per_bit",
    "activation_buffer_write_pj_per_bit",
    "nop_hop_pj_per_bit",
    "dram_pj_per_bit",
    "static_mw_per_chiplet",
)


def describe_package(package: Package) -> str:
    """Plain text, a line per noun, with ``*`` at lines that rest on an assumed figure; those follow below."""
    chiplet, nop, dram = package.chiplet, package.nop, package.dram
    tops = 2 * package.peak_macs_per_s / 1e12
    read_gb_per_s = chiplet.buffer_read_bytes_per_cycle * chiplet.clock_mhz / 1000
    shape = "row" if package.strip_height == 1 else "rows"
    rows: list[tuple[str, str, tuple[str, ...]]] = [
        (
            "grid",
            f"{package.rows} x {package.columns} = {package.chiplets} chiplets, "
            f"regions along strips of {package.strip_height} {shape}",
            ("grid.rows", "grid.columns", "strip_height"),
        ),
        (
            "chiplet",
            f"{chiplet.pes} PEs x {chiplet.lanes_k} x {chiplet.lanes_c} = {chiplet.macs_per_cycle} int8 MACs "
            f"at {chiplet.clock_mhz} MHz",
            ("chiplet.pes", "chiplet.lanes_k", "chiplet.lanes_c", "chiplet.clock_mhz"),
        ),
        ("peak", f"{_figure(tops)} TOPS, {_figure(tops / package.chiplets)} a chiplet (2 per MAC)", ()),
        ("vector unit", f"{chiplet.vector_lanes} elements per cycle", ("chiplet.vector_lanes",)),
        (
            "buffers",
            _buffers(package),
            (
                "chiplet.weight_buffer_kib",
                "chiplet.activation_buffer_kib",
                "chiplet.unified_buffer_kib",
            ),
        ),
        (
            "buffer reads",
            f"{chiplet.buffer_read_bytes_per_cycle} bytes a cycle = {_figure(read_gb_per_s)} GB/s a chiplet",
            ("chiplet.buffer_read_bytes_per_cycle",),
        ),
        ("layer start", f"{chiplet.layer_start_ns} ns", ("chiplet.layer_start_ns",)),
        (
            "link",
            f"{_figure(nop.link_mb_per_s / 1000)} GB/s in each direction, {nop.hop_latency_ns} ns a hop, "
            f"{package.rows + package.columns - 2} hops from corner to corner",
            ("nop.link_gb_per_s", "nop.hop_latency_ns"),
        ),
        ("bisection", _bisection(package), ()),
        (
            "DRAM",
            f"{dram.channels} x {_figure(dram.channel_mb_per_s / 1000)} GB/s at {_edges(package)}",
            ("dram.channels", "dram.channel_gb_per_s", "dram.edges"),
        ),
        ("DRAM ports", _ports(package), ()),
        (
            "retained",
            f"{package.retained_permille / 10:g}% of the activation buffers, between segments",
            ("retained_share",),
        ),
        ("execution", _execution(package), ("execution.overlap", "execution.prefetch")),
        ("energy", f"{package.energy.name}: {package.energy.source}", ()),
        ("", _energies(package.energy), _energy_keys("mac", "nop", "dram", "static")),
        ("", _sram_energies(package.energy), _energy_keys("input", "weight", "accumulator", "activation")),
    ]
    title = f"{package.name}: {package.description}" if package.description else package.name
    lines = [title, *(_row(package, *row) for row in rows), *_footnotes(package)]
    return "\n".join(lines) + "\n"


def is_assumed(package: Package, key: str) -> bool:
    """Whether a figure's source is that it was assumed."""
    return package.provenance.get(key, "").startswith("assumed")


def keys_without_source(package: Package) -> tuple[str, ...]:
    """The figures of a package for which it names no source, by their key in a package file."""
    from mcmscope.hardware.dump import package_to_dict
    from mcmscope.hardware.schema import constants

    keys: list[str] = []
    for key, value in package_to_dict(package).items():
        section = cast(dict[str, object], value) if isinstance(value, dict) else {}
        keys += [f"{key}.{inner}" for inner in section] or [key]
    return tuple(key for key in keys if key in constants() and not package.provenance.get(key))


def _row(package: Package, label: str, text: str, keys: tuple[str, ...]) -> str:
    mark = "*" if any(is_assumed(package, key) for key in keys) else " "
    return f"{mark} {label:<{_LABEL_WIDTH}}{text}"


def _footnotes(package: Package) -> list[str]:
    assumed = [key for key in package.provenance if is_assumed(package, key)]
    lines = ["* assumed:"] if assumed else []
    lines += [f"    {key}: {package.provenance[key].removeprefix('assumed').lstrip(': ')}" for key in assumed]
    unsourced = keys_without_source(package)
    return [*lines, "  without a source: " + ", ".join(unsourced)] if unsourced else lines


def _figure(value: float) -> str:
    """Four significant digits or all whole ones, without an exponent."""
    decimals = 0 if value >= 1000 else 1 if value >= 100 else 2 if value >= 10 else 3
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _size(size_bytes: int) -> str:
    """A size in KiB, or in MiB from 1 MiB on."""
    kib = size_bytes / 1024
    return f"{_figure(kib)} KiB" if kib < 1024 else f"{_figure(kib / 1024)} MiB"


def _buffers(package: Package) -> str:
    chiplet = package.chiplet
    if chiplet.unified:
        each = chiplet.activation_buffer_bytes
        return f"{_size(each)} for weights and activations; {_size(each * package.chiplets)} in all"
    weights, activations = chiplet.weight_buffer_bytes, chiplet.activation_buffer_bytes
    return (
        f"{_size(weights)} for weights, {_size(activations)} for activations; "
        f"{_size(weights * package.chiplets)} and {_size(activations * package.chiplets)} in all"
    )


def _bisection(package: Package) -> str:
    """Links across the narrower middle: a mesh is cut through its rows' links or through its columns'."""
    cuts = [
        links
        for links, side in ((package.rows, package.columns), (package.columns, package.rows))
        if side > 1
    ]
    if not cuts:
        return "none: a single chiplet"
    links = min(cuts)
    return f"{links} links = {_figure(links * package.nop.link_mb_per_s / 1000)} GB/s in each direction"


def _edges(package: Package) -> str:
    names = [edge.value for edge in package.dram.edges]
    listed = " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
    return f"the {listed} {'edge' if len(names) == 1 else 'edges'}"


def _ports(package: Package) -> str:
    dram, link = package.dram, package.nop.link_mb_per_s
    channels, ports = dram.channels * dram.channel_mb_per_s, package.dram_ports * link
    binds = (
        "the links there bind" if ports < channels else "the channels bind" if channels < ports else "evenly"
    )
    return (
        f"{package.dram_ports} chiplets x {_figure(link / 1000)} GB/s: "
        f"{_figure(package.dram_mb_per_s / 1000)} GB/s reaches the mesh ({binds})"
    )


def _execution(package: Package) -> str:
    overlap = "beside" if package.overlap == "full" else "before"
    loads = "loaded during the segment before" if package.prefetch else "loaded before each segment"
    return f"exchange {overlap} compute; weights {loads}"


def _energy_keys(*nouns: str) -> tuple[str, ...]:
    return tuple(f"energy_profile.{key}" for key in _ENERGY_KEYS if key.startswith(nouns))


def _per_bit(fj_per_byte: int) -> str:
    return f"{fj_per_byte / _FJ_PER_BYTE_AT_A_PJ_PER_BIT:.4g}"


def _energies(energy: EnergyProfile) -> str:
    static = f", static {energy.static_mw_per_chiplet} mW a chiplet" if energy.static_mw_per_chiplet else ""
    return (
        f"MAC {energy.mac_fj / 1000:.4g} pJ, hop {_per_bit(energy.nop_hop_fj_per_byte)} pJ/bit, "
        f"DRAM {_per_bit(energy.dram_fj_per_byte)} pJ/bit{static}"
    )


def _sram_energies(energy: EnergyProfile) -> str:
    inputs, weights = energy.input_buffer_read_fj_per_byte, energy.weight_buffer_read_fj_per_byte
    sums = energy.accumulator_fj_per_byte
    read, write = energy.activation_buffer_read_fj_per_byte, energy.activation_buffer_write_fj_per_byte
    if not any((inputs, weights, sums, read, write)):
        return "on-chip memories: within the MAC's"
    return (
        f"pJ/bit: PE inputs {_per_bit(inputs)}, PE weights {_per_bit(weights)}, "
        f"partial sums {_per_bit(sums)}, activation buffer {_per_bit(read)} read, {_per_bit(write)} write"
    )
