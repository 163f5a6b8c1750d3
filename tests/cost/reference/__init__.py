"""The cost model once more: slow, in plain Python, from the definitions in docs/model.md.

Nothing of the package's code is called here; only its plain data is read (networks, packages, schedules).
Tensors are integers as in ``Operand.source``: l for the one that layer l makes, -1 - i for network input i.
Times are picoseconds, sizes bytes, energies femtojoules.
"""

from .layers import LayerFigures, Placed
from .mesh import Mesh
from .segments import Infeasible, Run, SegmentFigures, StageFigures
from .tensors import Tensors, Work, work_of
from .whole import Figures, evaluate

__all__ = [
    "Figures",
    "Infeasible",
    "LayerFigures",
    "Mesh",
    "Placed",
    "Run",
    "SegmentFigures",
    "StageFigures",
    "Tensors",
    "Work",
    "evaluate",
    "work_of",
]
