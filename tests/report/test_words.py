from __future__ import annotations

import pytest

from mcmscope.report.words import clean, count, data, duration, listed, percent, plural, significant, span


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (1234567.8, "1,234,568"),
        (999.96, "1,000"),
        (123.4, "123"),
        (99.94, "99.9"),
        (9.996, "10.0"),
        (9.876, "9.88"),
        (0.99951, "1.00"),
        (0.5, "0.500"),
        (0.0123, "0.0123"),
        (1.2e-7, "1.2e-07"),
    ],
)
def test_significant(value: float, text: str) -> None:
    assert significant(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (2.5, "2.50 s"),
        (0.9999, "1.00 s"),
        (0.0123, "12.3 ms"),
        (4.56e-6, "4.56 us"),
        (1e-9, "1.00 ns"),
        (0, "0 ns"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_counts_sizes_and_shares() -> None:
    assert count(4.09e9, "MACs") == "4.09 GMACs"
    assert count(12, "MACs") == "12.0 MACs"
    assert data(0) == "0 bytes"
    assert data(1) == "1 byte"
    assert data(25_500_000) == "25.5 MB"
    assert data(2_000) == "2.00 KB"
    assert percent(0.5) == "50%"
    assert percent(0.0123) == "1.2%"
    assert percent(0) == "0%"
    assert percent(0.0996) == "10%"


def test_words() -> None:
    assert plural(1, "layer") == "1 layer"
    assert plural(2000, "layer") == "2,000 layers"
    assert span((3, 4)) == "3"
    assert span((3, 8)) == "3-7"
    assert listed([]) == ""
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"


def test_control_characters_are_shown_and_other_text_is_kept() -> None:
    assert clean("Größe [red]x[/] 層") == "Größe [red]x[/] 層"
    assert clean("a\x1b[2Jb\nc\u202ed\x9b") == "a\\x1b[2Jb\\nc\\u202ed\\x9b"
