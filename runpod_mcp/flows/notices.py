"""News for the person in charge, handed on without anybody waiting for it."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import anyio

log = logging.getLogger(__name__)

MOST_WAITING = 100
"""News beyond this pushes the oldest out: whoever is told nothing for so long has a broken webhook."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One piece of news; its facts hold no secrets. Time is seconds since 1970, UTC."""

    event: str
    at: int
    facts: Mapping[str, Any]


@dataclass(slots=True)
class Notices:
    """News that waits to be sent."""

    _waiting: deque[Notice] = field(default_factory=deque)
    _there: anyio.Event = field(default_factory=anyio.Event)

    def tell(self, event: str, at: int, **facts: Any) -> None:
        """Leave a piece of news; returns at once."""
        if len(self._waiting) >= MOST_WAITING:
            lost = self._waiting.popleft()
            log.warning("news could not be sent and is dropped: %s", lost.event)
        self._waiting.append(Notice(event, at, facts))
        self._there.set()

    async def next(self) -> Notice:
        """The oldest piece of news, waited for where there is none."""
        while not self._waiting:
            self._there = anyio.Event()
            await self._there.wait()
        return self._waiting.popleft()

    def __len__(self) -> int:
        return len(self._waiting)
