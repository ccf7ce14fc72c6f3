"""Matching names against what a person wrote: exact names, or `*` for any run of characters."""

from __future__ import annotations

from collections.abc import Iterable


def fold(name: str) -> str:
    """A name for comparison: runs of spaces are one, case does not count (Runpod sells ids that differ only so)."""
    return " ".join(name.split()).casefold()


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Whether a name, as a whole, is one of these or fits one of these patterns."""
    folded = fold(name)
    return any(_fits(folded, fold(pattern)) for pattern in patterns)


def matches_exactly(name: str, patterns: Iterable[str]) -> bool:
    """The same to the letter, for names in which case and spaces tell one thing from another."""
    return any(_fits(name, pattern) for pattern in patterns)


def permits(name: str, allow: Iterable[str] | None, deny: Iterable[str] = ()) -> bool:
    """Whether an allow list (None: everything) and a deny list let a name through; deny wins."""
    return (allow is None or matches(name, allow)) and not matches(name, deny)


def _fits(name: str, pattern: str) -> bool:
    """Looks at each character of the name once: an agent chooses the name, and may choose a very long one."""
    first, *rest = pattern.split("*")
    if not rest:
        return name == pattern
    *middle, last = rest
    at, end = len(first), len(name) - len(last)
    if at > end or not name.startswith(first) or not name.endswith(last):
        return False
    for part in middle:
        found = name.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True
