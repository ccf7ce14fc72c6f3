"""Putting a table into a TOML document and taking it out again, with every other character left as it is."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runpod_mcp.clients.edits import CannotEdit, Edit, apply, newline_of

UNSAFE = "has a shape that cannot be edited safely"

_BLANK_LINE_BEFORE = re.compile(r"(?:\A|\n)(\r?\n)\Z")
_LAST_LINE_END = re.compile(r"(\r?\n)\Z")
_QUOTES = ('"""', "'''", '"', "'")


@dataclass(frozen=True, slots=True)
class Statement:
    """A table's header or a pair, from the start of its line to the start of the next; `value` is the place of a pair's."""

    path: tuple[str, ...]
    start: int
    end: int
    value: tuple[int, int] | None


def read_toml(text: str) -> dict[str, Any]:
    """What a document says.

    Raises:
        CannotEdit: it is not valid; the message names the line.
    """
    try:
        return tomllib.loads(_without_mark(text))
    except (ValueError, RecursionError) as error:
        where = re.search(r"\(at [^)]*\)", str(error))
        raise CannotEdit(f"is not valid TOML {where[0] if where else ''}".rstrip()) from error


def put_table(text: str, path: Sequence[str], value: Mapping[str, Any]) -> list[Edit]:
    """What to change so that the table at `path` holds `value`; nothing when it does already.

    Tables are merged and lists joined, so that what is not in `value` stays.

    Raises:
        CannotEdit: the document is not valid, or the table is not written under a header of its own.
    """
    before = read_toml(text)
    current = _at(before, path)
    if current is None:
        edits = [_appended(text, path, value)]
        expected = value
    elif isinstance(current, dict):
        expected = _merged(current, value)
        edits = list(_changes(text, tuple(path), current, expected))
    else:
        raise CannotEdit(f"holds something else than a table as {'.'.join(path)}")
    after = _read_after(text, edits)
    if _at(after, path) != expected or _but(after, path) != _but(before, path):
        raise CannotEdit(UNSAFE)
    return edits


def drop_table(text: str, path: Sequence[str]) -> list[Edit]:
    """What to change so that the table at `path` and those below it are gone; nothing when there is none.

    Raises:
        CannotEdit: as `put_table` does.
    """
    before = read_toml(text)
    if _at(before, path) is None:
        return []
    edits = [
        _cut(text, start, end) for start, end, found in _tables(text) if found[: len(path)] == tuple(path)
    ]
    after = _read_after(text, edits)
    if _at(after, path) is not None or _but(after, path) != _but(before, path):
        raise CannotEdit(UNSAFE)
    return edits


def _read_after(text: str, edits: list[Edit]) -> dict[str, Any]:
    try:
        return read_toml(apply(text, edits))
    except CannotEdit as error:
        raise CannotEdit(UNSAFE) from error


def _appended(text: str, path: Sequence[str], value: Mapping[str, Any]) -> Edit:
    line = newline_of(text)
    lines = [
        f"[{'.'.join(map(_key, path))}]",
        *(f"{_key(key)} = {in_toml(one)}" for key, one in value.items()),
    ]
    block = line.join(lines)
    if text.strip("\ufeff") and not text.endswith("\n"):
        return Edit(len(text), len(text), line + line + block)
    return Edit(len(text), len(text), (line if text.strip("\ufeff") else "") + block + line)


def _changes(
    text: str, path: tuple[str, ...], current: Mapping[str, Any], wanted: Mapping[str, Any]
) -> Iterator[Edit]:
    """Edits inside a table that has a header of its own."""
    statements = list(_statements(text))
    places = [i for i, found in enumerate(statements) if found.value is None and found.path == path]
    different = {key: value for key, value in wanted.items() if current.get(key) != value}
    if not different:
        return
    if len(places) != 1:
        raise CannotEdit(UNSAFE)
    own = []
    for found in statements[places[0] + 1 :]:
        if found.value is None:
            break
        own.append(found)
    pairs = {found.path: found.value for found in own if found.value}
    new = []
    for key, value in different.items():
        if place := pairs.get((key,)):
            yield Edit(*place, in_toml(value))
        elif isinstance(value, Mapping) and key in current:
            yield from _changes(text, (*path, key), current[key], value)
        elif key in current:
            raise CannotEdit(UNSAFE)
        else:
            new.append(f"{_key(key)} = {in_toml(value)}")
    if new:
        yield _lines_after((own or [statements[places[0]]])[-1].end, text, new)


def _lines_after(place: int, text: str, lines: list[str]) -> Edit:
    line = newline_of(text)
    if text[place - 1] == "\n":
        return Edit(place, place, "".join(one + line for one in lines))
    return Edit(place, place, "".join(line + one for one in lines))


