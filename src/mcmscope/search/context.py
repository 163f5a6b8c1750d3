"""What the searches of one run share: tables, traffic and prices of one-layer segments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mcmscope.cost.arrays import (
    INPUTS_READ,
    MADE_BEFORE,
    OUTPUTS_MADE,
    PASSING,
    SOURCE,
    USED_AFTER,
    WEIGHT_BYTES,
    Ints,
)
from mcmscope.cost.code import Encoded
from mcmscope.cost.model import CostModel
from mcmscope.result import Certificate
from mcmscope.schedule import Objective, Scheme
from mcmscope.search.single import best_fitting, best_in_passes
from mcmscope.search.space import micro_batches
from mcmscope.search.tables import NEVER, Tables, tables
from mcmscope.search.transfers import moving_ps

if TYPE_CHECKING:
    from mcmscope.search.front.ground import Ground


@dataclass(frozen=True)
class Piece:
    """One segment as a search found it: its time (ps) and its part of an encoded schedule."""

    time_ps: int
    micro_batch: int
    clusters: tuple[tuple[int, int, int, int, int], ...]
    """(end layer, n, tile samples, tile rows, tile columns) each."""
    partitions: tuple[int, ...]


Path = list[tuple[int, Piece]]
"""A schedule: the segments in order, each with its end layer."""


@dataclass(frozen=True)
class Found:
    """What a search found: a schedule, or the reason why there is none."""

    code: Encoded | None
    reason: str | None
    certificate: Certificate


def moved(piece: Piece, end: int) -> Piece:
    """The same clusters for layers of the same structure that end at layer ``end``."""
    by = end - piece.clusters[-1][0]
    if by == 0:
        return piece
    clusters = tuple((e + by, n, s, r, c) for e, n, s, r, c in piece.clusters)
    return Piece(piece.time_ps, piece.micro_batch, clusters, piece.partitions)


def join(pieces: Path, replicas: int = 1) -> Encoded:
    """A schedule from (end layer, piece) pairs in order."""
    return Encoded(
        segments=np.array([(end, piece.micro_batch) for end, piece in pieces], dtype=np.int64),
        clusters=np.array([c for _, piece in pieces for c in piece.clusters], dtype=np.int64),
        partitions=np.array([p for _, piece in pieces for p in piece.partitions], dtype=np.int64),
        replicas=replicas,
    )


class SearchContext:
    """What the searches of one network, package, batch and micro-batches share, made when asked for.

    ``fixed`` is the user's micro-batch, or None for all; ``resident``: one segment of all layers pays no
    load. ``states`` counts what searches have priced; ``tell`` is called with the share that a long search
    has done and the seconds left.
    Searches leave what they found (``fused`` with its lower bound), in ``pools`` the segments that they
    priced, and in ``ground`` what searches for little energy share.
    """

    def __init__(
        self, model: CostModel, batch: int, fixed: int | None = None, *, resident: bool = False
    ) -> None:
        self.model, self.batch, self.fixed, self.resident = model, batch, fixed, resident
        self.micro = micro_batches(batch, fixed)
        self.states = 0
        self.tell: Callable[[float, float], None] | None = None
        self.found: dict[tuple[str, Scheme, Objective], Found] = {}
        self.segmented: Path | None = None
        self.fused: tuple[Path, int] | None = None
        self.pools: dict[Scheme, dict[tuple[int, int], Piece]] = {}
        self.ground: Ground | None = None
        self._singles: dict[tuple[int, bool], list[Piece | None]] = {}
        self._shapes: dict[tuple[int, int], bytes] = {}

    @cached_property
    def tables(self) -> Tables:
        """The tables of single layers."""
        return tables(self.model, self.micro)

    @cached_property
    def io(self) -> Ints:
        """DRAM bytes per sample of segment [a, b): [L + 1, L + 1]."""
        return segment_io(self.model, self.batch)

    @cached_property
    def dram_ps(self) -> Ints:
        """Time to load the weights of segment [a, b) from DRAM: [L + 1, L + 1]."""
        weights = self.model.net.weights
        loaded = np.maximum(weights[None, :] - weights[:, None], 0)
        return moving_ps(loaded, self.model.machine.dram_mb_per_s)

    @cached_property
    def load_ps(self) -> Ints:
        """As ``dram_ps``, but what is resident takes no time."""
        if not self.resident:
            return self.dram_ps
        load_ps = self.dram_ps.copy()
        load_ps[0, self.layers] = 0
        return load_ps

    @cached_property
    def alone(self) -> SearchContext:
        """The context of one sample alone: m = u = 1. A schedule of one segment keeps its weights."""
        return SearchContext(self.model, 1, resident=True)

    @property
    def layers(self) -> int:
        """Number of layers L."""
        return len(self.model.net.layer)

    def grid(self, index: int, choice: int) -> tuple[tuple[int, int, int], int]:
        """Tile grid and partition of a packed choice under the index-th micro-batch."""
        s, r, c = self.tables.grids[index][choice // 3].tolist()
        return (s, r, c), choice % 3

    def singles(self, replicas: int = 1, *, quick: bool = False) -> list[Piece | None]:
        """The best one-layer segment of every layer; None where not even one output channel fits.

        ``quick``: passes only for layers that fit in no other way.
        """
        limit = self.model.machine.chiplets // replicas
        if (replicas, quick) not in self._singles:
            found: dict[tuple[int, int, int, int, int], Piece | None] = {}
            pieces: list[Piece | None] = []
            for l in range(self.layers):
                kept = (self.kept(l), self.kept(l + 1))
                where = (int(self.tables.kind[l]), int(self.io[l, l + 1]), *kept, int(self.passing(l)))
                if where not in found:
                    found[where] = self._single(l, replicas, limit, *kept, quick=quick)
                piece = found[where]
                if piece is not None:
                    piece = Piece(
                        piece.time_ps, piece.micro_batch, ((l + 1, *piece.clusters[0][1:]),), piece.partitions
                    )
                pieces.append(piece)
            self._singles[replicas, quick] = pieces
        return self._singles[replicas, quick]

    def shape(self, a: int, b: int) -> bytes:
        """Equal for two runs of layers that cost the same as a cluster, traffic with DRAM aside."""
        key = self._shapes.get((a, b))
        if key is None:
            net = self.model.net
            operand = net.operand[net.operand_start[a] : net.operand_start[b]].copy()
            operand[:, SOURCE] = np.maximum(operand[:, SOURCE] - a, -1)
            readers = net.use[net.use_start[a] : net.use_start[b]] - a
            key = b"|".join(
                (
                    self.tables.kind[a:b].tobytes(),
                    operand.tobytes(),
                    np.minimum(readers, b - a).tobytes(),
                    net.span[:, a, b].tobytes(),
                )
            )
            self._shapes[a, b] = key
        return key

    def kept(self, b: int) -> int:
        """1 if all that is alive at boundary b stays on the package."""
        return int(kept_boundaries(self.model, self.batch)[b])

    def passing(self, l: int) -> int:
        """Bytes that pass over layer l."""
        return int(self.model.net.span[PASSING, l, l + 1])

    def _single(
        self, l: int, replicas: int, limit: int, before: int, after: int, *, quick: bool
    ) -> Piece | None:
        net, machine = self.model.net, self.model.machine
        choice = np.zeros(3, dtype=np.int64)
        best = int(
            best_fitting(
                machine,
                self.tables.alone,
                int(self.tables.kind[l]),
                np.array(self.micro, dtype=np.int64),
                int(self.io[l, l + 1]),
                int(net.layer[l, WEIGHT_BYTES]),
                self.batch,
                replicas,
                limit,
                NEVER,
                choice,
            )
        )
        copies = machine.pes if machine.copies else 1
        overflows = int(net.layer[l, WEIGHT_BYTES]) * copies > machine.weight_limit
        if overflows and (best >= NEVER or not quick):
            for index, u in enumerate(self.micro):
                best = int(
                    best_in_passes(
                        net,
                        machine,
                        self.model.terms,
                        l,
                        index,
                        u,
                        self.tables.grid_start[index],
                        self.tables.grids[index],
                        self.batch,
                        replicas,
                        before,
                        after,
                        limit,
                        best,
                        choice,
                    )
                )
        if best >= NEVER:
            return None
        index, n, packed = choice.tolist()
        tiles, partition = self.grid(index, packed)
        return Piece(best, self.micro[index], ((l + 1, n, *tiles),), (partition,))


def kept_boundaries(model: CostModel, m: int) -> NDArray[np.bool_]:
    """[L + 1]: where all that is alive stays on the package; see ``cost.dram.is_kept``."""
    L = len(model.net.layer)
    kept = m * model.net.span[MADE_BEFORE, :, L] <= model.machine.retained_limit
    kept[0] = kept[L] = False
    return kept


def segment_io(model: CostModel, m: int) -> Ints:
    """DRAM bytes per sample of every segment [a, b) for a batch of m; see ``cost.price.io_bytes``."""
    span, kept = model.net.span, kept_boundaries(model, m)
    before, after = kept[:, None], kept[None, :]
    return (
        span[INPUTS_READ]
        + span[OUTPUTS_MADE]
        + np.where(before, 0, span[MADE_BEFORE])
        + np.where(after, 0, span[USED_AFTER])
        + np.where(before != after, span[PASSING], 0)
    ).astype(np.int64)
