"""Reading the plain block YAML that goose writes, with the lines each part stands on.

Only what can be read without doubt is read: mappings and lists by indentation, values that end on their own line, and
block scalars. Whatever else a document may hold (anchors, tags, values over several lines) makes it one that is left
to a person.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from runpod_mcp.clients.edits import CannotEdit, line_of

_KEY = re.compile(
    r"""(?P<key>"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[A-Za-z0-9_.$/][^:#'"{}\[\],&*!|>%@`]*?)\s*:(?:[ \t]+(?P<rest>.*))?$"""
)
_DOUBLE = re.compile(r'("(?:[^"\\]|\\.)*")[ \t]*(?:[ \t]#.*)?$')
_SINGLE = re.compile(r"'((?:[^']|'')*)'[ \t]*(?:[ \t]#.*)?$")
_BLOCK = re.compile(r"[|>]-?[ \t]*(?:[ \t]#.*)?$")
_ODD = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x85\u2028\u2029]|\r(?!\n)")
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}
_SPECIAL = "&*!%@`|>?{}[],\"'"


@dataclass(frozen=True, slots=True)
class Line:
    """One line that says something: `indent` columns in, `dashes` list marks before it, its key if it has one.

    `end` is the number of the line after it, which is further down where a block scalar follows.
    """

    number: int
    end: int
    indent: int
    dashes: int
    key: str | None
    rest: str


@dataclass(frozen=True, slots=True)
class Block:
    """A mapping's member: its key's line, the line after its last, its value, and its own members."""

    first: Line
    end: int
    value: Any
    members: dict[str, Block]


def read_yaml(text: str) -> dict[str, Block]:
    """The members of the document's mapping.

    Raises:
        CannotEdit: it is not valid, or not plain enough; the message names the line.
    """
    lines = _lines(text)
    return _mapping(lines, 0) if lines else {}


def ends_in_block(text: str) -> bool:
    """Whether the last thing said is a block scalar, to which a line end more or less makes a difference."""
    lines = _lines(text)
    return bool(lines and _BLOCK.match(lines[-1].rest))


def _unclear(number: int, problem: str = "is not plain enough to be edited safely") -> CannotEdit:
    return CannotEdit(f"line {number + 1} {problem}")


def _lines(text: str) -> list[Line]:
    if odd := _ODD.search(text):
        raise _unclear(line_of(text, odd.start()) - 1)
    written = text.removeprefix("\ufeff").splitlines()
    found: list[Line] = []
    number, begun = 0, False
    while number < len(written):
        raw = written[number]
        bare = raw.strip(" ")
        if not bare or bare.startswith("#"):
            number += 1
            continue
        if raw == "---" and not begun:
            number, begun = number + 1, True
            continue
        begun = True
        if "\t" in raw or raw.startswith(("---", "...", "%")):
            raise _unclear(number)
        line = _line(raw, number)
        if _BLOCK.match(line.rest):
            end = _after_block(written, number, line.indent)
            line = Line(number, end, line.indent, line.dashes, line.key, line.rest)
        found.append(line)
        number = line.end
    return found


def _after_block(written: Sequence[str], number: int, indent: int) -> int:
    """The line after a block scalar: blank and deeper lines belong to it, blank ones at its end do not."""
    end = number + 1
    for at in range(number + 1, len(written)):
        line = written[at]
        if line.strip(" "):
            if len(line) - len(line.lstrip(" ")) <= indent:
                break
            end = at + 1
    return end


def _line(raw: str, number: int) -> Line:
    indent = len(raw) - len(raw.lstrip(" "))
    bare, dashes = raw[indent:], 0
    while bare.startswith("- ") or bare == "-":
        bare, dashes = bare[1:].lstrip(" "), dashes + 1
    found = _KEY.match(bare)
    if not found:
        _scalar(bare, number)
        return Line(number, number + 1, indent, dashes, None, bare)
    rest = (found["rest"] or "").strip(" ")
    if rest.startswith("#"):
        rest = ""
    if not _BLOCK.match(rest):
        _scalar(rest, number)
    key = found["key"]
    return Line(number, number + 1, indent, dashes, _scalar(key, number) if key[0] in "\"'" else key, rest)


def _mapping(lines: Sequence[Line], indent: int) -> dict[str, Block]:
    members: dict[str, Block] = {}
    at = 0
    while at < len(lines):
        first = lines[at]
        if first.indent != indent or first.dashes or first.key is None:
            raise _unclear(first.number)
        if first.key in members:
            raise _unclear(first.number, f"holds {first.key} for the second time")
        end = at + 1
        while end < len(lines) and (lines[end].indent > indent or _is_item_of(first, lines[end])):
            end += 1
        members[first.key] = _block(first, lines[at + 1 : end])
        at = end
    return members


def _is_item_of(first: Line, line: Line) -> bool:
    """A list may stand at the indentation of its key."""
    return line.indent == first.indent and line.dashes > 0 and first.rest == ""


def _block(first: Line, inner: Sequence[Line]) -> Block:
    if not inner:
        value = None if _BLOCK.match(first.rest) else _scalar(first.rest, first.number)
        return Block(first, first.end, value, {})
    if first.rest:
        raise _unclear(inner[0].number)
    end = inner[-1].end
    if inner[0].dashes:
        return Block(first, end, _items(inner), {})
    members = _mapping(inner, inner[0].indent)
    return Block(first, end, {key: block.value for key, block in members.items()}, members)


def _items(inner: Sequence[Line]) -> list[Any]:
    """A list of words; what is deeper than that is told apart only by where it ends."""
    items = []
    for line in inner:
        if line.indent < inner[0].indent or (line.indent == inner[0].indent and not line.dashes):
            raise _unclear(line.number)
        if line.key is None and line.indent == inner[0].indent and line.dashes == 1:
            items.append(_scalar(line.rest, line.number))
        elif line.key is None and not line.dashes:
            raise _unclear(line.number)
        else:
            items.append(None)
    return items


def _scalar(written: str, number: int) -> Any:
    """A value that ends on its line: quoted, a flow list or mapping without nesting, or plain."""
    if found := _DOUBLE.match(written):
        try:
            return json.loads(found[1])
        except ValueError as error:
            raise _unclear(number) from error
    if found := _SINGLE.match(written):
        return found[1].replace("''", "'")
    bare = re.split(r"[ \t]#", written)[0].rstrip(" \t")
    if bare == "{}":
        return {}
    if bare[:1] == "[" and bare[-1:] == "]":
        return _flow_list(bare[1:-1], number)
    if bare[:1] and bare[0] in _SPECIAL:
        raise _unclear(number)
    if ": " in bare or bare.endswith(":") or bare.startswith(("- ", "#")):
        raise _unclear(number)
    return _plain(bare)


def _flow_list(inner: str, number: int) -> list[Any]:
    parts = [part.strip() for part in inner.split(",")] if inner.strip() else []
    if any(not part or set(part[1:-1]) & set("[]{},\"'") for part in parts):
        raise _unclear(number)
    return [_scalar(part, number) for part in parts]


def _plain(bare: str) -> Any:
    if bare.lower() in _WORDS:
        return _WORDS[bare.lower()]
    return int(bare) if re.fullmatch(r"-?(?:0|[1-9][0-9]{0,17})", bare) else bare
