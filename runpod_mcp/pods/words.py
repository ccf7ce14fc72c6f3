"""Small helpers for names people and agents type."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u2800\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\U000e0000-\U0010ffff]+"
)
"""Control characters, and characters that a person does not see while a model reads them."""


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was most likely meant, or None when none is close; case and punctuation do not count.

    A name given in part ("RTX 4090") means the shortest known one that has every part of it.
    """
    names = list(known)
    parts = _parts(word)
    if whole := [name for name in names if parts and parts <= _parts(name)]:
        return min(whole, key=len)
    plain = {_plain(name): name for name in reversed(names)}
    wanted = _plain(word)
    found = difflib.get_close_matches(wanted, plain, n=1, cutoff=0.6)
    if not found and len(wanted) >= 3:
        found = sorted((name for name in plain if wanted in name), key=len)
    return plain[found[0]] if found else None


def _parts(word: str) -> set[str]:
    return {part for part in re.split(r"[\W_]+", word.casefold()) if part}


def _plain(word: str) -> str:
    return re.sub(r"[\W_]+", "", word).casefold()


def clean(text: str, limit: int = 120) -> str:
    """Text from outside, fit to be shown: control and invisible characters gone, cut to `limit` characters."""
    flat = _UNSEEN.sub(" ", text).strip()
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"
