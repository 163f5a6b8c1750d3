"""Language models: BERT, GPT-2, LLaMA. They begin behind the look-up of their tokens' embeddings."""

from __future__ import annotations

from functools import partial

from mcmscope.workload.builder import GraphBuilder
from mcmscope.workload.zoo.attention import Heads, attention, norm, rotate
from mcmscope.workload.zoo.entry import SequenceEntry


def _bert(g: GraphBuilder, x: str, cached: int, *, layers: int, heads: int) -> list[str]:
    """The encoder, norms behind the sums; without the pooler. GELU is five passes: it is made from erf."""
    width = g.shapes[x][2]
    x = g.vector("embeddings.positions", "add", x)
    x = norm(g, "embeddings.norm", g.vector("embeddings.types", "add", x))
    for i in range(layers):
        name = f"layer.{i}"
        y = attention(g, f"{name}.attention", x, Heads(heads, heads, width // heads), [])
        y = g.linear(f"{name}.attention.output", y, width)
        x = norm(g, f"{name}.attention.norm", g.vector(f"{name}.attention.add", "add", y, x))
        y = g.linear(f"{name}.up", x, 4 * width)
        y = g.linear(f"{name}.down", g.vector(f"{name}.gelu", "gelu", y, passes=5), width)
        x = norm(g, f"{name}.norm", g.vector(f"{name}.add", "add", y, x))
    return [x]


def _gpt2(g: GraphBuilder, x: str, cached: int, *, layers: int, heads: int, words: int) -> list[str]:
    """Norms before the layers; the head's weights are those of the word table. GELU by tanh: eight passes.

    Its one layer for queries, keys and values is written as three, since the cache takes two of them.
    """
    tokens, width = g.shapes[x][1:]
    shape = Heads(heads, heads, width // heads, masked=tokens > 1, keeps=True, cached=cached)
    kept: list[str] = []
    x = g.vector("positions", "add", x)
    for i in range(layers):
        name = f"h.{i}"
        y = attention(g, f"{name}.attn", norm(g, f"{name}.ln_1", x), shape, kept)
        x = g.vector(f"{name}.attn.add", "add", g.linear(f"{name}.attn.c_proj", y, width), x)
        y = g.linear(f"{name}.mlp.c_fc", norm(g, f"{name}.ln_2", x), 4 * width)
        y = g.linear(f"{name}.mlp.c_proj", g.vector(f"{name}.mlp.gelu", "gelu", y, passes=8), width)
        x = g.vector(f"{name}.mlp.add", "add", y, x)
    return [g.linear("lm_head", norm(g, "ln_f", x), words), *kept]


def _llama(
    g: GraphBuilder, x: str, cached: int, *, layers: int, heads: int, keys: int, inner: int, words: int
) -> list[str]:
    """RMS norms before the layers, rotary embedding, a gated perceptron (SiLU is two passes)."""
    tokens, width = g.shapes[x][1:]
    shape = Heads(heads, keys, width // heads, masked=tokens > 1, keeps=True, cached=cached)
    kept: list[str] = []
    for i in range(layers):
        name = f"layers.{i}"
        y = attention(g, f"{name}.attn", norm(g, f"{name}.attn_norm", x), shape, kept, rotate)
        x = g.vector(f"{name}.attn.add", "add", g.linear(f"{name}.attn.o", y, width), x)
        y = norm(g, f"{name}.mlp_norm", x)
        gate = g.vector(f"{name}.mlp.silu", "silu", g.linear(f"{name}.mlp.gate", y, inner), passes=2)
        y = g.vector(f"{name}.mlp.product", "mul", g.linear(f"{name}.mlp.up", y, inner), gate)
        x = g.vector(f"{name}.mlp.add", "add", g.linear(f"{name}.mlp.down", y, width), x)
    return [g.linear("lm_head", norm(g, "norm", x), words), *kept]


_BERT = "Devlin et al., BERT: Pre-training of Deep Bidirectional Transformers, NAACL 2019"

NETWORKS: dict[str, SequenceEntry] = {
    "bert_base": SequenceEntry(
        "BERT base: 12 encoder layers, 768 wide",
        _BERT,
        partial(_bert, layers=12, heads=12),
        768,
        words=30_522,
        most=512,
        decodes=False,
    ),
    "bert_large": SequenceEntry(
        "BERT large: 24 encoder layers, 1024 wide",
        _BERT,
        partial(_bert, layers=24, heads=16),
        1024,
        words=30_522,
        most=512,
        decodes=False,
    ),
    "gpt2": SequenceEntry(
        "GPT-2 (124M): 12 decoder layers, 768 wide, 50,257 words",
        "Radford et al., Language Models are Unsupervised Multitask Learners, 2019",
        partial(_gpt2, layers=12, heads=12, words=50_257),
        768,
        words=50_257,
        most=1024,
    ),
    "llama_7b": SequenceEntry(
        "LLaMA 7B: 32 gated decoder layers, 4096 wide, 32,000 words",
        "Touvron et al., LLaMA: Open and Efficient Foundation Language Models, 2023",
        partial(_llama, layers=32, heads=32, keys=32, inner=11_008, words=32_000),
        4096,
        words=32_000,
    ),
    "llama_3_8b": SequenceEntry(
        "Llama 3 8B: 32 gated decoder layers, 4 query heads to a head of keys, 128,256 words",
        "Grattafiori et al., The Llama 3 Herd of Models, 2024",
        partial(_llama, layers=32, heads=32, keys=8, inner=14_336, words=128_256),
        4096,
        words=128_256,
    ),
}
