"""A plain package for hand-made cases."""

from __future__ import annotations

from mcmscope.hardware.package import Chiplet, Dram, Edge, EnergyProfile, Nop, Package


def package(
    rows: int,
    columns: int,
    *,
    weight_bytes: int = 100_000,
    activation_bytes: int = 100_000,
    unified: bool = False,
    pes: int = 4,
    dram_mb_per_s: int = 25_600,
    link_mb_per_s: int = 12_500,
    retained_permille: int = 250,
) -> Package:
    """A mesh of small chiplets."""
    return Package(
        name="small",
        description="",
        rows=rows,
        columns=columns,
        strip_height=max(1, rows // 2),
        chiplet=Chiplet(
            clock_mhz=1000,
            pes=pes,
            lanes_k=4,
            lanes_c=4,
            vector_lanes=16,
            weight_buffer_bytes=activation_bytes if unified else weight_bytes,
            activation_buffer_bytes=activation_bytes,
            unified=unified,
            buffer_read_bytes_per_cycle=64,
            layer_start_ns=100,
        ),
        nop=Nop(link_mb_per_s, 2),
        dram=Dram(1, dram_mb_per_s, (Edge.LEFT, Edge.RIGHT)),
        energy=EnergyProfile("small", "", 100, 10, 10, 10, 100, 100, 300, 4000, 1),
        retained_permille=retained_permille,
    )
