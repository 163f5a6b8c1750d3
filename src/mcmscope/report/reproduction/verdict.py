"""The claims of a run as lines for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mcmscope.reproduce.claims import CLAIMS, Measured, held


def verdict_lines(found: Mapping[str, Measured | None], lost: Sequence[str], quick: bool) -> list[str]:
    """A line a claim that was measured, then what changed."""
    lines: list[str] = []
    for claim in CLAIMS:
        one = found.get(claim.name)
        if one is not None:
            word = "holds" if one.holds else "does not hold"
            lines.append(f"{word:<13}  {claim.name:<26}  {one.told}")
    known = held(quick)
    new = [name for name, one in found.items() if one is not None and one.holds and name not in known]
    lines += [f"Held before, and does not hold any more: {', '.join(lost)}."] if lost else []
    lines += [f"Did not hold before: {', '.join(new)}."] if new else []
    return lines