def _cut(text: str, start: int, end: int) -> Edit:
    """A table without the blank line before it; at an end of the file that has no line end, without that of the line before."""
    if blank := _BLANK_LINE_BEFORE.search(text[:start]):
        start = blank.start(1)
    if end == len(text) and not text.endswith("\n") and (last := _LAST_LINE_END.search(text[:start])):
        start = last.start(1)
    return Edit(start, end, "")


def _tables(text: str) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    """Every table that has a header: from where to where its lines go, and its path."""
    header: Statement | None = None
    end = 0
    for found in _statements(text):
        if found.value is None:
            if header:
                yield header.start, end, header.path
            header = found
        end = found.end
    if header:
        yield header.start, end, header.path


def _statements(text: str) -> Iterator[Statement]:
    """Headers and pairs of a valid document, in order."""
    place = 1 if text.startswith("\ufeff") else 0
    while place < len(text):
        start = place
        while text[place : place + 1] in (" ", "\t"):
            place += 1
        if text[place : place + 1] in ("", "#", "\r", "\n"):
            place = _line_end(text, place)
        elif text[place] == "[":
            opening = 2 if text.startswith("[[", place) else 1
            close = _find(text, place + opening, "]")
            place = _line_end(text, close)
            yield Statement(_path(text[start:close].strip()[opening:]), start, place, None)
        else:
            equals = _find(text, place, "=")
            value_end, line_end = _value(text, equals + 1)
            first = equals + 1 + len(text[equals + 1 :]) - len(text[equals + 1 :].lstrip(" \t"))
            yield Statement(_path(text[place:equals]), start, line_end, (first, value_end))
            place = line_end


def _find(text: str, place: int, sign: str) -> int:
    """The next place of a sign that is in no quotes."""
    while text[place] != sign:
        place = _after_string(text, place) or place + 1
    return place


def _value(text: str, place: int) -> tuple[int, int]:
    """Where a value ends, and where the line after it begins."""
    depth, end = 0, place
    while place < len(text):
        sign = text[place]
        if after := _after_string(text, place):
            place = end = after
            continue
        if sign == "#":
            place = text.find("\n", place)
            if place < 0:
                return end, len(text)
            sign = "\n"
        if sign == "\n" and depth == 0:
            return end, place + 1
        depth += (sign in "[{") - (sign in "]}")
        place += 1
        if sign not in " \t\r\n":
            end = place
    return end, place


def _after_string(text: str, place: int) -> int | None:
    """Where a string that begins here ends; None when none begins."""
    quote = next((quote for quote in _QUOTES if text.startswith(quote, place)), None)
    if quote is None:
        return None
    place += len(quote)
    while not text.startswith(quote, place):
        place += 2 if text[place] == "\\" and quote[0] == '"' else 1
    place += len(quote)
    while len(quote) == 3 and text[place : place + 1] == quote[0]:
        place += 1  # a quote may stand directly before the three that close
    return place


def _line_end(text: str, place: int) -> int:
    found = text.find("\n", place)
    return len(text) if found < 0 else found + 1


def _path(written: str) -> tuple[str, ...]:
    found: Any = tomllib.loads(f"{written} = 0")
    path = []
    while isinstance(found, dict):
        ((key, found),) = found.items()
        path.append(key)
    return tuple(path)


def in_toml(value: Any) -> str:
    """A value of ours in one line of TOML: a word, a number, a list or an inline table."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(key)} = {in_toml(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(in_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else in_toml(key)


def _without_mark(text: str) -> str:
    """The text with a byte order mark read as a space, so that every place stays the same."""
    return " " + text[1:] if text.startswith("\ufeff") else text


def _at(document: Any, path: Sequence[str]) -> Any:
    for key in path:
        document = document.get(key) if isinstance(document, dict) else None
    return document


def _but(document: Mapping[str, Any], path: Sequence[str]) -> dict[str, Any]:
    """The document without a path, and without the tables that are empty then."""
    rest = dict(document)
    inner = rest.pop(path[0], None)
    if len(path) > 1 and isinstance(inner, dict) and (kept := _but(inner, path[1:])):
        rest[path[0]] = kept
    elif len(path) > 1 and inner is not None and not isinstance(inner, dict):
        rest[path[0]] = inner
    return rest


def _merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(old)
    for key, value in new.items():
        had = result.get(key)
        if isinstance(value, Mapping) and isinstance(had, dict):
            result[key] = _merged(had, value)
        elif key == "env_vars" and isinstance(had, list):
            result[key] = [*had, *(one for one in value if one not in had)]
        else:
            result[key] = value
    return result
