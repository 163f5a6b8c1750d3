"""What transformers are made of: norms, attention with or without a cache, rotary embedding.

Values are ``[1, tokens, channels]``. Vector work is counted as exporters of these networks write it: four
passes for a norm or a softmax, one to scale the scores, one to add a mask.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mcmscope.workload.builder import GraphBuilder

NORM_PASSES = 4
SOFTMAX_PASSES = 4


@dataclass(frozen=True, slots=True)
class Heads:
    """Attention's shape: query heads, heads of keys and values (fewer are shared by several), their size.

    ``joined``: one layer makes queries, keys and values. ``cached`` tokens lie in a cache of keys and values
    before those that come in. ``keeps`` makes the keys and values of the new tokens outputs of the network:
    rows to append to the cache.
    """

    queries: int
    keys: int
    size: int
    joined: bool = False
    masked: bool = False
    keeps: bool = False
    cached: int = 0

    @property
    def passes(self) -> int:
        """Passes over the scores: scaling, the mask, softmax."""
        return 1 + self.masked + SOFTMAX_PASSES


def norm(g: GraphBuilder, name: str, x: str) -> str:
    """A layer norm or RMS norm."""
    return g.vector(name, "norm", x, passes=NORM_PASSES)


def attention(
    g: GraphBuilder,
    name: str,
    x: str,
    heads: Heads,
    kept: list[str],
    turn: Callable[[GraphBuilder, str, str], str] | None = None,
) -> str:
    """Attention up to its output projection, not included; new keys and values are added to ``kept``.

    ``turn`` is applied to queries and keys as ``[1, tokens, heads, size]`` (rotary embedding).
    """
    tokens = g.shapes[x][1]
    wide, narrow = heads.queries * heads.size, heads.keys * heads.size
    if heads.joined:
        all_three = g.linear(f"{name}.qkv", x, wide + 2 * narrow)
        query = g.part(f"{name}.q", all_three, 2, wide)
        key, value = (g.part(f"{name}.{part}", all_three, 2, narrow) for part in "kv")
    else:
        query = g.linear(f"{name}.q", x, wide)
        key, value = (g.linear(f"{name}.{part}", x, narrow) for part in "kv")
    query = g.reshape(f"{name}.q.heads", query, tokens, heads.queries, heads.size)
    key = g.reshape(f"{name}.k.heads", key, tokens, heads.keys, heads.size)
    value = g.reshape(f"{name}.v.heads", value, tokens, heads.keys, heads.size)
    if turn is not None:
        query, key = turn(g, f"{name}.q", query), turn(g, f"{name}.k", key)
    if heads.keeps:
        kept += [key, value]
    if heads.cached:
        key = _behind_cache(g, f"{name}.k", key, heads)
        value = _behind_cache(g, f"{name}.v", value, heads)
    return g.reshape(f"{name}.merged", _mix(g, name, query, key, value, heads), tokens, wide)


def _behind_cache(g: GraphBuilder, name: str, new: str, heads: Heads) -> str:
    """The cache's rows, then the new ones."""
    cache = g.cache(f"{name}.cache", heads.cached, heads.keys * heads.size)
    rows = g.reshape(f"{name}.cache.heads", cache, heads.cached, heads.keys, heads.size)
    return g.join(f"{name}.all", rows, new, axis=1)


def _mix(g: GraphBuilder, name: str, query: str, key: str, value: str, heads: Heads) -> str:
    """Scores, softmax, and the values weighted with it: ``[1, tokens, query heads, size]`` or alike."""
    shared = heads.queries // heads.keys
    # One token: the query heads that share a head of keys are the rows of one product.
    stacked = g.shapes[query][1] == 1 and shared > 1
    if stacked:
        query = g.reshape(f"{name}.q.by_head", query, heads.keys, shared, heads.size)
    else:
        query = g.transpose(f"{name}.q.by_head", query, 0, 2, 1, 3)
    key = g.transpose(f"{name}.k.by_head", key, 0, 2, 1, 3)
    value = g.transpose(f"{name}.v.by_head", value, 0, 2, 1, 3)
    scores = g.matmul(f"{name}.scores", query, key, turned=True)
    scores = g.vector(f"{name}.softmax", "softmax", scores, passes=heads.passes)
    mixed = g.matmul(f"{name}.mix", scores, value)
    return mixed if stacked else g.transpose(f"{name}.by_token", mixed, 0, 2, 1, 3)


def rotate(g: GraphBuilder, name: str, x: str) -> str:
    """Rotary embedding of ``[1, tokens, heads, size]``: x * cos + (its halves swapped, one negated) * sin."""
    size = g.shapes[x][3]
    low = g.part(f"{name}.low", x, 3, size // 2)
    high = g.vector(f"{name}.negated", "neg", g.part(f"{name}.high", x, 3, size // 2))
    turned = g.vector(f"{name}.by_sin", "mul", g.join(f"{name}.swapped", high, low, axis=3))
    return g.vector(f"{name}.rotated", "add", g.vector(f"{name}.by_cos", "mul", x), turned)
