"""What each ONNX operator is to the graph: a table, and a rule for each kind that needs more than its name.

A rule gets a ``Site`` (the node with the shapes around it) and returns the operator and the inputs that it
reads, or None if this use of the operator is not understood.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from itertools import pairwise

from mcmscope.workload.graph import (
    Concat,
    Conv,
    Linear,
    MatMul,
    Move,
    Operator,
    Pair,
    Pool,
    Reduce,
    Reshape,
    Shape,
    Slice,
    Transpose,
    Vector,
    elements_of,
)
from mcmscope.workload.onnx_model import Array, OnnxNode

Found = tuple[Operator, tuple[str, ...]] | None


@dataclass(frozen=True, slots=True)
class Site:
    """A node and what is known around it."""

    node: OnnxNode
    shapes: Mapping[str, Shape]
    constants: Set[str]
    values: Mapping[str, Array]

    @property
    def moving(self) -> tuple[str, ...]:
        """The inputs that are not constants, each once."""
        names = (*self.node.inputs, *self.node.captured)
        return tuple(dict.fromkeys(name for name in names if name and name not in self.constants))

    @property
    def result(self) -> Shape:
        """Shape of the first output."""
        return self.shapes[self.node.outputs[0]]

    def input(self, index: int) -> str:
        """Name of an input, empty if it is left out."""
        return self.node.inputs[index] if index < len(self.node.inputs) else ""

    def shape(self, index: int) -> Shape:
        """Shape of an input; () if it is left out."""
        return self.shapes.get(self.input(index), ())

    def fixed(self, index: int) -> bool:
        """Whether an input is a constant (or left out)."""
        return not self.input(index) or self.input(index) in self.constants

    def numbers(self, index: int) -> tuple[int, ...] | None:
        """The values of a small constant input; None if they are not known."""
        array = self.values.get(self.input(index))
        return None if array is None else tuple(int(v) for v in array.reshape(-1))


Rule = Callable[[Site], Found]


def _vector(passes: int) -> Rule:
    return lambda site: (Vector(passes), site.moving)


def _sum(site: Site) -> Found:
    """Addition: of a constant per channel it is a bias."""
    size = 1 if len(site.result) < 2 else site.result[1] if len(site.result) == 4 else site.result[-1]
    fixed = [site.shapes.get(name, ()) for name in site.node.inputs if name in site.constants]
    bias = bool(fixed) and all(max((1, *shape)) == elements_of(shape) == size for shape in fixed)
    return Vector(foldable=bias), site.moving


def _norm(site: Site) -> Found:
    return Vector(foldable=True), site.moving


def _local_norm(site: Site) -> Found:
    return Vector(site.node.integer("size", 5)), site.moving


def _view(site: Site) -> Found:
    return None if site.fixed(0) else (Reshape(), (site.node.inputs[0],))


def _transpose(site: Site) -> Found:
    rank = len(site.shape(0))
    order = site.node.integers("perm", range(rank)[::-1])
    return (Transpose(order), site.moving) if sorted(order) == list(range(rank)) else None


def _concat(site: Site) -> Found:
    axis = site.node.integer("axis", 0)
    rank = len(site.result)
    return (Concat(axis % rank), site.moving) if rank and -rank <= axis < rank else None


def _slice(site: Site) -> Found:
    return (Slice(), site.moving[:1]) if not site.fixed(0) else None


def _gather(site: Site) -> Found:
    """Constant indices in a row are a slice; rows of a constant table are looked up, which moves them."""
    if site.fixed(0):
        return Move(), site.moving
    picked = site.numbers(1)
    rank = len(site.shape(0))
    axis = site.node.integer("axis", 0)
    if not picked or not -rank <= axis < rank:
        return Move(), site.moving
    if not site.values[site.input(1)].shape:
        return Slice(axis % rank), site.moving
    steps = {b - a for a, b in pairwise(picked)}
    return (Slice() if steps <= {1} and len(site.result) == rank else Move()), site.moving


def _expand(site: Site) -> Found:
    if elements_of(site.result) == elements_of(site.shape(0)):
        return _view(site)
    return Move(), site.moving


def _move(site: Site) -> Found:
    return Move(), site.moving


def _reduce(site: Site) -> Found:
    rank = len(site.shape(0))
    axes = site.node.integers("axes", ())
    if not axes and site.input(1):
        axes = site.numbers(1)
        if axes is None:
            return None
    if not axes and site.node.integer("noop_with_empty_axes", 0):
        return _view(site)
    if any(not -rank <= axis < rank for axis in axes):
        return None
    places = tuple(sorted({axis % rank for axis in axes})) or tuple(range(rank))
    return Reduce(places, bool(site.node.integer("keepdims", 1))), site.moving[:1]


def _arg_reduce(site: Site) -> Found:
    rank = len(site.shape(0))
    axis = site.node.integer("axis", 0)
    if not rank or not -rank <= axis < rank:
        return None
    return Reduce((axis % rank,), bool(site.node.integer("keepdims", 1))), site.moving[:1]


def _global_pool(site: Site) -> Found:
    rank = len(site.shape(0))
    return (Reduce(tuple(range(2, rank))), site.moving) if rank > 2 else None


def _pair(values: tuple[int, ...]) -> Pair | None:
    """One or two sizes as a pair; None if there are more, or one is not positive."""
    if len(values) not in (1, 2) or min(values) < 1:
        return None
    return values[0], values[1] if len(values) == 2 else 1


def _pool(site: Site) -> Found:
    rank = len(site.shape(0)) - 2
    ones = (1,) * rank
    window = _pair(site.node.integers("kernel_shape", ()))
    stride = _pair(site.node.integers("strides", ones))
    dilation = _pair(site.node.integers("dilations", ones))
    if rank not in (1, 2) or window is None or stride is None or dilation is None:
        return None
    span = ((window[0] - 1) * dilation[0] + 1, (window[1] - 1) * dilation[1] + 1)
    return Pool(span, stride, window[0] * window[1]), site.moving[:1]


def _conv(data: int, weight: int) -> Rule:
    """A convolution whose data and weights are these inputs."""

    def rule(site: Site) -> Found:
        x, w, out = site.shape(data), site.shape(weight), site.result
        rank = len(x) - 2
        groups = site.node.integer("group", 1)
        if rank not in (1, 2) or len(w) != len(x) or len(out) != len(x) or groups < 1:
            return None
        ones = (1,) * rank
        kernel = _pair(w[2:])
        stride = _pair(site.node.integers("strides", ones))
        dilation = _pair(site.node.integers("dilations", ones))
        if site.fixed(data) or not site.fixed(weight) or kernel is None or stride is None or dilation is None:
            return None
        if w[0] % groups or w[1] * groups != x[1] or out[1] != w[0] or w[1] < 1 or out[0] != x[0]:
            return None
        padding = _padding(site, x[2:], out[2:], kernel, stride, dilation)
        if padding is None:
            return None
        return Conv(w[0], kernel, stride, dilation, padding, groups), (site.input(data),)

    return rule


_CONVS = {"Conv": (0, 1), "ConvInteger": (0, 1), "QLinearConv": (0, 3)}
_POOLS = ("AveragePool", "MaxPool", "LpPool")


def contradiction(site: Site) -> str | None:
    """What makes a convolution or a pool impossible, with the sizes; None if nothing does."""
    label = site.node.label
    if label not in _CONVS and label not in _POOLS:
        return None
    data, weight = _CONVS.get(label, (0, 0))
    x, w = site.shape(data), site.shape(weight)
    groups = site.node.integer("group", 1)
    if label in _CONVS and len(w) == len(x) > 2 and groups > 0 and w[1] * groups != x[1]:
        grouped = f" in {groups} groups" if groups > 1 else ""
        return (
            f"weights {list(w)}{grouped} want {w[1] * groups} input channels, the input {list(x)} has {x[1]}"
        )
    if min(x, default=1) > 0 and min(site.result, default=1) < 1:
        kernel = w[2:] if label in _CONVS else site.node.integers("kernel_shape", ())
        return f"the kernel {list(kernel)} is larger than the padded input {list(x)}"
    return None


def _padding(
    site: Site, size: Shape, out: Shape, kernel: Pair, stride: Pair, dilation: Pair
) -> tuple[int, int, int, int] | None:
    """Top, left, bottom, right; ``auto_pad`` as ONNX defines it."""
    rank = len(size)
    mode = site.node.text("auto_pad", "NOTSET")
    begins, ends = [0, 0], [0, 0]
    if mode.startswith("SAME"):
        for i in range(rank):
            span = (kernel[i] - 1) * dilation[i] + 1
            total = max(0, (out[i] - 1) * stride[i] + span - size[i])
            small, large = total // 2, total - total // 2
            begins[i], ends[i] = (small, large) if mode == "SAME_UPPER" else (large, small)
    else:
        pads = site.node.integers("pads", (0,) * (2 * rank))
        if len(pads) != 2 * rank or min(pads) < 0:
            return None
        begins[:rank], ends[:rank] = pads[:rank], pads[rank:]
    return begins[0], begins[1], ends[0], ends[1]


def _matmul(left: int, right: int) -> Rule:
    """A matrix product: of data with weights on either side, or of two computed values."""

    def rule(site: Site) -> Found:
        a, b = site.shape(left), site.shape(right)
        rank = len(site.result)
        if min(len(a), len(b)) < 2 or a[-1] != b[-2] or site.result[-2:] != (a[-2], b[-1]):
            return None
        if not site.fixed(left) and not site.fixed(right):
            return MatMul(), (site.input(left), site.input(right))
        if site.fixed(right):
            groups = elements_of(b[:-2])
            if len(a) < len(b) or rank != len(a) or (groups > 1 and a[-len(b) : -2] != b[:-2]):
                return None
            return Linear(groups * b[-1], b[-2], groups), (site.input(left),)
        if elements_of(a[:-2]) > 1 or rank != len(b):
            return None
        return Linear(a[-2], a[-1], reduced_axis=-2), (site.input(right),)

    return rule


def _gemm(site: Site) -> Found:
    a, b = site.shape(0), site.shape(1)
    if len(a) != 2 or len(b) != 2 or site.fixed(0):
        return None
    turned_a, turned_b = bool(site.node.integer("transA", 0)), bool(site.node.integer("transB", 0))
    reduced, rows = (a[0], a[1]) if turned_a else (a[1], a[0])
    columns = b[0] if turned_b else b[1]
    if reduced != (b[1] if turned_b else b[0]) or site.result != (rows, columns):
        return None
    if not site.fixed(1):
        return MatMul(turned_a, turned_b), (site.input(0), site.input(1))
    # A turned A puts the columns where the reduced axis was: only one way round is a plain product.
    return None if turned_a else (Linear(columns, reduced), (site.input(0),))


# Softmax and the norms pass four times over their operand: maximum or mean, difference, sum, scaling.
_NORM_PASSES = 4

_ELEMENTWISE = (
    "Abs", "Acos", "Acosh", "And", "Asin", "Asinh", "Atan", "Atanh", "BitShift", "BitwiseAnd", "BitwiseNot",
    "BitwiseOr", "BitwiseXor", "Ceil", "Celu", "Clip", "Cos", "Cosh", "CumSum", "DequantizeLinear", "Div",
    "Elu", "Equal", "Erf", "Exp", "Floor", "Gelu", "Greater", "GreaterOrEqual", "HardSigmoid", "HardSwish",
    "IsInf", "IsNaN", "LeakyRelu", "Less", "LessOrEqual", "Log", "Max", "Mean", "Min", "Mish", "Mod", "Mul",
    "Neg", "Not", "Or", "PRelu", "Pow", "QuantizeLinear", "Reciprocal", "Relu", "Round", "Selu", "Shrink",
    "Sigmoid", "Sign", "Sin", "Sinh", "Softplus", "Softsign", "Sqrt", "Swish", "Tan", "Tanh",
    "ThresholdedRelu", "Trilu", "Where", "Xor",
)  # fmt: skip
_NORMS = (
    "GroupNormalization", "Hardmax", "InstanceNormalization", "LayerNormalization", "LogSoftmax",
    "LpNormalization", "MeanVarianceNormalization", "RMSNormalization", "Softmax",
)  # fmt: skip
_VIEWS = ("Cast", "CastLike", "Dropout", "Flatten", "Identity", "Reshape", "Squeeze", "Unsqueeze")
_MOVES = (
    "DepthToSpace", "GatherElements", "GatherND", "OneHot", "Pad", "Resize", "ReverseSequence", "Scatter",
    "ScatterElements", "ScatterND", "SpaceToDepth", "TopK", "Upsample",
)  # fmt: skip
_REDUCTIONS = (
    "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin",
    "ReduceProd", "ReduceSum", "ReduceSumSquare",
)  # fmt: skip

RULES: dict[str, Rule] = {
    **dict.fromkeys(_ELEMENTWISE, _vector(1)),
    **dict.fromkeys(_NORMS, _vector(_NORM_PASSES)),
    **dict.fromkeys(_VIEWS, _view),
    **dict.fromkeys(_MOVES, _move),
    **dict.fromkeys(_REDUCTIONS, _reduce),
    **dict.fromkeys(("Add", "Sub", "Sum"), _sum),
    **dict.fromkeys(("ArgMax", "ArgMin"), _arg_reduce),
    **dict.fromkeys(("AveragePool", "MaxPool", "LpPool"), _pool),
    **dict.fromkeys(("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool"), _global_pool),
    **dict.fromkeys(("Expand", "Tile"), _expand),
    **dict.fromkeys(("Slice", "Split"), _slice),
    "BatchNormalization": _norm,
    "Concat": _concat,
    "Conv": _conv(0, 1),
    "ConvInteger": _conv(0, 1),
    "Gather": _gather,
    "Gemm": _gemm,
    "LRN": _local_norm,
    "MatMul": _matmul(0, 1),
    "MatMulInteger": _matmul(0, 1),
    "QLinearConv": _conv(0, 3),
    "QLinearMatMul": _matmul(0, 3),
    "Transpose": _transpose,
}
