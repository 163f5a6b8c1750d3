"""What kernels are compiled for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mcmscope.jit import inner, kernel


@pytest.mark.parametrize("compiled", [inner, kernel])
def test_constants_of_callers_do_not_compile_a_kernel_anew(compiled: Any) -> None:
    def add(a: int, b: int) -> int:
        return a + b

    added = compiled(add)

    def call(values: Any) -> int:
        return added(values[0], 1) + added(2, b=values[1]) + added(values[0], values[1])

    assert kernel(call)(np.array([10, 20])) == 11 + 22 + 30
    assert len(added.signatures) == 1
