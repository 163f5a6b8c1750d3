"""The two compilers of a first run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mcmscope import warm
from tests.kernels import HALVES, compile_half


def test_nothing_is_done_once_kernels_are_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setattr(warm, "KERNELS", tmp_path)
    (tmp_path / "price.price-1.py311.nbi").write_text("")

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("started a process")

    monkeypatch.setattr(warm.subprocess, "Popen", refuse)
    monkeypatch.setattr(warm, "compile_segments", refuse)
    with warm.compiled():
        pass


def test_the_second_process_ends_with_the_block(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setattr(warm, "KERNELS", tmp_path)
    monkeypatch.setattr(warm.os, "cpu_count", lambda: 2)
    started: list[Any] = []
    real = warm.subprocess.Popen

    def note(*args: Any, **options: Any) -> Any:
        started.append(real(*args, **options))
        return started[-1]

    monkeypatch.setattr(warm.subprocess, "Popen", note)
    with pytest.raises(KeyError), warm.compiled():
        raise KeyError
    assert len(started) == 1
    assert started[0].poll() is not None


def test_both_halves_compile_without_fault() -> None:
    warm.compile_segments(fusing=True)
    warm.compile_segments(fusing=False)
    warm.compile_prices()


@pytest.mark.parametrize("half", HALVES)
def test_the_kernels_of_the_tests_compile_without_fault(half: str) -> None:
    compile_half(half)
