"""Rules of whole attentions in one operator: ONNX's own, and those of ONNX Runtime."""

from __future__ import annotations

from dataclasses import dataclass

from mcmscope.workload.graph import (
    Concat,
    Linear,
    MatMul,
    Repeat,
    Reshape,
    Shape,
    Slice,
    Transpose,
    Vector,
    elements_of,
)
from mcmscope.workload.onnx_site import Chain, Found, Lookup, Parts, Site

# Softmax and the norms pass four times over their operand: maximum or mean, difference, sum, scaling.
NORM_PASSES = 4
# Two products, the turned copy and the sum.
ROTARY_PASSES = 4
_SOFTCAP_PASSES = 3
_SIZES = "the sizes of query, key and value do not fit"


@dataclass(frozen=True, slots=True)
class _Heads:
    """A value split into heads: its name, as [batch, heads, rows, size]."""

    name: str
    shape: tuple[int, int, int, int]


def attention(site: Site) -> Found:
    """ONNX's Attention: [batch, rows, heads x size] or [batch, heads, rows, size]; caches are joined."""
    if len({len(site.shape(i)) for i in range(3)}) != 1 or any(site.fixed(i) for i in range(3)):
        return _SIZES
    chain = Chain(site)
    flat = len(site.shape(0)) == 3
    counts = (site.node.integer("q_num_heads", 0), *(site.node.integer("kv_num_heads", 0),) * 2)
    split: list[_Heads] = []
    for i, (role, count) in enumerate(zip(("query", "key", "value"), counts, strict=True)):
        shape = site.shape(i)
        heads = (
            _split(chain, role, site.input(i), count)
            if flat
            else _Heads(site.input(i), (shape[0], shape[1], shape[2], shape[3]))
            if len(shape) == 4
            else None
        )
        if heads is None:
            return _SIZES
        split.append(heads)
    query, key, value = split
    key = _joined(chain, "key", key, site.input(4), site.output(1))
    value = _joined(chain, "value", value, site.input(5), site.output(2))
    extra = _SOFTCAP_PASSES if site.node.attributes.get("softcap") else 0
    mask = site.input(3) if not site.fixed(3) else ""
    passes = extra + bool(site.input(3) or site.node.integer("is_causal", 0))
    return _attend(chain, query, key, value, mask, passes, flat=flat)


def grouped_attention(site: Site) -> Found:
    """``com.microsoft.GroupQueryAttention``: rotary embedding, cache and attention with shared heads."""
    heads, shared = site.node.integer("num_heads", 0), site.node.integer("kv_num_heads", 0)
    chain = Chain(site)
    if heads < 1 or shared < 1 or site.fixed(0) or len(site.shape(0)) != 3:
        return _SIZES
    names = (site.input(0), site.input(1), site.input(2))
    if not site.input(1):
        sliced = _packed(chain, site.input(0), (heads, shared, shared))
        if sliced is None:
            return _SIZES
        names = sliced
    query = _split(chain, "query", names[0], heads)
    key, value = _split(chain, "key", names[1], shared), _split(chain, "value", names[2], shared)
    if query is None or key is None or value is None:
        return _SIZES
    if site.node.integer("do_rotary", 0):
        query, key = _rotated(chain, "query", query), _rotated(chain, "key", key)
    key = _joined(chain, "key", key, site.input(3), site.output(1))
    value = _joined(chain, "value", value, site.input(4), site.output(2))
    return _attend(chain, query, key, value, "", 1, flat=True)


