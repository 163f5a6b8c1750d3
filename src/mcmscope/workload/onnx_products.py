"""Rules of the operators with weights and of matrix products: convolutions, MatMul, Gemm, their fused kin."""

from __future__ import annotations

from mcmscope.workload.graph import (
    Conv,
    Linear,
    MatMul,
    Pair,
    Pool,
    Shape,
    Vector,
    elements_of,
)
from mcmscope.workload.onnx_contract import contract
from mcmscope.workload.onnx_inputs import MAX_DIM
from mcmscope.workload.onnx_site import Chain, Found, Parts, Rule, Site

FUSED_CONV = "com.microsoft.FusedConv"
"""A Conv, its activation and, if it has a fourth input, a sum in between."""
COMPUTED_WEIGHTS = "its weights are computed from the input"
_ONLY_IMAGES = "only images and sequences (one or two axes of positions) are understood"


def pair(values: tuple[int, ...]) -> Pair | None:
    """One or two sizes as a pair; None if there are more, or one is not positive or no size at all."""
    if len(values) not in (1, 2) or min(values) < 1 or max(values) > MAX_DIM:
        return None
    return values[0], values[1] if len(values) == 2 else 1


def windows(site: Site, kernel: tuple[int, ...], rank: int) -> tuple[Pair, Pair, Pair] | None:
    """Kernel, stride and dilation of a convolution or a pooling over ``rank`` axes; None if they are odd."""
    ones = (1,) * rank
    strides = pair(site.node.integers("strides", ones))
    dilation = pair(site.node.integers("dilations", ones))
    size = pair(kernel)
    if rank not in (1, 2) or len(kernel) != rank or size is None or strides is None or dilation is None:
        return None
    return size, strides, dilation


def pool(site: Site) -> Found:
    """A pooling over positions."""
    rank = len(site.shape(0)) - 2
    found = windows(site, site.node.integers("kernel_shape", ()), rank)
    if found is None:
        return _ONLY_IMAGES
    window, stride, dilation = found
    span = ((window[0] - 1) * dilation[0] + 1, (window[1] - 1) * dilation[1] + 1)
    return site.one(Pool(span, stride, window[0] * window[1]), *site.moving[:1])


def conv(data: int, weight: int) -> Rule:
    """A convolution whose data and weights are these inputs."""

    def rule(site: Site) -> Found:
        x, w, out = site.shape(data), site.shape(weight), site.result
        rank = len(x) - 2
        groups = site.node.integer("group", 1)
        if site.fixed(data) or not site.fixed(weight):
            return COMPUTED_WEIGHTS
        found = windows(site, w[2:], rank)
        if found is None or len(w) != len(x) or len(out) != len(x) or groups < 1:
            return _ONLY_IMAGES
        kernel, stride, dilation = found
        if w[0] % groups or w[1] * groups != x[1] or out[1] != w[0] or w[1] < 1 or out[0] != x[0]:
            return "its weights do not fit its input"
        padding = _padding(site, x[2:], out[2:], kernel, stride, dilation)
        if padding is None:
            return "its padding is not that of two-sided images"
        op = Conv(w[0], kernel, stride, dilation, padding, groups)
        if site.node.label != FUSED_CONV:
            return site.one(op, site.input(data))
        chain = Chain(site)
        inner = chain.add("product", op, site.input(data), shape=out)
        residual = () if site.fixed(3) else (site.input(3),)
        return chain.end(Vector(1 + len(residual)), inner, *residual)

    return rule


