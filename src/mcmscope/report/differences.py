"""Where the model is optimistic, and why: told from simulations with causes left out."""

from __future__ import annotations

from mcmscope.comparison import NEAR, Comparison
from mcmscope.report.words import duration, listed, percent, ratio

CAUSES = {
    "contention": "contention for links and DRAM",
    "hops": "the latency of hops",
    "dram": "the limits of DRAM",
    "blocking": "full buffers",
}
"""What each cause that a simulation can leave out means."""
_WORTH_TELLING = 0.05


def difference_lines(found: Comparison) -> list[str]:
    """In plain sentences: how far apart both are, what explains it, and what does not."""
    batch = f"The simulated batch takes {duration(found.simulation.batch_s)}"
    if found.near:
        return [f"{batch}, within 1% of the model's flow line."]
    share = percent(abs(found.gap_s) / found.flow_line_s)
    if found.gap_s < 0:
        return [
            f"{batch}, {duration(-found.gap_s)} ({share}) less than the model's flow line: "
            "the model is not optimistic here."
        ]
    lines = [
        f"{batch}, {duration(found.gap_s)} ({share}) more than the model's flow line, "
        f"which is optimistic. {_explained(found)}"
    ]
    rest = (found.ideal_s - found.flow_line_s) / found.gap_s
    if rest >= _WORTH_TELLING:
        lines.append(_rest(found, rest))
    return lines


def _explained(found: Comparison) -> str:
    """What the causes explain, each left out after those before it."""
    told: list[str] = []
    left = 1.0
    for cause, saved_s in zip(found.causes, found.in_turn(), strict=True):
        share = min(left, saved_s / found.gap_s)
        left -= share
        if share >= _WORTH_TELLING:
            told.append(f"{CAUSES[cause.name]} ({percent(share)} of that)")
        if cause.in_turn_s <= found.flow_line_s * (1 + NEAR):
            return f"Without {listed(told)} the simulator is as fast as the model."
    if not told:
        return f"Left out, {listed(list(CAUSES.values()))} explain little of that."
    return f"Left out one after another, the greatest first, what explains it is {listed(told)}."


def _rest(found: Comparison, rest: float) -> str:
    """What no cause explains: without which limits, of both, it goes away tells where it is."""
    lines = f"{percent(rest)} of that stays when all four are left out. "
    agree = 1 - (1 - found.flow_line_ratio) * rest / 2
    links = (
        f"With links that have no limit, in both, the simulator comes to {ratio(found.unlimited_links_ratio)}"
    )
    if found.unlimited_links_ratio >= agree:
        return (
            f"{lines}{links} of the model: single exchanges take longer on their routes than the model's "
            "terms say."
        )
    both = f"{links} of the model, with DRAM that has none either to {ratio(found.unlimited_ratio)}"
    if found.unlimited_ratio >= agree:
        return f"{lines}{both}: traffic from and to DRAM hides less behind the stages than the model says."
    return f"{lines}{both}: it is not traffic alone."


def difference_rows(found: Comparison) -> list[tuple[str, ...]]:
    """Each cause: what leaving it out saves, alone and after those above it; the ratio then."""
    if found.near:
        return []
    rows: list[tuple[str, ...]] = []
    for cause, in_turn_s in zip(found.causes, found.in_turn(), strict=True):
        alone_s = found.simulation.batch_s - cause.alone_s
        rows.append(
            (
                CAUSES[cause.name],
                _signed(alone_s),
                _share(alone_s, found),
                _signed(in_turn_s),
                _share(in_turn_s, found),
                ratio(found.flow_line_s / cause.in_turn_s),
            )
        )
    rest_s = found.ideal_s - found.flow_line_s
    rows.append(("what is left", "", "", _signed(rest_s), _share(rest_s, found), "1.00x"))
    rows.append(("limits of links, in both", "", "", "", "", ratio(found.unlimited_links_ratio)))
    rows.append(("those of DRAM too, in both", "", "", "", "", ratio(found.unlimited_ratio)))
    return rows


def _share(seconds: float, found: Comparison) -> str:
    return f"{100 * seconds / found.gap_s:.0f}%"


def _signed(seconds: float) -> str:
    return duration(seconds) if seconds >= 0 else f"-{duration(-seconds)}"
