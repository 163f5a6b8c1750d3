"""Decide how neural networks run on multi-chip-module (chiplet) accelerators."""

from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from mcmscope.api import evaluate, run, simulate_schedule
    from mcmscope.cost.evaluate import Evaluation
    from mcmscope.errors import InputError
    from mcmscope.hardware.loader import load_package, preset_names
    from mcmscope.hardware.package import Package
    from mcmscope.result import Certificate, Result, SchemeResult
    from mcmscope.schedule import Cluster, Objective, Partition, Schedule, Scheme, Segment
    from mcmscope.schedule_file import SavedSchedule, load_schedule, save_schedule
    from mcmscope.simulate.result import Simulation
    from mcmscope.workload.inspection import Inspection, inspect
    from mcmscope.workload.load import load_network, zoo_names
    from mcmscope.workload.network import Network

__all__ = [
    "Certificate",
    "Cluster",
    "Evaluation",
    "InputError",
    "Inspection",
    "Network",
    "Objective",
    "Package",
    "Partition",
    "Result",
    "SavedSchedule",
    "Schedule",
    "Scheme",
    "SchemeResult",
    "Segment",
    "Simulation",
    "__version__",
    "evaluate",
    "inspect",
    "load_network",
    "load_package",
    "load_schedule",
    "preset_names",
    "run",
    "save_schedule",
    "simulate_schedule",
    "zoo_names",
]

# Where each name lives. They are imported when first used, so that ``import mcmscope`` costs nothing.
_HOMES = {
    "Certificate": "mcmscope.result",
    "Cluster": "mcmscope.schedule",
    "Evaluation": "mcmscope.cost.evaluate",
    "InputError": "mcmscope.errors",
    "Inspection": "mcmscope.workload.inspection",
    "Network": "mcmscope.workload.network",
    "Objective": "mcmscope.schedule",
    "Package": "mcmscope.hardware.package",
    "Partition": "mcmscope.schedule",
    "Result": "mcmscope.result",
    "SavedSchedule": "mcmscope.schedule_file",
    "Schedule": "mcmscope.schedule",
    "Scheme": "mcmscope.schedule",
    "SchemeResult": "mcmscope.result",
    "Segment": "mcmscope.schedule",
    "Simulation": "mcmscope.simulate.result",
    "evaluate": "mcmscope.api",
    "inspect": "mcmscope.workload.inspection",
    "load_network": "mcmscope.workload.load",
    "load_package": "mcmscope.hardware.loader",
    "load_schedule": "mcmscope.schedule_file",
    "preset_names": "mcmscope.hardware.loader",
    "run": "mcmscope.api",
    "save_schedule": "mcmscope.schedule_file",
    "simulate_schedule": "mcmscope.api",
    "zoo_names": "mcmscope.workload.load",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """All public names, imported yet or not."""
    return sorted({*globals(), *__all__})
