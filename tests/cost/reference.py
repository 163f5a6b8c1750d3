"""The cost model once more: slow, in plain Python, from the definitions in docs/model.md.

Nothing of the package's code is called here; only its plain data is read (networks, packages, schedules).
Tensors are integers as in ``Operand.source``: l for the one that layer l makes, -1 - i for network input i.
Times are picoseconds, sizes bytes, energies femtojoules.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction

from mcmscope.hardware.package import Edge, Overlap, Package
from mcmscope.schedule import Cluster, Partition, Schedule, Segment
from mcmscope.workload.network import Network, Role

Shape = tuple[int, int]
Tiles = tuple[int, int, int]


class Infeasible(Exception):  # noqa: N818 - an answer, not an error
    """The schedule does not fit; the argument is why."""


def up(numerator: int, denominator: int) -> int:
    """The quotient, rounded up."""
    return math.ceil(Fraction(numerator, denominator))


def transfer_ps(size: int, mb_per_s: int) -> int:
    """Time for ``size`` bytes; 1 MB/s is one byte in 10^6 ps."""
    return up(size * 10**6, mb_per_s)


# --- Tensors: who makes them, who reads them, how big they are ------------------------------------------


class Tensors:
    """Every tensor of a network with its bytes per sample and its readers."""

    def __init__(self, network: Network) -> None:
        bits = network.activation_bits
        self.size = {l: up(layer.output_elements * bits, 8) for l, layer in enumerate(network.layers)}
        self.size |= {-1 - i: up(tensor.elements * bits, 8) for i, tensor in enumerate(network.inputs)}
        self.readers = {
            t: {l for l, layer in enumerate(network.layers) for op in layer.operands if op.source == t}
            for t in self.size
        }
        self.outputs = set(network.outputs)

    def bytes(self, tensors: Iterable[int]) -> int:
        """Bytes of distinct tensors."""
        return sum(self.size[t] for t in set(tensors))

    def used_in(self, t: int, a: int, b: int) -> bool:
        """Whether a layer of [a, b) reads tensor t."""
        return any(a <= reader < b for reader in self.readers[t])

    def used_from(self, t: int, b: int) -> bool:
        """Whether layer b or a later one reads tensor t."""
        return any(reader >= b for reader in self.readers[t])

    # Sets of tensors about a run of layers [a, b).

    def inputs_read(self, a: int, b: int) -> set[int]:
        """Network inputs used inside."""
        return {t for t in self.size if t < 0 and self.used_in(t, a, b)}

    def made_before(self, a: int, b: int) -> set[int]:
        """Made by an earlier layer, used inside."""
        return {t for t in self.size if 0 <= t < a and self.used_in(t, a, b)}

    def outputs_made(self, a: int, b: int) -> set[int]:
        """Made inside, outputs of the network."""
        return {t for t in self.outputs if a <= t < b}

    def used_after(self, a: int, b: int) -> set[int]:
        """Made inside, used behind, and not outputs (which leave anyway)."""
        return {t for t in range(a, b) if self.used_from(t, b)} - self.outputs

    def passing(self, a: int, b: int) -> set[int]:
        """Made before, used behind."""
        return {t for t in self.size if 0 <= t < a and self.used_from(t, b)}

    def live_at(self, b: int) -> set[int]:
        """Made before layer b and used by it or a later one."""
        return {t for t in self.size if 0 <= t < b and self.used_from(t, b)}

    def held_at(self, x: int, a: int, b: int) -> set[int]:
        """What is there while layer x of [a, b) runs: its output, and all that came in or was made and
        that x or a later layer inside still reads."""
        made = {t for t in range(a, x) if self.used_in(t, x, b)}
        arrived = {t for t in self.size if t < a and self.used_in(t, x, b)}
        return made | arrived | {x}

    def peak(self, a: int, b: int) -> int:
        """The most that is held at once while the layers of [a, b) run in turn."""
        return max(self.bytes(self.held_at(x, a, b)) for x in range(a, b))

    def relayed(self, a: int, b: int, i: int, j: int) -> int:
        """Bytes that pass by cluster [i, j) within segment [a, b): made before, used behind, not by it."""
        return self.bytes(t for t in range(a, i) if self.used_in(t, j, b) and not self.used_in(t, i, j))

    def cut(self, a: int, b: int, j: int) -> int:
        """Bytes that cross the cluster boundary j within segment [a, b)."""
        return self.bytes(t for t in range(a, j) if self.used_in(t, j, b))


# --- The package: limits, bandwidths, distances ---------------------------------------------------------


class Mesh:
    """What follows from a package alone."""

    def __init__(self, package: Package) -> None:
        self.package = package
        self.chip = chip = package.chiplet
        self.chiplets = package.rows * package.columns
        link = package.nop.link_mb_per_s
        places = [(row, column) for row in range(package.rows) for column in range(package.columns)]
        self.dram_hops = {
            place: 1 + min(edge_distance(edge, *place, package) for edge in package.dram.edges)
            for place in places
        }
        ports = sum(1 for hops in self.dram_hops.values() if hops == 1)
        self.dram_mb_per_s = min(package.dram.channels * package.dram.channel_mb_per_s, ports * link)
        self.dram_milli_hops = round(Fraction(1000 * sum(self.dram_hops.values()), self.chiplets))
        buffer, kept = chip.activation_buffer_bytes, package.retained_permille
        self.retained_limit = self.chiplets * buffer * kept // 1000
        running = buffer * (1000 - kept) // 1000
        halved = 2 if package.prefetch else 1
        self.weight_limit = (running if chip.unified else chip.weight_buffer_bytes) // halved
        self.activation_free = running // halved if chip.unified else running

    def shape(self, n: int) -> Shape:
        """Rows and columns that the first n chiplets of the serpentine order span."""
        height = min(self.package.strip_height, self.package.rows)
        places = [(x % height, x // height) for x in range(n)]  # strip laid out straight
        length = 1 + max(column for _, column in places)
        if length <= self.package.columns:
            return 1 + max(row for row, _ in places), length
        strips = up(length, self.package.columns)
        return min(self.package.rows, height * strips), self.package.columns

    def ingress_mb_per_s(self, n: int) -> int:
        """One link into a region of up to three chiplets, two into a larger one."""
        return self.package.nop.link_mb_per_s * (1 if n <= 3 else 2)

    def swap_mb_per_s(self, n: int) -> int:
        """Denominator of the all-to-all bound."""
        c = min(math.isqrt(n), self.package.strip_height)
        return 4 * c * self.package.nop.link_mb_per_s

    def hops_ps(self, n: int) -> int:
        """One hop to enter and the region's diameter."""
        rows, columns = self.shape(n)
        return (1 + (rows - 1) + (columns - 1)) * self.package.nop.hop_latency_ns * 1000

    def milli_hops(self, n: int) -> int:
        """One hop to enter and the mean distance of two chiplets, in 1/1000."""
        distance = sum(Fraction(x * x - 1, 3 * x) for x in self.shape(n))
        return 1000 + round(1000 * distance)

    def exchange_ps(self, ingress: int, swapped: int, n: int) -> int:
        """Time for a chiplet to take in ``ingress`` bytes, ``swapped`` of the region's being all-to-all."""
        if ingress == 0 and swapped == 0:
            return 0
        across = transfer_ps(swapped, self.swap_mb_per_s(n)) if swapped else 0
        return max(transfer_ps(ingress, self.ingress_mb_per_s(n)), across) + self.hops_ps(n)


