"""Four chiplets worked by hand: each time below follows from the numbers in the docstrings.

Network and package are those of docs/model.md: ``conv`` and ``point`` on 2 x 2 chiplets, numbered
0 1 / 2 3. A byte takes 100 ps over a link, a hop 20 ns, a layer start 10 ns. DRAM gives 20 GB/s, a quarter of
it at each of the four ports: a byte takes 200 ps there. What comes from DRAM or goes there is spread evenly.
"""

from __future__ import annotations

import pytest

from mcmscope.schedule import Cluster, Schedule, Segment
from mcmscope.simulate import simulate
from mcmscope.simulate.flows import load_flows
from mcmscope.simulate.graph import Timing, run_plan
from mcmscope.simulate.plan import Activity, Kind, Plan, plan_beat
from mcmscope.simulate.run import cases_of
from tests.cost.test_hand_case import CONV_TILED, NETWORK, ORDER, PACKAGE, POINT_SPLIT

BATCH = 8
TWO_STAGES = Schedule(
    (
        Segment(
            (0, 2),
            2,
            (
                Cluster((0, 1), ORDER[:2], (1, 2, 1), CONV_TILED),
                Cluster((1, 2), ORDER[2:], (1, 1, 1), POINT_SPLIT),
            ),
        ),
    )
)
MERGED = Schedule((Segment((0, 2), 1, (Cluster((0, 2), ORDER, (1, 2, 2), CONV_TILED + POINT_SPLIT),)),))


def run(schedule: Schedule) -> tuple[Plan, Timing]:
    """One segment, beat by beat."""
    ((case, segment),) = cases_of(schedule, NETWORK, PACKAGE, BATCH)
    plan = plan_beat(case, (segment.micro_batch,))
    loads = [
        Activity(Kind.LOAD, stage, 0, -1, case.latency_ps(flow), flow)
        for stage, flow in enumerate(load_flows(case))
    ]
    waiting = [(stage, first) for (_, stage), first in plan.starts.items()]
    beats = BATCH // segment.micro_batch
    return plan, run_plan(case.mesh, plan, plan, beats, loads, waiting, contention=True)


def when(
    ran: tuple[Plan, Timing], kind: Kind, layer: int, beat: int, which: int = 0
) -> tuple[object, object]:
    """Start and end (ns, about) of an activity: of tensor ``layer`` if it arrives."""
    plan, timing = ran
    found = [x for x, a in enumerate(plan.activities) if (a.kind, a.layer) == (kind, layer)]
    begin, end = timing.beats[beat, found[which]] / 1000
    return pytest.approx(float(begin)), pytest.approx(float(end))


def test_two_stages_load_while_the_first_image_comes() -> None:
    """``conv`` keeps all of its 4608 bytes on 0 and on 1, ``point`` half of 2048 on 3 and on 2.

    Each half of ``conv`` comes in once and is then passed on over the link between 0 and 1, which carries
    2304 + 576 from the port beside: 288 ns alone; its ports bring 1152 each, 230.4 ns, 0.8 of that.
    ``point``: 512 per port, 102.4 ns. So is the first image for two samples, 2048 bytes. All three at once
    share the ports: speeds of 1 / (0.8 + 1 + 1). The two short ones end at 2.8 * 102.4 = 286.72; ``conv`` has
    185.6 left and ends at 472.32. Each is at most three hops late.
    """
    ran = run(TWO_STAGES)
    assert ran[1].loads[:, 1] / 1000 == pytest.approx([472.32 + 60, 286.72 + 60])
    assert when(ran, Kind.ARRIVE, -1, 0, which=0) == (0.0, 286.72)
    assert when(ran, Kind.ARRIVE, -1, 0, which=1) == (286.72, 346.72)
    assert when(ran, Kind.START, 0, 0) == (532.32, 542.32)


def test_two_stages_first_beat() -> None:
    """The halo is a row: 8 x 16 x 2 = 256 bytes, 25.6 ns and one hop. 1152 cycles. Then ``point`` starts."""
    ran = run(TWO_STAGES)
    assert when(ran, Kind.EXCHANGE, 0, 0) == (542.32, 542.32 + 25.6 + 20)
    assert when(ran, Kind.COMPUTE, 0, 0) == (542.32, 1694.32)
    assert when(ran, Kind.START, 1, 0) == (1694.32, 1704.32)
    assert when(ran, Kind.COMPUTE, 1, 0) == (1704.32, 2216.32)


def test_two_stages_share_links() -> None:
    """What runs while ``point`` has its first beat and ``conv`` its second.

    S, the second image, from 1694.32 on: 102.4 ns, with a quarter of links 0-1 and 2-3. A, 4096 bytes from
    0 and 1 to 3 and 2, from 1704.32: 0 and 1 hold rows, 2 and 3 take channels, so each sends 1024 to each:
    the upright links carry 2048, 204.8 ns; links 0-1 half of that. X, the other half that 2 and 3 give each
    other, 2048 bytes over links 2-3: 204.8 ns. C, the halo of ``conv``, 25.6 ns over links 0-1, from 1714.32.

    | from | speeds | done after |
    |---|---|---|
    | 1694.32 | S 1 | S 10 |
    | 1704.32 | links 2-3: X + S/4 full at 4/5; A 1 | S 18, X 8, A 10 |
    | 1714.32 | links 0-1: C + A/2 + S/4 full at 4/7; X 6/7 | C 25.6 in 44.8, S 43.6, X 46.4, A 35.6 |
    | 1759.12 | X and S 4/5, A 1 | S 102.4 in 73.5, X 105.2, A 109.1 |
    | 1832.62 | X 1, A 1 | X in 99.6, A in 95.7 |
    """
    ran = run(TWO_STAGES)
    assert when(ran, Kind.EXCHANGE, 0, 1) == (1714.32, 1759.12 + 20)
    assert when(ran, Kind.ARRIVE, -1, 1) == (1694.32, 1832.62)
    assert when(ran, Kind.EXCHANGE, 1, 0) == (1704.32, 1932.22 + 20)
    assert when(ran, Kind.ARRIVE, 0, 0) == (1704.32, 1928.32 + 40)


