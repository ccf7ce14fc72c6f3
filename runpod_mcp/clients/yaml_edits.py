"""Putting an entry into a mapping of a plain YAML document and taking it out again, as whole lines."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from runpod_mcp.clients.edits import CannotEdit, Edit, apply, newline_of
from runpod_mcp.clients.yaml_lines import Block, ends_in_block, read_yaml

_PLAIN_WORD = re.compile(r"[a-z][a-z0-9_-]*")
_NOT_PRINTED = re.compile(r"[\x7f-\x9f\u2028\u2029\ufeff]")
_NOT_PLAIN = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}


def put_entry(
    text: str, parent: str, name: str, value: Mapping[str, Any], *, once: Sequence[str] = ()
) -> list[Edit]:
    """What to change so that `name` below `parent` holds `value`; nothing when it does already.

    Keys that are not in `value` stay; those of `once` are only written into a new entry.

    Raises:
        CannotEdit: the document is not valid, or has a shape that cannot be edited safely.
    """
    document = read_yaml(text)
    holder = document.get(parent)
    if holder is None:
        lines = [f"{_word(parent)}:", *_entry(name, value, 2)]
        edits = [_after(text, len(_starts(text)) - 1, lines)]
    elif name in holder.members:
        wanted = {key: one for key, one in value.items() if key not in once}
        edits = _changes(text, holder.members[name], wanted)
        value = wanted
    elif holder.members:
        indent = next(iter(holder.members.values())).first.indent
        edits = [_after(text, holder.end, _entry(name, value, indent))]
    elif (holder.first.rest == "" and holder.value is None) or holder.value == {}:
        edits = [_emptied(text, holder, ""), _after(text, holder.end, _entry(name, value, 2))]
    else:
        raise CannotEdit(f"holds something else than a mapping as {parent}")
    return _checked(text, edits, (parent, name), value)


def drop_entry(text: str, parent: str, name: str) -> list[Edit]:
    """What to change so that `name` below `parent` is gone; nothing when it is not there.

    Raises:
        CannotEdit: as `put_entry` does.
    """
    holder = read_yaml(text).get(parent)
    entry = holder.members.get(name) if holder else None
    if holder is None or entry is None:
        return []
    start, end = _span(text, entry)
    if end == len(text) and not text.endswith("\n"):
        start -= len(newline_of(text))
    edits = [Edit(start, end, "")]
    if len(holder.members) == 1:
        edits.append(_emptied(text, holder, " {}"))
    return _checked(text, edits, (parent, name), None)


def _changes(text: str, entry: Block, wanted: Mapping[str, Any]) -> list[Edit]:
    if not entry.members:
        raise CannotEdit("holds something else than a mapping as this entry")
    edits = []
    indent = next(iter(entry.members.values())).first.indent
    missing: list[str] = []
    for key, one in wanted.items():
        block = entry.members.get(key)
        if block is None:
            missing += _pair(key, one, indent)
        elif not _holds(block.value, one):
            value = (
                {**block.value, **one} if isinstance(one, Mapping) and isinstance(block.value, dict) else one
            )
            start, end = _span(text, block)
            line = newline_of(text)
            last = line if text[:end].endswith("\n") else ""
            edits.append(Edit(start, end, line.join(_pair(key, value, indent)) + last))
    if missing:
        edits.append(_after(text, entry.end, missing))
    return edits


def _holds(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, Mapping) and isinstance(found, dict):
        return all(found.get(key) == value for key, value in wanted.items())
    return bool(found == wanted)


def _checked(
    text: str, edits: list[Edit], path: tuple[str, str], value: Mapping[str, Any] | None
) -> list[Edit]:
    """The edits, if the document then says what it should: the entry as wanted, all others as before."""
    before, after = read_yaml(text), read_yaml(apply(text, edits))
    parent, name = path
    found = after[parent].members.get(name) if parent in after else None
    right = (found is None) if value is None else found is not None and all(
        _holds(found.value[key], one) for key, one in value.items()
    )  # fmt: skip
    if not right or _others(before, parent, name) != _others(after, parent, name):
        raise CannotEdit("has a shape that cannot be edited safely")
    return edits


def _others(document: Mapping[str, Block], parent: str, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    holder = document.get(parent)
    inner = {key: block.value for key, block in holder.members.items() if key != name} if holder else {}
    return {key: block.value for key, block in document.items() if key != parent}, inner


def _emptied(text: str, holder: Block, rest: str) -> Edit:
    """The parent's own line with another value: nothing where members follow, `{}` where none are left."""
    start = _starts(text)[holder.first.number]
    colon = (
        text.index(":", start + text[start:].index(holder.first.key or "") + len(holder.first.key or "")) + 1
    )
    old = re.match(r"[ \t]*(?:\{\})?", text[colon:])
    return Edit(colon, colon + (old.end() if old and holder.first.rest else 0), rest)


def _entry(name: str, value: Mapping[str, Any], indent: int) -> list[str]:
    lines = [f"{' ' * indent}{_word(name)}:"]
    for key, one in value.items():
        lines += _pair(key, one, indent + 2)
    return lines


def _pair(key: str, value: Any, indent: int) -> list[str]:
    space = " " * indent
    if isinstance(value, Mapping) and value:
        return [f"{space}{key}:", *(f"{space}  {one}: {_word(word)}" for one, word in value.items())]
    if isinstance(value, list) and value:
        return [f"{space}{key}:", *(f"{space}- {_word(one)}" for one in value)]
    return [f"{space}{key}: {_word(value)}"]


def _word(value: Any) -> str:
    if isinstance(value, str) and _PLAIN_WORD.fullmatch(value) and value not in _NOT_PLAIN:
        return value
    written = json.dumps(value, ensure_ascii=False)
    return _NOT_PRINTED.sub(lambda found: f"\\u{ord(found[0]):04x}", written)


def _after(text: str, number: int, lines: Sequence[str]) -> Edit:
    """Whole lines before the line of this number; at an end of the file that has no line end, without one as well."""
    line = newline_of(text)
    place = _starts(text)[number]
    if place == len(text) and text.strip("\ufeff") and not text.endswith("\n"):
        if ends_in_block(text):
            raise CannotEdit("ends in the middle of a block of text")
        return Edit(place, place, "".join(line + one for one in lines))
    return Edit(place, place, "".join(one + line for one in lines))


def _span(text: str, block: Block) -> tuple[int, int]:
    starts = _starts(text)
    return starts[block.first.number], starts[block.end]


def _starts(text: str) -> list[int]:
    """Where each line begins, and at last where the text ends."""
    places = [0]
    for line in text.splitlines(keepends=True):
        places.append(places[-1] + len(line))
    return places
