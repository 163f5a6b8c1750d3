"""``evaluate`` and ``explain``: what a schedule file costs, and why."""

from __future__ import annotations

from mcmscope.cli.app import print_json, told
from mcmscope.cli.options import JsonFlag, ScheduleFile


def evaluate(schedule: ScheduleFile, json: JsonFlag = False) -> None:
    """Price a schedule file again: the same figures as the run that wrote it."""
    with told():
        from mcmscope.api import evaluate as price
        from mcmscope.report.console import print_lines, warn
        from mcmscope.report.figures import evaluation_lines
        from mcmscope.report.result_json import evaluation_to_dict
        from mcmscope.schedule_file import load_schedule

        saved = load_schedule(schedule)
        warn(saved.network.warnings)
        evaluation = price(saved)
        if json:
            print_json(evaluation_to_dict(saved, evaluation))
        else:
            print_lines(evaluation_lines(saved, evaluation))


def explain(schedule: ScheduleFile) -> None:
    """Show per segment and stage of a schedule file what binds, and what would help."""
    with told():
        from rich.text import Text

        from mcmscope.api import evaluate as price
        from mcmscope.report.console import console, warn
        from mcmscope.report.explain import explanation
        from mcmscope.schedule_file import load_schedule

        saved = load_schedule(schedule)
        warn(saved.network.warnings)
        out = console()
        for part in explanation(saved, price(saved)):
            out.print(part, soft_wrap=isinstance(part, Text))