def test_two_stages_to_the_end() -> None:
    """``conv`` may go on once ``point`` has started, 10 ns after its own end: a beat of 1172.

    The fourth ends at 532.32 + 1162 + 3 * 1172 = 5210.32; ``point`` 522 later. 8192 bytes drain through four
    ports: 409.6 ns and three hops.
    """
    ran = run(TWO_STAGES)
    assert [when(ran, Kind.COMPUTE, 0, beat)[1] for beat in range(4)] == [1694.32, 2866.32, 4038.32, 5210.32]
    assert when(ran, Kind.DRAIN, 1, 0) == (2216.32, 2216.32 + 409.6 + 60)
    assert when(ran, Kind.DRAIN, 1, 3) == (5732.32, 6201.92)
    result = simulate(TWO_STAGES, NETWORK, PACKAGE, BATCH)
    assert result.batch_s == pytest.approx(6201.92e-9, rel=1e-12)
    assert result.segments[0].load_s == pytest.approx(532.32e-9, rel=1e-12)
    assert result.macs == BATCH * NETWORK.macs


def test_two_stages_energy() -> None:
    """Compute, PE buffers and DRAM as in docs/model.md. The rest by bytes on links.

    Links per beat, ports counted: image 2048 + 2048, halo 512, A 6144, X 4096, drain 8192 + 8192; loads once
    9216 + 4608 and 2048 + 2048; a byte 8000 fJ. Buffers take in 2048 + 512 (``conv``) and 4096 + 4096
    (``point``) per beat and the outputs, 4096 and 8192.
    """
    energy = simulate(TWO_STAGES, NETWORK, PACKAGE, BATCH).energy_breakdown_j
    links = 4 * (4096 + 512 + 6144 + 4096 + 16384) + 13824 + 4096
    assert {term: round(joule * BATCH * 1e15) for term, joule in energy.items()} == {
        "mac": 68_157_440,
        "pe_buffers": 179_404_800,
        "activation_buffer": 4 * (1_228_800 + 3_276_800 + 500 * (2560 + 4096 + 8192 + 8192)),
        "nop": 8000 * links,
        "dram": 2_856_960_000,
        "static": 0,
    }


def test_merged_begins() -> None:
    """All weights, 6656 bytes: 1664 per port, 332.8 ns; the first image 256 per port, 51.2 ns.

    Both want all of the ports and have half: the image ends at 102.4, the weights at 384, three hops late.
    ``conv`` starts at 444. Its halo is 4 + 4 + 1 positions of a corner tile; what goes to the corner turns
    once: 80 bytes per link, 8 ns alone. The next image, which takes a quarter of each link, slows it to 4/5.
    """
    ran = run(MERGED)
    assert when(ran, Kind.ARRIVE, -1, 0) == (0.0, 102.4 + 60)
    assert ran[1].loads[:, 1] / 1000 == pytest.approx([384 + 60])
    assert when(ran, Kind.START, 0, 0) == (444, 454)
    assert when(ran, Kind.EXCHANGE, 0, 0) == (454, 464 + 40)
    assert when(ran, Kind.ARRIVE, -1, 1) == (454, 464 + 43.2 + 60)
    assert when(ran, Kind.COMPUTE, 0, 0) == (454, 742)


def test_merged_gathers_over_a_ring() -> None:
    """Each of four has a quarter of 2048 bytes and takes 1536 in, half over each of its links: 76.8 ns."""
    ran = run(MERGED)
    assert when(ran, Kind.START, 1, 0) == (742, 752)
    assert when(ran, Kind.EXCHANGE, 1, 0) == (752, 752 + 76.8 + 40)
    assert when(ran, Kind.COMPUTE, 1, 0) == (752, 880)


def test_merged_drains_beside_the_next_beat() -> None:
    """D, the output: 1024 per port, 204.8 ns, from 880; a quarter of each link.

    From 890 the third image and D halve the ports (the links then have 3/4 for the halo: 8 / (3/4) ns). The
    image ends after 102.4; D has done 10 + 51.2 and ends 143.6 later. A beat is 298 + 138 = 436; the last
    ends at 444 + 8 * 436 = 3932 and drains alone.
    """
    ran = run(MERGED)
    assert when(ran, Kind.EXCHANGE, 0, 1) == (890, 890 + 8 * 4 / 3 + 40)
    assert when(ran, Kind.ARRIVE, -1, 2) == (890, 992.4 + 60)
    assert when(ran, Kind.DRAIN, 1, 0) == (880, 1136 + 60)
    assert when(ran, Kind.DRAIN, 1, 7) == (3932, 3932 + 204.8 + 60)
    assert simulate(MERGED, NETWORK, PACKAGE, BATCH).batch_s == pytest.approx(4196.8e-9, rel=1e-12)
