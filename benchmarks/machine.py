"""The state of the machine, printed above every figure."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import numba  # pyright: ignore[reportMissingTypeStubs]
import numpy as np


def cpu_model() -> str:
    """The processor's name."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def describe() -> str:
    """One line: processor, load, versions."""
    load = " ".join(f"{x:.2f}" for x in os.getloadavg()) if hasattr(os, "getloadavg") else "unknown"
    return (
        f"{cpu_model()}, {os.cpu_count()} logical CPUs, load average {load}; "
        f"Python {platform.python_version()}, numba {numba.__version__}, numpy {np.__version__}"
    )
