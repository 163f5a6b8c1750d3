"""The one error that bad input raises."""

from __future__ import annotations

from collections.abc import Iterable


class InputError(ValueError):
    """Bad input: every fault found, each with what, where and the mend.

    The command line prints ``faults`` one per line and exits with code 2; Python users catch it as a
    ``ValueError``.
    """

    def __init__(self, faults: str | Iterable[str]) -> None:
        self.faults: tuple[str, ...] = (faults,) if isinstance(faults, str) else tuple(faults)
        super().__init__("\n".join(self.faults))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``' (did you mean X?)'`` for the nearest known word, or an empty string."""
    from difflib import get_close_matches

    near = get_close_matches(word.lower(), list(known), n=1, cutoff=0.6)
    return f" (did you mean {near[0]!r}?)" if near else ""
