"""Damaged files: an ``InputError`` or a sound network, never anything else."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcmscope.errors import InputError
from mcmscope.workload import load_network
from mcmscope.workload.json_format import network_from_dict, network_to_dict
from tests.workload.onnx_fuzz import damaged

CASES = 5_000
RUNS = 10


def check(folder: Path, number: int) -> None:
    path = folder / "damaged.onnx"
    path.write_bytes(damaged(number))
    try:
        network = load_network(path, allow_unknown=bool(number % 2))
    except InputError:
        return
    assert network_from_dict(network_to_dict(network)) == network


def test_some_damaged_files(tmp_path: Path) -> None:
    for number in range(300):
        check(tmp_path, number)


@pytest.mark.slow
@pytest.mark.parametrize("run", range(RUNS))
def test_many_damaged_files(tmp_path: Path, run: int) -> None:
    for number in range(run, CASES, RUNS):
        check(tmp_path, number)
