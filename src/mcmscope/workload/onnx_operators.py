"""What each ONNX operator is to the graph: a table, and a rule for each kind that needs more than its name.

A rule gets a ``Site`` (the node with the shapes around it) and returns the operators that the node becomes,
or why this use of it is not understood.
"""

from __future__ import annotations

from itertools import pairwise

from mcmscope.workload.graph import (
    Concat,
    Move,
    Reduce,
    Repeat,
    Reshape,
    Shape,
    Slice,
    Transpose,
    Vector,
    elements_of,
)
from mcmscope.workload.onnx_attention import (
    NORM_PASSES,
    attention,
    embedding_norm,
    grouped_attention,
    multi_head_attention,
    projected_attention,
    rotary,
    skip_norm,
)
from mcmscope.workload.onnx_contract import einsum
from mcmscope.workload.onnx_products import (
    POOLS,
    conv,
    conv_transpose,
    fused_matmul,
    gemm,
    matmul,
    packed_weights,
    pool,
    quantised_gemm,
    scaled_matmul,
)
from mcmscope.workload.onnx_site import Chain, Found, Lookup, Rule, Site
from mcmscope.workload.onnx_unfold import SEQUENCES

_CONSTANT = "its data is a constant, but its result is not"
_AXES = "its axes do not fit its input"


def _vector(passes: int) -> Rule:
    return lambda site: site.one(Vector(passes), *site.moving)


def _sum(site: Site) -> Found:
    """Addition: of a constant per channel it is a bias."""
    fixed = [site.shapes.get(name, ()) for name in site.node.inputs if name in site.constants]
    return site.one(
        Vector(foldable=bool(fixed) and all(_is_bias(x, site.result) for x in fixed)), *site.moving
    )


def _is_bias(constant: Shape, result: Shape) -> bool:
    """Whether a constant has one element for each channel: along the last axis, or an image's second."""
    size = elements_of(constant)
    if size == 1:
        return len(result) < 2 or result[-1] == 1
    places = [i - len(constant) for i, n in enumerate(constant) if n > 1]
    images = [-3] if len(result) == 4 else []
    return len(places) == 1 and places[0] in [-1, *images] and result[places[0]] == size


def _norm(site: Site) -> Found:
    return site.one(Vector(foldable=True), *site.moving)


def _local_norm(site: Site) -> Found:
    return site.one(Vector(site.node.integer("size", 5)), *site.moving)


def _view(site: Site) -> Found:
    return _CONSTANT if site.fixed(0) else site.one(Reshape(), site.node.inputs[0])


def _transpose(site: Site) -> Found:
    rank = len(site.shape(0))
    order = site.node.integers("perm", range(rank)[::-1])
    return site.one(Transpose(order), *site.moving) if sorted(order) == list(range(rank)) else _AXES


def _concat(site: Site) -> Found:
    axis = site.node.integer("axis", 0)
    rank = len(site.result)
    return site.one(Concat(axis % rank), *site.moving) if -rank <= axis < rank else _AXES


def _slice(site: Site) -> Found:
    return site.one(Slice(), *site.moving[:1]) if not site.fixed(0) else _CONSTANT


def _gather(site: Site) -> Found:
    """Constant indices in a row are a slice; rows of a constant table are looked up outside."""
    if site.fixed(0):
        return site.one(Lookup(site.input(0), elements_of(site.shape(0))))
    picked = site.numbers(1)
    rank = len(site.shape(0))
    axis = site.node.integer("axis", 0)
    if not picked or not -rank <= axis < rank:
        return site.one(Move(), *site.moving)
    if not site.values[site.input(1)].shape:
        return site.one(Slice(axis % rank), *site.moving)
    steps = {b - a for a, b in pairwise(picked)}
    row = steps <= {1} and len(site.result) == rank
    return site.one(Slice() if row else Move(), *site.moving)


def _gather_packed(site: Site) -> Found:
    """``com.microsoft.GatherBlockQuantized``: rows of a packed constant table."""
    table, scales = site.shape(0), site.shape(2)
    bits = site.node.integer("bits", 4)
    if not site.fixed(0) or site.node.integer("gather_axis", 0) or min(len(table), len(scales)) != 2:
        return "only rows of a constant matrix are understood"
    rows, size = table
    if bits in (2, 4) and size <= (scales[1] - 1) * site.node.integer("block_size", 128):
        size *= 8 // bits
    op = Lookup(site.input(0), rows * size)
    return Chain(site).end(op, shape=(*site.shape(1), size))


