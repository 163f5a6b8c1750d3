"""The event loop: flows that share links by theory, and against a slow twin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcmscope.simulate.engine import run_activities
from mcmscope.simulate.mesh import Floats


@dataclass(frozen=True)
class Sent:
    """A flow: when it begins, and the time (ps) that each of its links alone would take for its bytes."""

    begins: float
    links: dict[int, float]

    @property
    def alone(self) -> float:
        """Its time alone."""
        return max(self.links.values())


def run(flows: list[Sent], *, shared: bool = True) -> list[float]:
    """When each flow ends."""
    delays = len(flows)
    length = np.array([f.begins for f in flows] + [0.0] * delays)
    pattern = np.array([-1] * delays + list(range(delays)), dtype=np.int64)
    waits = np.array([0] * delays + [1] * delays, dtype=np.int64)
    following = np.array([*range(delays + 1), *[delays] * delays], dtype=np.int64)
    link = [x for f in flows for x in f.links]
    ended = np.zeros(2 * delays)
    done = run_activities(
        length,
        pattern,
        waits,
        following,
        np.arange(delays, 2 * delays, dtype=np.int64),
        np.array([f.alone for f in flows]),
        np.cumsum([0] + [len(f.links) for f in flows]).astype(np.int64),
        np.array(link, dtype=np.int64),
        np.array([time / f.alone for f in flows for time in f.links.values()]),
        max(link) + 1,
        int(shared),
        np.zeros(2 * delays),
        ended,
        np.zeros((0, 0)),
        0.0,
        1.0,
    )
    assert done == 2 * delays
    return ended[delays:].tolist()


def filled(flows: list[Sent]) -> list[float]:
    """Max-min fair speeds by filling from zero: all rise together until a link is full."""
    speed: list[float | None] = [None] * len(flows)
    while None in speed:
        rise = 1.0
        full: set[int] = set()
        for x in {x for f in flows for x in f.links}:
            fixed = sum(
                s * f.links[x] / f.alone
                for f, s in zip(flows, speed, strict=True)
                if s is not None and x in f.links
            )
            rising = sum(
                f.links[x] / f.alone for f, s in zip(flows, speed, strict=True) if s is None and x in f.links
            )
            if rising == 0:
                continue
            here = (1 - fixed) / rising
            if here < rise * (1 - 1e-12):
                rise, full = here, {x}
            elif here <= rise * (1 + 1e-12):
                full.add(x)
        for i, f in enumerate(flows):
            if speed[i] is None and (rise >= 1.0 or full & set(f.links)):
                speed[i] = rise
    return [s for s in speed if s is not None]


def twin(flows: list[Sent]) -> list[float]:
    """When each flow ends, step by step."""
    rest = [f.alone for f in flows]
    ends = [0.0] * len(flows)
    now = 0.0
    waiting = set(range(len(flows)))
    active: list[int] = []
    while waiting or active:
        due: list[int] = [i for i in waiting if flows[i].begins <= now]
        waiting -= set(due)
        active += due
        speed = filled([flows[i] for i in active])
        steps: list[float] = [rest[i] / s for i, s in zip(active, speed, strict=True)]
        step = min([*steps, *(flows[i].begins - now for i in waiting)])
        for i, s in zip(active, speed, strict=True):
            rest[i] -= step * s
        now += step
        for i in [i for i in active if rest[i] <= 1e-3]:
            ends[i] = now
            active.remove(i)
    return ends


@st.composite
def crowds(draw: st.DrawFn) -> list[Sent]:
    """Flows over a few links, with equal and unequal times, some at once."""
    times = st.sampled_from((1e3, 2e3, 5e3, 5e3, 7777.0))
    links = st.dictionaries(st.integers(0, 5), times, min_size=1, max_size=4)
    begins = st.sampled_from((0.0, 0.0, 1e3, 2500.0, 1e4))
    return draw(st.lists(st.builds(Sent, begins, links), min_size=1, max_size=8))


def test_a_flow_alone_saturates_its_slowest_link() -> None:
    assert run([Sent(0, {0: 1000.0, 1: 400.0})]) == [1000.0]


def test_two_flows_halve_a_link_and_the_rest_goes_at_full_speed() -> None:
    # Both at half speed until 2000; the longer has 2000 left, alone.
    assert run([Sent(0, {0: 1000.0}), Sent(0, {0: 3000.0})]) == [2000.0, 4000.0]


def test_a_latecomer_shares_from_when_it_comes() -> None:
    # 500 alone, then 500 left at half speed.
    assert run([Sent(0, {0: 1000.0}), Sent(500, {0: 1000.0})]) == [1500.0, 2000.0]


def test_three_flows_on_two_links() -> None:
    # One crosses both links and has half of each, as have the two others.
    assert run([Sent(0, {0: 900.0, 1: 900.0}), Sent(0, {0: 900.0}), Sent(0, {1: 900.0})]) == [1800.0] * 3


def test_what_one_cannot_use_another_gets() -> None:
    """Three flows on link 0, one of them held at a quarter by link 1: the two others get 3/8 each.

    Link 1 is shared by four; each has a quarter. They end together at 4000; until then A and B have done
    1500 of their 3000, and then halve the link: 4000 + 3000.
    """
    held = Sent(0, {0: 1000.0, 1: 1000.0})
    others = [Sent(0, {1: 1000.0})] * 3
    ends = run([held, *others, Sent(0, {0: 3000.0}), Sent(0, {0: 3000.0})])
    assert ends == pytest.approx([4000.0] * 4 + [7000.0] * 2)


def test_a_flow_that_uses_half_of_a_link_leaves_the_other_half() -> None:
    # Its bottleneck is link 1; of link 0 it needs half.
    assert run([Sent(0, {0: 500.0, 1: 1000.0}), Sent(0, {0: 500.0, 2: 1000.0})]) == [1000.0, 1000.0]


@settings(max_examples=60, deadline=None)
@given(crowds())
def test_equal_to_the_twin(flows: list[Sent]) -> None:
    assert run(flows) == pytest.approx(twin(flows), rel=1e-6)


@settings(max_examples=60, deadline=None)
@given(crowds())
def test_work_is_conserved_and_nothing_runs_faster_than_alone(flows: list[Sent]) -> None:
    ends = run(flows)
    assert run(flows, shared=False) == pytest.approx([f.begins + f.alone for f in flows])
    for x in {x for f in flows for x in f.links}:
        crossing = [(f, end) for f, end in zip(flows, ends, strict=True) if x in f.links]
        work = sum(f.links[x] for f, _ in crossing)
        assert max(end for _, end in crossing) - min(f.begins for f, _ in crossing) >= work * (1 - 1e-6)
    for f, end in zip(flows, ends, strict=True):
        assert end - f.begins >= f.alone * (1 - 1e-6)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from((0.0, 500.0)), st.integers(1, 9)), min_size=1, max_size=9))
def test_one_link_is_never_idle_while_there_is_work(sent: list[tuple[float, int]]) -> None:
    flows = [Sent(begins, {0: 1000.0 * size}) for begins, size in sent]
    first = min(f.begins for f in flows)
    assert max(run(flows)) == pytest.approx(first + sum(f.alone for f in flows))


def test_a_cycle_of_waits_ends_nothing() -> None:
    ended = np.zeros(2)
    one: Floats = np.ones(1)
    none = np.zeros(0, dtype=np.int64)
    done = run_activities(
        np.ones(2),
        np.full(2, -1, dtype=np.int64),
        np.ones(2, dtype=np.int64),
        np.array([0, 1, 2], dtype=np.int64),
        np.array([1, 0], dtype=np.int64),
        np.zeros(0),
        np.zeros(1, dtype=np.int64),
        none,
        np.zeros(0),
        len(one),
        1,
        np.zeros(2),
        ended,
        np.zeros((0, 0)),
        0.0,
        1.0,
    )
    assert done == 0
