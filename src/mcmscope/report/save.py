"""A result as files in a directory."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mcmscope.errors import InputError
from mcmscope.files import check_directory, json_text, make_directory, write_text
from mcmscope.report.result_json import result_to_dict
from mcmscope.result import Result
from mcmscope.schedule import Scheme
from mcmscope.schedule_file import SavedSchedule, saved_to_dict

if TYPE_CHECKING:
    from mcmscope.report.views.saved import Findings

RESULT_FILE = "result.json"
REPORT_FILE = "report.html"
NETWORK_FILE = "result-network.json"
"""The network of a result in which no scheme fits; else the schedule files hold it."""


def schedule_file_name(scheme: Scheme) -> str:
    """The name of a scheme's schedule file."""
    return f"schedule-{scheme.value}.json"


def save_result(result: Result, directory: Path) -> tuple[Path, ...]:
    """``Result.save``; the report shows what other commands left in the directory of the same case, too."""
    from mcmscope.report.views.saved import with_others

    return save_findings(with_others(result, directory), directory)


def save_findings(found: Findings, directory: Path) -> tuple[Path, ...]:
    """The files of a result: all texts are made first, then written one by one, the result last.

    Schedule and network files that this result does not have are of another run and removed.
    """
    from mcmscope.report.page.page import report_html
    from mcmscope.workload.json_format import network_to_dict

    result = found.result
    check_directory(directory)
    make_directory(directory)
    texts: dict[Path, str] = {}
    for row in result.schemes:
        if row.schedule is None:
            continue
        saved = SavedSchedule(
            result.network, result.package, result.batch, result.objective, row.scheme, row.schedule
        )
        texts[directory / schedule_file_name(row.scheme)] = json_text(saved_to_dict(saved))
    if not texts:
        texts[directory / NETWORK_FILE] = json_text(network_to_dict(result.network))
    texts[directory / REPORT_FILE] = report_html([found])
    texts[directory / RESULT_FILE] = json_text(result_to_dict(result))
    for name in (NETWORK_FILE, *(schedule_file_name(scheme) for scheme in Scheme)):
        path = directory / name
        if path in texts:
            continue
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise InputError(f"{path}: is of another run and cannot be removed: {error.strerror}") from None
    for path, text in texts.items():
        write_text(path, text)
    return tuple(texts)
