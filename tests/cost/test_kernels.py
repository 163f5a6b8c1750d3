"""The smaller kernels against plain twins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from mcmscope.cost import arrays, memory
from mcmscope.cost.code import PARTITIONS, encode
from mcmscope.cost.machine import canonical_shape
from mcmscope.cost.model import cost_model
from mcmscope.cost.stage import stage_cost
from mcmscope.errors import InputError
from mcmscope.hardware.package import Package
from mcmscope.workload.network import Network

from . import reference
from .generators import Case, cases, divisors, networks, packages

QUICK = settings(
    max_examples=100, deadline=None, suppress_health_check=(HealthCheck.too_slow, HealthCheck.filter_too_much)
)


def python(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """A kernel that calls no other, as plain Python: those that only kernels call have no other entry."""
    return cast("Callable[..., Any]", cast("Any", kernel).py_func)


def best(package: Package, k: int, c: int) -> list[list[int]]:
    """Per number of position groups d: least passes of k x c channels over the array, greatest p, and d."""
    chip = package.chiplet
    found: list[list[int]] = []
    for d in divisors(chip.pes):
        tried = [
            (-(-k // (chip.lanes_k * p)) * -(-c // (chip.lanes_c * q)), -p)
            for p in range(1, chip.pes + 1)
            for q in range(1, chip.pes + 1)
            if p * q * d == chip.pes
        ]
        passes, p = min(tried)
        found.append([passes, -p, d])
    return found


@given(networks(max_layers=3), packages())
@QUICK
def test_tilings_are_the_best_of_all(network: Network, package: Package) -> None:
    """For every layer, partition and region size."""
    model = cost_model(network, package)
    tiling, split = model.tilings
    chiplets = package.rows * package.columns
    for l, layer in enumerate(network.layers):
        per_group = layer.out_channels // layer.groups
        assert tiling[l].tolist() == best(package, per_group, layer.in_channels)
        for n in range(1, chiplets + 1):
            at = l * (chiplets + 1) + n
            g, k = split[at].tolist()
            assert g == -(-layer.groups // n)
            assert k == (per_group if layer.groups >= n else -(-per_group // (n // layer.groups)))
            assert tiling[len(network) + at].tolist() == best(package, k, layer.in_channels)


@given(networks())
@QUICK
def test_spans_are_sets_of_tensors(network: Network) -> None:
    net = arrays.network_arrays(network)
    tensors = reference.Tensors(network)
    layers = len(network)
    for a in range(layers):
        for b in range(a + 1, layers + 1):
            expected = {
                arrays.INPUTS_READ: tensors.bytes(tensors.inputs_read(a, b)),
                arrays.MADE_BEFORE: tensors.bytes(tensors.made_before(a, b)),
                arrays.OUTPUTS_MADE: tensors.bytes(tensors.outputs_made(a, b)),
                arrays.USED_AFTER: tensors.bytes(tensors.used_after(a, b)),
                arrays.PASSING: tensors.bytes(tensors.passing(a, b)),
                arrays.PEAK: tensors.peak(a, b),
            }
            assert {plane: int(net.span[plane, a, b]) for plane in expected} == expected


@given(networks())
@QUICK
def test_weights_and_skips(network: Network) -> None:
    net = arrays.network_arrays(network)
    tensors = reference.Tensors(network)
    assert net.weights[0] == 0
    assert np.diff(net.weights).tolist() == [
        reference.work_of(network, l).weights for l in range(len(network))
    ]
    assert net.skip.tolist() == [t for t in range(len(network)) if tensors.used_from(t, t + 2)]


@given(networks(), st.data())
@QUICK
def test_cut_and_relay_are_sets_of_tensors(network: Network, data: st.DataObject) -> None:
    layers = len(network)
    assume(layers >= 3)
    a, i, j, b = sorted(
        data.draw(st.lists(st.integers(0, layers), min_size=4, max_size=4, unique=True))
        if layers >= 4
        else [0, 1, 2, 3]
    )
    net, tensors = arrays.network_arrays(network), reference.Tensors(network)
    assert python(memory.cut_bytes)(net, a, b, j) == tensors.cut(a, b, j)
    assert python(memory.relayed_bytes)(net, a, b, i, j) == tensors.relayed(a, b, i, j)


@given(cases())
@QUICK
def test_stage_cost_is_what_price_sums(case: Case) -> None:
    """The searches price stages by themselves."""
    model = cost_model(case.network, case.package)
    tensors, mesh = reference.Tensors(case.network), reference.Mesh(case.package)
    run = reference.Run(case.schedule, case.network, tensors, mesh, case.batch, case.schedule.replicas)
    partitions = encode(case.schedule).partitions
    for segment in case.schedule.segments:
        for cluster in segment.clusters:
            i, j = cluster.layers
            cost = stage_cost(
                model.net,
                model.machine,
                model.tilings,
                i,
                j,
                partitions,
                len(cluster.chiplets),
                segment.micro_batch,
                cluster.tiles,
            )
            expected = run.stage(segment, cluster)
            assert tuple(cost) == (expected.time_ps, expected.stored, expected.distinct, expected.need)


@given(packages())
@QUICK
def test_canonical_shapes_hold_their_chiplets(package: Package) -> None:
    h, rows, columns = package.strip_height, package.rows, package.columns
    mesh = reference.Mesh(package)
    before = (0, 0)
    for n in range(1, rows * columns + 1):
        tall, wide = canonical_shape(n, h, rows, columns)
        assert (tall, wide) == mesh.shape(n)
        assert tall * wide >= n
        assert tall <= rows
        assert wide <= columns
        assert tall >= before[0]
        assert wide >= before[1]
        before = tall, wide


def test_partitions_have_their_numbers() -> None:
    assert [p.value for p in PARTITIONS] == ["WSP", "WSP-sharded", "ISP"]
    assert (arrays.WSP, arrays.SHARDED, arrays.ISP) == (0, 1, 2)


def test_too_many_layers_are_refused() -> None:
    from .test_hand_case import NETWORK

    layers = (NETWORK.layers[0],) * (arrays.MAX_LAYERS + 1)
    with pytest.raises(InputError, match="at most 4096 can be scheduled"):
        arrays.network_arrays(Network("long", NETWORK.inputs, layers, (0,)))