def _expand(site: Site) -> Found:
    if site.fixed(0):
        return _CONSTANT
    if elements_of(site.result) == elements_of(site.shape(0)):
        return _view(site)
    return site.one(Repeat(), site.node.inputs[0])


def _move(site: Site) -> Found:
    return site.one(Move(), *site.moving)


def _reduce(site: Site) -> Found:
    rank = len(site.shape(0))
    axes = site.node.integers("axes", ())
    if not axes and site.input(1):
        given = site.numbers(1)
        if given is None:
            return "its axes are not constant"
        axes = given
    if not axes and site.node.integer("noop_with_empty_axes", 0):
        return _view(site)
    if any(not -rank <= axis < rank for axis in axes):
        return _AXES
    places = tuple(sorted({axis % rank for axis in axes})) or tuple(range(rank))
    return site.one(Reduce(places, bool(site.node.integer("keepdims", 1))), *site.moving[:1])


def _arg_reduce(site: Site) -> Found:
    rank = len(site.shape(0))
    axis = site.node.integer("axis", 0)
    if not rank or not -rank <= axis < rank:
        return _AXES
    return site.one(Reduce((axis % rank,), bool(site.node.integer("keepdims", 1))), *site.moving[:1])


def _global_pool(site: Site) -> Found:
    rank = len(site.shape(0))
    axes = tuple(range(2, rank))
    if site.node.integer("channels_last", 0) or not axes:
        return "only images whose channels come first are understood"
    shape = (*site.shape(0)[:2], *(1,) * len(axes))
    return Chain(site).end(Reduce(axes), *site.moving[:1], shape=shape)


def _same(passes: int) -> Rule:
    """Elementwise work whose result is as its operands broadcast; no shape inference knows it."""

    def rule(site: Site) -> Found:
        shapes = [site.shapes[name] for name in site.moving if name in site.shapes]
        rank = max(map(len, shapes), default=0)
        columns = zip(*((1,) * (rank - len(shape)) + shape for shape in shapes), strict=True)
        shape = tuple(max(column) for column in columns)
        return Chain(site).end(Vector(passes), *site.moving, shape=shape) if shapes else _CONSTANT

    return rule


def _view_of_first(site: Site) -> Found:
    """A change of format that no shape inference knows."""
    return _CONSTANT if site.fixed(0) else Chain(site).end(Reshape(), site.input(0), shape=site.shape(0))


def _recurrent(site: Site) -> Found:
    return "a recurrence: each step waits for the one before, and no schedule here is made of such steps"


def _loop(site: Site) -> Found:
    return "a loop: how often its body runs is not known; export the model without it (unrolled)"


def _branch(site: Site) -> Found:
    return "which branch runs depends on the input; export the model without it"


def _sequence(site: Site) -> Found:
    return "which values its sequence has depends on the input; export the model with fixed sizes"


def _data_dependent(site: Site) -> Found:
    return "the size of its result depends on the data; cut the model off before it"


