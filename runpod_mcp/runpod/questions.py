"""Questions put to Runpod: the JSON of a good answer, or a `Failure` in our words."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, TypeVar

import anyio

from runpod_mcp.errors import Failure
from runpod_mcp.runpod.failures import is_no_such_thing, meaning, unreadable
from runpod_mcp.runpod.http import Wire
from runpod_mcp.runpod.sent import Answer

log = logging.getLogger(__name__)

T = TypeVar("T")


async def ask(wire: Wire, path: str, what: str, query: Mapping[str, str] | None = None) -> Any:
    """The parsed JSON at a path; `what` names it in a failure.

    Raises:
        Failure: Runpod said no, did not answer, or answered something that is not JSON.
    """
    return good_body(wire, await wire.read(path, query=query), what)


async def find(wire: Wire, path: str, what: str, query: Mapping[str, str] | None = None) -> Any | None:
    """Like `ask`, and None when Runpod has no such thing."""
    answer = await wire.read(path, query=query)
    return None if is_no_such_thing(answer) else good_body(wire, answer, what)


def good_body(wire: Wire, answer: Answer, what: str) -> Any:
    """The body of an answer that is a success and JSON.

    Raises:
        Failure: it is not.
    """
    if not answer.ok:
        found = meaning(answer, wire.clock.now())
        log.warning("no answer about %s: HTTP %d, %s", what, answer.status, found.detail or "no words")
        raise found.as_failure()
    if answer.body is None:
        raise unreadable(what)
    return answer.body


async def together(*reads: Callable[[], Awaitable[T]]) -> list[T | Failure]:
    """The results of reads done at the same time, in their order; one that failed is its `Failure`."""
    results: dict[int, T | Failure] = {}

    async def keep(place: int, read: Callable[[], Awaitable[T]]) -> None:
        try:
            results[place] = await read()
        except Failure as failure:
            results[place] = failure

    async with anyio.create_task_group() as group:
        for place, read in enumerate(reads):
            group.start_soon(partial(keep, place, read))
    return [results[place] for place in range(len(reads))]
