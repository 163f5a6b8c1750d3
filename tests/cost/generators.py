"""Random networks, packages and schedules for property tests."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

from hypothesis import strategies as st

from mcmscope.hardware.package import Chiplet, Dram, Edge, EnergyProfile, Nop, Overlap, Package
from mcmscope.schedule import Cluster, Partition, Schedule, Segment, serpentine
from mcmscope.workload.network import Layer, Network, NetworkInput, Op, Operand, Role

Draw = st.DrawFn


@dataclass(frozen=True)
class Value:
    """A tensor that layers may read: its producer and its shape."""

    source: int
    channels: int
    height: int
    width: int

    @property
    def elements(self) -> int:
        return self.channels * self.height * self.width

    def read(
        self,
        role: Role,
        window: tuple[int, int] = (1, 1),
        stride: tuple[int, int] = (1, 1),
        elements: int | None = None,
    ) -> Operand:
        """This tensor as an operand; windows no larger than it is."""
        within = min(window[0], self.height), min(window[1], self.width)
        size = self.elements if elements is None else elements
        return Operand(self.source, role, size, self.height, self.width, within, stride)


@st.composite
def chunks(draw: Draw, total: int, most: int) -> list[int]:
    """Lengths of at most ``most`` runs that make up ``total``."""
    count = draw(st.integers(1, min(total, most)))
    inner = st.integers(1, total - 1) if total > 1 else st.nothing()
    cuts = sorted(draw(st.sets(inner, min_size=count - 1, max_size=count - 1)))
    return [end - start for start, end in zip([0, *cuts], [*cuts, total], strict=True)]


def divisors(n: int) -> list[int]:
    """All divisors of n."""
    return [d for d in range(1, n + 1) if n % d == 0]


@st.composite
def _pooled(draw: Draw, layer: Layer) -> Layer:
    """``layer``, sometimes with a pooling fused behind it (a window, or all positions)."""
    high, wide = layer.out_height, layer.out_width
    kind = draw(st.sampled_from(("none", "none", "none", "window", "global")))
    if kind == "none" or high * wide == 1:
        return layer
    if kind == "global":
        window = step = (high, wide)
    else:
        window = draw(st.integers(1, min(3, high))), draw(st.integers(1, min(3, wide)))
        step = draw(st.integers(1, 2)), draw(st.integers(1, 2))
    out = (high - window[0]) // step[0] + 1, (wide - window[1]) // step[1] + 1
    return replace(
        layer,
        pool_window=window,
        pool_stride=step,
        output_height=out[0],
        output_width=out[1],
        output_elements=layer.out_channels * out[0] * out[1],
    )


@st.composite
def _conv(draw: Draw, name: str, values: list[Value]) -> Layer:
    """Plain, grouped, depthwise or dilated; over one tensor, or several joined along the channels."""
    first = draw(st.sampled_from(values))
    fitting = [v for v in values if (v.height, v.width) == (first.height, first.width) and v != first]
    joined = [
        first,
        *draw(st.lists(st.sampled_from(fitting), max_size=2, unique=True) if fitting else st.just([])),
    ]
    channels = sum(v.channels for v in joined)
    groups = draw(st.sampled_from([1, 1, *divisors(channels)]))
    multiple = 1 if groups == channels else draw(st.integers(1, max(1, 40 // groups)))
    out_channels = groups * multiple
    kernel = draw(st.integers(1, min(3, first.height))), draw(st.integers(1, min(3, first.width)))
    stride = draw(st.integers(1, 2)), draw(st.integers(1, 2))
    room = (first.height - 1) // max(1, kernel[0] - 1), (first.width - 1) // max(1, kernel[1] - 1)
    dilation = draw(st.integers(1, max(1, min(2, *room))))
    reach = (kernel[0] - 1) * dilation + 1, (kernel[1] - 1) * dilation + 1
    pad = draw(st.integers(0, 1))
    high = (first.height + 2 * pad - reach[0]) // stride[0] + 1
    wide = (first.width + 2 * pad - reach[1]) // stride[1] + 1
    per_group = channels // groups
    elements = out_channels * high * wide
    return Layer(
        name=name,
        op=Op.CONV,
        out_channels=out_channels,
        in_channels=per_group,
        groups=groups,
        out_height=high,
        out_width=wide,
        operands=tuple(v.read(Role.DATA, reach, stride) for v in joined),
        weights=out_channels * per_group * prod(kernel),
        vector_elements=elements * draw(st.integers(0, 3)),
        output_elements=elements,
        output_height=high,
        output_width=wide,
        kernel=kernel,
        stride=stride,
        dilation=(dilation, dilation),
        padding=(pad, pad, pad, pad),
    )


@st.composite
def _linear(draw: Draw, name: str, values: list[Value]) -> Layer:
    """Flattened, over a sequence of rows, or over a slice of a tensor."""
    value = draw(st.sampled_from(values))
    channels, high, wide = value.channels, value.height, value.width
    flat = draw(st.booleans())
    used = channels
    if not flat and channels > 1 and draw(st.booleans()):
        used = draw(st.integers(1, channels - 1))
    reduced = channels * high * wide if flat else used
    if flat:
        operand = value.read(Role.DATA, (high, wide))
        high = wide = 1
    else:
        operand = value.read(Role.DATA, elements=used * high * wide)
    out_channels = draw(st.integers(1, 40))
    elements = out_channels * high * wide
    return Layer(
        name=name,
        op=Op.LINEAR,
        out_channels=out_channels,
        in_channels=reduced,
        groups=1,
        out_height=high,
        out_width=wide,
        operands=(operand,),
        weights=out_channels * reduced,
        vector_elements=elements * draw(st.integers(0, 2)),
        output_elements=elements,
        output_height=high,
        output_width=wide,
    )


@st.composite
def _matmul(draw: Draw, name: str, values: list[Value]) -> Layer:
    """Attention: rows of one activation by the whole of another; both may be the same tensor."""
    data, second = draw(st.sampled_from(values)), draw(st.sampled_from(values))
    heads = draw(st.sampled_from(divisors(data.channels)))
    columns = draw(st.integers(1, 12))
    elements = heads * columns * data.height * data.width
    return Layer(
        name=name,
        op=Op.MATMUL,
        out_channels=heads * columns,
        in_channels=data.channels // heads,
        groups=heads,
        out_height=data.height,
        out_width=data.width,
        operands=(data.read(Role.DATA), second.read(Role.SECOND, (second.height, second.width))),
        weights=0,
        vector_elements=elements * draw(st.integers(0, 3)),
        output_elements=elements,
        output_height=data.height,
        output_width=data.width,
    )


@st.composite
def _with_residual(draw: Draw, layer: Layer, values: list[Value]) -> Layer:
    """``layer``, sometimes with a tensor added to its result (one of its size, where there is one)."""
    if not draw(st.booleans()):
        return layer
    same = [v for v in values if v.elements == layer.output_elements]
    value = draw(st.sampled_from(same or values))
    return replace(
        layer,
        operands=(*layer.operands, value.read(Role.RESIDUAL)),
        vector_elements=layer.vector_elements + layer.output_elements,
    )


@st.composite
def networks(draw: Draw, max_layers: int = 7, chain: bool = False) -> Network:
    """DAGs with several inputs and outputs; with ``chain`` each layer reads only the one before."""
    count = draw(st.sampled_from([x for x in (4, 3, 5, 6, 7, 2, 1, 8, 9) if x <= max_layers]))
    given = [
        Value(-1 - i, draw(st.integers(1, 16)), draw(st.integers(1, 9)), draw(st.integers(1, 9)))
        for i in range(1 if chain else draw(st.integers(1, 2)))
    ]
    values: list[Value] = []
    layers: list[Layer] = []
    for l in range(count):
        # The first layer reads the first input, so that at least one is used.
        around = given[:1] if l == 0 else values[-1:] if chain else [*values, *given]
        kind = draw(st.sampled_from((_conv, _conv, _conv, _linear, _matmul)))
        layer = draw(_pooled(draw(kind(f"layer{l}", around))))
        layer = draw(_with_residual(layer, around))
        layers.append(layer)
        values.append(Value(l, layer.out_channels, layer.output_height, layer.output_width))
    read = {op.source for layer in layers for op in layer.operands}
    inputs = [NetworkInput(f"input{-1 - v.source}", v.elements) for v in given if v.source in read]
    unread = {l for l in range(count) if l not in read}
    extra = draw(st.sets(st.integers(0, count - 1), max_size=2))
    bits = draw(st.sampled_from(((8, 8, 24), (8, 8, 24), (4, 8, 16), (16, 16, 32), (4, 4, 13))))
    return Network("random", tuple(inputs), tuple(layers), tuple(sorted(unread | extra)), *bits)


@st.composite
def packages(draw: Draw, max_chiplets: int = 16) -> Package:
    """Meshes of all shapes; tight and loose memory; every switch."""
    rows = draw(st.sampled_from([x for x in (3, 4, 2, 1, 5) if x <= max_chiplets]))
    columns = draw(st.sampled_from([x for x in (3, 4, 2, 5, 1) if rows * x <= max_chiplets]))
    unified = draw(st.booleans())
    activation = draw(st.sampled_from((1_000_000, 100_000, 16_000, 2048, 256)))
    weight = draw(st.sampled_from((1_000_000, 1_000_000, 20_000, 4096, 300, 24)))
    energy = st.integers(0, 3000)
    return Package(
        name="random",
        description="",
        rows=rows,
        columns=columns,
        strip_height=draw(st.integers(1, rows)),
        chiplet=Chiplet(
            clock_mhz=draw(st.sampled_from((333, 1000, 1730))),
            pes=draw(st.sampled_from((1, 2, 4, 6, 16))),
            lanes_k=draw(st.sampled_from((1, 2, 3, 8))),
            lanes_c=draw(st.sampled_from((1, 4, 8))),
            vector_lanes=draw(st.sampled_from((1, 4, 64))),
            weight_buffer_bytes=activation if unified else weight,
            activation_buffer_bytes=activation,
            unified=unified,
            buffer_read_bytes_per_cycle=draw(st.sampled_from((4, 64, 1000))),
            layer_start_ns=draw(st.sampled_from((0, 100))),
        ),
        nop=Nop(draw(st.sampled_from((150, 12_500, 700_001))), draw(st.sampled_from((0, 2, 20)))),
        dram=Dram(
            draw(st.integers(1, 4)),
            draw(st.sampled_from((99, 3_200, 25_600, 900_000))),
            tuple(draw(st.sets(st.sampled_from(tuple(Edge)), min_size=1))),
        ),
        energy=EnergyProfile("random", "", *(draw(energy) for _ in range(9))),
        retained_permille=draw(st.sampled_from((0, 100, 500, 875))),
        overlap=draw(st.sampled_from(tuple(Overlap))),
        prefetch=draw(st.booleans()),
    )


@st.composite
def tilings(draw: Draw, chiplets: int, micro_batch: int) -> tuple[int, int, int]:
    """A tile grid that fits a region."""
    samples = draw(st.integers(1, min(chiplets, micro_batch)))
    rows = draw(st.integers(1, chiplets // samples))
    return samples, rows, draw(st.integers(1, chiplets // (samples * rows)))


@st.composite
def schedules(draw: Draw, network: Network, package: Package, max_micro_batch: int = 5) -> Schedule:
    """Any schedule of ``network`` on ``package`` that has no faults (it may still not fit)."""
    order = serpentine(package.rows, package.columns, package.strip_height)
    replicas = draw(st.sampled_from([1] * package.chiplets + list(range(1, package.chiplets + 1))))
    share = package.chiplets // replicas
    segments: list[Segment] = []
    start = 0
    for length in draw(chunks(len(network), draw(st.sampled_from((1, 2, 3, len(network)))))):
        micro_batch = draw(st.integers(1, max_micro_batch))
        clusters: list[Cluster] = []
        first, used = start, 0
        lengths = draw(chunks(length, min(length, share)))
        for position, layers in enumerate(lengths):
            after = len(lengths) - position - 1  # each needs a chiplet
            size = draw(st.integers(1, share - used - after))
            clusters.append(
                Cluster(
                    (first, first + layers),
                    order[used : used + size],
                    draw(tilings(size, micro_batch)),
                    tuple(draw(st.sampled_from(tuple(Partition))) for _ in range(layers)),
                )
            )
            first, used = first + layers, used + size
        segments.append(Segment((start, start + length), micro_batch, tuple(clusters)))
        start += length
    return Schedule(tuple(segments), replicas)


@dataclass(frozen=True)
class Case:
    """A question to the cost model."""

    network: Network
    package: Package
    schedule: Schedule
    batch: int


@st.composite
def cases(draw: Draw, max_layers: int = 7, chain: bool = False) -> Case:
    """Network, package, schedule and batch together."""
    network, package = draw(networks(max_layers, chain)), draw(packages())
    return Case(network, package, draw(schedules(network, package)), draw(st.integers(1, 40)))
