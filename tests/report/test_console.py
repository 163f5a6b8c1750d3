from __future__ import annotations

from pathlib import Path

import pytest

from mcmscope import warm
from mcmscope.report import console
from mcmscope.report.console import progress_line, warn
from mcmscope.schedule import Scheme


def test_without_a_terminal_there_is_no_progress(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_line("alexnet on simba-16") as progress:
        assert progress is None
    assert capsys.readouterr() == ("", "")


def test_a_terminal_sees_the_scheme_on_standard_error(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    with progress_line("[red]net\x1b[2J on simba-16") as progress:
        assert progress is not None
        progress(Scheme.MERGED_PIPELINE, 4, 6)
    out, err = capsys.readouterr()
    assert out == ""
    assert "[red]net\\x1b[2J on simba-16" in err


def test_the_first_run_says_that_it_compiles(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setattr(warm, "KERNELS", tmp_path)
    with console.progress_line("net"):
        pass
    assert "the first run compiles its kernels" in capsys.readouterr().err
    (tmp_path / "price.price-1.py311.nbi").write_text("")
    with console.progress_line("net"):
        pass
    assert "compiles" not in capsys.readouterr().err


def test_warnings_are_one_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    warn(["one\x1b[2J", "two"])
    assert capsys.readouterr().err == "warning: one\\x1b[2J\nwarning: two\n"
