"""The page as text: template, style, script, libraries and data in one file."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from mcmscope import __version__
from mcmscope.report.page.data import page_data
from mcmscope.report.sentences import sentences, title
from mcmscope.report.views.saved import Findings
from mcmscope.report.views.summary import answer, answers, summary_rows
from mcmscope.report.words import data, duration, percent, ratio, significant

if TYPE_CHECKING:
    from jinja2 import Environment

_SCRIPTS = (
    "words.js",
    "dom.js",
    "state.js",
    "summary.js",
    "batch.js",
    "map.js",
    "pipeline.js",
    "stages.js",
    "layers.js",
    "charts.js",
    "main.js",
)
_LIBRARIES = ("d3.min.js", "plot.umd.min.js")
_UNSAFE = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def report_html(cases: Sequence[Findings]) -> str:
    """One page of one or more results; the same bytes for the same results.

    The browser runs no script but the page's own, which it knows by their hashes, and fetches nothing.
    """
    from markupsafe import Markup

    libraries = [asset(f"vendor/{name}") for name in _LIBRARIES]
    script = "(() => {\n'use strict';\n" + "\n".join(asset(name) for name in _SCRIPTS) + "\n})();\n"
    blocks = [_inline(text) for text in (*libraries, script)]
    policy = " ".join(_source_hash(block) for block in blocks)
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            heading=_heading(cases),
            answer=answers([found.result for found in cases]),
            cases=[_case(found) for found in cases],
            data=Markup(embedded(page_data(cases))),
            style=Markup(asset("style.css")),
            scripts=[Markup(block) for block in blocks],
            version=__version__,
            policy=f"default-src 'none'; script-src {policy}; style-src 'unsafe-inline'; img-src data:",
        )
    )


def embedded(content: object) -> str:
    """JSON that may stand in a script element: nothing in it can end the element or begin another."""
    text = json.dumps(content, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    for sign, escape in _UNSAFE.items():
        text = text.replace(sign, escape)
    return text


@lru_cache
def asset(name: str) -> str:
    """A file that the page is made of."""
    return files("mcmscope.report.page").joinpath("assets", name).read_text(encoding="utf-8")


def _inline(script: str) -> str:
    if "</script" in script.lower():
        raise AssertionError("a script that ends its own element")
    return script


def _source_hash(script: str) -> str:
    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _heading(cases: Sequence[Findings]) -> str:
    if len(cases) == 1:
        result = cases[0].result
        return f"{result.network.name} on {result.package.name}"
    return f"{len(cases)} results"


def _case(found: Findings) -> dict[str, Any]:
    """What stands in the page without a script: the answer, the table of schemes, the sentences."""
    result = found.result
    return {
        "network": result.network.name,
        "package": result.package.name,
        "batch": result.batch,
        "objective": result.objective.value,
        "answer": answer(result),
        "title": title(result.network, result.package, result.batch, result.objective),
        "sentences": sentences(result),
        "rows": summary_rows(result),
        "best": next((row for row in summary_rows(result) if row.best), None),
        "profile": result.package.energy.name,
        "notes": [*found.notes, *result.network.warnings],
        "provenance": sorted(result.package.provenance.items()),
        "package_facts": _package_facts(found),
    }


def _package_facts(found: Findings) -> list[tuple[str, str]]:
    package = found.result.package
    chip = package.chiplet
    sides = " and ".join(edge.value for edge in package.dram.edges)
    held = data(chip.activation_buffer_bytes)
    memory = (
        f"{held} for weights and activations"
        if chip.unified
        else f"{data(chip.weight_buffer_bytes)} for weights, {held} for activations"
    )
    return [
        ("mesh", f"{package.rows} x {package.columns} chiplets, strips of {package.strip_height} rows"),
        ("chiplet", f"{chip.pes} PEs of {chip.lanes_k} x {chip.lanes_c} lanes at {chip.clock_mhz:,} MHz"),
        ("buffers", memory),
        (
            "links",
            f"{data(package.nop.link_mb_per_s * 1e6)}/s each way, {package.nop.hop_latency_ns} ns a hop",
        ),
        ("DRAM", f"{data(package.dram_mb_per_s * 1e6)}/s, at the {sides}"),
        ("peak", f"{significant(package.peak_macs_per_s / 1e12)} TMAC/s"),
        ("energy", f"profile {package.energy.name}: {package.energy.source}"),
    ]


def size(number: int) -> str:
    """A number of schedules: in full, or its power of ten."""
    digits = len(str(number)) - 1
    return f"{number:,}" if digits < 12 else f"10^{digits}"


@lru_cache
def _environment() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    env = Environment(
        loader=FunctionLoader(asset), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    env.filters.update(
        significant=significant, duration=duration, percent=percent, ratio=ratio, exact=repr, size=size
    )
    return env
