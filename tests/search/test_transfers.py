"""The transfers of searches are those of the cost model."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mcmscope.cost.compute import transfer_ps
from mcmscope.cost.machine import machine
from mcmscope.cost.memory import spill_ps
from mcmscope.hardware import load_package
from mcmscope.jit import kernel
from mcmscope.search.transfers import moving_ps, spilling_ps

from .cases import examples

SIMBA = machine(load_package("simba-36"))


@kernel
def _transfer(size: int, rate: int) -> int:
    return transfer_ps(size, rate)


@kernel
def _spill(excess: int) -> int:
    return spill_ps(excess, SIMBA)


@examples(100)
@given(st.integers(0, 10**9), st.integers(1, 10**6))
def test_numbers_and_arrays_move_as_kernels_move_them(size: int, rate: int) -> None:
    assert moving_ps(size, rate) == _transfer(size, rate)
    assert moving_ps(np.array([size, 0]), rate).tolist() == [_transfer(size, rate), 0]


@examples(100)
@given(st.integers(0, 10**8))
def test_numbers_and_arrays_spill_as_kernels_spill_them(excess: int) -> None:
    assert spilling_ps(excess, SIMBA) == _spill(excess)
    assert spilling_ps(np.array([excess]), SIMBA).tolist() == [_spill(excess)]
