"""Stages, segments and the time of all of them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from mcmscope.schedule import Cluster, Schedule, Segment
from mcmscope.workload.network import Network

from .layers import TERMS, LayerFigures, Placed
from .mesh import Mesh, transfer_ps, up
from .tensors import Tensors, slice_of, work_of


class Infeasible(Exception):  # noqa: N818 - an answer, not an error
    """The schedule does not fit; the argument is why."""


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
    links_ps: int = 0
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
    links_ps: int = 0
    run_ps: int = 0
    flow_ps: int = 0
    io_bytes: int = 0
    spill_bytes: int = 0
    load_bytes: int = 0
    passes: int = 1
    pass_ps: int = 0  # one beat of every pass
    last_load_ps: int = 0  # of the last pass, as the two that follow
    last_beat_ps: int = 0
    last_slowest_ps: int = 0
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
        """Weights come from DRAM once and cross the border of their region; each chiplet takes its own."""
        return max(
            transfer_ps(weights, self.mesh.load_mb_per_s(n, self.replicas)),
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
        leaving = u * tensors.bytes(tensors.outputs_made(i, j) | tensors.used_after(i, j))
        excess = self.excess(need + relayed, stored)
        return StageFigures(
            time_ps=max(sum(x.time_ps for x in layers), self.mesh.border_ps(leaving, n)),
            stored=stored,
            distinct=sum(x.distinct for x in layers),
            need=need,
            relayed=relayed,
            excess=excess,
            cut_ps=transfer_ps(cut, self.mesh.package.strip_height * self.mesh.package.nop.link_mb_per_s),
            links_ps=self.links_ps(segment, cluster, sum(x.exchange_ps for x in layers), excess, leaving),
            layers=layers,
        )

    def links_ps(
        self, segment: Segment, cluster: Cluster, exchanged_ps: int, excess: int, leaving: int
    ) -> int:
        """Links of a region: what is exchanged inside and passes by; half of what enters, leaves, spills."""
        (a, b), (i, j), n = segment.layers, cluster.layers, len(cluster.chiplets)
        u, nop = self.micro_batch(segment), self.mesh.package.nop
        arriving = self.tensors.inputs_read(i, j) | self.tensors.made_before(i, j)
        passing_ps = transfer_ps(
            u * self.tensors.relayed(a, b, i, j), self.mesh.package.strip_height * nop.link_mb_per_s
        )
        beside_ps = self.mesh.border_ps(leaving, n) + self.spill_ps(excess)
        return passing_ps + self.shared_ps(exchanged_ps, u * self.tensors.bytes(arriving), beside_ps, n)

    def shared_ps(self, exchanged_ps: int, arriving: int, beside_ps: int, n: int) -> int:
        """Exchanges, of which what enters counts half, with half of what runs beside them."""
        entering_ps = min(exchanged_ps, self.mesh.border_ps(arriving, n))
        return exchanged_ps - entering_ps + (entering_ps + beside_ps) // 2

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
        loads = [
            self.load_ps(self.weights(*cluster.layers), stage.distinct, n)
            for cluster, stage, n in zip(segment.clusters, stages, sizes, strict=True)
        ]
        slowest, cut = max(s.time_ps for s in stages), max(s.cut_ps for s in stages)
        io_ps, spill_ps = self.io_ps(u, io), self.spill_ps(max(s.excess for s in stages))
        beat = max(slowest, cut, io_ps + spill_ps)
        links = max(s.links_ps for s in stages) + io_ps // 2
        shared = max(beat, links)
        out = SegmentFigures(
            load_ps=max(transfer_ps(weights, self.mesh.dram_mb_per_s), *loads),
            beats=beats,
            beat_ps=beat,
            slowest_ps=slowest,
            cut_ps=cut,
            io_ps=io_ps,
            spill_ps=spill_ps,
            links_ps=links,
            run_ps=(beats + len(stages) - 1) * beat,
            flow_ps=max(shared, sum(s.time_ps for s in stages)) + (beats - 1) * shared,
            io_bytes=u * io,
            spill_bytes=sum(2 * s.excess * n for s, n in zip(stages, sizes, strict=True)),
            load_bytes=weights,
            pass_ps=beat,
            last_beat_ps=beat,
            last_slowest_ps=slowest,
            stages=stages,
        )
        out.last_load_ps = out.load_ps
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
            leaving_ps = self.mesh.border_ps(u * placed.work.out, n)
            time_ps = max(figures.time_ps, leaving_ps)
            beat = max(time_ps, io_ps + spill_ps)
            arriving = u * sum(operand.size for operand in placed.work.reads)
            links = self.shared_ps(figures.exchange_ps, arriving, leaving_ps + spill_ps, n) + io_ps // 2
            if not out.stages:  # the first pass is the one that is shown
                out.stages = [
                    StageFigures(
                        time_ps=time_ps,
                        stored=figures.stored,
                        distinct=figures.distinct,
                        need=figures.stream,
                        excess=excess,
                        links_ps=links - io_ps // 2,
                        layers=whole.layers,
                    )
                ]
                out.beat_ps, out.slowest_ps = beat, time_ps
                out.io_ps, out.spill_ps, out.links_ps = io_ps, spill_ps, links
            out.last_load_ps = self.load_ps(placed.work.weights, figures.distinct, n)
            out.last_beat_ps, out.last_slowest_ps = beat, time_ps
            out.load_ps += out.last_load_ps
            out.run_ps += beats * beat
            out.flow_ps += beats * max(beat, links)
            out.pass_ps += beat
            out.io_bytes += u * io
            out.spill_bytes += 2 * excess * n
            out.load_bytes += placed.work.weights
            for term in TERMS:
                out.energy[term] += self.per_sample(figures.energy[term], u)
            out.energy["nop"] += figures.distinct * n * self.replicas * hop
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
