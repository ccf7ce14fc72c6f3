"""Text for a terminal of any width."""

from __future__ import annotations

import shutil
import textwrap

NARROWEST, WIDEST = 20, 100


def width() -> int:
    """Columns to write in."""
    return max(NARROWEST, min(WIDEST, shutil.get_terminal_size().columns))


def paragraph(text: str, first: str = "", rest: str | None = None) -> str:
    """Text folded to the terminal between words; long words such as paths stay whole, so that they can be copied."""
    return textwrap.fill(
        text,
        width(),
        initial_indent=first,
        subsequent_indent=first if rest is None else rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
