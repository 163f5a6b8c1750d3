"""What more of the hardware does to the optimum; and no search beats it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, event, given
from hypothesis import strategies as st

from mcmscope.cost.model import cost_model
from mcmscope.hardware.package import Dram, Edge, Nop, Overlap, Package
from mcmscope.schedule import Objective, Scheme
from mcmscope.search.context import SearchContext
from mcmscope.search.descend import objective_value
from mcmscope.search.run import PARTS, search_scheme
from mcmscope.workload.network import Network
from tests.search.cases import Question, examples, questions, stack
from tests.search.packages import package as small_package

MERGED = Scheme.MERGED_PIPELINE
TIMES = (Objective.THROUGHPUT, Objective.LATENCY)


def optimum(network: Network, package: Package, batch: int, objective: Objective) -> int | None:
    """The proven least time (ps) of a merged pipeline; None: none fits."""
    model = cost_model(network, package)
    found = search_scheme(model, MERGED, batch, objective, search="exact")
    if found.code is None:
        return None
    assert found.certificate.status == "optimal"
    return objective_value(model, found.code, batch, objective)


def assert_no_worse(question: Question, better: Package, objective: Objective) -> None:
    before = optimum(question.network, question.package, question.batch, objective)
    assume(before is not None)
    after = optimum(question.network, better, question.batch, objective)
    assert before is not None
    assert after is not None
    event("the same" if after == before else "better")
    assert after <= before


@pytest.mark.parametrize("objective", TIMES)
@examples(15)
@given(
    question=questions(MERGED, None),
    factor=st.sampled_from((2, 3, 10)),
    dram=st.booleans(),
    both=st.booleans(),
)
def test_more_bandwidth_is_never_worse(
    objective: Objective, question: Question, factor: int, dram: bool, both: bool
) -> None:
    """Of links, of DRAM, or both."""
    package = question.package
    nop, memory = package.nop, package.dram
    if not dram or both:
        nop = replace(nop, link_mb_per_s=factor * nop.link_mb_per_s)
    if dram or both:
        memory = replace(memory, channel_mb_per_s=factor * memory.channel_mb_per_s)
    assert_no_worse(question, replace(package, nop=nop, dram=memory), objective)


@pytest.mark.parametrize("objective", TIMES)
@examples(15)
@given(question=questions(MERGED, None), factor=st.sampled_from((2, 3, 10)), weights=st.booleans())
def test_more_memory_is_never_worse(
    objective: Objective, question: Question, factor: int, weights: bool
) -> None:
    """Nothing is retained (what stays between segments is not chosen), and buffers are not unified (fewer
    passes leave less room for activations): docs/model.md."""
    chip = replace(question.package.chiplet, unified=False)
    package = replace(question.package, chiplet=chip, retained_permille=0)
    if weights:
        more = replace(chip, weight_buffer_bytes=factor * chip.weight_buffer_bytes)
    else:
        more = replace(chip, activation_buffer_bytes=factor * chip.activation_buffer_bytes)
    assert_no_worse(replace(question, package=package), replace(package, chiplet=more), objective)


@pytest.mark.parametrize("objective", TIMES)
@examples(15)
@given(question=questions(MERGED, None, max_chiplets=4), factor=st.sampled_from((2, 3)), rows=st.booleans())
def test_more_chiplets_are_never_worse_where_links_do_not_bind(
    objective: Objective, question: Question, factor: int, rows: bool
) -> None:
    """Same strip height, same DRAM. Nothing spills either, since each chiplet's share of the DRAM shrinks."""
    package = question.package
    chip = replace(package.chiplet, activation_buffer_bytes=10**9, unified=False)
    package = replace(package, chiplet=chip, nop=Nop(10**10, 0), overlap=Overlap.FULL, retained_permille=0)
    if rows:
        larger = replace(package, rows=factor * package.rows)
    else:
        larger = replace(package, columns=factor * package.columns)
    assert_no_worse(replace(question, package=package), larger, objective)


def test_more_chiplets_can_be_worse_where_links_bind() -> None:
    """A region that is all of the package has its DRAM ports inside; the same one in a larger package takes
    its inputs in over its border, and a larger one has more to exchange."""
    package = small_package(4, 1, pes=1, dram_mb_per_s=3200, link_mb_per_s=150)
    chip = replace(package.chiplet, clock_mhz=333, lanes_k=1, lanes_c=1, vector_lanes=1, layer_start_ns=0)
    package = replace(package, strip_height=1, chiplet=chip, nop=Nop(150, 0), retained_permille=0)
    package = replace(package, dram=Dram(1, 3200, (Edge.LEFT,)))
    network = stack(2, 2, 1, kernel=1)
    less = optimum(network, package, 2, Objective.THROUGHPUT)
    more = optimum(network, replace(package, columns=2), 2, Objective.THROUGHPUT)
    assert less is not None
    assert more is not None
    assert less < more < 1.1 * less


@pytest.mark.parametrize("objective", Objective)
@examples(10)
@given(question=questions(MERGED, None))
def test_no_search_beats_exact_and_schemes_keep_their_order(objective: Objective, question: Question) -> None:
    model, batch = question.model, question.batch
    shared = SearchContext(model, batch)
    values: dict[Scheme, int | None] = {}
    for scheme in (*PARTS[MERGED], MERGED):
        for search in ("linear", "exact"):
            found = search_scheme(model, scheme, batch, objective, search=search, context=shared)
            value = objective_value(model, found.code, batch, objective) if found.code is not None else None
            if search == "linear":
                values[scheme] = value
            elif value is not None:
                before = values[scheme]
                assert before is not None
                assert value <= before
                event(f"{objective}: exact is better" if value < before else f"{objective}: the same")
                values[scheme] = value
    for part in PARTS[MERGED]:
        less, more = values[part], values[MERGED]
        if less is not None:
            assert more is not None
            assert more <= less
