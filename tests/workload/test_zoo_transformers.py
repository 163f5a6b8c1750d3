"""Transformers of the zoo: published sizes, exports layer by layer, decoding behind a cache."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mcmscope.errors import InputError
from mcmscope.workload import Layer, Network, Op, Role, load_network, zoo_names
from mcmscope.workload.zoo import ZOO
from mcmscope.workload.zoo.entry import SequenceEntry
from tests.workload.onnx_graphs import DATA


def weights_of(network: Network) -> int:
    return sum(layer.weights for layer in network.layers)


def normed(width: int, norms: int, *, biased: bool) -> int:
    return norms * width * (1 + biased)


# What the published count of parameters has besides the weights of layers: tables, biases, norms.
BERT_BASE = (30_522 + 512 + 2) * 768 + 12 * 9 * 768 + normed(768, 25, biased=True)
BERT_LARGE = (30_522 + 512 + 2) * 1024 + 24 * 9 * 1024 + normed(1024, 49, biased=True)
BESIDES = {
    "bert_base": BERT_BASE + 768 * 769,  # and the pooler, which the zoo leaves out
    "bert_large": BERT_LARGE + 1024 * 1025,
    "gpt2": 1024 * 768 + 12 * 9 * 768 + normed(768, 25, biased=True),  # its head is the word table
    "llama_7b": 32_000 * 4096 + normed(4096, 65, biased=False),
    "llama_3_8b": 128_256 * 4096 + normed(4096, 65, biased=False),
}
# Parameters of bert-base-uncased, bert-large-uncased, gpt2, llama-7b and Meta-Llama-3-8B as their publishers'
# checkpoints hold them.
PUBLISHED = {
    "bert_base": 109_482_240,
    "bert_large": 335_141_888,
    "gpt2": 124_439_808,
    "llama_7b": 6_738_415_616,
    "llama_3_8b": 8_030_261_248,
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters(name: str) -> None:
    assert weights_of(load_network(name, seq=16)) + BESIDES[name] == PUBLISHED[name]


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_word_table_is_counted_apart(name: str) -> None:
    words = {"gpt2": 50_257, "llama_7b": 32_000, "llama_3_8b": 128_256}.get(name, 30_522)
    network = load_network(name, seq=16)
    assert network.table_elements == words * network.inputs[0].elements // 16


def test_every_one_is_tested() -> None:
    assert set(PUBLISHED) == {name for name in zoo_names() if isinstance(ZOO[name], SequenceEntry)}


@pytest.mark.parametrize("name", PUBLISHED)
@pytest.mark.parametrize("tokens", [1, 512])
def test_macs_are_weights_times_tokens_and_attention(name: str, tokens: int) -> None:
    network = load_network(name, seq=tokens)
    layers = {"bert_large": 24, "llama_7b": 32, "llama_3_8b": 32}.get(name, 12)
    width = network.inputs[0].elements // tokens
    attention = sum(layer.macs for layer in network.layers if layer.op is Op.MATMUL)
    assert attention == 2 * layers * tokens * tokens * width
    assert network.macs == weights_of(network) * tokens + attention


def without_names(layers: tuple[Layer, ...]) -> list[Layer]:
    return [replace(layer, name="", fused=()) for layer in layers]


def test_bert_equals_its_export() -> None:
    zoo, exported = load_network("bert-base", seq=128), load_network(DATA / "bert_base_s128_ts17.onnx")
    assert without_names(zoo.layers) == without_names(exported.layers)
    assert zoo.outputs == exported.outputs


def test_llama_equals_two_layers_of_its_export() -> None:
    zoo, exported = load_network("llama-7b", seq=512), load_network(DATA / "llama7b_2layer_s512_dynamo.onnx")
    # The export's norms also invert a root per row, which the zoo leaves out.
    assert all(
        mine.vector_elements == pytest.approx(other.vector_elements, rel=2e-4)
        for mine, other in zip(zoo.layers[:17], exported.layers[:17], strict=True)
    )
    bare = [
        [replace(layer, vector_elements=0) for layer in without_names(network.layers[:17])]
        for network in (zoo, exported)
    ]
    assert bare[0] == bare[1]
    head, other = zoo.layers[-1], exported.layers[-1]
    assert (head.out_channels, head.in_channels, head.out_height) == (32_000, 4096, 512)
    assert (other.out_channels, other.in_channels, other.out_height) == (32_000, 4096, 512)


def test_vit_equals_its_export_but_for_vector_work() -> None:
    zoo, exported = load_network("vit-b-16"), load_network(DATA / "vit_b_16_dynamo.onnx")
    # That exporter scales queries and keys apart and has GELU as one operator, the zoo as five passes.
    bare = [
        [replace(layer, vector_elements=0) for layer in without_names(network.layers)]
        for network in (zoo, exported)
    ]
    assert bare[0] == bare[1]
    work = [sum(layer.vector_elements for layer in network.layers) for network in (zoo, exported)]
    gelu = 12 * 4 * 197 * 3072
    assert work[0] - gelu == pytest.approx(work[1], rel=0.05)


def test_windows_of_swin_are_heads() -> None:
    scores = [layer for layer in load_network("swin-t").layers if layer.name.endswith("scores")]
    assert [layer.groups for layer in scores[::2]] == [64 * 3, 16 * 6, 4 * 12, 4 * 12, 4 * 12, 24]
    assert all((layer.out_height, layer.in_channels) == (49, 32) for layer in scores)


@pytest.mark.parametrize(("name", "keys"), [("gpt2", 768), ("llama-7b", 4096), ("llama-3-8b", 1024)])
def test_a_step_reads_the_cache_and_appends_to_it(name: str, keys: int) -> None:
    network, prompt = load_network(name, kv=1000), load_network(name, seq=1000)
    layers = 12 if name == "gpt2" else 32
    assert network.cache_bytes == 2 * layers * 1000 * keys
    assert sum(t.cached for t in network.inputs) == 2 * layers
    assert weights_of(network) == weights_of(prompt)
    # A prompt fills the cache that a step reads; a step adds a row of keys and values per layer.
    head = prompt.layers[-1].output_elements
    assert prompt.output_bytes - head == network.cache_bytes
    assert network.output_bytes - network.layers[-1].output_elements == 2 * layers * keys
    # One token attends to 1000 and itself.
    attention = sum(layer.macs for layer in network.layers if layer.op is Op.MATMUL)
    assert attention == 2 * layers * 1001 * network.inputs[0].elements
    assert network.macs == weights_of(network) + attention


def test_cached_rows_are_second_operands() -> None:
    network = load_network("llama_3_8b", kv=64)
    layer = next(layer for layer in network.layers if layer.op is Op.MATMUL)
    key = [made.name for made in network.layers].index("layers.0.attn.k")
    # Four query heads share each of the eight heads of keys: they are its rows.
    assert (layer.groups, layer.out_height, layer.out_channels, layer.in_channels) == (8, 4, 8 * 65, 128)
    second = [(o.source, o.elements) for o in layer.operands if o.role is Role.SECOND]
    assert second == [(-2, 64 * 1024), (key, 1024)]


def test_names_say_the_tokens() -> None:
    assert load_network("llama-7b").name == "llama_7b@seq512"
    assert load_network("gpt2", kv=12).name == "gpt2@kv12"
    assert load_network("GPT2@kv12") == load_network("gpt2", kv=12)
    assert load_network("bert_base@seq128") == load_network("bert-base", seq=128)


@pytest.mark.parametrize(
    ("name", "options", "fault"),
    [
        ("llama-7b", {"seq": 4, "kv": 4}, "give one of the two"),
        ("bert-base", {"kv": 4}, "is an encoder"),
        ("bert-base", {"seq": 513}, "--seq: expected 1 to 512 tokens, got 513"),
        ("gpt2", {"seq": 0}, "--seq: expected 1 to 1024"),
        ("gpt2", {"kv": 1024}, "--kv: expected 1 to 1023"),
        ("gpt2", {"kv": True}, "expected 1 to 1023"),
        ("llama-7b@seq9", {"seq": 4}, "leave out --seq and --kv"),
        ("llama-7b@512", {}, "expected seqN or kvN"),
        ("llama-7b@seq", {}, "expected 1 to 131072 tokens, got 0"),
        ("llama-7b@seq9999999999", {}, "expected 1 to 131072 tokens"),
        ("resnet50", {"seq": 4}, "reads images, not tokens"),
        ("model.onnx", {"seq": 4}, "--seq: for the zoo's"),
        ("model.json", {"seq": 4, "kv": 4}, "--seq and --kv: for the zoo's"),
    ],
)
def test_sizes_that_do_not_go(name: str, options: dict[str, int], fault: str) -> None:
    with pytest.raises(InputError) as caught:
        load_network(name, seq=options.get("seq"), kv=options.get("kv"))
    assert fault in str(caught.value)
