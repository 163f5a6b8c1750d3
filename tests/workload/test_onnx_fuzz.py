"""Damaged files: an ``InputError`` or a sound network, never anything else."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from onnx_graphs import DATA

from mcmscope.errors import InputError
from mcmscope.workload import load_network
from mcmscope.workload.json_format import network_from_dict, network_to_dict

FILES = tuple(
    (DATA / f"{name}.onnx").read_bytes()
    for name in (
        "resnet18_ts17_dynbatch",
        "llama7b_2layer_s512_dynamo",
        "bert_base_s128_ts17",
        "googlenet_ts17",
    )
)


def check(content: bytes, allow_unknown: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "damaged.onnx"
        path.write_bytes(content)
        try:
            network = load_network(path, allow_unknown=allow_unknown)
        except InputError:
            return
    assert network_from_dict(network_to_dict(network)) == network


@given(
    st.sampled_from(FILES),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=12),
    st.booleans(),
)
@settings(max_examples=300, deadline=None)
def test_changed_bytes(original: bytes, changes: list[tuple[float, int]], allow_unknown: bool) -> None:
    content = bytearray(original)
    for place, byte in changes:
        content[int(place * len(content))] = byte
    check(bytes(content), allow_unknown)


@given(st.sampled_from(FILES), st.floats(0, 1))
@settings(max_examples=100, deadline=None)
def test_cut_short(original: bytes, share: float) -> None:
    check(original[: int(share * len(original))], False)