def edge_distance(edge: Edge, row: int, column: int, package: Package) -> int:
    """Hops from a chiplet to a side of the mesh."""
    return {
        Edge.LEFT: column,
        Edge.RIGHT: package.columns - 1 - column,
        Edge.TOP: row,
        Edge.BOTTOM: package.rows - 1 - row,
    }[edge]


# --- One layer on one region ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Read:
    """An operand in bytes per sample."""

    source: int
    role: Role
    size: int
    height: int
    width: int
    window: Shape
    stride: Shape


@dataclass(frozen=True)
class Work:
    """A layer, or a slice of one, in bytes per sample."""

    channels: int
    reduced: int
    groups: int
    rows: int
    columns: int
    taps: int
    weights: int
    vector: int
    out: int
    macs: int
    pool_window: Shape
    pool_stride: Shape
    out_rows: int
    out_columns: int
    position: int  # all results at one position
    position_sums: int  # all partial sums at one position
    reads: tuple[Read, ...]

    @property
    def slices(self) -> int:
        """Parts into which passes can cut it: groups, or output channels."""
        return self.groups if self.groups > 1 else self.channels


def work_of(network: Network, l: int) -> Work:
    """Layer l of ``network``."""
    layer, bits = network.layers[l], network.activation_bits
    taps = layer.kernel[0] * layer.kernel[1]
    return Work(
        channels=layer.out_channels,
        reduced=layer.in_channels,
        groups=layer.groups,
        rows=layer.out_height,
        columns=layer.out_width,
        taps=taps,
        weights=up(layer.weights * network.weight_bits, 8),
        vector=layer.vector_elements,
        out=up(layer.output_elements * bits, 8),
        macs=layer.out_channels * layer.in_channels * layer.out_height * layer.out_width * taps,
        pool_window=layer.pool_window,
        pool_stride=layer.pool_stride,
        out_rows=layer.output_height,
        out_columns=layer.output_width,
        position=up(layer.out_channels * bits, 8),
        position_sums=up(layer.out_channels * network.partial_sum_bits, 8),
        reads=tuple(
            Read(op.source, op.role, up(op.elements * bits, 8), op.height, op.width, op.window, op.stride)
            for op in layer.operands
        ),
    )


