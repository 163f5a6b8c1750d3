"""Small random questions to the searches: networks and packages whose schedules can all be priced."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hypothesis import HealthCheck, assume, settings
from hypothesis import strategies as st

from mcmscope.cost.model import CostModel, cost_model
from mcmscope.hardware.package import Package
from mcmscope.schedule import Scheme
from mcmscope.search.space import micro_batches
from mcmscope.workload.network import Layer, Network, NetworkInput, Op, Operand, Role
from tests.cost.generators import networks, packages

from .brute import count_parts

Draw = st.DrawFn

SUPPRESSED = (HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large)


def examples(count: int) -> settings:
    """Settings of a property whose examples take long."""
    return settings(max_examples=count, deadline=None, suppress_health_check=SUPPRESSED)


def conv(
    name: str,
    source: int,
    channels: int,
    out_channels: int,
    size: int,
    *,
    kernel: int = 3,
    groups: int = 1,
    residual: int | None = None,
) -> Layer:
    """A convolution over a square map that keeps its size (odd kernels), perhaps with a residual operand."""
    elements = out_channels * size * size
    window, half = min(kernel, size), kernel // 2
    operands = [Operand(source, Role.DATA, channels * size * size, size, size, (window, window), (1, 1))]
    if residual is not None:
        operands.append(Operand(residual, Role.RESIDUAL, elements, size, size, (1, 1), (1, 1)))
    return Layer(
        name=name,
        op=Op.CONV,
        out_channels=out_channels,
        in_channels=channels // groups,
        groups=groups,
        out_height=size,
        out_width=size,
        operands=tuple(operands),
        weights=out_channels * (channels // groups) * kernel * kernel,
        vector_elements=elements,
        output_elements=elements,
        output_height=size,
        output_width=size,
        kernel=(kernel, kernel),
        padding=(half, half, half, half),
    )


def stack(
    count: int,
    channels: int,
    size: int,
    *,
    kernel: int = 3,
    groups: int = 1,
    residuals: dict[int, int] | None = None,
    bits: tuple[int, int, int] = (8, 8, 24),
) -> Network:
    """Equal convolutions in a row; ``residuals``: layer -> source of a tensor added to its result."""
    layers = tuple(
        conv(
            f"layer{l}",
            l - 1,
            channels,
            channels,
            size,
            kernel=kernel,
            groups=groups,
            residual=(residuals or {}).get(l),
        )
        for l in range(count)
    )
    return Network("stack", (NetworkInput("input", channels * size * size),), layers, (count - 1,), *bits)


@st.composite
def stacks(draw: Draw, max_layers: int) -> Network:
    """Runs of equal layers, which searches price once, with residuals over one or two layers or the input."""
    count = draw(st.integers(2, max_layers)) if max_layers > 1 else 1
    channels = draw(st.sampled_from((2, 4, 8, 12, 32)))
    kernel = draw(st.sampled_from((1, 3)))
    groups = draw(st.sampled_from((1, 1, 1, 2, channels)))
    residuals = {
        l: draw(st.integers(-1, l - 2))
        for l in range(1, count)
        if draw(st.booleans()) and draw(st.booleans())
    }
    size = draw(st.sampled_from((1, 2, 5, 8, 14)))
    bits = draw(st.sampled_from(((8, 8, 24), (8, 8, 24), (4, 4, 13))))
    return stack(count, channels, size, kernel=kernel, groups=groups, residuals=residuals, bits=bits)


@st.composite
def small_networks(draw: Draw, max_layers: int = 4) -> Network:
    """Graphs with residuals and branches, chains, and runs of equal layers."""
    kind = draw(st.sampled_from(("graph", "chain", "stack")))
    if kind == "stack":
        return draw(stacks(max_layers))
    return draw(networks(max_layers, chain=kind == "chain"))


@st.composite
def small_packages(draw: Draw, max_chiplets: int = 6) -> Package:
    """Few chiplets; tight and loose memory, one buffer or two; without prefetch."""
    return replace(draw(packages(max_chiplets)), prefetch=False)


@dataclass(frozen=True)
class Question:
    """What a search is asked. ``micro`` are the micro-batches that it may choose."""

    network: Network
    package: Package
    batch: int

    @property
    def model(self) -> CostModel:
        """The prepared tables."""
        return cost_model(self.network, self.package)

    @property
    def micro(self) -> tuple[int, ...]:
        """Micro-batches of the space."""
        return micro_batches(self.batch)


@st.composite
def questions(
    draw: Draw,
    scheme: Scheme,
    most: int | None,
    max_layers: int = 4,
    max_chiplets: int = 6,
    max_batch: int = 20,
    min_layers: int = 1,
) -> Question:
    """Questions with at most ``most`` segments to price for the scheme: the batch is cut down to that.

    None: any number.
    """
    network = draw(small_networks(max_layers))
    assume(len(network) >= min_layers)
    package = draw(small_packages(max_chiplets))
    batch = draw(st.integers(1, max_batch))
    if most is not None:
        while batch > 1 and _size(scheme, network, package, batch) > most:
            batch //= 2
        assume(_size(scheme, network, package, batch) <= most)
    return Question(network, package, batch)


def _size(scheme: Scheme, network: Network, package: Package, batch: int) -> int:
    return count_parts(scheme, len(network), package.chiplets, micro_batches(batch))
