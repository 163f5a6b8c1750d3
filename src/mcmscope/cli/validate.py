"""``validate``: the model and the simulator beside what was published of chips that exist."""

from __future__ import annotations

from typing import Annotated

import typer

from mcmscope.cli.app import print_json, told
from mcmscope.cli.inputs import out_directory
from mcmscope.cli.options import JsonFlag, directory_option


def validate(
    case: Annotated[
        str, typer.Option(metavar="all|NAME", help="One chip's case; an unknown name lists them.")
    ] = "all",
    sensitivity: Annotated[
        bool, typer.Option("--sensitivity", help="Also at half and twice each assumed constant (minutes).")
    ] = False,
    out: Annotated[str | None, directory_option("validation.json")] = None,
    json: JsonFlag = False,
) -> None:
    """Hold the model and the simulator against published figures of chips."""
    with told():
        from mcmscope.files import json_text, make_directory, write_text
        from mcmscope.options import Faults
        from mcmscope.report.validation import validation_to_dict
        from mcmscope.simulate import simulate
        from mcmscope.validation.run import cases_named, run_case, sensitivities
        from mcmscope.warm import compiled

        faults = Faults()
        cases = faults.attempt(lambda: cases_named(case))
        directory = faults.attempt(lambda: out_directory(out))
        faults.throw()
        assert cases is not None
        if directory is not None:
            make_directory(directory)
        with compiled():
            rows = {one.name: run_case(one, simulate) for one in cases}
            effects = sensitivities(rows) if sensitivity else {}
        data = validation_to_dict(rows, effects)
        if directory is not None:
            write_text(directory / "validation.json", json_text(data))
        if json:
            print_json(data)
        else:
            from mcmscope.report.show_validation import print_validation

            print_validation(rows, effects)
