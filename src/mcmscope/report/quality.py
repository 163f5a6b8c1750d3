"""How good searches are: in words, as JSON and as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mcmscope.files import check_directory, json_text, make_directory, write_text
from mcmscope.hardware.dump import package_to_dict
from mcmscope.quality import CONFIDENCE, Quality, Standing
from mcmscope.report.result_json import certificate_to_dict, network_summary
from mcmscope.report.sentences import title
from mcmscope.report.words import duration, plural, significant
from mcmscope.schedule import Objective
from mcmscope.schedule_file import schedule_to_dict

FORMAT = "mcmscope-quality"
VERSION = 1
JSON_FILE = "quality.json"
PICTURE_FILE = "quality.svg"


def quality_to_dict(found: Quality) -> dict[str, Any]:
    """The content of ``quality.json``; large whole numbers as decimal strings."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "network": network_summary(found.network),
        "package": package_to_dict(found.package),
        "batch": found.batch,
        "objective": found.objective.value,
        "scheme": found.scheme.value,
        "micro_batch": found.micro_batch,
        "method": "exhaustive" if found.exhaustive else "sample",
        "schedules": str(found.schedules),
        "samples": found.drawn,
        "seed": found.seed,
        "feasible": str(found.feasible),
        "confidence": None if found.exhaustive else CONFIDENCE,
        "cost_unit": COST_UNITS[found.objective],
        "optimum_cost": _digits(found.optimum_cost),
        "searches": [_standing_to_dict(row) for row in found.standings],
        "curve": [{"share": share, "cost": str(cost)} for share, cost in found.curve],
    }


COST_UNITS = {
    Objective.THROUGHPUT: "ps of the batch",
    Objective.LATENCY: "ps of one sample",
    Objective.ENERGY: "fJ of the batch",
    Objective.EDP: "fJ ps of the batch",
}


def _standing_to_dict(row: Standing) -> dict[str, Any]:
    return {
        "search": row.search,
        "certificate": certificate_to_dict(row.certificate),
        "feasible": row.cost is not None,
        "reason": row.reason,
        "cost": _digits(row.cost),
        "better": _digits(row.better),
        "equal": _digits(row.equal),
        "worse": _digits(row.worse),
        "top_share": row.top,
        "over_optimum": row.over_best,
        "schedule": schedule_to_dict(row.schedule) if row.schedule else None,
    }


def _digits(value: int | None) -> str | None:
    return None if value is None else str(value)


def save_quality(found: Quality, directory: Path) -> tuple[Path, ...]:
    """``Quality.save``: the picture first, the data last."""
    from mcmscope.report.plots.rank import rank_figure
    from mcmscope.report.plots.style import svg

    check_directory(directory)
    make_directory(directory)
    data = quality_to_dict(found)
    picture = svg(lambda: rank_figure(data))
    texts = {PICTURE_FILE: picture, JSON_FILE: json_text(data)}
    for name, text in texts.items():
        write_text(directory / name, text)
    return tuple(directory / name for name in texts)


def figure_text(objective: Objective, batch: int, cost: int) -> str:
    """A cost as the figure that users know."""
    match objective:
        case Objective.THROUGHPUT:
            return f"{significant(batch * 1e12 / cost)} samples/s"
        case Objective.LATENCY:
            return duration(cost / 1e12)
        case Objective.ENERGY:
            return f"{significant(cost / batch / 1e12)} mJ per sample"
        case Objective.EDP:
            return f"{significant(cost / 1e24)} mJ ms"


def small_percent(share: float) -> str:
    """A share in percent with two significant digits, however small."""
    return f"{100 * share:.2g}%" if share > 0 else "0%"


def quality_lines(found: Quality, written: tuple[Path, ...] = ()) -> list[str]:
    """What ``mcmscope quality`` prints."""
    micro = "" if found.micro_batch is None else f", micro-batch {found.micro_batch}"
    lines = [
        *title(found.network, found.package, found.batch, found.objective),
        f"as {found.scheme.value}{micro}",
        "",
        *_reference_lines(found),
    ]
    if found.optimum_cost is not None:
        best = figure_text(found.objective, found.batch, found.optimum_cost)
        lines.append(f"The best there is: {best}.")
    else:
        lines.append("The best there is: not known.")
    lines.append("")
    for row in found.standings:
        lines += _standing_lines(found, row)
    if written:
        lines += ["", f"Wrote {' and '.join(str(path) for path in written)}."]
    return lines


def _reference_lines(found: Quality) -> list[str]:
    if found.exhaustive:
        return [
            f"All {plural(found.schedules, 'schedule')} of the space counted, each at its best tile grids: "
            f"{found.feasible:,} fit ({small_percent(found.feasible / max(1, found.schedules))})."
        ]
    size = len(str(found.schedules)) - 1
    space = f"{found.schedules:,}" if size < 15 else f"more than 10^{size}"
    return [
        f"{plural(found.drawn or 0, 'schedule')} drawn at random from {space}, each as likely as any other "
        f"(seed {found.seed}): {found.feasible:,} fit."
    ]


def _standing_lines(found: Quality, row: Standing) -> list[str]:
    if row.cost is None or row.better is None or row.equal is None or row.top is None:
        return [f"{row.search}: found nothing: {row.reason}."]
    lines = [f"{row.search}: {figure_text(found.objective, found.batch, row.cost)}"]
    if row.over_best is not None:
        lines.append(
            "  the optimum"
            if row.over_best == 0
            else f"  costs {small_percent(row.over_best)} more than the optimum"
        )
    if found.exhaustive:
        fit = (row.better + row.equal) / max(1, found.feasible)
        lines.append(
            f"  {row.better:,} schedules are better, {row.equal:,} as good, {row.worse:,} worse: "
            f"top {small_percent(row.top)} of all, top {small_percent(fit)} of those that fit"
        )
        return lines
    sure = f"with {CONFIDENCE:.0%} confidence"
    if row.better + row.equal == 0:
        lines.append(
            f"  better than all {found.drawn:,} drawn: top {small_percent(row.top)} of all or less, {sure}"
        )
    else:
        lines.append(
            f"  of those drawn {row.better:,} are better, {row.equal:,} as good, {row.worse:,} worse: "
            f"top {small_percent(row.top)} of all or less, {sure}"
        )
    return lines