def conv_transpose(site: Site) -> Found:
    """A transposed convolution: weights are [C, K / groups, R, S]."""
    x, w, out = site.shape(0), site.shape(1), site.result
    rank = len(x) - 2
    groups = site.node.integer("group", 1)
    if site.fixed(0) or not site.fixed(1):
        return COMPUTED_WEIGHTS
    found = windows(site, w[2:], rank)
    if found is None or len(w) != len(x) or len(out) != len(x) or groups < 1:
        return _ONLY_IMAGES
    kernel, stride, dilation = found
    if x[1] % groups or w[0] != x[1] or out[1] != w[1] * groups or out[0] != x[0]:
        return "its weights do not fit its input"
    # Where padding is given by the result's size it only shifts the result.
    pads = site.node.integers("pads", (0,) * (2 * rank))
    if len(pads) != 2 * rank or min(pads) < 0 or max(pads) > MAX_DIM:
        return "its padding is not that of two-sided images"
    top, left, bottom, right = pads if rank == 2 else (pads[0], 0, pads[1], 0)
    op = Conv(out[1], kernel, stride, dilation, (top, left, bottom, right), groups, transposed=True)
    return site.one(op, site.input(0))


CONVS = {"Conv": (0, 1), "ConvInteger": (0, 1), "QLinearConv": (0, 3), FUSED_CONV: (0, 1)}
POOLS = ("AveragePool", "MaxPool", "LpPool")


def contradiction(site: Site) -> str | None:
    """What makes a convolution or a pool impossible, with the sizes; None if nothing does."""
    label = site.node.label
    if label not in CONVS and label not in POOLS:
        return None
    data, weight = CONVS.get(label, (0, 0))
    x, w = site.shape(data), site.shape(weight)
    groups = site.node.integer("group", 1)
    if label in CONVS and len(w) == len(x) > 2 and groups > 0 and w[1] * groups != x[1]:
        grouped = f" in {groups} groups" if groups > 1 else ""
        return (
            f"weights {list(w)}{grouped} want {w[1] * groups} input channels, the input {list(x)} has {x[1]}"
        )
    result = site.shapes.get(site.node.outputs[0], ())
    if min(x, default=1) > 0 and min(result, default=1) < 1:
        kernel = w[2:] if label in CONVS else site.node.integers("kernel_shape", ())
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
        if len(pads) != 2 * rank or min(pads) < 0 or max(pads) > MAX_DIM:
            return None
        begins[:rank], ends[:rank] = pads[:rank], pads[rank:]
    return begins[0], begins[1], ends[0], ends[1]


def matmul(left: int, right: int) -> Rule:
    """A matrix product: of data with weights on either side, or of two computed values."""

    def rule(site: Site) -> Found:
        a, b = site.shape(left), site.shape(right)
        return _plain_product(site, left, right) or contract(
            site, site.input(left), _axes(a, "m"), site.input(right), _axes(b, "n"), _product_axes(a, b)
        )

    return rule


def _plain_product(site: Site, left: int, right: int) -> Parts | None:
    """The common cases of a product, which need no turning around."""
    a, b = site.shape(left), site.shape(right)
    rank = len(site.result)
    if min(len(a), len(b)) < 2 or a[-1] != b[-2] or site.result[-2:] != (a[-2], b[-1]):
        return None
    if not site.fixed(left) and not site.fixed(right):
        return site.one(MatMul(), site.input(left), site.input(right))
    if site.fixed(right):
        groups = elements_of(b[:-2])
        if len(a) < len(b) or rank != len(a) or (groups > 1 and a[-len(b) : -2] != b[:-2]):
            return None
        return site.one(Linear(groups * b[-1], b[-2], groups), site.input(left))
    if elements_of(a[:-2]) > 1 or rank != len(b):
        return None
    return site.one(Linear(a[-2], a[-1], reduced_axis=-2), site.input(right))


def _axes(shape: Shape, free: str) -> list[str]:
    """Labels of a product's axes: heads from the right, the free axis, the reduced one."""
    heads = [f"h{i}" for i in range(len(shape) - 2, 0, -1)]
    inner = [free, "k"] if free == "m" else ["k", free]
    return ["k"] if len(shape) == 1 else [*heads, *inner]


def _product_axes(a: Shape, b: Shape) -> list[str]:
    heads = [f"h{i}" for i in range(max(len(a), len(b)) - 2, 0, -1)]
    return [*heads, *(["m"] if len(a) > 1 else []), *(["n"] if len(b) > 1 else [])]


