"""Reading JSON that somebody else wrote: the value if it has the shape that was promised, else None."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import quote

T = TypeVar("T")

_LONGEST_NUMBER = 18
_NOBODY: Mapping[str, Any] = {}


def text(value: object) -> str | None:
    """A string that is not empty; halves of surrogate pairs, which no log can take, become question marks."""
    if not isinstance(value, str) or not value:
        return None
    return value.encode("utf-8", "replace").decode("utf-8")


def number(value: object) -> float | None:
    """A finite number, also when it was sent as a string of digits."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and not re.fullmatch(r"-?\d{1,18}(\.\d{1,18})?", value):
        return None
    if isinstance(value, int) and abs(value) >= 10**_LONGEST_NUMBER:
        return None
    return float(value) if math.isfinite(float(value)) else None


def whole(value: object) -> int | None:
    """A whole number; 24.0 is one, 24.5 is not."""
    found = number(value)
    return int(found) if found is not None and found.is_integer() else None


def truth(value: object) -> bool | None:
    """True or false; nothing else counts."""
    return value if isinstance(value, bool) else None


def fields(value: object) -> Mapping[str, Any]:
    """An object's fields; none when it is no object."""
    return value if isinstance(value, dict) else _NOBODY


def items(value: object) -> list[Any]:
    """A list's items; none when it is no list."""
    return value if isinstance(value, list) else []


def deeper_than(levels: int, value: object) -> bool:
    """Whether lists and objects lie within each other more than so many levels deep."""
    layer: list[Any] = [value]
    for _ in range(levels + 1):
        holders = [one for one in layer if isinstance(one, dict | list)]
        layer = [part for one in holders for part in (one.values() if isinstance(one, dict) else one)]
        if not holders:
            return False
    return True


def strings(value: object) -> tuple[str, ...]:
    """The strings in a list, in order."""
    return tuple(found for item in items(value) if (found := text(item)) is not None)


def read_all(value: object, read: Callable[[Mapping[str, Any]], T | None]) -> tuple[T, ...]:
    """What `read` makes of each object in a list; objects it can make nothing of are left out."""
    return tuple(found for item in items(value) if (found := read(fields(item))) is not None)


def identifier(value: object) -> str | None:
    """A string that can be a path segment: not empty, and not one that means a folder."""
    found = text(value)
    return None if found is None or not found.strip() or not found.strip(".") else found


def segment(identity: str) -> str:
    """An identifier as one segment of a path, with everything a path would read into it escaped."""
    return quote(identity.encode("utf-8", "replace"), safe="")


def moment(value: object) -> datetime | None:
    """A UTC time from ISO 8601, or from the form `2026-08-20 10:00:00.1 +0000 UTC` that v1 has been seen to use."""
    found = text(value)
    if found is None:
        return None
    try:
        time = datetime.fromisoformat(
            re.sub(r"^(\S+) (\S+) ([+-]\d{4}) [A-Z]{3,5}$", r"\1T\2\3", found.strip())
        )
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
