"""Segments with one layer per cluster: regions for the least beat, exactly."""

from __future__ import annotations

from mcmscope.cost.arrays import Ints, NetworkArrays
from mcmscope.cost.compute import ceil_div, transfer_ps
from mcmscope.cost.machine import Machine
from mcmscope.cost.memory import cut_bytes, relayed_bytes, spill_ps
from mcmscope.jit import inner, kernel
from mcmscope.search.tables import CHOICE, HELD, LOAD, NEVER, TIME


@inner
def least_region(
    machine: Machine, options: Ints, relay: int, limit: int, io_ps: int, beat: int, load: int
) -> tuple[int, int]:
    """Fewest chiplets on which a layer keeps to ``beat`` and ``load`` (ps), and its option; (0, 0): none.

    ``options[N + 1, O, 4]`` of the layer; ``relay`` bytes per region pass by.
    """
    for n in range(1, limit + 1):
        best = -1
        for o in range(options.shape[1]):
            if options[n, o, TIME] > beat:  # NEVER is too
                continue
            if options[n, o, LOAD] > load:
                continue
            excess = options[n, o, HELD] + ceil_div(relay, n) - machine.activation_free
            if excess > 0 and io_ps + spill_ps(excess, machine) > beat:
                continue
            if best < 0 or options[n, o, LOAD] < options[n, best, LOAD]:
                best = o
        if best >= 0:
            return n, best
    return 0, 0


@inner
def fits_beat(
    machine: Machine,
    alone: Ints,
    kind: Ints,
    a: int,
    b: int,
    relay: Ints,
    io_ps: int,
    beat: int,
    load: int,
    regions: Ints,
    choices: Ints,
) -> bool:
    """Whether layers [a, b), one per cluster, keep to ``beat`` and ``load`` (ps); fills the regions."""
    left = machine.chiplets
    for l in range(a, b):
        n, o = least_region(machine, alone[kind[l]], relay[l - a], left - (b - 1 - l), io_ps, beat, load)
        if n == 0:
            return False
        regions[l - a] = n
        choices[l - a] = o
        left -= n
    return True


@kernel
def solve_pipeline(
    net: NetworkArrays,
    machine: Machine,
    alone: Ints,
    kind: Ints,
    a: int,
    b: int,
    u: int,
    beats: int,
    io: int,
    dram_ps: int,
    bound: int,
    relay: Ints,
    regions: Ints,
    choices: Ints,
) -> int:
    """Least time (ps) below ``bound`` of segment [a, b) with one layer per cluster; else ``bound``.

    Fills ``regions`` (n per layer) and ``choices`` (packed) when below. ``relay`` is scratch of b - a.
    A beat is bisected over whole picoseconds, for each load time that a schedule could have.
    """
    k = b - a
    steps = beats + k - 1
    io_ps = transfer_ps(u * io, machine.dram_mb_per_s)
    floor = io_ps
    for l in range(a, b):
        relay[l - a] = u * relayed_bytes(net, a, b, l, l + 1)
        if l + 1 < b:
            floor = max(floor, transfer_ps(u * cut_bytes(net, a, b, l + 1), machine.cut_mb_per_s))
    best = bound
    load: int = NEVER
    trial_n = relay.copy()
    trial_o = relay.copy()
    while True:
        # The longest beat that could still win, with the least load.
        high = (best - 1 - dram_ps) // steps
        if high < floor or not fits_beat(
            machine, alone, kind, a, b, relay, io_ps, high, load, trial_n, trial_o
        ):
            return best
        low = floor
        while low < high:
            middle = (low + high) // 2
            if fits_beat(machine, alone, kind, a, b, relay, io_ps, middle, load, trial_n, trial_o):
                high = middle
            else:
                low = middle + 1
        fits_beat(machine, alone, kind, a, b, relay, io_ps, high, load, trial_n, trial_o)
        slowest_load = dram_ps
        for x in range(k):
            slowest_load = max(slowest_load, alone[kind[a + x], trial_n[x], trial_o[x], LOAD])
        total = slowest_load + steps * high
        if total < best:
            best = total
            for x in range(k):
                regions[x] = trial_n[x]
                choices[x] = alone[kind[a + x], trial_n[x], trial_o[x], CHOICE]
        if slowest_load <= dram_ps:
            return best
        load = slowest_load - 1  # a longer beat pays only with a shorter load
