"""One layer on one region for one beat."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from mcmscope.hardware.package import Overlap
from mcmscope.schedule import Partition
from mcmscope.workload.network import Network, Role

from .mesh import Mesh, up
from .tensors import Read, Work

Tiles = tuple[int, int, int]


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
        arriving = sum(self.u * r.size for r in work.reads if r.source not in self.layout)
        exchange = mesh.exchange_ps(arriving, ingress, swapped, self.n)
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
