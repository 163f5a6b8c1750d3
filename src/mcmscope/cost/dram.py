"""DRAM: what a segment reads and writes, and what its weights take to load."""

from __future__ import annotations

from mcmscope.cost.arrays import INPUTS_READ, MADE_BEFORE, OUTPUTS_MADE, PASSING, USED_AFTER, NetworkArrays
from mcmscope.cost.compute import ceil_div, transfer_ps
from mcmscope.cost.machine import Machine, canonical_shape
from mcmscope.cost.nop import border_mb_per_s, ingress_mb_per_s
from mcmscope.jit import inner, kernel


@inner
def io_bytes(net: NetworkArrays, a: int, b: int, kept_before: int, kept_after: int) -> int:
    """DRAM bytes per sample of segment [a, b).

    A boundary whose live tensors stay on the package costs nothing; what passes over the segment is
    written or read only where one of its two boundaries is kept and the other is not.
    """
    total = net.span[INPUTS_READ, a, b] + net.span[OUTPUTS_MADE, a, b]
    if kept_before == 0:
        total += net.span[MADE_BEFORE, a, b]
    if kept_after == 0:
        total += net.span[USED_AFTER, a, b]
    if kept_before != kept_after:
        total += net.span[PASSING, a, b]
    return total


@inner
def is_kept(net: NetworkArrays, machine: Machine, b: int, m: int) -> int:
    """1 if all that is alive at boundary b for m samples stays on the package (m = 0: never)."""
    L = len(net.layer)
    if m == 0 or b == 0 or b == L:
        return 0
    return 1 if m * net.span[MADE_BEFORE, b, L] <= machine.retained_limit else 0


@inner
def for_samples(per_beat: int, m: int, u: int) -> int:
    """What m samples cost when a beat of u samples costs ``per_beat``; a beat that is not full costs less."""
    return m // u * per_beat + ceil_div(per_beat * (m % u), u)


@kernel
def load_mb_per_s(n: int, replicas: int, machine: Machine) -> int:
    """Bandwidth at which the weights of a region of n arrive: the DRAM's, if links let it.

    They cross the border of the region. What chiplets of several replicas need is multicast to all of them,
    along rows and along columns: each part passes nearly every row or column of the package.
    """
    if replicas == 1:
        return min(machine.dram_mb_per_s, border_mb_per_s(n, machine))
    shape = canonical_shape(n, machine.strip_height, machine.rows, machine.columns)
    return min(machine.dram_mb_per_s, 2 * n * machine.link_mb_per_s // max(shape))


@kernel
def load_ps(weights: int, stored: int, n: int, replicas: int, machine: Machine) -> int:
    """Time to load ``weights`` bytes from DRAM when a chiplet of a region of n must take in ``stored``."""
    arrive = transfer_ps(weights, load_mb_per_s(n, replicas, machine))
    return max(arrive, transfer_ps(stored, ingress_mb_per_s(n, machine)))
