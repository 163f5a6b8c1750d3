"""What is enumerated: the segments of a scheme's space, their pipelines, and how many are too many."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import comb

from mcmscope.cost.arrays import (
    INPUTS_READ,
    MACS,
    MADE_BEFORE,
    OUTPUTS_MADE,
    PASSING,
    USED_AFTER,
)
from mcmscope.cost.memory import cut_bytes, relayed_bytes
from mcmscope.cost.model import CostModel
from mcmscope.errors import InputError
from mcmscope.schedule import Objective, Scheme
from mcmscope.search.exhaustive.walk import ENERGY, PAIRS, TIME, Facts
from mcmscope.search.space import micro_batches

MOST_PIPELINES = 2 * 10**9
"""Pipelines of single segments that are priced one by one: minutes on two cores."""
MOST_PIPELINES_WITH_ENERGY = 10**8
"""The same where energies are priced too, which takes longer."""

# How a segment may be cut into clusters.
ANY_CLUSTERS, ONE_CLUSTER, ONE_LAYER_EACH = range(3)
_CLUSTERS = {
    Scheme.SEQUENTIAL: ONE_CLUSTER,
    Scheme.SEQUENTIAL_FUSED: ONE_CLUSTER,
    Scheme.DATA_PARALLEL: ONE_CLUSTER,
    Scheme.FULL_PIPELINE: ONE_LAYER_EACH,
    Scheme.SEGMENTED_PIPELINE: ONE_LAYER_EACH,
    Scheme.MERGED_PIPELINE: ANY_CLUSTERS,
}


@dataclass(frozen=True)
class Case:
    """A space: a scheme's schedules on ``replicas`` equal parts of a package, priced for one objective.

    ``batch`` samples are scheduled; latency prices one sample at a micro-batch of one.
    """

    model: CostModel
    scheme: Scheme
    objective: Objective
    batch: int
    micro: tuple[int, ...]
    replicas: int = 1

    @property
    def layers(self) -> int:
        """Number of layers L."""
        return len(self.model.net.layer)

    @property
    def chiplets(self) -> int:
        """Chiplets that the regions of a segment may sum to."""
        return self.model.machine.chiplets // self.replicas

    @property
    def sharing(self) -> int:
        """Replicas that run at the same time: one sample alone runs on one of them."""
        return 1 if self.objective is Objective.LATENCY else self.replicas

    @property
    def samples(self) -> int:
        """Samples that are priced together."""
        return 1 if self.objective is Objective.LATENCY else self.batch

    @property
    def clusters(self) -> int:
        """How a segment may be cut into clusters."""
        return _CLUSTERS[self.scheme]

    @property
    def mode(self) -> int:
        """What a segment is worth: its time, its energy, or pairs of both."""
        return {Objective.ENERGY: ENERGY, Objective.EDP: PAIRS}.get(self.objective, TIME)

    def segments(self) -> Iterator[tuple[int, int]]:
        """Every run of layers [a, b) that may be a segment."""
        L = self.layers
        for a in range(L):
            for b in range(a + 1, L + 1):
                if self.scheme is Scheme.SEQUENTIAL and b - a > 1:
                    continue
                if self.scheme is Scheme.FULL_PIPELINE and b - a < L:
                    continue
                yield a, b

    def pipelines(self, length: int, chiplets: int | None = None) -> int:
        """Pipelines of ``length`` layers at one micro-batch: clusters, region sizes and partitions."""
        N = self.chiplets if chiplets is None else chiplets
        if length == 0:
            return 1
        if self.clusters == ONE_CLUSTER:
            return 3**length * N
        if self.clusters == ONE_LAYER_EACH:
            return 3**length * comb(N, length)
        return 3**length * comb(N + length - 1, length)

    def priced(self) -> int:
        """Pipelines of all segments, each priced once."""
        return sum(len(self.micro) * self.pipelines(b - a) for a, b in self.segments())

    def kept(self, boundary: int) -> bool:
        """Whether all that is alive at a boundary stays on the package."""
        L, net = self.layers, self.model.net
        if boundary in (0, L):
            return False
        live = int(net.span[MADE_BEFORE, boundary, L])
        return self.samples * live <= self.model.machine.retained_limit

    def io_bytes(self, a: int, b: int) -> int:
        """DRAM bytes per sample of segment [a, b)."""
        span, before, after = self.model.net.span, self.kept(a), self.kept(b)
        total = int(span[INPUTS_READ, a, b] + span[OUTPUTS_MADE, a, b])
        total += 0 if before else int(span[MADE_BEFORE, a, b])
        total += 0 if after else int(span[USED_AFTER, a, b])
        return total + (int(span[PASSING, a, b]) if before != after else 0)

    def facts(self, a: int, b: int, u: int) -> Facts:
        """What all pipelines of segment [a, b) at micro-batch u share."""
        net, machine, m = self.model.net, self.model.machine, self.samples
        io = u * self.io_bytes(a, b)
        weights = int(net.weights[b] - net.weights[a])
        replicas = self.sharing
        whole = a == 0 and b == self.layers
        return Facts(
            a=a,
            b=b,
            u=u,
            m=m,
            replicas=replicas,
            chiplets=self.chiplets,
            beats=-(-m // (replicas * u)),
            io_bytes=io,
            io_ps=transfer_ps(io * replicas, machine.dram_mb_per_s),
            weight_bytes=weights,
            load_ps=transfer_ps(weights, machine.dram_mb_per_s),
            load_paid=0 if whole and self.objective is Objective.LATENCY else 1,
            mac_fj=int(net.layer[a:b, MACS].sum()) * u * int(self.model.terms.mac_fj),
            clusters=self.clusters,
            kept_before=int(self.kept(a)),
            kept_after=int(self.kept(b)),
        )

    def relayed(self, a: int, b: int, i: int, j: int) -> int:
        """Bytes per sample that pass by cluster [i, j) inside segment [a, b)."""
        return int(relayed_bytes(self.model.net, a, b, i, j))

    def cut_ps(self, a: int, b: int, j: int, u: int) -> int:
        """Time that a beat's tensors take to cross boundary j inside segment [a, b)."""
        crossing = u * int(cut_bytes(self.model.net, a, b, j))
        return transfer_ps(crossing, self.model.machine.cut_mb_per_s)


