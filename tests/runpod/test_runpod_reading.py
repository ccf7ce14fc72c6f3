"""Values of JSON that somebody else wrote."""

from __future__ import annotations

import pytest

from runpod_mcp.runpod import reading


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (24, 24),
        (24.0, 24),
        ("24", 24),
        (24.5, None),
        ("24.5", None),
        (True, None),
        (10**400, None),
        (float("inf"), None),
        (float("nan"), None),
        ("1e5", None),
        ("\u0662", 2),
        (None, None),
        ([1], None),
    ],
)
def test_whole_numbers(value: object, found: int | None) -> None:
    assert reading.whole(value) == found


@pytest.mark.parametrize(
    ("value", "found"), [("a", "a"), ("", None), ("\ud800x", "?x"), (7, None), (None, None), (b"a", None)]
)
def test_texts(value: object, found: str | None) -> None:
    assert reading.text(value) == found


@pytest.mark.parametrize(("value", "found"), [(True, True), (False, False), (0, None), ("true", None)])
def test_truths(value: object, found: bool | None) -> None:
    assert reading.truth(value) is found
