"""The border of a region, over every size of every preset."""

from __future__ import annotations

import pytest

from mcmscope.cost.dram import load_mb_per_s
from mcmscope.cost.machine import machine
from mcmscope.cost.nop import NO_BORDER_MB_PER_S, border_mb_per_s
from mcmscope.hardware import load_package
from mcmscope.hardware.loader import preset_names

from .reference.mesh import Mesh

LINK_MB_PER_S = 12_500


@pytest.mark.parametrize("name", preset_names())
def test_the_border_counts_the_chiplets_of_columns_and_rows(name: str) -> None:
    package = load_package(name)
    fast, slow = machine(package), Mesh(package)
    for n in range(1, fast.chiplets + 1):
        border = slow.border_mb_per_s(n)
        assert border_mb_per_s(n, fast) == (NO_BORDER_MB_PER_S if border is None else border)
        assert load_mb_per_s(n, 1, fast) == slow.load_mb_per_s(n, 1)


@pytest.mark.parametrize(
    ("n", "links"),
    [
        (16, 16 * 16 / (4 * 12)),  # four columns of 4: 12 of 16 rows of ports lie elsewhere
        (14, 14 * 16 / (4 * 12)),  # a column of 2 beside three of 4
        (96, 96 * 16 / (8 * 8)),  # eight columns of 8, eight of 4
    ],
)
def test_borders_by_hand(n: int, links: float) -> None:
    """On 16 x 16 chiplets with all ports at the sides: what the worst column takes in, over one link."""
    assert border_mb_per_s(n, machine(load_package("simba-256"))) == int(links * LINK_MB_PER_S)


def test_few_chiplets_load_slower_than_the_dram_delivers() -> None:
    simba = machine(load_package("simba-256"))
    rates = [load_mb_per_s(n, 1, simba) for n in range(1, 257)]
    assert rates[0] < rates[15] < rates[63] < simba.dram_mb_per_s
    assert rates[-1] == max(rates) == simba.dram_mb_per_s
