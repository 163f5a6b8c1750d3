"""Rounding, and what follows from a package alone: limits, bandwidths, distances."""

from __future__ import annotations

import math
from collections import Counter
from fractions import Fraction

from mcmscope.hardware.package import Edge, Package

Shape = tuple[int, int]


def up(numerator: int, denominator: int) -> int:
    """The quotient, rounded up."""
    return math.ceil(Fraction(numerator, denominator))


def transfer_ps(size: int, mb_per_s: int) -> int:
    """Time for ``size`` bytes; 1 MB/s is one byte in 10^6 ps."""
    return up(size * 10**6, mb_per_s)


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
        self.ports = ports = sum(1 for hops in self.dram_hops.values() if hops == 1)
        sides = {Edge.LEFT: 0, Edge.RIGHT: package.columns - 1}
        self.side_ports = sum(
            any(edge in sides and column == sides[edge] for edge in package.dram.edges)
            for _, column in places
        )
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

    def border_mb_per_s(self, n: int) -> int | None:
        """Links over which a region of n takes in or gives away; None if DRAM ports are all inside.

        Either the rows that it shares with its neighbours, filled as evenly as n allows; or, for DRAM traffic
        from the ports of other rows, its columns (for ports of other columns, its rows). A column takes in
        what its chiplets need of ports of other rows.
        """
        package = self.package
        beside = Fraction(n, up(n, min(package.strip_height, package.rows)))
        share_at_sides = Fraction(self.side_ports, self.ports)
        places: list[tuple[int, int]] = []
        for top in range(0, package.rows, package.strip_height):
            strip = range(top, min(top + package.strip_height, package.rows))
            places += [(row, column) for column in range(package.columns) for row in strip]
        tall = Counter(column for _, column in places[:n]).values()
        wide = Counter(row for row, _ in places[:n]).values()
        upright = share_at_sides * max(
            Fraction(t, n) * Fraction(package.rows - t, package.rows) for t in tall
        )
        across = max(Fraction(w, n) * Fraction(package.columns - w, package.columns) for w in wide)
        across *= 1 - share_at_sides
        if max(upright, across) == 0:
            return None
        link = package.nop.link_mb_per_s
        return max(math.floor(link * beside), math.floor(link / max(upright, across)))

    def border_ps(self, size: int, n: int) -> int:
        """Time for ``size`` bytes to cross the border of a region of n."""
        rate = self.border_mb_per_s(n)
        return transfer_ps(size, 10**12 if rate is None else rate)

    def load_mb_per_s(self, n: int, replicas: int) -> int:
        """Weights come at the DRAM's pace, over the border of the region.

        For replicas every row and column carries most of them.
        """
        if replicas == 1:
            return min(self.dram_mb_per_s, self.border_mb_per_s(n) or self.dram_mb_per_s)
        rows, columns = self.shape(n)
        return min(self.dram_mb_per_s, 2 * n * self.package.nop.link_mb_per_s // max(rows, columns))

    def exchange_ps(self, arriving: int, ingress: int, swapped: int, n: int) -> int:
        """Time for ``arriving`` bytes to enter a region and for a chiplet to take in ``ingress`` bytes.

        ``swapped`` of the region's bytes go all-to-all. Its part of what arrives comes straight to a chiplet.
        """
        if arriving == 0 and ingress == 0 and swapped == 0:
            return 0
        across = transfer_ps(swapped, self.swap_mb_per_s(n)) if swapped else 0
        gather = transfer_ps(max(0, ingress - arriving // n), self.ingress_mb_per_s(n))
        entry = max(transfer_ps(up(arriving, n), self.ingress_mb_per_s(n)), self.border_ps(arriving, n))
        return max(gather, across) + entry + self.hops_ps(n)


def edge_distance(edge: Edge, row: int, column: int, package: Package) -> int:
    """Hops from a chiplet to a side of the mesh."""
    return {
        Edge.LEFT: column,
        Edge.RIGHT: package.columns - 1 - column,
        Edge.TOP: row,
        Edge.BOTTOM: package.rows - 1 - row,
    }[edge]
