"""What is wrong with a policy file: every problem with its line and its key. Pure."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, get_args

from pydantic import BaseModel

from runpod_mcp.errors import Failure
from runpod_mcp.pods.words import clean, nearest

MOST_LINES = 5000
"""A text with more is not looked through for where its keys are."""
LONGEST_NUMBER = 1000
"""Bits; a longer one is not shown."""
LONGEST_STATEMENT = 300
"""Lines; a longer one is not looked through for where it begins."""

TOO_MANY_DIGITS = "a number has more digits than anything here can need"

Path = tuple[str, ...]

SECRET: Path = ("notify",)
"""Addresses may hold a secret, and what is said of a broken policy is told to agents too."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong; `line` counts from 1 and is None where nothing is written, `key` is dotted."""

    message: str
    key: str | None = None
    line: int | None = None

    def __str__(self) -> str:
        stop = "" if self.message.endswith("?") else "."
        return f"{f'line {self.line}: ' if self.line else ''}{self.message}{stop}"


class BrokenPolicy(Failure):
    """A policy that cannot be read; `problems` holds every one of them, the message speaks of the first."""

    problems: tuple[Problem, ...] = ()


def problem_of(error: Mapping[str, Any], model: type[BaseModel], lines: Mapping[Path, int]) -> Problem:
    """One of pydantic's errors in our own words; `lines` says where each key stands."""
    path = tuple(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        message = unknown_key(path, model)
    elif path == ("version",) and error["type"] == "missing":
        message = "has no version; expected `version = 1` at the top"
    else:
        expected = _EXPECTED.get(error["type"]) or error["msg"].removeprefix("Value error, ")
        found = "" if path[:1] == SECRET else _found(error["input"], expected)
        where = f"{'.'.join(path)}: " if path else ""
        message = f"{where}{expected[0].lower()}{expected[1:]}{found}"
    return Problem(message, ".".join(path) or None, _line_of(path, lines))


_EXPECTED = {"model_type": "expected a table of keys", "bool_type": "expected true or false"}


def _found(value: object, expected: str) -> str:
    """What is written instead, where it is one value, short enough to show, and not named already."""
    if not isinstance(value, str | int | float | Decimal) or _is_endless(value):
        return ""
    shown = str(value) if isinstance(value, Decimal) else repr(value)
    return "" if shown in expected else f" (found {clean(shown, 40)})"


def _is_endless(value: object) -> bool:
    """Whether it is a number that Python itself refuses to write out."""
    return isinstance(value, int) and value.bit_length() > LONGEST_NUMBER


def line_of_endless_number(text: str) -> int | None:
    """The first line, from 1, with a number of more digits than can be read; None where it cannot be told."""
    for number, line in enumerate(text.split("\n"), 1):
        try:
            tomllib.loads(line, parse_float=Decimal)
        except tomllib.TOMLDecodeError:
            continue
        except (ValueError, ArithmeticError):
            return number
    return None


def unknown_key(path: Path, model: type[BaseModel]) -> str:
    """That a key is none, and which was meant or which there are."""
    table = model
    for part in path[:-1]:
        table = table if part.isdigit() else _table(table.model_fields[part].annotation)
    known = [name for name, field in table.model_fields.items() if not field.exclude]
    hint = nearest(path[-1], known)
    meant = f"; did you mean {hint}?" if hint else f"; known here: {', '.join(known)}"
    return f"{'.'.join(path)} is not a key{meant}"


def _table(kind: Any) -> type[BaseModel]:
    """The model in an annotation: itself, one of a list, or one that may be left out."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return kind
    return next(_table(one) for one in get_args(kind) if one not in (type(None), ...))


def _line_of(path: Path, lines: Mapping[Path, int]) -> int | None:
    """Where a key or the nearest table around it is written."""
    around = (path[:length] for length in range(len(path), 0, -1))
    places = (lines.get(one) or lines.get((*one, "0")) for one in around)
    return next((line for line in places if line), None)


def lines_of(text: str) -> dict[Path, int]:
    """The line on which each key and table of a TOML text begins, from 1; the text must be TOML.

    Empty where the text is longer than any person writes. The tables of a list are numbered from 0, as pydantic does.
    """
    found: dict[Path, int] = {}
    table: Path = ()
    if text.count("\n") > MOST_LINES:
        return found
    for line, statement in _statements(text.split("\n")):
        paths = list(_paths(tomllib.loads(statement)))
        if statement.lstrip().startswith("["):
            table = _numbered(paths[-1], found, new=statement.lstrip().startswith("[["))
            found.setdefault(table, line)
        else:
            for path in paths:
                found.setdefault((*table, *path), line)
    return found


def _numbered(path: Path, found: Mapping[Path, int], *, new: bool) -> Path:
    """A table's path with the number of each list that it is in; `new` where it begins the next of its list."""
    whole: Path = ()
    for at, part in enumerate(path):
        whole = (*whole, part)
        count = sum(
            1 for one in found if len(one) == len(whole) + 1 and one[:-1] == whole and one[-1].isdigit()
        )
        if new and at == len(path) - 1:
            whole = (*whole, str(count))
        elif count:
            whole = (*whole, str(count - 1))
    return whole


def _statements(lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    """The statements of a TOML text, each with the line it begins on; comments and empty lines are none."""
    first = 0
    for last in range(len(lines)):
        whole = "".join(f"{line}\n" for line in lines[first : last + 1])
        if last - first > LONGEST_STATEMENT:
            return
        try:
            says = tomllib.loads(whole)
        except ValueError:
            continue
        if says:
            yield first + 1, whole
        first = last + 1


def _paths(value: Mapping[str, Any], above: Path = ()) -> Iterator[Path]:
    """Every key below, the tables before what is in them."""
    for key, inner in value.items():
        yield (*above, key)
        if isinstance(inner, Mapping):
            yield from _paths(inner, (*above, key))
