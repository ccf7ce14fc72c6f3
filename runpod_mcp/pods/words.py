"""Small helpers for names people and agents type."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word most like this one, or None when none is close; case and punctuation do not count."""
    plain = {_plain(name): name for name in known}
    found = difflib.get_close_matches(_plain(word), plain, n=1, cutoff=0.6)
    return plain[found[0]] if found else None


def _plain(word: str) -> str:
    return re.sub(r"[\W_]+", "", word).casefold()


def clean(text: str, limit: int = 120) -> str:
    """Text from outside, fit to be shown: control and invisible characters gone, cut to `limit` characters."""
    flat = _CONTROL.sub(" ", text).strip()
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"
