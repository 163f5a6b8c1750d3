"""The page as text: whole, alone, the same bytes each time, and never a name read as markup."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path

from mcmscope.report.page.page import embedded, report_html
from mcmscope.report.views.saved import Findings, load_findings
from mcmscope.result import Result
from mcmscope.schedule import Scheme

from .conftest import EVIL, EVIL_END, EVIL_IMAGE

SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def test_the_same_result_makes_the_same_bytes(folder: Path) -> None:
    found = load_findings(folder)
    assert report_html([found]) == report_html([load_findings(folder)])
    assert (folder / "report.html").read_text() == report_html([found])


def test_it_needs_nothing_but_itself(folder: Path) -> None:
    page = (folder / "report.html").read_text()
    head = page[: page.index("<style>")]
    assert "default-src &#39;none&#39;" in head
    own = page.replace(" ".join(SCRIPT.findall(page)), "")
    assert re.findall(r"<(?:link|img|iframe|object|embed|base)\b[^>]*>", SCRIPT.sub("", own)) == [
        '<link rel="icon" href="data:,">'
    ]
    assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//""", SCRIPT.sub("", page))
    assert "@import" not in page
    assert "url(http" not in page


def test_the_policy_allows_its_own_scripts_alone(folder: Path) -> None:
    page = (folder / "report.html").read_text()
    scripts = SCRIPT.findall(page)
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in scripts]
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    allowed = policy[1].replace("&#39;", "'")
    assert re.findall(r"'sha256-([^']*)'", allowed) == hashes
    assert "'unsafe-eval'" not in allowed
    assert "script-src 'sha256" in allowed


def test_names_are_never_markup(evil: Result) -> None:
    page = report_html([Findings(evil)])
    for name in (EVIL, EVIL_END, EVIL_IMAGE):
        assert name not in page
    assert len(SCRIPT.findall(page)) == 3
    assert "<img" not in SCRIPT.sub("", page)
    assert "&lt;script&gt;alert(1)&lt;/script&gt; on" in page


def test_embedded_data_is_json_that_ends_no_element() -> None:
    given = {"name": EVIL_END, "more": ["&", "<!--", "]]>", "\u2028\u2029", "ü"]}
    text = embedded(given)
    assert json.loads(text) == given
    assert not set(text) & set("<>&\u2028\u2029")
    assert text.isascii()


def test_several_results_stand_in_one_page(folder: Path, evil: Result) -> None:
    page = report_html([load_findings(folder), Findings(evil)])
    assert page.count('<table class="schemes"') == 2
    assert '<table class="results">' in page
    assert re.search(r"<h1[^>]*>2 results: [a-z-]+ is best in [12]( and [a-z-]+ is best in 1)?\.</h1>", page)


def test_a_result_in_which_nothing_fits_says_so(result: Result) -> None:
    full = result.scheme(Scheme.FULL_PIPELINE)
    none = replace(full, feasible=False, schedule=None, evaluation=None, reason="too <small>")
    page = report_html([Findings(replace(result, schemes=(none,)))])
    assert "No scheme fits resnet18 on simba-64." in page
    assert "does not fit: too &lt;small&gt;" in page