def gemm(site: Site) -> Found:
    """``alpha A' B' + beta C``; the addition of a computed C comes behind the product."""
    a, b = site.shape(0), site.shape(1)
    if len(a) != 2 or len(b) != 2:
        return "A and B must be matrices"
    product = _gemm_product(site)
    if isinstance(product, str) or site.fixed(2):
        return product
    chain = Chain(site, list(product[:-1]))
    last = product[-1]
    inner = chain.add("product", last.op, *last.inputs, shape=last.shape)
    return chain.end(Vector(), inner, site.input(2))


def _gemm_product(site: Site) -> Found:
    a, b = site.shape(0), site.shape(1)
    turned_a, turned_b = bool(site.node.integer("transA", 0)), bool(site.node.integer("transB", 0))
    reduced, rows = (a[0], a[1]) if turned_a else (a[1], a[0])
    columns = b[0] if turned_b else b[1]
    if reduced != (b[1] if turned_b else b[0]) or site.result != (rows, columns):
        return "the sizes of A and B do not fit"
    if not site.fixed(0) and not site.fixed(1):
        return site.one(MatMul(turned_a, turned_b), site.input(0), site.input(1))
    if not site.fixed(0) and not turned_a:
        return site.one(Linear(columns, reduced), site.input(0))
    return contract(
        site,
        site.input(0),
        ["k", "m"] if turned_a else ["m", "k"],
        site.input(1),
        ["n", "k"] if turned_b else ["k", "n"],
        ["m", "n"],
    )


def quantised_gemm(site: Site) -> Found:
    """``com.microsoft.QGemm``: A, its scale and zero point, then B with its own."""
    a, b = site.shape(0), site.shape(3)
    turned = bool(site.node.integer("transB", 0))
    if len(a) != 2 or len(b) != 2 or site.node.integer("transA", 0) or site.fixed(0) or not site.fixed(3):
        return "only a product of data with a constant B is understood"
    reduced, columns = (b[1], b[0]) if turned else b
    return _weighted(site, reduced, columns, passes=0)


def packed_weights(site: Site) -> Found:
    """``com.microsoft.MatMulNBits`` and its kin: the weights are packed, their sizes are attributes."""
    reduced, columns = site.node.integer("K", 0), site.node.integer("N", 0)
    if site.fixed(0) or not site.fixed(1) or reduced < 1 or columns < 1:
        return COMPUTED_WEIGHTS if site.node.inputs else "it has no inputs"
    return _weighted(site, reduced, columns, passes=0)


def scaled_matmul(site: Site) -> Found:
    """``com.microsoft.DynamicQuantizeMatMul`` and ``MatMulIntegerToFloat``: data times constant weights."""
    a, b = site.shape(0), site.shape(1)
    if len(b) != 2 or len(a) < 1 or site.fixed(0) or not site.fixed(1):
        return "only a product of data with a constant matrix is understood"
    return _weighted(site, b[0], b[1], passes=1)


def _weighted(site: Site, reduced: int, columns: int, passes: int) -> Found:
    """Rows of the first input times weights, and so many passes behind it."""
    a = site.shape(0)
    if not a or a[-1] != reduced:
        return f"weights of {reduced} inputs do not fit the input {list(a)}"
    chain = Chain(site)
    shape = (*a[:-1], columns)
    op = Linear(columns, reduced)
    if not passes:
        return chain.end(op, site.input(0), shape=shape)
    return chain.end(Vector(passes), chain.add("product", op, site.input(0), shape=shape), shape=shape)


def fused_matmul(site: Site) -> Found:
    """``com.microsoft.FusedMatMul``: a product with either side turned, and scaled."""
    a, b = site.shape(0), site.shape(1)
    if min(len(a), len(b)) < 2 or site.node.integer("transBatchA", 0) or site.node.integer("transBatchB", 0):
        return "only turned matrices are understood, not turned batches"
    left, right = _axes(a, "m"), _axes(b, "n")
    if site.node.integer("transA", 0):
        left[-2:] = left[:-3:-1]
    if site.node.integer("transB", 0):
        right[-2:] = right[:-3:-1]
    return contract(site, site.input(0), left, site.input(1), right, _product_axes(a, b), shaped=True)
