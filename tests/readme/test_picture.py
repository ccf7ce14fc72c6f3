"""The picture in the README shows what the demo prints today."""

from __future__ import annotations

import os
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no terminal to open")


def test_the_picture_shows_what_the_demo_prints() -> None:
    from picture import PICTURE, demo_on_a_terminal, drawn, words

    now = drawn(demo_on_a_terminal())
    if os.environ.get("UPDATE_PICTURE"):
        PICTURE.write_text(now, "utf-8")
    assert words(PICTURE.read_text("utf-8")) == words(now), "UPDATE_PICTURE=1 uv run pytest tests/readme"
