"""Matching names against what a person wrote: exact names, or `*` for any run of characters."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache


def fold(name: str) -> str:
    """A name for comparison: runs of spaces are one, case does not count (Runpod sells ids that differ only so)."""
    return " ".join(name.split()).casefold()


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in fold(pattern).split("*")), re.DOTALL)


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Whether a name is one of these, or matches one of these patterns as a whole."""
    folded = fold(name)
    return any(_compiled(pattern).fullmatch(folded) for pattern in patterns)


def permits(name: str, allow: Iterable[str] | None, deny: Iterable[str] = ()) -> bool:
    """Whether an allow list (None: everything) and a deny list let a name through; deny wins."""
    return (allow is None or matches(name, allow)) and not matches(name, deny)
