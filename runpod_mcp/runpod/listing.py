"""Whole lists: every page of one, each entry read, or no list at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

from runpod_mcp.errors import Code, Failure, Retry
from runpod_mcp.runpod.failures import unreadable
from runpod_mcp.runpod.http import Wire
from runpod_mcp.runpod.questions import ask
from runpod_mcp.runpod.reading import fields, text

MOST_PAGES = 1000


class HasId(Protocol):
    """A thing that Runpod knows by an id."""

    @property
    def id(self) -> str:
        """Unique among its kind."""
        ...


T = TypeVar("T")
Thing = TypeVar("Thing", bound=HasId)


async def list_whole(
    wire: Wire,
    path: str,
    what: str,
    read: Callable[[object], Thing | None],
    *,
    key: str | None,
    query: Mapping[str, str] | None = None,
) -> list[Thing]:
    """Every entry of the list at a path, in Runpod's order; `key` is the field that holds it, None for a bare list.

    Pages are followed where the server has them (newer than the v2 document of August). One entry that cannot be read
    spoils the list: it may be the one that somebody looks for.

    Raises:
        Failure: the list could not be had whole.
    """
    found: dict[str, Thing] = {}
    cursor: str | None = None
    seen: set[str] = set()
    for _ in range(MOST_PAGES):
        page = await ask(wire, path, what, {**(query or {}), "cursor": cursor} if cursor else query)
        for thing in read_whole(page if key is None else fields(page).get(key), read, what):
            found.setdefault(thing.id, thing)
        cursor = _next_cursor(page, what)
        if cursor is None:
            return list(found.values())
        if cursor in seen:
            break
        seen.add(cursor)
    raise Failure(
        Code.RUNPOD_UNAVAILABLE, f"Runpod's list of {what} has no end; it was not used.", Retry.LATER
    )


def read_whole(listed: object, read: Callable[[object], T | None], what: str) -> list[T]:
    """Every entry of a list that came with an answer.

    Raises:
        Failure: it is no list, or one of its entries cannot be read.
    """
    if not isinstance(listed, list):
        raise unreadable(what)
    things = [thing for one in listed if (thing := read(one)) is not None]
    if len(things) != len(listed):
        raise unreadable(what)
    return things


def _next_cursor(page: Any, what: str) -> str | None:
    pagination = fields(fields(page).get("pagination"))
    cursor = text(pagination.get("nextCursor"))
    if cursor is None and pagination.get("hasNextPage") is True:
        raise unreadable(what)
    return cursor
