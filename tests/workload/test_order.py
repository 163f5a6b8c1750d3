"""The order of layers: the least bytes alive, against every order of small networks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcmscope.cost.arrays import MADE_BEFORE, network_arrays
from mcmscope.workload import Layer, Network, NetworkInput, Op, Operand, Role, load_network, order
from mcmscope.workload.lower import lower
from mcmscope.workload.order import alive_bytes, find_order, ordered, reordered
from mcmscope.workload.zoo.find import zoo_graph


def layer_of(name: str, sources: list[int], made: int) -> Layer:
    operands = tuple(Operand(source, Role.DATA, 1) for source in sources)
    return Layer(name, Op.LINEAR, 1, 1, 1, 1, 1, operands, 1, 0, made, 1, 1)


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """Small DAGs: every layer reads the input or earlier layers; what nobody reads is an output."""
    layers: list[Layer] = []
    for index in range(draw(st.integers(1, 7))):
        sources = draw(st.lists(st.integers(-1, index - 1), min_size=1, max_size=3, unique=True))
        layers.append(layer_of(str(index), sources, draw(st.integers(1, 9))))
    read = {operand.source for layer in layers for operand in layer.operands}
    outputs = {index for index in range(len(layers)) if index not in read or draw(st.booleans())}
    return Network("random", (NetworkInput("x", 1),), tuple(layers), tuple(sorted(outputs)))


def all_orders(network: Network) -> Iterator[tuple[int, ...]]:
    needs = [{o.source for o in layer.operands if o.source >= 0} for layer in network.layers]

    def extend(done: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        if len(done) == len(needs):
            yield done
        for index, need in enumerate(needs):
            if index not in done and need <= set(done):
                yield from extend((*done, index))

    return extend(())


def names_read(network: Network) -> dict[str, set[str]]:
    """What each layer reads, by names: the network whatever its order."""
    return {
        layer.name: {network.layers[o.source].name if o.source >= 0 else "x" for o in layer.operands}
        for layer in network.layers
    }


@given(networks())
@settings(deadline=None)
def test_no_order_keeps_less_alive(network: Network) -> None:
    best = min(sum(alive_bytes(reordered(network, order))) for order in all_orders(network))
    assert sum(alive_bytes(ordered(network))) == best


@given(networks())
@settings(deadline=None)
def test_an_ordered_network_is_the_same_network(network: Network) -> None:
    found = ordered(network)
    assert names_read(found) == names_read(network)
    assert all(o.source < i for i, layer in enumerate(found.layers) for o in layer.operands)
    outputs = [{net.layers[i].name for i in net.outputs} for net in (found, network)]
    assert outputs[0] == outputs[1]
    assert ordered(found) == found


@given(networks())
@settings(deadline=None)
def test_following_few_states_is_never_worse_than_the_given_order(network: Network) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(order, "STEPS", 1)
        found = ordered(network)
    assert names_read(found) == names_read(network)
    assert sum(alive_bytes(found)) <= sum(alive_bytes(network))


@pytest.mark.parametrize("name", ["googlenet", "bert_base", "gpt2@kv9"])
def test_alive_bytes_are_what_the_cost_model_keeps_at_a_boundary(name: str) -> None:
    network = load_network(name)
    span = network_arrays(network).span
    count = len(network)
    assert [int(span[MADE_BEFORE, b, count]) for b in range(1, count)] == list(alive_bytes(network)[1:-1])


def test_the_order_stays_where_none_is_better() -> None:
    for name in ("resnet50", "densenet121", "mobilenet_v3_large"):
        network = lower(zoo_graph(name))
        assert ordered(network) is network


def test_branches_of_an_inception_network_run_so_that_little_is_alive() -> None:
    given = lower(zoo_graph("googlenet"))
    assert sum(alive_bytes(load_network("googlenet"))) < 0.7 * sum(alive_bytes(given))


def test_blocks_of_equal_structure_are_ordered_alike() -> None:
    network = load_network("llama_3_8b@seq512")
    shapes = [replace(layer, name="", operands=()) for layer in network.layers]
    starts = range(9, 9 * 31, 9)
    assert all(
        [replace(s, fused=()) for s in shapes[i : i + 9]] == [replace(s, fused=()) for s in shapes[9:18]]
        for i in starts
    )


def test_a_wide_network_takes_no_time() -> None:
    """Hundreds of layers side by side: far too many sets to follow all."""
    side = [layer_of(f"side{i}", [0], 1 + i % 7) for i in range(300)]
    join = layer_of("join", [*range(1, 301)], 1)
    network = Network("wide", (NetworkInput("x", 1),), (layer_of("stem", [-1], 5), *side, join), (301,))
    assert sorted(find_order(network)) == list(range(302))


def test_a_run_too_long_to_order_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    network = lower(zoo_graph("googlenet"))
    assert find_order(network) != tuple(range(len(network)))
    monkeypatch.setattr(order, "MAX_RUN", 2)
    assert find_order(network) == tuple(range(len(network)))
