"""Reading JSON, with the comments and trailing commas that some clients allow, and where each part of it stands."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from runpod_mcp.clients.edits import CannotEdit, line_of

SPACE = " \t\r\n"
DEEPEST = 200

_SPACES = re.compile(rf"[{SPACE}]*")
_TO_LINE_END = re.compile(r"[^\r\n]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?![0-9A-Za-z_.$+-])")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*"')
_WORD = re.compile(r"(true|false|null)(?![0-9A-Za-z_$])")
_WORDS = {"true": True, "false": False, "null": None}


@dataclass(frozen=True, slots=True)
class Node:
    """A value from `start` to `end`; `members` in their order when it is an object."""

    start: int
    end: int
    value: Any
    members: tuple[Member, ...] | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """A key and its value; `start` is where the key begins, `comma` the place of the comma after the value."""

    key: str
    start: int
    node: Node
    comma: int | None


def read_json(text: str, *, strict: bool = False, trailing: bool = True) -> Node | None:
    """The value of a document, or None when there is nothing in it but space and comments.

    `strict` allows neither comments nor trailing commas; without `trailing` only comments are allowed.

    Raises:
        CannotEdit: it is not valid; the message names the line.
    """
    reader = _Reader(text, strict, trailing and not strict)
    place = reader.skip(1 if text.startswith("\ufeff") else 0)
    if place == len(text):
        return None
    node = reader.value(place, 0)
    if reader.skip(node.end) != len(text):
        raise reader.wrong(reader.skip(node.end), "something stands after the end")
    return node


@dataclass(frozen=True, slots=True)
class _Reader:
    text: str
    strict: bool
    trailing: bool

    def wrong(self, place: int, problem: str) -> CannotEdit:
        return CannotEdit(f"is not valid JSON: line {line_of(self.text, place)}, {problem}")

    def skip(self, place: int) -> int:
        """The next place that is neither space nor comment."""
        text = self.text
        while True:
            place = _SPACES.match(text, place).end()  # type: ignore[union-attr]  # it matches nothing too
            opening = text[place : place + 2]
            if opening not in ("//", "/*"):
                return place
            if self.strict:
                raise self.wrong(place, "a comment")
            place = self._after_comment(place)

    def _after_comment(self, place: int) -> int:
        if self.text[place + 1] == "*":
            end = self.text.find("*/", place + 2)
            if end < 0:
                raise self.wrong(place, "a comment without an end")
            return end + 2
        return _TO_LINE_END.match(self.text, place).end()  # type: ignore[union-attr]

    def value(self, place: int, depth: int) -> Node:
        if depth > DEEPEST:
            raise self.wrong(place, "nested too deep")
        first = self.text[place : place + 1]
        if first == "{":
            return self._object(place, depth)
        if first == "[":
            return self._array(place, depth)
        if found := _STRING.match(self.text, place) or _NUMBER.match(self.text, place):
            return Node(place, found.end(), self._literal(found[0], place))
        if found := _WORD.match(self.text, place):
            return Node(place, found.end(), _WORDS[found[0]])
        raise self.wrong(
            place, "a value is missing" if first in ("", ",", "}", "]") else f"not expected {first!r}"
        )

    def _literal(self, raw: str, place: int) -> Any:
        try:
            return json.loads(raw)
        except ValueError as error:  # a number with thousands of digits
            raise self.wrong(place, "a value that cannot be read") from error

    def _object(self, place: int, depth: int) -> Node:
        members: list[Member] = []
        at = self.skip(place + 1)
        while self.text[at : at + 1] != "}":
            key = _STRING.match(self.text, at)
            if key is None:
                raise self.wrong(at, "a key in quotes is expected")
            colon = self.skip(key.end())
            if self.text[colon : colon + 1] != ":":
                raise self.wrong(colon, "a colon is missing")
            node = self.value(self.skip(colon + 1), depth + 1)
            comma, after = self._comma(node.end, "}")
            members.append(Member(self._literal(key[0], at), at, node, comma))
            at = after
        return Node(place, at + 1, {member.key: member.node.value for member in members}, tuple(members))

    def _array(self, place: int, depth: int) -> Node:
        values = []
        at = self.skip(place + 1)
        while self.text[at : at + 1] != "]":
            node = self.value(at, depth + 1)
            values.append(node.value)
            _, at = self._comma(node.end, "]")
        return Node(place, at + 1, values)

    def _comma(self, place: int, close: str) -> tuple[int | None, int]:
        """The comma after a value, if there is one, and where the next value or the end is."""
        at = self.skip(place)
        here = self.text[at : at + 1]
        if here == close:
            return None, at
        if here != ",":
            raise self.wrong(at, f"a comma or {close} is missing")
        after = self.skip(at + 1)
        if not self.trailing and self.text[after : after + 1] == close:
            raise self.wrong(at, "a comma with nothing after it")
        return at, after
