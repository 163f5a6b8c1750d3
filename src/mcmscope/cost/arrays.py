"""Network and package as integer arrays: what the kernels read. Times are picoseconds, sizes bytes.

Column names below index the last axis of ``NetworkArrays.layer`` and ``.operand``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mcmscope.errors import InputError
from mcmscope.jit import inner, kernel
from mcmscope.workload.network import Network, Role, bytes_of

Ints = NDArray[np.int64]

MAX_LAYERS = 4096
"""Span tables have a cell per pair of layers; beyond this they would not fit in memory."""

# Columns of NetworkArrays.layer: loop bounds and sizes of one layer for one sample.
K, C, G, P, Q, KERNEL, WEIGHT_BYTES, VECTOR, OUT_BYTES, MACS = range(10)
POOL_H, POOL_W, POOL_STEP_H, POOL_STEP_W, OUT_H, OUT_W = range(10, 16)
POSITION_BYTES, POSITION_SUM_BYTES = range(16, 18)  # K values at one position: results, partial sums
LAYER_COLUMNS = 18

# Columns of NetworkArrays.operand: one tensor that a layer reads, for one sample.
SOURCE, ROLE, BYTES, H, W, WINDOW_H, WINDOW_W, STEP_H, STEP_W, TENSOR_BYTES = range(10)
OPERAND_COLUMNS = 10
DATA, SECOND, RESIDUAL = range(3)


class LayerRow(NamedTuple):
    """A row of ``NetworkArrays.layer``, its columns by name: numbers pass between kernels for nothing."""

    k: int
    c: int
    g: int
    p: int
    q: int
    kernel: int
    weight_bytes: int
    vector: int
    out_bytes: int
    macs: int
    pool_h: int
    pool_w: int
    pool_step_h: int
    pool_step_w: int
    out_h: int
    out_w: int
    position_bytes: int
    position_sum_bytes: int


class OperandRow(NamedTuple):
    """A row of ``NetworkArrays.operand``, its columns by name."""

    source: int
    role: int
    bytes: int
    h: int
    w: int
    window_h: int
    window_w: int
    step_h: int
    step_w: int


# Partitions and layouts; OUTSIDE is a tensor that arrives from another region or from DRAM.
WSP, SHARDED, ISP = range(3)
OUTSIDE, TILED, SPLIT = range(3)

# Planes of NetworkArrays.span[plane, a, b]: bytes per sample about the layers [a, b).
INPUTS_READ = 0  # network inputs used inside
MADE_BEFORE = 1  # made by a layer before a, used inside
OUTPUTS_MADE = 2  # made inside, outputs of the network
USED_AFTER = 3  # made inside, used at or after b, not an output
PASSING = 4  # made before a, used at or after b
PEAK = 5  # the most that is held at once while the layers run in turn: operands, output, live tensors
SPAN_PLANES = 6


class NetworkArrays(NamedTuple):
    """A network for kernels; L layers, O operands, E consumer edges."""

    layer: Ints  # [L, LAYER_COLUMNS]
    operand_start: Ints  # [L + 1] into operand
    operand: Ints  # [O, OPERAND_COLUMNS]
    use_start: Ints  # [L + 1] into use: who reads tensor l
    use: Ints  # [E] consumer layers, ascending per tensor
    skip: Ints  # tensors read later than by the next layer, ascending
    weights: Ints  # [L + 1] prefix sums of weight bytes
    span: Ints  # [SPAN_PLANES, L + 1, L + 1]


class Tilings(NamedTuple):
    """Best ways to lay K x C lanes over the PEs: rows 0..L-1 under WSP, L + l (N + 1) + n under ISP on n."""

    tiling: Ints  # [L + L (N + 1), D, 3]: passes over the array for one position, p (PEs along K), and d
    split: Ints  # [L (N + 1), 2]: groups per chiplet, output channels of a group per chiplet


@inner
def layer_row(layer: Ints, l: int) -> LayerRow:
    """Row l of ``NetworkArrays.layer``."""
    return LayerRow(
        layer[l, K],
        layer[l, C],
        layer[l, G],
        layer[l, P],
        layer[l, Q],
        layer[l, KERNEL],
        layer[l, WEIGHT_BYTES],
        layer[l, VECTOR],
        layer[l, OUT_BYTES],
        layer[l, MACS],
        layer[l, POOL_H],
        layer[l, POOL_W],
        layer[l, POOL_STEP_H],
        layer[l, POOL_STEP_W],
        layer[l, OUT_H],
        layer[l, OUT_W],
        layer[l, POSITION_BYTES],
        layer[l, POSITION_SUM_BYTES],
    )


@inner
def operand_row(operand: Ints, o: int) -> OperandRow:
    """Row o of ``NetworkArrays.operand``."""
    return OperandRow(
        operand[o, SOURCE],
        operand[o, ROLE],
        operand[o, BYTES],
        operand[o, H],
        operand[o, W],
        operand[o, WINDOW_H],
        operand[o, WINDOW_W],
        operand[o, STEP_H],
        operand[o, STEP_W],
    )


def network_arrays(network: Network) -> NetworkArrays:
    """``network`` for kernels.

    Raises ``InputError`` beyond ``MAX_LAYERS`` layers.
    """
    L = len(network)
    if L > MAX_LAYERS:
        raise InputError(f"{network.name}: {L} layers; at most {MAX_LAYERS} can be scheduled")
    bits = network.activation_bits
    layer = np.zeros((L, LAYER_COLUMNS), dtype=np.int64)
    rows: list[list[int]] = []
    starts = [0]
    roles = {Role.DATA: DATA, Role.SECOND: SECOND, Role.RESIDUAL: RESIDUAL}
    uses: list[list[int]] = [[] for _ in range(L)]
    for index, it in enumerate(network.layers):
        layer[index] = [
            it.out_channels,
            it.in_channels,
            it.groups,
            it.out_height,
            it.out_width,
            it.kernel[0] * it.kernel[1],
            bytes_of(it.weights, network.weight_bits),
            it.vector_elements,
            bytes_of(it.output_elements, bits),
            it.macs,
            *it.pool_window,
            *it.pool_stride,
            it.output_height,
            it.output_width,
            bytes_of(it.out_channels, bits),
            bytes_of(it.out_channels, network.partial_sum_bits),
        ]
        for operand in it.operands:
            tensor = (
                network.layers[operand.source].output_elements
                if operand.source >= 0
                else network.inputs[-1 - operand.source].elements
            )
            rows.append(
                [
                    operand.source,
                    roles[operand.role],
                    bytes_of(operand.elements, bits),
                    operand.height,
                    operand.width,
                    *operand.window,
                    *operand.stride,
                    bytes_of(tensor, bits),
                ]
            )
            if operand.source >= 0 and (not uses[operand.source] or uses[operand.source][-1] != index):
                uses[operand.source].append(index)
        starts.append(len(rows))
    is_output = np.zeros(L, dtype=np.int64)
    is_output[list(network.outputs)] = 1
    operand_start = np.array(starts, dtype=np.int64)
    operand = np.array(rows, dtype=np.int64).reshape(-1, OPERAND_COLUMNS)
    use_start = np.array([0, *np.cumsum([len(u) for u in uses])], dtype=np.int64)
    use = np.array([x for u in uses for x in u], dtype=np.int64)
    span = np.zeros((SPAN_PLANES, L + 1, L + 1), dtype=np.int64)
    fill_spans(layer, operand_start, operand, use_start, use, is_output, len(network.inputs), span)
    return NetworkArrays(
        layer=layer,
        operand_start=operand_start,
        operand=operand,
        use_start=use_start,
        use=use,
        skip=np.array([t for t in range(L) if uses[t] and uses[t][-1] > t + 1], dtype=np.int64),
        weights=np.concatenate([[0], np.cumsum(layer[:, WEIGHT_BYTES])]).astype(np.int64),
        span=span,
    )


@kernel
def fill_spans(
    layer: Ints,
    operand_start: Ints,
    operand: Ints,
    use_start: Ints,
    use: Ints,
    is_output: Ints,
    input_count: int,
    span: Ints,
) -> None:
    """Fill ``span[plane, a, b]`` (bytes per sample) for every run of layers [a, b)."""
    L = layer.shape[0]
    last = np.full(L, -1, dtype=np.int64)
    for t in range(L):
        if use_start[t + 1] > use_start[t]:
            last[t] = use[use_start[t + 1] - 1]
    stop = np.zeros(L + input_count, dtype=np.int64)  # last reader inside [a, b) of each tensor
    begin = np.zeros(L + input_count, dtype=np.int64)  # first layer of [a, b) that holds it
    held = np.zeros(L + 1, dtype=np.int64)
    for a in range(L):
        for t in range(L + input_count):
            stop[t] = -1
        passing = 0
        for t in range(a):
            if last[t] >= a:
                passing += layer[t, OUT_BYTES]
        inputs = 0
        before = 0
        outputs = 0
        after = 0
        peak = 0
        for b in range(a + 1, L + 1):
            new = b - 1
            for o in range(operand_start[new], operand_start[new + 1]):
                source = operand[o, SOURCE]
                slot = source if source >= 0 else L - 1 - source
                size = operand[o, TENSOR_BYTES]
                if stop[slot] < 0:
                    if source < 0:
                        inputs += size
                        begin[slot] = a
                    elif source < a:
                        before += size
                        begin[slot] = a
                    else:
                        begin[slot] = source
                # It is now held up to this layer; its own layer counts it as an output.
                first = max(stop[slot] + 1, begin[slot] + (1 if source >= a else 0))
                for x in range(first, b):
                    held[x] += size
                    peak = max(peak, held[x])
                stop[slot] = new
                if source >= 0 and last[source] == new and not seen_before(operand, operand_start[new], o):
                    if source < a:
                        passing -= size
                    elif not is_output[source]:
                        after -= size
            held[new] += layer[new, OUT_BYTES]
            peak = max(peak, held[new])
            if is_output[new]:
                outputs += layer[new, OUT_BYTES]
            elif last[new] >= b:
                after += layer[new, OUT_BYTES]
            span[INPUTS_READ, a, b] = inputs
            span[MADE_BEFORE, a, b] = before
            span[OUTPUTS_MADE, a, b] = outputs
            span[USED_AFTER, a, b] = after
            span[PASSING, a, b] = passing
            span[PEAK, a, b] = peak
        for x in range(a, L + 1):
            held[x] = 0


@kernel
def seen_before(operand: Ints, start: int, o: int) -> bool:
    """Whether an earlier operand of the same layer already reads this tensor."""
    for other in range(start, o):  # noqa: SIM110 - numba knows no generator expressions
        if operand[other, SOURCE] == operand[o, SOURCE]:
            return True
    return False
