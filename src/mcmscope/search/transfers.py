"""What transfers take, for numbers and arrays alike: kernels have the same in ``cost``."""

from __future__ import annotations

from typing import TypeVar

from mcmscope.cost.arrays import Ints
from mcmscope.cost.machine import Machine

_Bytes = TypeVar("_Bytes", int, Ints)


def moving_ps(size: _Bytes, mb_per_s: int) -> _Bytes:
    """Picoseconds to move ``size`` bytes, rounded up; see ``cost.compute.transfer_ps``."""
    return -(-size * 1_000_000 // mb_per_s)


def spilling_ps(excess: _Bytes, machine: Machine) -> _Bytes:
    """Picoseconds in which each chiplet writes and reads ``excess`` bytes; see ``cost.memory.spill_ps``."""
    return moving_ps(2 * excess * machine.chiplets, machine.dram_mb_per_s)
