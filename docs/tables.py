"""Write the tables of validation.md anew: ``python docs/tables.py``, with ``--sensitivity`` all of them."""

from __future__ import annotations

import sys
from pathlib import Path

from mcmscope.report.doc_blocks import filled
from mcmscope.report.validation_doc import made_blocks
from mcmscope.simulate import simulate
from mcmscope.validation.run import CASES, run_case, sensitivities

PAGE = Path(__file__).parent / "validation.md"

rows = {name: run_case(case, simulate) for name, case in CASES.items()}
effects = sensitivities(rows) if "--sensitivity" in sys.argv else {}
PAGE.write_text(filled(PAGE.read_text(encoding="utf-8"), made_blocks(rows, effects)), encoding="utf-8")
