"""The package: a mesh of chiplets, the network-on-package between them, DRAM at its edges, energies."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property


class Edge(StrEnum):
    """A side of the mesh."""

    LEFT = "left"
    RIGHT = "right"
    TOP = "top"
    BOTTOM = "bottom"


class Overlap(StrEnum):
    """Whether a layer's exchange runs beside its compute (``full``) or before it (``none``)."""

    FULL = "full"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Chiplet:
    """One chiplet: PE array, lanes, buffers, vector unit.

    ``pes`` PEs of ``lanes_k`` x ``lanes_c`` MACs each. With ``unified`` the two buffers are one of
    ``activation_buffer_bytes`` (``weight_buffer_bytes`` is then the same figure) that weights and
    activations share; otherwise the weight buffer is per PE and a weight needed by d position groups is
    stored d times.
    """

    clock_mhz: int
    pes: int
    lanes_k: int
    lanes_c: int
    vector_lanes: int
    weight_buffer_bytes: int
    activation_buffer_bytes: int
    unified: bool
    buffer_read_bytes_per_cycle: int
    layer_start_ns: int

    @property
    def macs_per_cycle(self) -> int:
        """Peak multiply-accumulates per cycle."""
        return self.pes * self.lanes_k * self.lanes_c


@dataclass(frozen=True, slots=True)
class Nop:
    """Network-on-package: bandwidth of one directed mesh link (1 MB = 1e6 bytes) and latency of a hop."""

    link_mb_per_s: int
    hop_latency_ns: int


@dataclass(frozen=True, slots=True)
class Dram:
    """DRAM channels, spread evenly over the chiplets of ``edges``."""

    channels: int
    channel_mb_per_s: int
    edges: tuple[Edge, ...]


@dataclass(frozen=True, slots=True)
class EnergyProfile:
    """Energy constants as whole femtojoules (per MAC of int8 x int8, per byte, per byte and hop).

    Chip-level profiles, whose MAC figure holds the on-chip memories too, have zero buffer terms.
    ``static_mw_per_chiplet`` (1 mW = 1 fJ/ps) is charged for the whole run.
    """

    name: str
    source: str
    mac_fj: int
    input_buffer_read_fj_per_byte: int
    weight_buffer_read_fj_per_byte: int
    accumulator_fj_per_byte: int
    activation_buffer_read_fj_per_byte: int
    activation_buffer_write_fj_per_byte: int
    nop_hop_fj_per_byte: int
    dram_fj_per_byte: int
    static_mw_per_chiplet: int = 0


@dataclass(frozen=True)
class Package:
    """A multi-chip module. Chiplet ids are row-major: ``row * columns + column``.

    ``strip_height`` is h: regions lie along a serpentine order that runs through strips of h rows.
    ``retained_permille`` is rho in 1/1000: the share of activation buffers that may keep tensors between
    segments. ``prefetch`` loads the next segment's weights while the present one runs, in half of the
    weight buffer. ``provenance`` maps a key of the package file to the source of its figure, or to
    ``assumed: ...``.
    """

    name: str
    description: str
    rows: int
    columns: int
    strip_height: int
    chiplet: Chiplet
    nop: Nop
    dram: Dram
    energy: EnergyProfile
    retained_permille: int
    overlap: Overlap = Overlap.FULL
    prefetch: bool = False
    provenance: dict[str, str] = field(default_factory=dict[str, str], compare=False)

    @property
    def chiplets(self) -> int:
        """Number of chiplets N."""
        return self.rows * self.columns

    @property
    def peak_macs_per_s(self) -> int:
        """Peak of the whole package."""
        return self.chiplets * self.chiplet.macs_per_cycle * self.chiplet.clock_mhz * 1_000_000

    @cached_property
    def dram_ports(self) -> int:
        """Chiplets on the edges at which DRAM sits; each takes in and sends out over one link."""
        ports: set[int] = set()
        for edge in self.dram.edges:
            match edge:
                case Edge.LEFT:
                    ports.update(row * self.columns for row in range(self.rows))
                case Edge.RIGHT:
                    ports.update(row * self.columns + self.columns - 1 for row in range(self.rows))
                case Edge.TOP:
                    ports.update(range(self.columns))
                case Edge.BOTTOM:
                    ports.update((self.rows - 1) * self.columns + column for column in range(self.columns))
        return len(ports)

    @property
    def side_ports(self) -> int:
        """Those of ``dram_ports`` at the left and right sides."""
        columns = (edge in self.dram.edges for edge in (Edge.LEFT, Edge.RIGHT))
        return self.rows * min(sum(columns), self.columns)

    @property
    def dram_mb_per_s(self) -> int:
        """DRAM bandwidth that reaches the mesh: the channels', but no more than their ports' links'."""
        return min(self.dram.channels * self.dram.channel_mb_per_s, self.dram_ports * self.nop.link_mb_per_s)
