from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mcmscope.errors import InputError
from mcmscope.hardware import load_package

# A file with every required key, one a line, so that tests can name lines and swap them.
COMPLETE = """\
name: tiny
grid: 2x3
chiplet:
  clock_mhz: 1000
  pes: 4
  lanes_k: 8
  lanes_c: 4
  vector_lanes: 16
  weight_buffer_kib: 64
  activation_buffer_kib: 32
  buffer_read_bytes_per_cycle: 32
  layer_start_ns: 10
nop:
  link_gb_per_s: 12.5
  hop_latency_ns: 20
dram:
  channels: 2
  channel_gb_per_s: 25.6
  edges: [left, right]
energy_profile: simba-16nm
retained_share: 0.5
"""


@pytest.fixture
def complete() -> str:
    """Text of a valid package file, one key a line."""
    return COMPLETE


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write text or bytes to a file of the test's own folder."""

    def write_file(content: str | bytes, name: str = "p.yaml") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write_file


@pytest.fixture
def faults_of(write: Callable[..., Path]) -> Callable[[str | bytes], list[str]]:
    """Faults of a file with this content, the folder's name cut off."""

    def read(content: str | bytes) -> list[str]:
        path = write(content)
        with pytest.raises(InputError) as caught:
            load_package(path)
        return [fault.replace(f"{path.parent}/", "") for fault in caught.value.faults]

    return read


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("packages") / "p.yaml"
