"""The network and the package of a case."""

from __future__ import annotations

import pytest

from mcmscope import load_network, load_package
from mcmscope.hardware.package import Overlap
from mcmscope.reproduce.case import Case
from mcmscope.reproduce.inputs import SCALED, first, network_of, package_of


@pytest.mark.parametrize("package", ["simba-16", "mesh-4x4"])
def test_knobs_turn_what_they_name_and_nothing_else(package: str) -> None:
    plain = load_package(package)
    for knob in SCALED:
        for factor in (0.25, 4.0):
            turned = package_of(Case("x", "alexnet", package, turned=((knob, factor),)))
            chiplet, own = turned.chiplet, plain.chiplet
            nop, dram, buffers = (factor if knob.startswith(x) else 1 for x in ("NoP", "DRAM", "buffers"))
            assert turned.nop.link_mb_per_s == plain.nop.link_mb_per_s * nop
            assert turned.dram.channel_mb_per_s == plain.dram.channel_mb_per_s * dram
            assert chiplet.weight_buffer_bytes == own.weight_buffer_bytes * buffers
            assert chiplet.activation_buffer_bytes == own.activation_buffer_bytes * buffers
            assert (chiplet.unified, turned.energy) == (own.unified, plain.energy)
            assert turned.overlap == plain.overlap


def test_knobs_set_to_a_word() -> None:
    turned = package_of(
        Case("x", "alexnet", "simba-16", turned=(("overlap", "none"), ("energy profile", "set-12nm")))
    )
    assert (turned.overlap, turned.energy.name) == (Overlap.NONE, "set-12nm")
    assert package_of(Case("x", "alexnet", "simba-16")) == load_package("simba-16")


@pytest.mark.parametrize("name", ["resnet18", "googlenet"])
def test_a_cut_network_keeps_what_is_used_behind_the_cut(name: str) -> None:
    whole = load_network(name)
    for count in range(1, len(whole)):
        cut = network_of(Case("x", name, "simba-16", variant=first(count)))
        assert cut.layers == whole.layers[:count]
        behind = {x.source for layer in whole.layers[count:] for x in layer.operands}
        assert set(cut.outputs) == {x for x in (*behind, *whole.outputs) if 0 <= x < count}
    assert network_of(Case("x", name, "simba-16")) == whole