def multi_head_attention(site: Site) -> Found:
    """``com.microsoft.MultiHeadAttention``: flat inputs; keys and values of another sequence may be split."""
    count = site.node.integer("num_heads", 0)
    if count < 1 or len(site.shape(0)) != 3 or any(not site.input(i) or site.fixed(i) for i in (0, 1, 2)):
        return "only three separate inputs, query, key and value, are understood"
    chain = Chain(site)
    split: list[_Heads] = []
    for i, role in enumerate(("query", "key", "value")):
        shape = site.shape(i)
        heads = (
            _Heads(site.input(i), (shape[0], shape[1], shape[2], shape[3]))
            if len(shape) == 4
            else _split(chain, role, site.input(i), count)
        )
        if heads is None:
            return _SIZES
        split.append(heads)
    query, key, value = split
    if len(site.shape(1)) == 3:
        key = _joined(chain, "key", key, site.input(6), site.output(1))
        value = _joined(chain, "value", value, site.input(7), site.output(2))
    mask = site.input(5) if not site.fixed(5) else ""
    passes = sum(bool(site.input(i)) for i in (4, 5)) + bool(site.node.integer("unidirectional", 0))
    return _attend(chain, query, key, value, mask, passes, flat=True)


def projected_attention(site: Site) -> Found:
    """``com.microsoft.Attention``: the projections of query, key and value are inside."""
    count = site.node.integer("num_heads", 0)
    x, weights = site.shape(0), site.shape(1)
    if count < 1 or len(x) != 3 or len(weights) != 2 or weights[0] != x[2] or site.fixed(0):
        return _SIZES
    if not site.fixed(1):
        return "its weights are computed from the input"
    if site.input(4):
        return "its packed cache is not understood"
    chain = Chain(site)
    sizes = site.node.integers("qkv_hidden_sizes", (weights[1] // 3,) * 3)
    if len(sizes) != 3 or sum(sizes) != weights[1] or any(n % count for n in sizes):
        return _SIZES
    joined = chain.add(
        "projection", Linear(weights[1], weights[0]), site.input(0), shape=(*x[:2], weights[1])
    )
    split = [
        _split(chain, role, chain.add(f"{role}-part", Slice(), joined, shape=(*x[:2], n)), count)
        for role, n in zip(("query", "key", "value"), sizes, strict=True)
    ]
    query, key, value = split
    if query is None or key is None or value is None:
        return _SIZES
    mask = site.input(5) if not site.fixed(5) else ""
    passes = sum(bool(site.input(i)) for i in (3, 5)) + bool(site.node.integer("unidirectional", 0))
    return _attend(chain, query, key, value, mask, passes, flat=True)


def rotary(site: Site) -> Found:
    """Rotary embedding, ONNX's and ONNX Runtime's: the shape stays."""
    if site.fixed(0):
        return "it turns a constant"
    moving = [name for name in site.moving if len(site.shapes.get(name, ())) == len(site.shape(0))]
    return Chain(site).end(
        Vector(ROTARY_PASSES), *dict.fromkeys((site.input(0), *moving)), shape=site.shape(0)
    )


def _split(chain: Chain, role: str, name: str, count: int) -> _Heads | None:
    """[batch, rows, heads x size] as [batch, heads, rows, size]."""
    shape = chain.shape(name)
    if len(shape) != 3 or count < 1 or shape[2] % count:
        return None
    batch, rows, size = shape[0], shape[1], shape[2] // count
    apart = chain.add(f"{role}-heads", Reshape(), name, shape=(batch, rows, count, size))
    result = (batch, count, rows, size)
    return _Heads(chain.add(f"{role}-turned", Transpose((0, 2, 1, 3)), apart, shape=result), result)


def _packed(chain: Chain, name: str, counts: tuple[int, int, int]) -> tuple[str, str, str] | None:
    """Query, key and value out of one value."""
    shape = chain.shape(name)
    size, rest = divmod(shape[2], sum(counts))
    if rest or not size:
        return None
    names = [
        chain.add(f"{role}-part", Slice(), name, shape=(*shape[:2], count * size))
        for role, count in zip(("query", "key", "value"), counts, strict=True)
    ]
    return names[0], names[1], names[2]


def _rotated(chain: Chain, role: str, heads: _Heads) -> _Heads:
    return _Heads(
        chain.add(f"{role}-rotary", Vector(ROTARY_PASSES), heads.name, shape=heads.shape), heads.shape
    )


def _joined(chain: Chain, role: str, heads: _Heads, past: str, present: str) -> _Heads:
    """The rows of a cache before the new ones; the joined value may be an output."""
    if not past:
        if present:
            chain.add(f"{role}-present", Reshape(), heads.name, shape=heads.shape, output=present)
        return heads
    before = chain.shape(past)
    if len(before) != 4 or before[2] < 1 or past in chain.site.constants:
        return heads
    shape = (*heads.shape[:2], before[2] + heads.shape[2], heads.shape[3])
    name = chain.add(f"{role}-cache", Concat(2), past, heads.name, shape=shape, output=present)
    return _Heads(name, shape)


def _attend(
    chain: Chain, query: _Heads, key: _Heads, value: _Heads, mask: str, passes: int, *, flat: bool
) -> Parts | str:
    """Scores, softmax and the mix of the values; ``passes`` more over the scores (mask, cap)."""
    batch, heads, rows, size = query.shape
    columns, wide = value.shape[2:]
    if key.shape[1] < 1 or heads % key.shape[1] or key.shape[:3] != value.shape[:3] or key.shape[3] != size:
        return _SIZES
    if batch != key.shape[0]:
        return _SIZES
    all_keys = _repeated(chain, "key", key, heads)
    all_values = _repeated(chain, "value", value, heads)
    grid: Shape = (batch, heads, rows, columns)
    scores = chain.add("scores", MatMul(transposed_rhs=True), query.name, all_keys, shape=grid)
    inputs = (scores,) if not mask or _too_large(chain.shape(mask), grid) else (scores, mask)
    weights = chain.add("softmax", Vector(NORM_PASSES + passes + 1), *inputs, shape=grid)
    shape = (batch, heads, rows, wide)
    if not flat:
        return chain.end(MatMul(), weights, all_values, shape=shape)
    mixed = chain.add("mix", MatMul(), weights, all_values, shape=shape)
    back = chain.add("turned", Transpose((0, 2, 1, 3)), mixed, shape=(batch, rows, heads, wide))
    return chain.end(Reshape(), back, shape=(batch, rows, heads * wide))


def _too_large(mask: Shape, grid: Shape) -> bool:
    """Whether a mask does not broadcast to the scores: its work is counted, its reading is not."""
    padded = (1,) * (len(grid) - len(mask)) + mask
    return len(mask) > len(grid) or any(n not in (1, size) for n, size in zip(padded, grid, strict=True))


def _repeated(chain: Chain, role: str, heads: _Heads, count: int) -> str:
    """The heads that several heads of the query share, once for each."""
    if heads.shape[1] == count:
        return heads.name
    batch, _, rows, size = heads.shape
    return chain.add(f"{role}-shared", Repeat(), heads.name, shape=(batch, count, rows, size))


def skip_norm(site: Site) -> Found:
    """``com.microsoft.Skip...LayerNormalization``: a residual sum, also an output, and its norm."""
    shape = site.shape(0)
    if len(shape) < 2 or site.fixed(0):
        return "its first input is a constant"
    chain = Chain(site)
    moving = [name for name in (site.input(0), site.input(1)) if name and name not in site.constants]
    biased = bool(site.input(3 if "Simplified" in site.node.label else 4))
    total = chain.add("sum", Vector(1 + biased), *dict.fromkeys(moving), shape=shape, output=site.output(3))
    return chain.end(Vector(NORM_PASSES), total, shape=shape)


def embedding_norm(site: Site) -> Found:
    """``com.microsoft.EmbedLayerNormalization``: rows of up to three tables, their sum and its norm."""
    chain = Chain(site)
    ids = site.shape(0)
    tables = [i for i in (2, 3, 4) if site.input(i)]
    if len(ids) != 2 or not tables or any(not site.fixed(i) or len(site.shape(i)) != 2 for i in tables):
        return "its tables must be constant matrices"
    size = site.shape(tables[0])[1]
    shape = (*ids, size)
    # Rows of the table of positions are the same for every sample, as a bias is.
    rows = [
        chain.add(f"table-{i}", Lookup(site.input(i), elements_of(site.shape(i))), shape=shape)
        for i in tables
        if i != 3
    ]
    total = chain.add("sum", Vector(len(tables)), *rows, shape=shape, output=site.output(2))
    return chain.end(Vector(NORM_PASSES), total, shape=shape)
