"""The package as plain numbers: what the kernels read of it, and the shapes of its regions."""

from __future__ import annotations

from typing import NamedTuple

from mcmscope.hardware.package import Overlap, Package
from mcmscope.jit import kernel

BARRED_CYCLES = 10**9
"""What a layer takes longer under a partition that is barred: more than any batch takes without it."""


class Machine(NamedTuple):
    """A package for kernels: plain numbers only, so that passing it on costs nothing."""

    chiplets: int
    clock_mhz: int
    pes: int
    lanes_k: int
    lanes_c: int
    vector_lanes: int
    read_bytes_per_cycle: int
    start_ps: int
    weight_limit: int  # bytes of weights that one chiplet may store
    activation_free: int  # bytes per chiplet for activations of the running segment
    unified: int  # 1: stored weights take from activation_free
    copies: int  # 1: a weight used by d groups of PEs is stored d times
    retained_limit: int  # bytes of the whole package that may stay between segments
    dram_mb_per_s: int
    link_mb_per_s: int
    cut_mb_per_s: int  # what crosses from one region to the next: strip height x link
    serial: int  # 1: compute and exchange do not overlap
    prefetch: int  # 1: the next segment's weights load while one runs
    strip_height: int
    rows: int
    columns: int
    hop_ps: int
    ports: int  # chiplets with a DRAM port
    side_ports: int  # of them, those at the left and right sides
    barred: int = 0  # partitions that are taken for ``BARRED_CYCLES`` slower, a bit each: out of the question


@kernel
def canonical_shape(n: int, strip_height: int, rows: int, columns: int) -> tuple[int, int]:
    """Rows and columns of the bounding box of n chiplets that start a serpentine order."""
    height = min(strip_height, rows)
    if n <= height:
        return n, 1
    length = -(-n // height)
    if length <= columns:
        return height, length
    return min(rows, height * -(-length // columns)), columns


@kernel
def region_hops(n: int, strip_height: int, rows: int, columns: int) -> int:
    """Hops to reach all of a region of n: one to enter, then the diameter of its canonical shape."""
    tall, wide = canonical_shape(n, strip_height, rows, columns)
    return 1 + (tall - 1) + (wide - 1)


def machine(package: Package) -> Machine:
    """``package`` for kernels."""
    N = package.chiplets
    chip, link = package.chiplet, package.nop.link_mb_per_s
    h = package.strip_height
    free = chip.activation_buffer_bytes * (1000 - package.retained_permille) // 1000
    weight_limit = free if chip.unified else chip.weight_buffer_bytes
    if package.prefetch:
        weight_limit //= 2
        free = weight_limit if chip.unified else free
    return Machine(
        chiplets=N,
        clock_mhz=chip.clock_mhz,
        pes=chip.pes,
        lanes_k=chip.lanes_k,
        lanes_c=chip.lanes_c,
        vector_lanes=chip.vector_lanes,
        read_bytes_per_cycle=chip.buffer_read_bytes_per_cycle,
        start_ps=chip.layer_start_ns * 1000,
        weight_limit=weight_limit,
        activation_free=free,
        unified=int(chip.unified),
        copies=int(not chip.unified),
        retained_limit=N * chip.activation_buffer_bytes * package.retained_permille // 1000,
        dram_mb_per_s=package.dram_mb_per_s,
        link_mb_per_s=link,
        cut_mb_per_s=h * link,
        serial=int(package.overlap is Overlap.NONE),
        prefetch=int(package.prefetch),
        strip_height=h,
        rows=package.rows,
        columns=package.columns,
        hop_ps=package.nop.hop_latency_ns * 1000,
        ports=package.dram_ports,
        side_ports=package.side_ports,
    )
