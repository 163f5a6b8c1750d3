"""Einsum: multiply-accumulates are the product of all sizes, whatever the order of the letters."""

from __future__ import annotations

import tempfile
from math import prod
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcmscope.errors import InputError
from mcmscope.workload import Network, Op, load_network
from tests.workload.onnx_graphs import node, save, tensor, weight

SIZES = {"b": 1, "h": 2, "m": 3, "n": 5, "k": 7, "j": 11}


def load(folder: Path, equation: str, *, constant: bool) -> Network:
    left, right = equation.split("->")[0].split(",")
    shapes = [tuple(SIZES[c] for c in term) for term in (left, right)]
    inputs = [tensor("x", shapes[0])]
    constants = [weight("w", *shapes[1])] if constant else []
    if not constant:
        inputs.append(tensor("w", shapes[1]))
    return load_network(
        save(folder, [node("Einsum", ["x", "w"], ["y"], equation=equation)], inputs, ["y"], constants)
    )


@given(st.permutations("bhmkj"), st.permutations("hnkj"), st.permutations("bhmn"), st.booleans())
@settings(max_examples=40, deadline=None)
def test_any_order_of_axes(left: list[str], right: list[str], out: list[str], constant: bool) -> None:
    left.sort(key="b".__ne__)  # the batch leads, as in every network
    equation = f"{''.join(left)},{''.join(right)}->{''.join(out)}"
    with tempfile.TemporaryDirectory() as folder:
        (layer,) = load(Path(folder), equation, constant=constant).layers
    assert layer.macs == prod(SIZES.values())
    assert layer.op is (Op.LINEAR if constant else Op.MATMUL)
    assert layer.groups == SIZES["h"]
    assert layer.weights == (2 * 5 * 7 * 11 if constant else 0)
    assert layer.output_elements == 2 * 3 * 5


@pytest.mark.parametrize("equation", ["bmk,kn->bmn", "b m k, n k -> b m n", "bmk,kn"])
def test_a_plain_product(tmp_path: Path, equation: str) -> None:
    shapes = {"k n": (7, 5), "n k": (5, 7)}["n k" if " " in equation else "k n"]
    nodes = [node("Einsum", ["x", "w"], ["y"], equation=equation)]
    path = save(tmp_path, nodes, [tensor("x", (1, 3, 7))], ["y"], [weight("w", *shapes)])
    (layer,) = load_network(path).layers
    assert (layer.macs, layer.groups, layer.vector_elements) == (3 * 5 * 7, 1, 0)


def test_an_ellipsis_stands_for_the_axes_before(tmp_path: Path) -> None:
    nodes = [node("Einsum", ["x", "w"], ["y"], equation="...k,kn->...n")]
    path = save(tmp_path, nodes, [tensor("x", (1, 2, 3, 7))], ["y"], [weight("w", 7, 5)])
    (layer,) = load_network(path).layers
    assert (layer.macs, layer.out_height) == (6 * 7 * 5, 6)


def test_sums_of_one_factor_and_outer_products_are_vector_work(tmp_path: Path) -> None:
    nodes = [
        node("MatMul", ["x", "w"], ["a"]),
        node("Einsum", ["a"], ["s"], equation="bmn->bm"),
        node("Einsum", ["s", "v"], ["o"], equation="bm,j->bmj"),
        node("MatMul", ["o", "u"], ["y"]),
    ]
    constants = [weight("w", 7, 5), weight("v", 11), weight("u", 11, 2)]
    first, last = load_network(save(tmp_path, nodes, [tensor("x", (1, 3, 7))], ["y"], constants)).layers
    assert (first.vector_elements, first.output_elements) == (15, 3)
    assert (last.vector_elements, last.macs) == (33, 66)


@pytest.mark.parametrize(
    ("equation", "words"),
    [
        ("bmm,mn->bn", "a diagonal"),
        ("bmk,kn->bmz", "n_e.*missing from the inputs"),
        ("bm,kn->bmn", "n_e.*does not match"),
    ],
)
def test_what_is_not_understood_says_why(tmp_path: Path, equation: str, words: str) -> None:
    nodes = [node("Einsum", ["x", "w"], ["e"], equation=equation), node("MatMul", ["x", "w"], ["y"])]
    path = save(tmp_path, nodes, [tensor("x", (1, 7, 7))], ["y", "e"], [weight("w", 7, 5)])
    with pytest.raises(InputError, match=words):
        load_network(path)
