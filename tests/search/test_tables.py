"""Tables of single layers against the evaluator: every option is real, and none that matters is missing."""

from __future__ import annotations

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from mcmscope.cost.arrays import MADE_BEFORE, SOURCE, WEIGHT_BYTES
from mcmscope.cost.model import cost_model, price_code
from mcmscope.cost.reports import LOAD_PS, PASSES, STAGE_NEED, STAGE_STORED, STAGE_TIME
from mcmscope.schedule import Objective, Scheme
from mcmscope.search.context import SearchContext
from mcmscope.search.run import search_scheme
from mcmscope.search.space import tile_grids
from mcmscope.search.tables import CHOICE, HELD, LOAD, MAX_OPTIONS, NEVER, TIME, keep_option, layer_kinds
from mcmscope.workload.network import Network

from .brute import Brute, Part
from .cases import Question, examples, questions, small_networks, stack
from .packages import package

Option = tuple[int, int, int]


def up(a: int, b: int) -> int:
    return -(-a // b)


def options_by_price(brute: Brute, l: int, n: int, u: int) -> dict[tuple[tuple[int, int, int], int], Option]:
    """What every way to run layer l alone on n chiplets costs: time, bytes held, load beyond the DRAM's."""
    model, machine = brute.model, brute.model.machine
    net = model.net
    # What can pass by the layer in any pipeline: bytes under which nothing ever spills.
    relayed = max(int(net.span[MADE_BEFORE, b, len(net.layer)]) for b in range(len(net.layer) + 1))
    dram = up(int(net.layer[l, WEIGHT_BYTES]) * 1_000_000, machine.dram_mb_per_s)
    found: dict[tuple[tuple[int, int, int], int], Option] = {}
    for grid in tile_grids(n, u):
        for partition in range(3):
            run = brute.priced(l, Part(l + 1, u, ((l + 1, n, *grid),), (partition,)))
            if run is None or run.segments[l, PASSES] > 1:
                continue
            stage = run.stages[l]
            held = int(stage[STAGE_NEED]) + machine.unified * int(stage[STAGE_STORED])
            load = int(run.segments[l, LOAD_PS])
            found[grid, partition] = (
                int(stage[STAGE_TIME]),
                max(held, machine.activation_free - up(u * relayed, n)),
                load if load > dram else 0,
            )
    return found


@examples(120)
@given(question=questions(Scheme.SEQUENTIAL, 1500))
def test_options_are_what_the_evaluator_says_and_complete(question: Question) -> None:
    brute = Brute(question.model, question.batch, question.micro)
    assume(brute.fillers is not None)
    context = SearchContext(question.model, question.batch)
    tables = context.tables
    for index, u in enumerate(question.micro):
        for l in range(len(question.network)):
            for n in range(1, question.package.chiplets + 1):
                priced = options_by_price(brute, l, n, u)
                kept: list[Option] = []
                for row in tables.alone[index, tables.kind[l], n].tolist():
                    if row[TIME] == NEVER:
                        break
                    option = row[TIME], row[HELD], row[LOAD]
                    assert priced[context.grid(index, row[CHOICE])] == option
                    kept.append(option)
                if tables.overflow:
                    continue
                for option in priced.values():
                    assert any(all(x <= y for x, y in zip(k, option, strict=True)) for k in kept)
                for one in kept:
                    assert not any(
                        one is not two and all(x <= y for x, y in zip(two, one, strict=True)) for two in kept
                    )


@examples(60)
@given(
    options=st.lists(st.tuples(*[st.integers(0, 6)] * 3), min_size=1, max_size=40),
    room=st.integers(2, MAX_OPTIONS),
)
def test_keep_option_keeps_the_undominated(options: list[Option], room: int) -> None:
    rows = np.full((room, 4), NEVER, dtype=np.int64)
    dropped = sum(keep_option(rows, *option, choice) for choice, option in enumerate(options))
    kept = [tuple(row[:3]) for row in rows.tolist() if row[TIME] < NEVER]
    best = {
        option
        for option in options
        if not any(o != option and all(x <= y for x, y in zip(o, option, strict=True)) for o in options)
    }
    assert len(kept) == len(set(kept))
    for row in rows.tolist()[: len(kept)]:
        assert options[row[CHOICE]] == tuple(row[:3])
    if dropped == 0:
        assert set(kept) == best


@given(network=small_networks(6))
def test_layers_of_a_kind_differ_only_in_which_layer_they_read(network: Network) -> None:
    net = cost_model(network, package(1, 2)).net
    kind, first = layer_kinds(net)
    assert sorted(set(kind.tolist())) == list(range(len(first)))
    for l, k in enumerate(kind.tolist()):
        other = int(first[k])
        assert other <= l
        np.testing.assert_array_equal(net.layer[l], net.layer[other])
        mine = net.operand[net.operand_start[l] : net.operand_start[l + 1]].copy()
        its = net.operand[net.operand_start[other] : net.operand_start[other + 1]].copy()
        # An operand from outside the network never lies in a region.
        np.testing.assert_array_equal(mine[:, SOURCE] < 0, its[:, SOURCE] < 0)
        mine[:, SOURCE] = its[:, SOURCE] = 0
        np.testing.assert_array_equal(mine, its)


def test_equal_layers_are_one_kind_but_the_first_reads_the_input() -> None:
    kind, first = layer_kinds(cost_model(stack(4, 8, 5), package(1, 2)).net)
    assert kind.tolist() == [0, 1, 1, 1]
    assert first.tolist() == [0, 1]


def test_fused_is_found_where_a_layer_looks_like_the_one_that_reads_the_input() -> None:
    """The layer inside the cluster takes in a halo; one that reads the network's input takes in all of it."""
    model = cost_model(stack(2, 2, 1, kernel=1, groups=2), package(3, 2, link_mb_per_s=150))
    found = search_scheme(model, Scheme.SEQUENTIAL_FUSED, 1, Objective.THROUGHPUT)
    layerwise = search_scheme(model, Scheme.SEQUENTIAL, 1, Objective.THROUGHPUT)
    assert found.code is not None
    assert layerwise.code is not None
    assert len(found.code.segments) == 1
    assert len(layerwise.code.segments) == 2
    assert Brute(model, 1, (1,)).least(Scheme.SEQUENTIAL_FUSED) == price_code(model, found.code, 1).total_ps
