"""One page of HTML that stands alone: claims, tables, pictures."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from html import escape

from mcmscope.report.reproduction.view import Section, Table

_STYLE = """
:root { color-scheme: light dark; --ink: #1b1b1f; --paper: #ffffff; --line: #d5d5dc; --soft: #f3f4f8;
  --link: #2441a8 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e4ea; --paper: #16171c; --line: #3c3e48; --soft: #22242c; --link: #9db4ff }
}
body { margin: 0 auto; max-width: 76rem; padding: 1rem; font: 16px/1.5 system-ui, sans-serif;
  color: var(--ink); background: var(--paper) }
a { color: var(--link) }
nav ul { display: flex; flex-wrap: wrap; gap: 0 1.2rem; padding: 0; list-style: none }
.wide { overflow-x: auto }
table { border-collapse: collapse; margin: 0.5rem 0 1.5rem; font-size: 0.875rem;
  font-variant-numeric: tabular-nums }
caption { text-align: left; font-weight: 600; padding: 0.4rem 0 }
th, td { border-bottom: 1px solid var(--line); padding: 0.25rem 0.6rem; text-align: right;
  vertical-align: top }
th.word, td.word { text-align: left }
thead th { background: var(--soft) }
figure { margin: 0 0 1.5rem; background: #ffffff; padding: 0.5rem; border: 1px solid var(--line) }
img { max-width: 100%; height: auto; display: block; margin: auto }
@media print { nav { display: none } figure, table { break-inside: avoid } }
"""


def page(
    title: str,
    facts: Mapping[str, str],
    claims: Table,
    sections: Sequence[Section],
    pictures: Mapping[str, str],
) -> str:
    """The page; ``pictures`` are SVG texts by the name of their chart."""
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{escape(title)}</h1>",
        "<p>" + "<br>".join(f"{escape(name)}: {escape(text)}" for name, text in facts.items()) + "</p>",
        '<nav aria-label="Experiments"><ul>',
        *(f'<li><a href="#{_anchor(one.title)}">{escape(one.title)}</a></li>' for one in sections),
        "</ul></nav><main>",
        '<section id="claims"><h2>Claims</h2>',
        _table(claims),
        "</section>",
    ]
    for section in sections:
        parts.append(f'<section id="{_anchor(section.title)}"><h2>{escape(section.title)}</h2>')
        parts.append(f"<p>{escape(section.text)}</p>")
        for chart in section.charts:
            data = b64encode(pictures[chart.name].encode()).decode()
            parts.append(
                f'<figure><img alt="{escape(chart.title)}; its figures are in the data" '
                f'src="data:image/svg+xml;base64,{data}"></figure>'
            )
        parts += [_table(table) for table in section.tables]
        parts.append("</section>")
    return "\n".join([*parts, "</main></body></html>"]) + "\n"


def _anchor(title: str) -> str:
    return escape(title.lower().replace(" ", "-"))


def _table(table: Table) -> str:
    def row(cells: Sequence[str], tag: str) -> str:
        told = (
            f"<{tag}{' class=word' if index < table.words else ''}"
            f"{' scope=col' if tag == 'th' else ''}>{escape(cell)}</{tag}>"
            for index, cell in enumerate(cells)
        )
        return f"<tr>{''.join(told)}</tr>"

    body = "\n".join(row(cells, "td") for cells in table.rows)
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{escape(table.title)}"><table>'
        f"<caption>{escape(table.title)}</caption>"
        f"<thead>{row(table.headings, 'th')}</thead><tbody>\n{body}\n</tbody></table></div>"
    )
