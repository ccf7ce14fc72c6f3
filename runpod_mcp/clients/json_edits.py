"""Putting a member into a JSON document and taking it out again, with every other character left as it is.

What `put` adds, `drop` takes away to the byte; only an object that `put` had to make around it stays, empty.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from runpod_mcp.clients.edits import CannotEdit, Edit, apply, indent_at, newline_of
from runpod_mcp.clients.jsonc import SPACE, Member, Node, read_json

_BREAK = re.compile(r"[\r\n]")
_FIRST_INDENT = re.compile(r'^([ \t]+)"', re.MULTILINE)


def put(
    text: str,
    path: Sequence[str],
    value: Mapping[str, Any],
    *,
    strict: bool = False,
    once: Sequence[str] = (),
) -> list[Edit]:
    """What to change so that the object at `path` holds `value`; nothing when it does already.

    Objects are merged, so that keys which are not in `value` stay. Keys of `once` are only written into a new object.

    Raises:
        CannotEdit: the document is not valid, or something on the path is no object or there twice.
    """
    root = read_json(text, strict=strict)
    if root is None:
        return [Edit(len(text), len(text), _document(text, _nested(path, value)))]
    node, rest = _walk(root, path)
    wanted: Mapping[str, Any] = _nested(rest, value) if rest else _without(value, once)
    edits = _merge(text, node, wanted)
    return _checked(text, edits, _merged(root.value, _nested(path, value if rest else wanted)), strict)


def drop(text: str, path: Sequence[str], *, strict: bool = False) -> list[Edit]:
    """What to change so that the member at `path` is gone; nothing when it is not there.

    Raises:
        CannotEdit: as `put` does.
    """
    root = read_json(text, strict=strict)
    if root is None:
        return []
    holder, rest = _walk(root, path[:-1])
    if rest or _find(holder, path[-1]) is None:
        return []
    expected = deepcopy(root.value)
    parent = expected
    for key in path[:-1]:
        parent = parent[key]
    del parent[path[-1]]
    return _checked(text, _removal(text, holder, path[-1]), expected, strict)


def _walk(root: Node, path: Sequence[str]) -> tuple[Node, Sequence[str]]:
    """The object that the path leads to, or the last one on it and what is left of the path."""
    node = _object(root, "the document")
    for done, key in enumerate(path):
        member = _find(node, key)
        if member is None:
            return node, path[done:]
        node = _object(member.node, key)
    return node, ()


def _object(node: Node, name: str) -> Node:
    if node.members is None:
        raise CannotEdit(f"holds something else than an object as {name}")
    return node


def _find(node: Node, key: str) -> Member | None:
    found = [member for member in node.members or () if member.key == key]
    if len(found) > 1:
        raise CannotEdit(f"holds {key} twice")
    return found[0] if found else None


def _merge(text: str, node: Node, wanted: Mapping[str, Any]) -> list[Edit]:
    edits: list[Edit] = []
    missing = {}
    for key, value in wanted.items():
        member = _find(node, key)
        if member is None:
            missing[key] = value
        elif isinstance(value, Mapping) and member.node.members is not None:
            edits += _merge(text, member.node, value)
        elif member.node.value != value:
            flat = not _BREAK.search(text, member.node.start, member.node.end)
            new = _render(text, value, indent_at(text, member.start), flat=flat)
            edits.append(Edit(member.node.start, member.node.end, new))
    return edits + (_insertion(text, node, missing) if missing else [])


def _insertion(text: str, node: Node, new: Mapping[str, Any]) -> list[Edit]:
    """Members after the last one and whatever comment follows it."""
    inner = text[node.start + 1 : node.end - 1]
    place = node.start + 1 + len(inner.rstrip(SPACE))
    line, outer = newline_of(text), indent_at(text, node.end - 1)
    last = node.members[-1] if node.members else None
    if last is None:
        before, after = _around_first(inner, line, outer)
        indent = outer + _unit(text)
        return [Edit(place, place, before + indent + _members(text, new, line + indent, indent) + after)]
    if not _BREAK.search(text, node.start, node.end):
        space, indent = " ", outer
    else:
        indent = indent_at(text, last.start)
        space = line + indent
    written = space + _members(text, new, space, indent)
    if last.comma is not None:
        return [Edit(place, place, f"{written},")]
    if place == last.node.end:
        return [Edit(place, place, f",{written}")]
    return [Edit(last.node.end, last.node.end, ","), Edit(place, place, written)]


def _around_first(inner: str, line: str, outer: str) -> tuple[str, str]:
    """What stands before and after the first member of an object, so that `drop` can tell what was there before."""
    if not inner:
        return line, line + outer
    return (line, "") if inner.strip(SPACE) else (line + line, "")


def _removal(text: str, node: Node, key: str) -> list[Edit]:
    members = node.members or ()
    index = next(index for index, member in enumerate(members) if member.key == key)
    member = members[index]
    start = _start_of_space(text, member.start)
    if len(members) == 1 and start == node.start + 1 and text.count("\n", start, member.start) < 2:
        end = member.comma + 1 if member.comma is not None else member.node.end
        if not text[end : node.end - 1].strip(SPACE):
            return [Edit(start, node.end - 1, "")]
    edits = []
    if member.comma is not None:
        edits.append(Edit(member.comma, member.comma + 1, ""))
    elif index and (comma := members[index - 1].comma) is not None:
        edits.append(Edit(comma, comma + 1, ""))
    after = member.node.end + (member.comma == member.node.end)
    if _in_line_comment(text, node, start) and text[after:].lstrip(" \t")[:1] not in ("\r", "\n"):
        start = member.start  # or what follows would become part of the comment
    return [*edits, Edit(start, member.node.end, "")]


def _start_of_space(text: str, place: int) -> int:
    while text[place - 1] in SPACE:
        place -= 1
    return place


def _in_line_comment(text: str, node: Node, place: int) -> bool:
    """Whether a place between the members of an object is the end of a comment that goes on to the end of its line."""
    anchor = node.start + 1
    for member in node.members or ():
        if member.node.end <= place:
            anchor = (
                member.comma + 1 if member.comma is not None and member.comma < place else member.node.end
            )
    between = text[anchor:place]
    while between := between.lstrip(SPACE + ","):
        if between.startswith("/*"):
            between = between.partition("*/")[2]
            continue
        end = _BREAK.search(between)
        if end is None:
            return True
        between = between[end.end() :]
    return False


def _checked(text: str, edits: list[Edit], expected: Any, strict: bool) -> list[Edit]:
    """The edits, if the document then says what it should."""
    after = read_json(apply(text, edits), strict=strict)
    if after is None or after.value != expected:
        raise CannotEdit("has a shape that cannot be edited safely")
    return edits


def _document(text: str, value: Mapping[str, Any]) -> str:
    line = newline_of(text)
    before = line if text.strip("\ufeff") and not text.endswith("\n") else ""
    return before + _render(text, value, "") + line


def _members(text: str, new: Mapping[str, Any], space: str, indent: str) -> str:
    return f",{space}".join(
        f"{_json(key)}: {_render(text, value, indent, flat=space == ' ')}" for key, value in new.items()
    )


def _render(text: str, value: Any, indent: str, *, flat: bool = False) -> str:
    if flat:
        return _json(value)
    return _json(value, _unit(text)).replace("\n", newline_of(text) + indent)


def _json(value: Any, unit: str | None = None) -> str:
    return json.dumps(value, indent=unit, ensure_ascii=False)


def _unit(text: str) -> str:
    """One step of indentation, as the document has it for its own members."""
    found = _FIRST_INDENT.search(text)
    return found[1] if found else "  "


def _nested(path: Sequence[str], value: Mapping[str, Any]) -> Mapping[str, Any]:
    for key in reversed(path):
        value = {key: value}
    return value


def _without(value: Mapping[str, Any], keys: Sequence[str]) -> Mapping[str, Any]:
    return {key: one for key, one in value.items() if key not in keys}


def _merged(old: Any, new: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(old) if isinstance(old, Mapping) else {}
    for key, value in new.items():
        both = isinstance(value, Mapping) and isinstance(result.get(key), Mapping)
        result[key] = _merged(result[key], value) if both else value
    return result