def transfer_ps(size: int, mb_per_s: int) -> int:
    """Picoseconds to move ``size`` bytes, rounded up."""
    return -(-size * 1_000_000 // mb_per_s)


def cases(
    model: CostModel, scheme: Scheme, objective: Objective, batch: int, micro_batch: int | None
) -> tuple[Case, ...]:
    """The space of a scheme: one case, or one for each number of replicas.

    Raises:
        InputError: a micro-batch fixed for latency.
    """
    if objective is Objective.LATENCY and micro_batch not in (None, 1):
        raise InputError("micro-batch: latency is that of one sample alone: expected auto or 1")
    micro = (1,) if objective is Objective.LATENCY else micro_batches(batch, micro_batch)
    parts = min(model.machine.chiplets, batch).bit_length() if scheme is Scheme.DATA_PARALLEL else 1
    return tuple(Case(model, scheme, objective, batch, micro, 1 << e) for e in range(parts))


def check_size(asked: tuple[Case, ...], schedules: int) -> None:
    """See that a space is small enough to be enumerated.

    Raises:
        InputError: it is not, with its size and what would make it smaller; or the package prefetches.
    """
    first = asked[0]
    if first.model.package.prefetch:
        raise InputError(
            f"{first.model.package.name}: with prefetch a segment's time depends on the next one, so "
            "segments cannot be enumerated one by one: switch prefetch off, or take --search linear or sample"
        )
    pipelines = sum(case.priced() for case in asked)
    most = MOST_PIPELINES if first.mode == TIME else MOST_PIPELINES_WITH_ENERGY
    if pipelines <= most:
        return
    mends = ["fewer layers", "fewer chiplets"]
    if len(first.micro) > 1:
        mends.insert(0, "--micro-batch")
    if first.scheme is Scheme.MERGED_PIPELINE:
        mends.append("a smaller scheme")
    raise InputError(
        f"{first.scheme.value}: the space has {schedules} schedules, made of {pipelines} pipelines of single "
        f"segments; exhaustive search prices at most {most} of those one by one for {first.objective.value}. "
        f"Smaller by: {', '.join(mends)}; or take --search exact or sample"
    )
