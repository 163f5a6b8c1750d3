"""The simulator shares nothing with the cost model that it checks."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import mcmscope

ROOT = Path(mcmscope.__file__).parent

SIMULATION = """
import sys
from mcmscope import load_network, load_package
from mcmscope.schedule import Cluster, Partition, Schedule, Segment
from mcmscope.simulate import simulate

network, package = load_network("alexnet"), load_package("simba-16")
segments = tuple(
    Segment((l, l + 1), 1, (Cluster((l, l + 1), tuple(range(16)), (1, 1, 1), (Partition.ISP,)),))
    for l in range(len(network))
)
assert simulate(Schedule(segments), network, package, 2).macs == 2 * network.macs
print([name for name in sys.modules if name.startswith(("mcmscope.cost", "mcmscope.search"))])
"""

SHOWN = "mcmscope.report.notebook"
"""How a schedule shows itself in a notebook: imported when it does, which no simulation asks for."""


def file_of(module: str) -> Path | None:
    """Where a module of this project lies; None for others' modules and for names within a module."""
    parts = module.split(".")
    if parts[0] != "mcmscope":
        return None
    place = ROOT.joinpath(*parts[1:])
    return next((path for path in (place.with_suffix(".py"), place / "__init__.py") if path.exists()), None)


def imports(path: Path) -> set[str]:
    """Full names of what a file imports anywhere, inside functions too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: this walk expects absolute imports"
            found.add(node.module or "")
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def test_nothing_that_it_imports_imports_the_cost_model() -> None:
    waiting = sorted((ROOT / "simulate").glob("*.py"))
    assert len(waiting) > 10
    seen = set(waiting)
    while waiting:
        path = waiting.pop()
        names = imports(path)
        forbidden = {x for x in names if x.startswith(("mcmscope.cost", "mcmscope.search"))}
        assert not forbidden, f"{path} imports {forbidden}"
        names = {x for x in names if not x.startswith(SHOWN)}
        files = {file for file in map(file_of, names) if file is not None} - seen
        seen |= files
        waiting.extend(files)


def test_a_simulation_loads_no_cost_model() -> None:
    run = subprocess.run([sys.executable, "-c", SIMULATION], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
