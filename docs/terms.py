"""Write the table and the picture of terms.md anew: ``python docs/terms.py``."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

from mcmscope import load_package
from mcmscope.cost.machine import machine
from mcmscope.cost.nop import border_mb_per_s
from mcmscope.files import write_text
from mcmscope.hardware.package import Package
from mcmscope.report.plots.style import INK, SKY, new_figure, svg
from mcmscope.simulate.terms import Terms, measured

HERE = Path(__file__).parent
PACKAGES = ("simba-256", "simba-64")
SHOWN = (2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 18, 20, 24, 28, 32, 40, 48, 64, 96, 128, 192, 256)
FIGURES = ("gather", "swap", "cut", "dram")
TITLES = ("all-gather: lambda", "all-to-all: c", "to the next region: h", "from DRAM: border")


def modelled(package: Package, n: int) -> dict[str, float]:
    """What the cost model takes each figure to be."""
    h = package.strip_height
    border = min(border_mb_per_s(n, machine(package)), package.dram_mb_per_s) / package.nop.link_mb_per_s
    return {
        "gather": 1 if n <= 3 else 2,
        "swap": min(math.isqrt(n), h),
        "cut": h,
        "dram": border,
    }


def shown(figures: tuple[float, float], model: float) -> str:
    """A cell: the model's figure, then the least to the most measured."""
    low, high = figures
    if math.isinf(low):
        return " - |"
    inside = f"{low:.2f}" if high - low < 0.005 else f"{low:.2f} to {high:.2f}"
    return f" {model:.3g}: {inside} |"


def table(package: Package) -> list[str]:
    """Markdown lines."""
    lines = [f"| n | {' | '.join(TITLES)} |", "|" + "---|" * 5]
    for n in (n for n in SHOWN if n <= package.chiplets):
        found, model = measured(package, n), modelled(package, n)
        lines.append(f"| {n} |" + "".join(shown(getattr(found, name), model[name]) for name in FIGURES))
    return lines


def picture(package: Package) -> Any:
    """Four panels over n, the model's line on the measured band."""
    found: list[Terms] = [measured(package, n) for n in sorted({*range(2, 65), *SHOWN, *range(64, 257, 8)})]
    figure = new_figure(4.6)
    for axes, name, title in zip(figure.subplots(2, 2).flat, FIGURES, TITLES, strict=True):
        rows = [x for x in found if math.isfinite(getattr(x, name)[0])]
        ns = [x.n for x in rows]
        low, high = ([getattr(x, name)[end] for x in rows] for end in (0, 1))
        axes.fill_between(ns, low, high, color=SKY, alpha=0.6, linewidth=0, label="measured, by place")
        axes.plot(ns, [modelled(package, n)[name] for n in ns], color=INK, linewidth=1, label="model")
        axes.set_xscale("log", base=2)
        axes.set_ylim(0)
        axes.set_title(title)
        axes.set_ylabel("links")
        axes.set_xlabel("chiplets of the region")
        axes.grid(True)
        axes.legend()
    return figure


def main() -> None:
    """Fill the page and draw the picture."""
    page = (HERE / "terms.md").read_text(encoding="utf-8")
    for name in PACKAGES:
        rows = "\n".join(table(load_package(name)))
        page = re.sub(
            rf"(<!-- table {name} -->\n).*?(<!-- end -->)",
            lambda found, rows=rows: f"{found[1]}\n{rows}\n\n{found[2]}",
            page,
            flags=re.DOTALL,
        )
    write_text(HERE / "terms.md", page)
    write_text(HERE / "figures" / "terms.svg", svg(lambda: picture(load_package(PACKAGES[0]))))


if __name__ == "__main__":
    main()