_ELEMENTWISE = (
    "Abs", "Acos", "Acosh", "And", "Asin", "Asinh", "Atan", "Atanh", "Bernoulli", "BitShift",
    "BitwiseAnd", "BitwiseNot", "BitwiseOr", "BitwiseXor", "Ceil", "Celu", "Clip", "Cos", "Cosh",
    "CumProd", "CumSum", "Div", "DynamicQuantizeLinear", "Elu", "Equal", "Erf", "Exp", "Floor", "Gelu",
    "Greater", "GreaterOrEqual", "HardSigmoid", "HardSwish", "IsInf", "IsNaN", "LeakyRelu", "Less",
    "LessOrEqual", "Log", "Max", "Mean", "Min", "Mish", "Mod", "Mul", "Neg", "Not", "Or", "PRelu",
    "Pow", "RandomNormalLike", "RandomUniformLike", "Reciprocal", "Relu", "Round", "Selu", "Shrink",
    "Sigmoid", "Sign", "Sin", "Sinh", "Softplus", "Softsign", "Sqrt", "Swish", "Tan", "Tanh",
    "ThresholdedRelu", "Trilu", "Where", "Xor",
)  # fmt: skip
_NORMS = (
    "GroupNormalization", "Hardmax", "InstanceNormalization", "LayerNormalization", "LogSoftmax",
    "LpNormalization", "MeanVarianceNormalization", "RMSNormalization", "Softmax",
)  # fmt: skip
# A change of format is made where values are written; it takes no pass of its own.
_FORMATS = ("Cast", "CastLike", "BitCast", "DequantizeLinear", "QuantizeLinear")
_VIEWS = ("Dropout", "Flatten", "Identity", "Reshape", "Squeeze", "Unsqueeze")
_MOVES = (
    "CenterCropPad", "Col2Im", "DepthToSpace", "GatherElements", "GatherND", "GridSample", "MaxUnpool",
    "OneHot", "Pad", "Resize", "ReverseSequence", "RoiAlign", "MaxRoiPool", "Scatter", "ScatterElements",
    "ScatterND", "SpaceToDepth", "TensorScatter", "TopK", "Upsample",
)  # fmt: skip
_REDUCTIONS = (
    "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin",
    "ReduceProd", "ReduceSum", "ReduceSumSquare",
)  # fmt: skip
# Refused with a reason: what they cost cannot be told from the graph, or no schedule here runs them.
REFUSED: dict[str, Rule] = {
    **dict.fromkeys(("GRU", "LSTM", "RNN"), _recurrent),
    **dict.fromkeys(("Loop", "Scan", "SequenceMap"), _loop),
    **dict.fromkeys(("Compress", "NonMaxSuppression", "NonZero", "Unique"), _data_dependent),
    **dict.fromkeys(SEQUENCES, _sequence),
    "If": _branch,
}
# ONNX Runtime's own operators, and older spellings: no shape inference knows them, so their rules tell the
# shapes of what they make.
CONTRIBUTED: dict[str, Rule] = {
    "SimplifiedLayerNormalization": _same(NORM_PASSES),
    "com.microsoft.Attention": projected_attention,
    "com.microsoft.BiasGelu": _same(2),
    "com.microsoft.DequantizeLinear": _view_of_first,
    "com.microsoft.DynamicQuantizeMatMul": scaled_matmul,
    "com.microsoft.EmbedLayerNormalization": embedding_norm,
    "com.microsoft.FastGelu": _same(1),
    "com.microsoft.FusedConv": conv(0, 1),
    "com.microsoft.FusedMatMul": fused_matmul,
    "com.microsoft.GatherBlockQuantized": _gather_packed,
    "com.microsoft.Gelu": _same(1),
    "com.microsoft.GroupQueryAttention": grouped_attention,
    "com.microsoft.MatMulBnb4": packed_weights,
    "com.microsoft.MatMulIntegerToFloat": scaled_matmul,
    "com.microsoft.MatMulNBits": packed_weights,
    "com.microsoft.MultiHeadAttention": multi_head_attention,
    "com.microsoft.QGemm": quantised_gemm,
    "com.microsoft.QLinearAdd": _same(1),
    "com.microsoft.QLinearGlobalAveragePool": _global_pool,
    "com.microsoft.QLinearLeakyRelu": _same(1),
    "com.microsoft.QLinearMul": _same(1),
    "com.microsoft.QLinearSigmoid": _same(1),
    "com.microsoft.QLinearSoftmax": _same(NORM_PASSES),
    "com.microsoft.QuantizeLinear": _view_of_first,
    "com.microsoft.QuickGelu": _same(2),
    "com.microsoft.RotaryEmbedding": rotary,
    "com.microsoft.SkipLayerNormalization": skip_norm,
    "com.microsoft.SkipSimplifiedLayerNormalization": skip_norm,
}

RULES: dict[str, Rule] = {
    **dict.fromkeys(_ELEMENTWISE, _vector(1)),
    **dict.fromkeys(_NORMS, _vector(NORM_PASSES)),
    **dict.fromkeys((*_FORMATS, *_VIEWS), _view),
    **dict.fromkeys(_MOVES, _move),
    **dict.fromkeys(_REDUCTIONS, _reduce),
    **dict.fromkeys(("Add", "Sub", "Sum"), _sum),
    **dict.fromkeys(("ArgMax", "ArgMin"), _arg_reduce),
    **dict.fromkeys(POOLS, pool),
    **dict.fromkeys(("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool"), _global_pool),
    **dict.fromkeys(("Expand", "Tile"), _expand),
    **dict.fromkeys(("Slice", "Split"), _slice),
    "Attention": attention,
    "BatchNormalization": _norm,
    "Concat": _concat,
    "Conv": conv(0, 1),
    "ConvInteger": conv(0, 1),
    "ConvTranspose": conv_transpose,
    "Einsum": einsum,
    "Gather": _gather,
    "Gemm": gemm,
    "LRN": _local_norm,
    "MatMul": matmul(0, 1),
    "MatMulInteger": matmul(0, 1),
    "QLinearConv": conv(0, 3),
    "QLinearMatMul": matmul(0, 3),
    "RotaryEmbedding": rotary,
    "Transpose": _transpose,
    **CONTRIBUTED,
    **REFUSED,
}
