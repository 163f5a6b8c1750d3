"""Hooks of the site: pages made from the README, the command line, and files outside ``docs/``.

The pages here are read in two places: in a checkout, where links lead to files beside them, and as a site.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import typer
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from typer.cli import get_docs_for_click

from mcmscope.cli import app

ROOT = Path(__file__).parent.parent
SOURCE = "source/"
"""Where files from outside ``docs/`` lie on the site."""

_OUTSIDE = re.compile(r"\]\(\.\./([^)#\s]+)")
_FETCHED = re.compile(r"""<(?:script|link|img|iframe)\b[^>]*?\b(?:src|href)=["']?((?:https?:)?//[^"'\s>]+)""")
_COMMENT = re.compile(r"<!--.*?-->\n?", re.DOTALL)


def on_files(files: Files, *, config: Any) -> Files:
    """Add the overview, the command line, and every file that a page links to outside ``docs/``."""
    files.append(File.generated(config, "index.md", content=overview()))
    files.append(File.generated(config, "cli.md", content=command_line()))
    outside = {"CONTRIBUTING.md", "LICENSE"}
    for page in files.documentation_pages():
        outside.update(_OUTSIDE.findall(page.content_string))
    for path in sorted(outside):
        if (ROOT / path).is_file():
            files.append(File.generated(config, SOURCE + path, abs_src_path=str(ROOT / path)))
    return files


def on_page_markdown(markdown: str, *, page: Any, config: Any, files: Files) -> str:
    """Links as they are on the site; markers of tables and of snippets left out."""
    up = "../" * page.file.src_uri.count("/")
    if not page.file.src_uri.startswith(SOURCE):
        markdown = _OUTSIDE.sub(rf"]({up}{SOURCE}\1", markdown)
    return _COMMENT.sub("", markdown)


def on_post_page(output: str, *, page: Any, config: Any) -> str:
    """The page as it is; the site must be readable without a network."""
    fetched = _FETCHED.findall(output)
    if fetched:
        raise PluginError(f"{page.file.src_uri} fetches from the network: {', '.join(fetched)}")
    return output


def overview() -> str:
    """The README, its links seen from ``docs/``."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.sub(r"\]\((?:docs/|(?!https?:|#)(?=[\w.]))", _link, text)


def _link(found: re.Match[str]) -> str:
    return "](" if found[0].endswith("docs/") else "](../"


def command_line() -> str:
    """Every command with its arguments and options, as ``--help`` tells them."""
    command = typer.main.get_command(app)
    context = typer.Context(command, info_name="mcmscope")
    text = get_docs_for_click(obj=command, ctx=context, name="mcmscope", title="Command line")
    return text.replace("```console", "```text")