def slice_of(work: Work, part: int) -> Work:
    """``part`` of the slices of a layer; operands that a slice needs whole stay whole."""

    def some(size: int) -> int:
        return up(size * part, work.slices)

    return replace(
        work,
        channels=work.channels * part // work.slices,
        groups=part if work.groups > 1 else 1,
        weights=some(work.weights),
        vector=some(work.vector),
        out=some(work.out),
        macs=some(work.macs),
        position=some(work.position),
        position_sums=some(work.position_sums),
        reads=tuple(
            r if work.groups == 1 and r.role is Role.DATA else replace(r, size=some(r.size))
            for r in work.reads
        ),
    )


@dataclass(frozen=True)
class LayerFigures:
    """One layer for one beat; bytes per chiplet."""

    time_ps: int
    compute_cycles: int
    vector_cycles: int
    read_cycles: int
    exchange_ps: int
    ingress: int
    swapped: int
    stored: int
    distinct: int
    reads: int
    window: int
    stream: int
    active: int
    energy: dict[str, int]


TERMS = ("mac", "pe_buffers", "activation_buffer", "nop", "dram", "static")


@dataclass(frozen=True)
class Placed:
    """A layer on a region of n chiplets for a beat of u samples."""

    work: Work
    partition: Partition
    n: int
    u: int
    tiles: Tiles
    layout: dict[int, Partition]  # of the tensors made before by the same cluster; others come from outside
    mesh: Mesh
    network: Network

    @property
    def split(self) -> bool:
        """Whether chiplets share out channels (and not positions)."""
        return self.partition is Partition.ISP

    @property
    def groups(self) -> int:
        """Groups that one chiplet computes."""
        return up(self.work.groups, self.n) if self.split else self.work.groups

    @property
    def channels(self) -> int:
        """Output channels of a group that one chiplet computes."""
        per_group = self.work.channels // self.work.groups
        if not self.split or self.work.groups >= self.n:
            return per_group
        return up(per_group, self.n // self.work.groups)

    @property
    def tile(self) -> Tiles:
        """Samples, rows and columns that one chiplet computes."""
        if self.split:
            return self.u, self.work.rows, self.work.columns
        wholes = (self.u, self.work.rows, self.work.columns)
        samples, rows, columns = (up(whole, cuts) for whole, cuts in zip(wholes, self.tiles, strict=True))
        return samples, rows, columns

    @property
    def positions(self) -> int:
        """Output positions that one chiplet computes."""
        return math.prod(self.tile)

    @property
    def active(self) -> int:
        """Chiplets that have something to do."""
        if self.split:
            per_group = self.work.channels // self.work.groups
            return up(self.work.groups, self.groups) * up(per_group, self.channels)
        wholes = (self.u, self.work.rows, self.work.columns)
        return math.prod(up(whole, part) for whole, part in zip(wholes, self.tile, strict=True))

    # Compute.

    def best_tiling(self) -> tuple[int, int, int]:
        """Cycles of the PE array, position groups d and PEs along K p: every p * q * d = PEs is tried.

        Ties go to the least d, then to the greatest p.
        """
        chip = self.mesh.chip
        tried = [
            (
                up(self.channels, chip.lanes_k * p)
                * up(self.work.reduced, chip.lanes_c * q)
                * up(self.positions, d)
                * self.work.taps
                * self.groups,
                d,
                -p,
            )
            for p in range(1, chip.pes + 1)
            for q in range(1, chip.pes + 1)
            for d in range(1, chip.pes + 1)
            if p * q * d == chip.pes
        ]
        cycles, d, p = min(tried)
        return cycles, d, -p

    def vector_cycles(self) -> int:
        """Cycles of the vector unit for this chiplet's share of the elements."""
        if self.split:
            mine = up(self.work.vector * self.u * self.groups * self.channels, self.work.channels)
        else:
            mine = up(self.work.vector * self.positions, self.work.rows * self.work.columns)
        return up(mine, self.mesh.chip.vector_lanes)

    def distinct_weights(self) -> int:
        """Bytes of weights that one chiplet keeps, counted once."""
        if self.split:
            return up(self.work.weights * self.groups * self.channels, self.work.channels)
        return up(self.work.weights, self.n) if self.partition is Partition.WSP_SHARDED else self.work.weights

    def stored_weights(self) -> int:
        """Bytes that they take: per-PE buffers hold each weight for d groups of positions."""
        _, d, _ = self.best_tiling()
        return self.distinct_weights() * (1 if self.mesh.chip.unified else d)

    # Exchange.

    def area(self, read: Read) -> tuple[int, int]:
        """Positions of an operand that a tile needs, and how many of them lie on its own chiplet."""
        rows = min(read.height, (self.tile[1] - 1) * read.stride[0] + read.window[0])
        columns = min(read.width, (self.tile[2] - 1) * read.stride[1] + read.window[1])
        own_rows = min(rows, up(read.height, self.tiles[1]))
        own_columns = min(columns, up(read.width, self.tiles[2]))
        return rows * columns, own_rows * own_columns

    def need(self, read: Read) -> int:
        """Bytes of an operand that one chiplet works on."""
        if self.split:
            if read.role is Role.DATA:  # all of its groups
                return up(self.u * read.size * self.groups, self.work.groups)
            return up(self.u * read.size * self.groups * self.channels, self.work.channels)
        samples = self.tile[0]
        if read.role is Role.SECOND:
            return samples * read.size
        if read.role is Role.RESIDUAL:  # as the result lies: the operand's own tile, no halo
            area = up(read.height, self.tiles[1]) * up(read.width, self.tiles[2])
        else:
            area, _ = self.area(read)
        return samples * up(read.size * area, read.height * read.width)

    def taken(self, read: Read) -> tuple[int, int]:
        """Bytes of an operand that a chiplet takes in, and the volume that goes all-to-all."""
        need, whole = self.need(read), self.u * read.size
        if read.source not in self.layout:
            return need, 0
        if self.n == 1:
            return 0, 0
        was_split = self.layout[read.source] is Partition.ISP
        others = up(need * (self.n - 1), self.n)
        if read.role is Role.RESIDUAL:
            return (0, 0) if was_split == self.split else (others, whole)
        if read.role is Role.SECOND:
            return others, whole if self.split and not was_split else 0
        if not self.split and was_split:
            return others, whole
        if not self.split:  # tiles to tiles: the halo
            area, own = self.area(read)
            if own == area:
                return 0, 0
            return need - self.tile[0] * math.floor(Fraction(read.size * own, read.height * read.width)), 0
        if self.work.groups == 1:  # everybody needs everything
            return others, 0
        if was_split:  # the groups lie where they are needed, but for the uneven rest
            return max(0, need - math.floor(Fraction(whole, self.n))), 0
        return others, whole

    def pooled(self) -> int:
        """Bytes that a tile takes in for a pooling behind the layer: the rim, or partial results if less."""
        if self.split or math.prod(self.work.pool_window) == 1 or self.tiles[1] * self.tiles[2] == 1:
            return 0
        out_rows, out_columns = (
            up(self.work.out_rows, self.tiles[1]),
            up(self.work.out_columns, self.tiles[2]),
        )
        (window_h, window_w), (step_h, step_w) = self.work.pool_window, self.work.pool_stride
        rows = min(self.work.rows, (out_rows - 1) * step_h + window_h)
        columns = min(self.work.columns, (out_columns - 1) * step_w + window_w)
        rim = rows * columns - min(rows, self.tile[1]) * min(columns, self.tile[2])
        return self.tile[0] * min(rim * self.work.position, out_rows * out_columns * self.work.position_sums)

    def gathered_weights(self) -> int:
        """Bytes of sharded weights that a chiplet gathers once per beat."""
        if self.partition is not Partition.WSP_SHARDED:
            return 0
        return up(self.work.weights * (self.n - 1), self.n)

    # Memory.

    def kept_rows(self, read: Read) -> int:
        """Bytes of the rows of an operand that streaming needs: twice window and step."""
        rows = min(read.height, 2 * (read.window[0] + read.stride[0]))
        return up(read.size * rows, read.height)

    def weight_window(self) -> int:
        """Bytes of sharded weights on their way: two loads of the array."""
        if self.partition is not Partition.WSP_SHARDED:
            return 0
        chip, all_weights = self.mesh.chip, self.work.channels * self.work.reduced
        loads = 2 * chip.pes * chip.lanes_k * chip.lanes_c
        return min(self.work.weights, up(self.work.weights * loads, all_weights))

    def window(self) -> int:
        """Bytes held undivided while the layer runs in a cluster of several."""
        held = self.weight_window()
        for read in self.work.reads:
            if self.split and read.role is Role.DATA:
                held += up(self.u * self.kept_rows(read) * self.groups, self.work.groups)
            if not self.split and read.role is Role.SECOND:
                held += self.tile[0] * read.size
        return held

    def stream(self) -> int:
        """Bytes of activations held by a stage of this layer alone."""
        held = self.weight_window()
        for read in self.work.reads:
            rows = self.u * self.kept_rows(read)
            if read.role is Role.SECOND:
                held += self.need(read)
            elif read.role is Role.DATA and self.split:
                held += up(rows * self.groups, self.work.groups)
            else:
                held += up(rows, self.active)
        out_rows = min(self.work.rows, 2 * (self.work.pool_window[0] + self.work.pool_stride[0]))
        return held + up(self.u * out_rows * self.work.columns * self.work.position, self.active)

    # All together.

    def figures(self) -> LayerFigures:
        """The layer for one beat."""
        mesh, chip, work = self.mesh, self.mesh.chip, self.work
        cycles, _, p = self.best_tiling()
        ingress = self.gathered_weights() + self.pooled() + sum(self.taken(r)[0] for r in work.reads)
        swapped = sum(self.taken(r)[1] for r in work.reads)
        reads = sum(self.need(r) for r in work.reads) * up(self.channels, chip.lanes_k * p)
        from_buffer = reads + (self.distinct_weights() if chip.unified else 0)
        read_cycles = up(from_buffer, chip.buffer_read_bytes_per_cycle)
        busy = up(max(cycles, self.vector_cycles(), read_cycles) * 10**6, chip.clock_mhz)
        exchange = mesh.exchange_ps(ingress, swapped, self.n)
        together = busy + exchange if mesh.package.overlap is Overlap.NONE else max(busy, exchange)
        return LayerFigures(
            time_ps=chip.layer_start_ns * 1000 + together,
            compute_cycles=cycles,
            vector_cycles=self.vector_cycles(),
            read_cycles=read_cycles,
            exchange_ps=exchange,
            ingress=ingress,
            swapped=swapped,
            stored=self.stored_weights(),
            distinct=self.distinct_weights(),
            reads=reads,
            window=self.window(),
            stream=self.stream(),
            active=self.active,
            energy=self.energy(ingress, reads),
        )

    def energy(self, ingress: int, reads: int) -> dict[str, int]:
        """Femtojoules of the whole region for one beat."""
        profile, chip, work, net = self.mesh.package.energy, self.mesh.chip, self.work, self.network
        macs = work.macs * self.u
        mac = round(Fraction(profile.mac_fj * net.weight_bits * net.activation_bits, 64))
        value = round(Fraction(profile.input_buffer_read_fj_per_byte * net.activation_bits, 8))
        partial = round(Fraction(2 * profile.accumulator_fj_per_byte * net.partial_sum_bits, 8))
        used = self.distinct_weights() if self.split else work.weights
        near = self.gathered_weights() * self.n + self.pooled() * self.active
        far = 0
        for read in work.reads:
            size, swapped = self.taken(read)
            outside = read.source not in self.layout
            # Several chiplets need the same bytes: they come once and pass from neighbour to neighbour.
            shared = (read.role is Role.DATA and self.split) or (read.role is Role.SECOND and not self.split)
            if swapped or (outside and not shared):
                far += size * self.active
            else:
                near += size * self.active
        return {
            "mac": macs * mac,
            "pe_buffers": up(macs, chip.lanes_k) * value
            + up(macs, chip.lanes_c) * partial
            + used * self.active * profile.weight_buffer_read_fj_per_byte,
            "activation_buffer": reads * self.active * profile.activation_buffer_read_fj_per_byte
            + (self.u * work.out + ingress * self.active) * profile.activation_buffer_write_fj_per_byte,
            "nop": profile.nop_hop_fj_per_byte * (near + far * self.mesh.milli_hops(self.n) // 1000),
            "dram": 0,
            "static": 0,
        }


# --- Stages and segments --------------------------------------------------------------------------------


@dataclass
class StageFigures:
    """One cluster for one beat; bytes per chiplet."""

    time_ps: int = 0
    stored: int = 0
    distinct: int = 0
    need: int = 0
    relayed: int = 0
    excess: int = 0
    cut_ps: int = 0
    layers: list[LayerFigures] = field(default_factory=list[LayerFigures])


@dataclass
class SegmentFigures:
    """One segment over the whole batch; bytes of one replica."""

    load_ps: int = 0
    beats: int = 0
    beat_ps: int = 0
    slowest_ps: int = 0
    cut_ps: int = 0
    io_ps: int = 0
    spill_ps: int = 0
    run_ps: int = 0
    flow_ps: int = 0
    io_bytes: int = 0
    spill_bytes: int = 0
    load_bytes: int = 0
    passes: int = 1
    pass_ps: int = 0  # one beat of every pass
    energy: dict[str, int] = field(default_factory=lambda: dict.fromkeys(TERMS, 0))
    stages: list[StageFigures] = field(default_factory=list[StageFigures])


@dataclass(frozen=True)
class Run:
    """A schedule under one question: a batch, one sample alone, or the steady state."""

    schedule: Schedule
    network: Network
    tensors: Tensors
    mesh: Mesh
    samples: int
    replicas: int
    alone: bool = False
    retaining: bool = True

    def kept(self, b: int) -> bool:
        """Whether all that is alive at boundary b stays on the package."""
        if not self.retaining or b in (0, len(self.network.layers)):
            return False
        return self.samples * self.tensors.bytes(self.tensors.live_at(b)) <= self.mesh.retained_limit

    def io(self, a: int, b: int) -> tuple[int, int]:
        """DRAM bytes of segment [a, b) per sample: tensors that come in, and all the others.

        A kept boundary saves writing and reading; what passes over the segment moves if one boundary is
        kept and the other is not.
        """
        coming, others = self.tensors.inputs_read(a, b), self.tensors.outputs_made(a, b)
        if not self.kept(a):
            coming = coming | self.tensors.made_before(a, b)
        if not self.kept(b):
            others = others | self.tensors.used_after(a, b)
        passing = self.tensors.passing(a, b) if self.kept(a) != self.kept(b) else set[int]()
        return self.tensors.bytes(coming), self.tensors.bytes(others) + self.tensors.bytes(passing)

    def micro_batch(self, segment: Segment) -> int:
        """Samples per beat."""
        return 1 if self.alone else segment.micro_batch

    def beats(self, segment: Segment) -> int:
        """Beats of one replica."""
        return up(up(self.samples, self.replicas), self.micro_batch(segment))

    def placed(self, l: int, cluster: Cluster, u: int) -> Placed:
        """Layer l in its cluster."""
        first = cluster.layers[0]
        layout = {t: cluster.partitions[t - first] for t in range(first, l)}
        partition, n = cluster.partitions[l - first], len(cluster.chiplets)
        work = work_of(self.network, l)
        return Placed(work, partition, n, u, cluster.tiles, layout, self.mesh, self.network)

    def weights(self, a: int, b: int) -> int:
        """Bytes of the weights of layers [a, b)."""
        return sum(work_of(self.network, l).weights for l in range(a, b))

    def load_ps(self, weights: int, distinct: int, n: int) -> int:
        """Weights come from DRAM once and pass through a region; each chiplet takes its own."""
        return max(
            transfer_ps(weights, self.mesh.dram_mb_per_s),
            transfer_ps(distinct, self.mesh.ingress_mb_per_s(n)),
        )

    def io_ps(self, u: int, io: int) -> int:
        """DRAM time of a beat of all replicas."""
        return transfer_ps(u * io * self.replicas, self.mesh.dram_mb_per_s)

    def excess(self, need: int, stored: int) -> int:
        """Bytes per chiplet that do not fit."""
        taken = need + (stored if self.mesh.chip.unified else 0)
        return max(0, taken - self.mesh.activation_free)

    def spill_ps(self, excess: int) -> int:
        """Each chiplet writes and reads its excess over its share (1/N) of the DRAM bandwidth."""
        return up(2 * excess * self.mesh.chiplets * 10**6, self.mesh.dram_mb_per_s)

    def per_sample(self, beat: int, u: int) -> int:
        """What all samples cost if a full beat costs ``beat``; the last may be partly filled."""
        return (self.samples // u) * beat + up(beat * (self.samples % u), u)

    def stage(self, segment: Segment, cluster: Cluster) -> StageFigures:
        """One cluster of ``segment``, its weights taken to fit."""
        (a, b), (i, j), n = segment.layers, cluster.layers, len(cluster.chiplets)
        u, tensors = self.micro_batch(segment), self.tensors
        layers = [self.placed(l, cluster, u).figures() for l in range(i, j)]
        if len(layers) == 1:
            need = layers[0].stream
        else:
            arriving = tensors.inputs_read(i, j) | tensors.made_before(i, j)
            draining = tensors.outputs_made(i, j) | tensors.used_after(i, j)
            parts = (tensors.bytes(arriving), tensors.bytes(draining), tensors.peak(i, j))
            need = sum(up(u * part, n) for part in parts) + max(x.window for x in layers)
        stored = sum(x.stored for x in layers)
        relayed = up(u * tensors.relayed(a, b, i, j), n)
        cut = u * tensors.cut(a, b, j) if j < b else 0
        return StageFigures(
            time_ps=sum(x.time_ps for x in layers),
            stored=stored,
            distinct=sum(x.distinct for x in layers),
            need=need,
            relayed=relayed,
            excess=self.excess(need + relayed, stored),
            cut_ps=transfer_ps(cut, self.mesh.package.strip_height * self.mesh.package.nop.link_mb_per_s),
            layers=layers,
        )

    def segment(self, segment: Segment) -> SegmentFigures:
        """One segment; raises ``Infeasible``."""
        a, b = segment.layers
        u, profile = self.micro_batch(segment), self.mesh.package.energy
        stages: list[StageFigures] = []
        for cluster in segment.clusters:
            stage = self.stage(segment, cluster)
            if stage.stored > self.mesh.weight_limit:
                if b - a > 1:
                    raise Infeasible("weights of a cluster do not fit")
                return self.in_passes(segment, cluster, stage)
            stages.append(stage)
        sizes = [len(cluster.chiplets) for cluster in segment.clusters]
        weights, io, beats = self.weights(a, b), sum(self.io(a, b)), self.beats(segment)
        slowest, cut = max(s.time_ps for s in stages), max(s.cut_ps for s in stages)
        io_ps, spill_ps = self.io_ps(u, io), self.spill_ps(max(s.excess for s in stages))
        beat = max(slowest, cut, io_ps + spill_ps)
        out = SegmentFigures(
            load_ps=max(self.load_ps(weights, s.distinct, n) for s, n in zip(stages, sizes, strict=True)),
            beats=beats,
            beat_ps=beat,
            slowest_ps=slowest,
            cut_ps=cut,
            io_ps=io_ps,
            spill_ps=spill_ps,
            run_ps=(beats + len(stages) - 1) * beat,
            flow_ps=max(beat, sum(s.time_ps for s in stages)) + (beats - 1) * beat,
            io_bytes=u * io,
            spill_bytes=sum(2 * s.excess * n for s, n in zip(stages, sizes, strict=True)),
            load_bytes=weights,
            pass_ps=beat,
            stages=stages,
        )
        for term in TERMS:
            full = sum(layer.energy[term] for s in stages for layer in s.layers)
            out.energy[term] = self.per_sample(full, u)
        delivered = sum(s.distinct * n for s, n in zip(stages, sizes, strict=True))
        out.energy["nop"] += delivered * self.replicas * profile.nop_hop_fj_per_byte
        self.add_dram_energy(out, u)
        return out

    def in_passes(self, segment: Segment, cluster: Cluster, whole: StageFigures) -> SegmentFigures:
        """A one-layer segment in as few passes over slices as fit; raises ``Infeasible``."""
        l, n, u = segment.layers[0], len(cluster.chiplets), self.micro_batch(segment)
        layer = self.placed(l, cluster, u)
        slices, limit = layer.work.slices, self.mesh.weight_limit

        def part_of(size: int) -> Placed:
            return replace(layer, work=slice_of(layer.work, size))

        fitting = (
            up(slices, passes)
            for passes in range(1, slices + 1)
            if part_of(up(slices, passes)).stored_weights() <= limit
        )
        size = next(fitting, 0)
        if size == 0:
            raise Infeasible("not even one output channel fits")
        parts = [size] * (slices // size) + [slices % size] * (slices % size > 0)
        coming, others = self.io(l, l + 1)
        beats = self.beats(segment)
        out = SegmentFigures(beats=beats, passes=len(parts))
        hop = self.mesh.package.energy.nop_hop_fj_per_byte
        for part in parts:
            placed = part_of(part)
            figures = placed.figures()
            excess = self.excess(figures.stream, figures.stored)
            io = coming + up(others * part, slices)
            io_ps, spill_ps = self.io_ps(u, io), self.spill_ps(excess)
            beat = max(figures.time_ps, io_ps + spill_ps)
            if not out.stages:  # the first pass is the one that is shown
                out.stages = [
                    StageFigures(
                        time_ps=figures.time_ps,
                        stored=figures.stored,
                        distinct=figures.distinct,
                        need=figures.stream,
                        excess=excess,
                        layers=whole.layers,
                    )
                ]
                out.beat_ps, out.slowest_ps = beat, figures.time_ps
                out.io_ps, out.spill_ps = io_ps, spill_ps
            out.load_ps += self.load_ps(placed.work.weights, figures.distinct, n)
            out.run_ps += beats * beat
            out.pass_ps += beat
            out.io_bytes += u * io
            out.spill_bytes += 2 * excess * n
            out.load_bytes += placed.work.weights
            for term in TERMS:
                out.energy[term] += self.per_sample(figures.energy[term], u)
            out.energy["nop"] += figures.distinct * n * self.replicas * hop
        out.flow_ps = out.run_ps
        self.add_dram_energy(out, u)
        return out

    def add_dram_energy(self, out: SegmentFigures, u: int) -> None:
        """All that the segment moves to and from DRAM, and its way over the mesh."""
        profile = self.mesh.package.energy
        moved = self.per_sample(out.io_bytes + out.spill_bytes, u) + out.load_bytes
        out.energy["dram"] += moved * profile.dram_fj_per_byte
        out.energy["nop"] += moved * self.mesh.dram_milli_hops // 1000 * profile.nop_hop_fj_per_byte

    def segments(self) -> list[SegmentFigures]:
        """All segments; raises ``Infeasible``."""
        return [self.segment(segment) for segment in self.schedule.segments]

    def total_ps(self, segments: list[SegmentFigures], times: list[int]) -> int:
        """Loads and runs in turn; with prefetch a segment also covers its DRAM traffic and the next load."""
        total = segments[0].load_ps
        for s, following in zip(range(len(segments)), [*segments[1:], None], strict=True):
            here = segments[s]
            if following is None:
                total += times[s]
            elif self.mesh.package.prefetch:
                moved = here.beats * self.replicas * (here.io_bytes + here.spill_bytes)
                busy = transfer_ps(moved + following.load_bytes, self.mesh.dram_mb_per_s)
                total += max(times[s], busy, following.load_ps)
            else:
                total += times[s] + following.load_ps
        return total


# --- The whole schedule ---------------------------------------------------------------------------------


@dataclass
class Figures:
    """Every figure of an evaluation."""

    batch_ps: int
    flow_ps: int
    latency_ps: int
    flow_latency_ps: int
    steady_samples_per_ps: Fraction
    energy: dict[str, int]
    latency_energy_fj: int
    bound_ps_per_sample: Fraction
    steady_bound_ps_per_sample: Fraction
    segments: list[SegmentFigures]

    @property
    def stages(self) -> Iterator[StageFigures]:
        """All stages in order."""
        return (stage for segment in self.segments for stage in segment.stages)


def evaluate(schedule: Schedule, network: Network, package: Package, batch: int) -> Figures:
    """Price ``schedule`` for ``batch`` samples; raises ``Infeasible`` with why it does not fit."""
    tensors, mesh = Tensors(network), Mesh(package)
    run = Run(schedule, network, tensors, mesh, batch, schedule.replicas)
    endless = replace(run, retaining=False)
    whole, steady = run.segments(), endless.segments()
    alone = replace(run, samples=1, replicas=1, alone=True)
    if not fits_as_well(alone, whole):
        alone = replace(alone, alone=False)
    one = alone.segments()
    resident = len(whole) == 1 and whole[0].passes == 1
    spared = one[0].load_ps if resident else 0
    batch_ps = run.total_ps(whole, [x.run_ps for x in whole])
    latency_ps = alone.total_ps(one, [x.run_ps for x in one]) - spared
    static = package.energy.static_mw_per_chiplet * mesh.chiplets  # 1 mW is 1 fJ per ps
    energy = {term: sum(x.energy[term] for x in whole) for term in TERMS}
    energy["static"] = static * batch_ps
    beats_per_sample = sum(
        Fraction(x.pass_ps, segment.micro_batch) for x, segment in zip(steady, schedule.segments, strict=True)
    )
    return Figures(
        batch_ps=batch_ps,
        flow_ps=run.total_ps(whole, [x.flow_ps for x in whole]),
        latency_ps=latency_ps,
        flow_latency_ps=alone.total_ps(one, [x.flow_ps for x in one]) - spared,
        steady_samples_per_ps=schedule.replicas / Fraction(beats_per_sample),
        energy=energy,
        latency_energy_fj=sum(sum(x.energy.values()) for x in one) + static * latency_ps,
        bound_ps_per_sample=bound_ps(network, mesh, Fraction(1, batch)),
        steady_bound_ps_per_sample=bound_ps(network, mesh, Fraction(0)),
        segments=whole,
    )


def fits_as_well(alone: Run, whole: list[SegmentFigures]) -> bool:
    """Whether one sample alone, with beats of one sample, needs no more passes than the batch."""
    try:
        return all(x.passes <= y.passes for x, y in zip(alone.segments(), whole, strict=True))
    except Infeasible:
        return False


def bound_ps(network: Network, mesh: Mesh, weight_share: Fraction) -> Fraction:
    """Time per sample of an ideal machine: MACs at peak, or inputs, outputs and weights through DRAM."""
    works = [work_of(network, l) for l in range(len(network.layers))]
    chip = mesh.chip
    peak = mesh.chiplets * chip.pes * chip.lanes_k * chip.lanes_c * Fraction(chip.clock_mhz, 10**6)
    moved = sum(up(t.elements * network.activation_bits, 8) for t in network.inputs)
    moved += sum(works[l].out for l in network.outputs)
    weights = sum(work.weights for work in works)
    return max(
        sum(work.macs for work in works) / peak,
        (moved + weights * weight_share) * 10**6 / mesh.dram_mb_per_s,
    )
