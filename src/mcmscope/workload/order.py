"""The order of the layers: a topological one that keeps few bytes alive at the boundaries between layers.

A segment or a cluster ends at such a boundary; what is alive there is kept, moved or stored. So the order
with the least sum over all boundaries is taken. A layer that depends on all before it, and all behind on it,
has one place in any order; what lies between two of those is ordered by itself, by dynamic programming over
the sets of layers that can have run. There are few of them in networks of branches; where there are more than
``STEPS`` allows, the best are followed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from mcmscope.workload.network import Layer, Network, bytes_of

STEPS = 100_000
"""Ways to go on that are looked at in a run; with this many, the best sets at each step are followed."""
ALL_STEPS = 2_000_000
"""Ways to go on that are looked at in all runs of a network together."""
MAX_RUN = 1000
"""Most layers of a run that is ordered: a longer one stays as it is, for work grows as the square of it."""


@dataclass(frozen=True, slots=True)
class _Graph:
    """Who reads what: for each layer its distinct sources and readers, and the bytes of its tensor."""

    sources: tuple[tuple[int, ...], ...]
    readers: tuple[tuple[int, ...], ...]
    sizes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Run:
    """Layers to order, by their place in the run; sets of them are bits.

    ``needs``: what must have run before each. ``makes``: bytes of its tensor if anyone reads it. ``frees``:
    the tensors it reads, as their readers of this run (one bit beyond it for all behind) and their bytes.
    ``followers``: its readers in this run.
    """

    layers: tuple[int, ...]
    needs: tuple[int, ...]
    makes: tuple[int, ...]
    frees: tuple[tuple[tuple[int, int], ...], ...]
    followers: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class _State:
    """The best way to a set of layers: bytes alive more than before the run, and their sum up to here.

    ``ready``: the layers that can run next.
    """

    ready: int
    alive: int
    total: int
    last: int = -1
    before: _State | None = None


def ordered(network: Network) -> Network:
    """The network in a good order; as it is where no better one was found."""
    order = find_order(network)
    return network if order == tuple(range(len(network))) else reordered(network, order)


def alive_bytes(network: Network) -> tuple[int, ...]:
    """Bytes per sample at each boundary: entry b is what layers before b made and layers from b on read."""
    graph = _graph(network)
    change = [0] * (len(network) + 1)
    for layer, readers in enumerate(graph.readers):
        if readers:
            change[layer + 1] += graph.sizes[layer]
            change[readers[-1] + 1] -= graph.sizes[layer]
    alive = [0]
    for step in change[1:]:
        alive.append(alive[-1] + step)
    return tuple(alive)


def find_order(network: Network) -> tuple[int, ...]:
    """The layers in the order in which they should run."""
    graph = _graph(network)
    order: list[int] = []
    for run in _runs(graph):
        order += _best_order(_run_of(graph, run), len(network)) if 1 < len(run) <= MAX_RUN else run
    return tuple(order)


def reordered(network: Network, order: Sequence[int]) -> Network:
    """The network with its layers in another topological order."""
    place = {layer: index for index, layer in enumerate(order)}

    def moved(layer: Layer) -> Layer:
        operands = (
            replace(operand, source=place.get(operand.source, operand.source)) for operand in layer.operands
        )
        return replace(layer, operands=tuple(operands))

    return replace(
        network,
        layers=tuple(moved(network.layers[layer]) for layer in order),
        outputs=tuple(sorted(place[output] for output in network.outputs)),
    )


def _graph(network: Network) -> _Graph:
    sources = tuple(
        tuple(sorted({operand.source for operand in layer.operands if operand.source >= 0}))
        for layer in network.layers
    )
    readers: list[list[int]] = [[] for _ in sources]
    for layer, made in enumerate(sources):
        for source in made:
            readers[source].append(layer)
    sizes = tuple(bytes_of(layer.output_elements, network.activation_bits) for layer in network.layers)
    return _Graph(sources, tuple(map(tuple, readers)), sizes)


def _runs(graph: _Graph) -> list[list[int]]:
    """The layers cut where a layer has only one place: each such layer alone, and what lies between."""
    count = len(graph.sources)
    before = [0] * count
    for layer, sources in enumerate(graph.sources):
        for source in sources:
            before[layer] |= before[source] | 1 << source
    after = [0] * count
    for layer in reversed(range(count)):
        for reader in graph.readers[layer]:
            after[layer] |= after[reader] | 1 << reader
    runs: list[list[int]] = [[]]
    for layer in range(count):
        if before[layer].bit_count() + after[layer].bit_count() + 1 == count:
            runs += [[layer], []]
        else:
            runs[-1].append(layer)
    return [run for run in runs if run]


def _run_of(graph: _Graph, layers: list[int]) -> _Run:
    places = {layer: place for place, layer in enumerate(layers)}
    done = set(range(layers[0]))

    def readers(tensor: int) -> int:
        bits = 0
        for reader in graph.readers[tensor]:
            bits |= 0 if reader in done else 1 << places.get(reader, len(layers))
        return bits

    return _Run(
        layers=tuple(layers),
        needs=tuple(
            sum(1 << places[source] for source in graph.sources[layer] if source in places)
            for layer in layers
        ),
        makes=tuple(graph.sizes[layer] if graph.readers[layer] else 0 for layer in layers),
        frees=tuple(
            tuple((readers(source), graph.sizes[source]) for source in graph.sources[layer])
            for layer in layers
        ),
        followers=tuple(
            tuple(places[reader] for reader in graph.readers[layer] if reader in places) for layer in layers
        ),
    )


def _best_order(run: _Run, count: int) -> list[int]:
    """The run's layers in the order with the least bytes alive, summed over its boundaries.

    ``count``: layers of the network.
    """
    start = _State(sum(1 << place for place, need in enumerate(run.needs) if not need), 0, 0)
    given = start
    for place in range(len(run.layers)):
        given = _step(run, given, (1 << place) - 1, place)
    steps = min(STEPS // len(run.layers), ALL_STEPS // count)
    states = {0: start}
    for _ in run.layers:
        found: dict[int, _State] = {}
        for done, state in _followed(states, steps):
            for place in _members(state.ready):
                new, reached = _step(run, state, done, place), done | 1 << place
                if reached not in found or new.total < found[reached].total:
                    found[reached] = new
        states = found
    best = next(iter(states.values()))
    order: list[int] = []
    state: _State | None = best if best.total < given.total else given
    while state is not None and state.last >= 0:
        order.append(run.layers[state.last])
        state = state.before
    return order[::-1]


def _followed(states: dict[int, _State], steps: int) -> Iterator[tuple[int, _State]]:
    """The states from which there are at most ``steps`` ways to go on, one at least: the best ones."""
    ways = sum(state.ready.bit_count() for state in states.values())
    if ways <= steps:
        yield from states.items()
        return
    for item in sorted(states.items(), key=lambda item: item[1].total):
        yield item
        steps -= item[1].ready.bit_count()
        if steps <= 0:
            return


def _members(bits: int) -> Iterator[int]:
    """Places of the set bits, rising."""
    while bits:
        yield (bits & -bits).bit_length() - 1
        bits &= bits - 1


def _step(run: _Run, state: _State, done: int, place: int) -> _State:
    """One more layer has run behind those of ``done``."""
    now = done | 1 << place
    ready = state.ready & ~(1 << place)
    for follower in run.followers[place]:
        if not run.needs[follower] & ~now:
            ready |= 1 << follower
    freed = sum(size for readers, size in run.frees[place] if not readers & ~now)
    alive = state.alive + run.makes[place] - freed
    return _State(ready, alive, state.total + alive, place, state)
