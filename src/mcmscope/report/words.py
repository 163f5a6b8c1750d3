"""Figures and names as people read them. Names come from files: data, never markup or control codes."""

from __future__ import annotations

_PREFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def clean(text: str) -> str:
    """One line without control characters: what a terminal would act on is shown as an escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def significant(value: float) -> str:
    """Three significant digits or all whole ones, without an exponent."""
    size = abs(value)
    decimals = 0 if size >= 99.95 or size == 0 else 1 if size >= 9.995 else 2 if size >= 0.9995 else 3
    if 0 < size < 0.1:
        return f"{value:.3g}"
    return f"{value:,.{decimals}f}"


def duration(seconds: float) -> str:
    """A time in the unit that suits it."""
    for unit, name in ((1.0, "s"), (1e-3, "ms"), (1e-6, "us")):
        if seconds >= unit * 0.9995:
            return f"{significant(seconds / unit)} {name}"
    return f"{significant(seconds * 1e9)} ns"


def count(value: float, noun: str) -> str:
    """A large number with a prefix: ``4.09 GMACs``."""
    for size, prefix in _PREFIXES:
        if value >= size * 0.9995:
            return f"{significant(value / size)} {prefix}{noun}"
    return f"{significant(value)} {noun}"


def data(size_bytes: float) -> str:
    """Bytes, in units of 1000."""
    if size_bytes < 1000:
        return plural(round(size_bytes), "byte")
    return count(size_bytes, "B").replace("kB", "KB")


def percent(share: float) -> str:
    """A share in percent, with a decimal when it is small."""
    value = 100 * share
    return f"{value:.1f}%" if 0 < value < 9.95 else f"{value:.0f}%"


def ratio(value: float) -> str:
    """How many times as much."""
    return f"{value:.2f}x"


def plural(number: int, noun: str) -> str:
    """``1 layer``, ``2 layers``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def span(layers: tuple[int, int]) -> str:
    """Layers [a, b) as their first and last: ``3`` or ``3-7``."""
    first, end = layers
    return str(first) if end - first == 1 else f"{first}-{end - 1}"


def layers_text(layers: tuple[int, int]) -> str:
    """``layer 3``, ``layers 3-7``."""
    return f"layer {span(layers)}" if layers[1] - layers[0] == 1 else f"layers {span(layers)}"


def listed(words: list[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1] if words else ""
