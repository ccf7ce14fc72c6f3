"""Reading the ledger for a person: nothing is made where there is none, and no network is needed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio

from runpod_mcp.clock import SystemClock, epoch
from runpod_mcp.config import Settings
from runpod_mcp.ledger.store import Ledger
from runpod_mcp.logs import log_to_stderr
from runpod_mcp.wiring import open_ledger

T = TypeVar("T")


def now() -> int:
    """Whole seconds since 1970, UTC."""
    return epoch(SystemClock().now())


def from_ledger(
    settings: Settings, work: Callable[[Ledger], Awaitable[T]], *, writes: bool = False
) -> T | None:
    """What is read from the ledger, or done in it where that `writes`; None where there is none yet.

    Raises:
        Failure: the ledger cannot be used.
    """
    log_to_stderr()

    async def run() -> T | None:
        async with open_ledger(settings, writes=writes) as ledger:
            return None if ledger is None else await work(ledger)

    return anyio.run(run)


def nothing_yet(settings: Settings) -> str:
    """What to say where there is no ledger."""
    return f"Nothing was rented here yet: there is no ledger{f' at {settings.ledger}' if settings.ledger else ''}."
