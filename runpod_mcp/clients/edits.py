"""Changes of a text as values, so that what is shown is what is done and every other byte stays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class CannotEdit(ValueError):
    """The text is not valid, or has a shape that cannot be edited safely; the message says which and where."""


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """Put `new` in the place of the characters from `start` to `end`."""

    start: int
    end: int
    new: str


def apply(text: str, edits: Sequence[Edit]) -> str:
    """The text after all edits, which must not overlap."""
    for edit in sorted(edits, reverse=True):
        text = text[: edit.start] + edit.new + text[edit.end :]
    return text


def newline_of(text: str) -> str:
    """The line end a text uses."""
    return "\r\n" if "\r\n" in text else "\n"


def line_of(text: str, place: int) -> int:
    """The number of the line a place is on, from 1."""
    return text.count("\n", 0, place) + 1


def indent_at(text: str, place: int) -> str:
    """The white space that begins the line a place is on."""
    start = max(text.rfind("\n", 0, place), text.rfind("\r", 0, place)) + 1
    end = start
    while end < len(text) and text[end] in " \t\ufeff":
        end += 1
    return text[start:end].replace("\ufeff", "")


def as_diff(text: str, edits: Sequence[Edit]) -> list[str]:
    """What the edits take out and put in, line by line; nothing that stays is shown, because it may hold secrets."""
    lines = []
    for edit in sorted(edits):
        lines.append(f"@@ line {line_of(text, edit.start)} @@")
        lines += [f"-{line}" for line in _lines(text[edit.start : edit.end])]
        lines += [f"+{line}" for line in _lines(edit.new)]
    return lines


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]
