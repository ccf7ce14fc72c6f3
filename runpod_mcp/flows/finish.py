"""Finishing what was begun."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

import anyio

T = TypeVar("T")


async def to_the_end(work: Awaitable[T]) -> T:
    """Do this work to its end even when nobody waits for it any more: half a story would lose a pod or a record."""
    with anyio.CancelScope(shield=True):
        result = await work
    return result  # noqa: RET504  the scope may swallow an exception, so the type checker wants it outside
